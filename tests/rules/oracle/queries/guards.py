"""Every guard of a query or a write: a piece of our source, and what would be left if somebody lost it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """In the source of `module`, `old` stands exactly once."""

    name: str
    module: str
    old: str
    new: str


_FILTERS, _SELECT, _INSERT = "backroom.sql.filters", "backroom.sql.select", "backroom.sql.insert"
_CREATES, _UPDATES, _UPSERTS, _DELETES = "backroom.orm.creates", "backroom.orm.updates", "backroom.orm.upserts", "backroom.orm.deletes"
_FOLD, _AUTHORIZE, _LISTING, _LEVELS = "backroom.rules.fold", "backroom.rules.authorize", "backroom.rest.listing", "backroom.validation.levels"
_ORDERING, _CURSORS = "backroom.sql.ordering", "backroom.rest.cursors"

READING = (
    Guard(
        "the read rule of a list",
        _SELECT,
        "    if not predicate.always:\n        statement = statement.where(conditions.predicate(predicate, row, definition.name))\n    if where",
        "    if where",
    ),
    Guard("the read rule of a row by key", _SELECT, "row), conditions.predicate(predicate, row, definition.name))", "row))"),
    Guard(
        "the read rule of a count",
        _SELECT,
        "return matching(select(func.count()).select_from(tables[definition.name]), conditions, definition, view, predicate,",
        "return matching(select(func.count()).select_from(tables[definition.name]), conditions, definition, view, Predicate.ALL,",
    ),
    Guard(
        "the mask of a shown cell",
        _SELECT,
        "conditions.shown(row, definition.name, field, view).label(field.column)",
        "row.column(field.column, conditions.tables, definition.name).label(field.column)",
    ),
    Guard("the flag of a hidden cell", _SELECT, "flag(rule).label", "flag(rule | True).label"),
    Guard("the mask in a filter", _FILTERS, "seen.append(self._mask(mode, owner, cell.field, here))", "pass"),
    Guard(
        "the mask in an order",
        _ORDERING,
        "column = conditions.shown(row, definition.name, each.field, view)",
        "column = row.column(each.field.column, conditions.tables, definition.name)",
    ),
    Guard("a hidden name does not exist", _AUTHORIZE, "if field.readable and not self.sees(field).never]", "if field.readable]"),
    Guard("who may nothing is told before a table is asked", _AUTHORIZE, "    if predicate.never:\n", "    if False:\n"),
    Guard(
        "a kept page is for the same rights alone",
        _LISTING,
        "return all(endpoint.store.rules.grant(",
        "return True or all(endpoint.store.rules.grant(",
    ),
    Guard("a cursor serves its caller alone", _CURSORS, "blake2b(caller + context", "blake2b(context"),
)
RELATIONS = (
    Guard(
        "the read rule of the rows that a relation reaches",
        _FILTERS,
        "[self.predicate(view(relation.target).read, target, relation.target)]\n",
        "list[Condition]()\n",
    ),
    Guard(
        "the read rule of a junction's rows",
        _FILTERS,
        "conditions.append(self.predicate(view(junction.resource).read, between, junction.resource))\n",
        "\n",
    ),
    Guard(
        "the masked keys of a junction's rows",
        _FILTERS,
        "conditions += [self._mask(view, junction.resource, field, between) for",
        "[self._mask(view, junction.resource, field, between) for",
    ),
    Guard(
        "the masked key of a relation to many",
        _FILTERS,
        "conditions.append(self._mask(view, relation.target, relation.there, target))",
        "pass",
    ),
    Guard(
        "the masked key of `!inner` and `is.null`",
        _FILTERS,
        "outer = self.shown(row, relation.resource, relation.here, mode)",
        "outer = row.column(relation.here.column, self.tables, relation.resource)",
    ),
    Guard(
        "the mask in an order by a relation",
        _ORDERING,
        "cell = conditions.shown(target, each.through.target, each.field, view)",
        "cell = target.column(each.field.column, conditions.tables, each.through.target)",
    ),
    Guard(
        "the masked key of an order by a relation",
        _ORDERING,
        "outer = conditions.shown(row, definition.name, each.through.here, view)",
        "outer = row.column(each.through.here.column, conditions.tables, definition.name)",
    ),
    Guard(
        "a relation behind a hidden key does not exist", _LEVELS, "return all(column in (self.known if", "return True or all(column in (self.known if"
    ),
)
UNKNOWN = (
    Guard(
        "a negated `any` is unknown where a value of `me` is missing",
        _FOLD,
        "return Always(False) if misses(condition) else _none(",
        "return _none(",
    ),
    Guard("nobody has no role, and lacks none", _FOLD, "return actor.signed_in and (role in", "return (role in"),
    Guard("null is in no list and outside of none", _FILTERS, "and_(column.is_not(None), column.not_in(listed))", "column.not_in(listed)"),
    Guard(
        "never NOT around what may be unknown",
        _FILTERS,
        "return self._leaf(leaf, row, resource, mode, negated=True)\n",
        "return not_(func.coalesce(self._leaf(leaf, row, resource, mode, negated=False), false()))\n",
    ),
    Guard("behind an empty reference there are no rows", _FILTERS, "if negated and before and mode == RAW:", "if False:"),
)
WRITING = (
    Guard("the create rule", _CREATES, 'rules = [reach.rights.actions["create"], *', "rules = [*"),
    Guard("a field's create rule", _CREATES, 'in given and not reach.rights.may("create", field).always]', "in ()]"),
    Guard("who is referred to is readable", _INSERT, 'field.options.reference == "readable")', "False)"),
    Guard("the update rule of the stored row", _UPDATES, "joined((rule, *field_rules))", "joined(field_rules)"),
    Guard("the update rule of the candidate", _UPDATES, "joined((check, *(", "joined((Predicate.ALL, *("),
    Guard("a field's update rule", _UPDATES, 'for field in chosen if not rights.may("update", field).always]', "for field in ()]"),
    Guard("one refused candidate refuses all", _UPDATES, "if counts[0][0]:", "if False:"),
    Guard("who updates or deletes reads", _AUTHORIZE, "_predicate(all_of([read, folded[action]]))", "_predicate(folded[action])"),
    Guard("the delete rule", _DELETES, 'self.predicate = authorize("delete",', 'self.predicate = authorize("read",'),
    Guard("an upsert asks the create rule first", _UPSERTS, "await self._require_rights(rows, given, within)", "pass"),
    Guard(
        "an upsert asks the update rule of what is there",
        _UPSERTS,
        "writes.change_row(self._store, self._definition, self._actor, key,",
        "writes.change_row(self._store, self._definition, Actor.TRUSTED, key,",
    ),
    Guard(
        "an upsert finds what its sender reads",
        _UPSERTS,
        "reads.read_list(self._store, self._definition, self._actor,",
        "reads.read_list(self._store, self._definition, Actor.TRUSTED,",
    ),
    Guard("a new row is shown to who reads it", _INSERT, "return flag(conditions.predicate(read, row, definition.name))", "return ONE"),
    Guard(
        "a reply that looks at the written table is read after the write",
        _CREATES,
        "return any(visits(predicate.condition, definition.name) for predicate in asked)",
        "return False",
    ),
)
GUARDS = (*READING, *RELATIONS, *UNKNOWN, *WRITING)
