"""What the statements hold, as text: placeholders instead of values, rules inside, indexes that serve them."""

from __future__ import annotations

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy.schema import CreateIndex, CreateTable

from backroom import App, Resource, User, allow, field, many, me, owner, this
from backroom.calls import Actor, Predicate
from backroom.resources.catalog import Catalog
from backroom.resources.nodes import Always, And, Compare, Constant, IsNull, Not, Or, RowPath, Some
from backroom.rules.authorize import Rules
from backroom.sql import select
from backroom.sql.checks import add_checks
from backroom.sql.compiled import compiled, dialect_of
from backroom.sql.filters import Sight
from backroom.sql.normal import normal
from backroom.sql.select import Projection
from backroom.sql.tables import Tables
from backroom.sql.values import DialectName, load, store

DIALECTS: tuple[DialectName, ...] = ("sqlite", "postgresql")


def catalog() -> Catalog:
    app = App()

    @app.resource("projects")
    class Project(Resource):
        name: str = field(unique=True)
        owner: User = owner()
        members: list[Member] = many(via="project")
        access = allow(read=(this.owner == me) | this.members.any(user=me), create=me.signed_in, update=this.owner == me)

    @app.resource("members", unique=[("project", "user")])
    class Member(Resource):
        project: Project
        user: User
        access = allow(read=this.user == me)

    @app.resource("tasks", order="-cost", check=this.cost >= Decimal(0))
    class Task(Resource):
        project: Project
        cost: Decimal = Decimal(0)
        access = allow(read=this.project.members.any(user=me))

    app.catalog.freeze()
    return app.catalog


def list_of(name: str, dialect: DialectName, actor: Actor) -> tuple[str, tuple[object, ...]]:
    found = catalog()
    rules, tables, definition = Rules(found, dialect), Tables(found, dialect), found.definitions[name]

    def view(resource: str) -> Sight:
        return rules.grant(resource, actor).rights

    element = select.read_list(tables, definition, Projection(definition.fields), view, view(name).read, Always(True), ())
    statement = compiled(element, dialect)
    return statement.text, statement.bind({**rules.grant(name, actor).values, "limit": 21, "offset": 0})


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["projects", "members", "tasks"])
def test_a_statement_holds_no_value_of_a_caller(dialect: DialectName, name: str) -> None:
    ann, bob = Actor(id=uuid4()), Actor(id=uuid4())
    text, parameters = list_of(name, dialect, ann)
    assert text == list_of(name, dialect, bob)[0], "two callers of one shape share one text"
    assert str(ann.id) not in text
    assert str(ann.id) in {str(parameter) for parameter in parameters}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_list_is_in_a_total_order(dialect: DialectName) -> None:
    text, _ = list_of("tasks", dialect, Actor(id=uuid4()))
    order = re.sub(r"\s+", " ", text).partition("ORDER BY")[2]
    assert order.startswith(' "tasks"."cost" DESC, "tasks"."id" DESC')


def test_references_and_what_rules_compare_with_the_caller_have_indexes() -> None:
    tables = Tables(catalog(), "sqlite")
    named = {table: {tuple(column.name for column in index.columns) for index in tables[table].indexes} for table in ("projects", "members", "tasks")}
    assert ("owner_id", "id") in named["projects"]
    assert ("user_id", "project_id") in named["members"]
    assert ("project_id", "cost", "id") in named["tasks"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tables_carry_their_keys_under_the_names_that_postgres_gives(dialect: DialectName) -> None:
    tables = Tables(catalog(), dialect)
    add_checks(tables)
    text = "\n".join(str(CreateTable(table).compile(dialect=dialect_of(dialect))) for table in tables.metadata.sorted_tables)
    for name in ("projects_name_key", "projects_owner_id_fkey", "members_project_id_user_id_key", "tasks_check"):
        assert f"CONSTRAINT {name}" in text
    assert ("STRICT" in text) is (dialect == "sqlite")
    assert ('COLLATE "C"' in text) is (dialect == "postgresql")
    assert all(str(CreateIndex(index).compile(dialect=dialect_of(dialect))) for table in tables.metadata.tables.values() for index in table.indexes)


def test_a_forgotten_value_is_an_error_and_never_null() -> None:
    found = catalog()
    tables, definition = Tables(found, "sqlite"), found.definitions["projects"]
    rules = Rules(found, "sqlite")
    element = select.read_one(tables, definition, Projection(definition.fields), lambda name: rules.grant(name, Actor.TRUSTED).rights, Predicate.ALL)
    with pytest.raises(KeyError):
        compiled(element, "sqlite").bind({})


def test_negation_moves_to_the_leaves() -> None:
    left, right = Compare("eq", RowPath(("a",)), Constant(1)), IsNull(RowPath(("b",)))
    pushed = normal(Not(And((left, Or((right, Not(left)))))))
    assert pushed == Or((Compare("ne", left.left, left.right), And((Not(right), left))))
    inner = Some(RowPath(("members",)), Not(left))
    assert normal(Not(inner)) == Not(Some(inner.path, Compare("ne", left.left, left.right)))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_come_back_as_they_were_stored(dialect: DialectName) -> None:
    for kind, value in (("decimal", Decimal("49.90")), ("json", {"a": [1, None]}), ("boolean", True), ("uuid", uuid4()), ("text", "é")):
        assert load(kind, store(kind, value, dialect), dialect) == value  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert store("json", None, dialect) is None
