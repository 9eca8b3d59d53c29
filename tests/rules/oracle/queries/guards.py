"""Every guard of a query or a write, as the lines that hold it and the lines without it."""

from __future__ import annotations

from dataclasses import dataclass

_UNJUDGED = "joined(field_rules)"


@dataclass(frozen=True)
class Guard:
    """In the source of `module`, `old` stands once; `new` is what would be left if somebody lost it."""

    name: str
    module: str
    old: str
    new: str


FILTERS, SELECT, EMBEDDING, LEVELS = "backroom.sql.filters", "backroom.sql.select", "backroom.sql.embedding", "backroom.validation.levels"
CREATES, UPDATES, UPSERTS, DELETES = "backroom.orm.creates", "backroom.orm.updates", "backroom.orm.upserts", "backroom.orm.deletes"
FOLD, AUTHORIZE, READING = "backroom.rules.fold", "backroom.rules.authorize", "backroom.rest.reading"

GUARDS = (
    # ---------------------------------------------------------------- reading
    Guard(
        "the read rule of a list",
        SELECT,
        "    if not predicate.always:\n        statement = statement.where(conditions.predicate(predicate, row, definition.name))\n    if where",
        "    if where",
    ),
    Guard("the read rule of a row by key", SELECT, ".where(key_is(tables, definition, row), conditions.predicate(predicate, row, definition.name))", ".where(key_is(tables, definition, row))"),
    Guard(
        "the read rule of a count",
        SELECT,
        "return matching(select(func.count()).select_from(tables[definition.name]), conditions, definition, view, predicate, where, row)",
        "return matching(select(func.count()).select_from(tables[definition.name]), conditions, definition, view, Predicate.ALL, where, row)",
    ),
    Guard("the mask of a shown cell", SELECT, "(case((masked[field], column)) if field in masked else column)", "column"),
    Guard("the flag of a hidden cell", SELECT, "flag(masked[field]).label", "ONE.label"),
    Guard("the mask in a filter", FILTERS, "            if mode != RAW:\n                seen.append(self._mask(mode, owner, cell.field, here))\n        bare", "        bare"),
    Guard("the mask in an order", SELECT, "column = conditions.shown(row, definition.name, each.field, view)", "column = row.column(each.field.column, conditions.tables, definition.name)"),
    Guard("the mask in an order by a relation", SELECT, "cell = conditions.shown(target, each.through.target, each.field, view)", "cell = target.column(each.field.column, conditions.tables, each.through.target)"),
    Guard("the masked key of an order by a relation", SELECT, "outer = conditions.shown(row, definition.name, each.through.here, view)", "outer = row.column(each.through.here.column, conditions.tables, definition.name)"),
    Guard("names that are hidden from the caller don't exist", AUTHORIZE, "if field.readable and not self.sees(field).never]", "if field.readable]"),
    Guard("who may nothing is told before the table is asked", AUTHORIZE, "    if predicate.never:\n        raise refusal(actor)\n", ""),
    Guard("a kept page is for callers of the same rights alone", READING, "if page is None or any(self._endpoint.store.rules.grant(name, call.actor).rights is not rights for name, rights in page.consulted):", "if page is None:"),
    # ---------------------------------------------------------------- relations
    Guard("the read rule of the rows that a relation reaches", FILTERS, "conditions = [self.predicate(view(relation.target).read, target, relation.target)]\n", "conditions = list[Condition]()\n"),
    Guard("the read rule of a junction's rows", FILTERS, "conditions.append(self.predicate(view(junction.resource).read, between, junction.resource))\n", "\n"),
    Guard("the masked keys of a junction's rows", FILTERS, "conditions += [self._mask(view, junction.resource, field, between) for field in (junction.near, junction.far)]\n", "\n"),
    Guard("the masked key of a relation to many", FILTERS, "conditions.append(self._mask(view, relation.target, relation.there, target))", "pass"),
    Guard("the masked key of `!inner` and `is.null`", FILTERS, "outer = self.shown(row, relation.resource, relation.here, mode)", "outer = row.column(relation.here.column, self.tables, relation.resource)"),
    Guard("the masked key of a relation to one", EMBEDDING, "if field in shown or field.is_reference)", "if field in shown)"),
    Guard("a relation behind a hidden key doesn't exist", LEVELS, "return all(column in (self.known if resource", "return True or all(column in (self.known if resource"),
    # ---------------------------------------------------------------- unknown
    Guard("a negated `any` is unknown where a value of `me` is missing", FOLD, "return Always(False) if misses(condition) else _none(", "return _none("),
    Guard("nobody has no role, and lacks none", FOLD, "return actor.signed_in and (role in actor.roles) is not negated", "return (role in actor.roles) is not negated"),
    Guard("null is in no list and outside of none", FILTERS, "return and_(column.is_not(None), column.not_in(listed)) if negated else", "return column.not_in(listed) if negated else"),
    Guard("never NOT around what may be unknown", FILTERS, "return self._leaf(leaf, row, resource, mode, negated=True)\n", "return not_(func.coalesce(self._leaf(leaf, row, resource, mode, negated=False), false()))\n"),
    Guard("an empty key joins nothing, also in Python", FILTERS, "        if negated and before and mode == RAW:\n", "        if False:\n"),
    # ---------------------------------------------------------------- writes
    Guard("the create rule", CREATES, 'rules = [reach.rights.actions["create"], *', "rules = [*"),
    Guard("a field's create rule", CREATES, "self.ruled = [field for field in definition.fields if field.column in given and not reach.rights.may(\"create\", field).always]", "self.ruled = []"),
    Guard("who is referred to is readable", "backroom.sql.insert", 'return tuple(field for field in fields if field.target not in (None, "users") and field.options.reference == "readable")', "return ()"),
    Guard("the update rule of the stored row", UPDATES, "self.predicate = joined((rule, *field_rules))", f"self.predicate = {_UNJUDGED}"),
    Guard("the update rule of the candidate", UPDATES, "self.check = joined((check, *", "self.check = joined((*"),
    Guard("a field's update rule", UPDATES, 'self.ruled = [field for field in chosen if not rights.may("update", field).always]', "self.ruled = []"),
    Guard("one refused candidate refuses all", UPDATES, "            if counts[0][0]:\n", "            if False:\n"),
    Guard("who updates or deletes reads", AUTHORIZE, "_predicate(all_of([read, folded[action]]))", "_predicate(folded[action])"),
    Guard("the delete rule", DELETES, 'self.predicate = authorize("delete", store_.rules.grant(definition.name, actor), actor)', 'self.predicate = authorize("read", store_.rules.grant(definition.name, actor), actor)'),
    Guard("an upsert asks the create rule first", UPSERTS, "            await self._require_rights(rows, given, within)\n", ""),
    Guard("an upsert asks the update rule of what is there", UPSERTS, "await writes.change_row(self._store, self._definition, self._actor, key,", "await writes.change_row(self._store, self._definition, Actor.TRUSTED, key,"),
    Guard("an upsert finds what its sender reads", UPSERTS, "found = await reads.read_list(self._store, self._definition, self._actor,", "found = await reads.read_list(self._store, self._definition, Actor.TRUSTED,"),
    Guard("the reply shows a new row if its sender reads it", "backroom.sql.insert", "    return flag(conditions.predicate(read, row, definition.name))", "    return ONE"),
    Guard("a reply that looks at the written table is read after the write", CREATES, "return any(visits(predicate.condition, definition.name) for predicate in asked)", "return False"),
)  # fmt: skip
