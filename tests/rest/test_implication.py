"""What the document takes for sure of a row: each claim, and each that must not be made."""

from __future__ import annotations

from typing import Any

import pytest

from backroom import App, Resource, User, allow, anyone, field, many, me, now, owner, this
from backroom.resources.catalog import Catalog
from backroom.resources.conditions import Condition, node_of
from backroom.resources.hooks import Moment
from backroom.resources.resolution import resolve
from backroom.rest.implication import implies, sees_created, sees_updated
from backroom.sql.normal import normal


def catalog_with(access: Any, *, hook: Moment | None = None) -> Catalog:
    app = App()

    class Member(Resource):
        doc: Doc
        user: User = field(default=me, read_only=True)
        access = allow(everything=me.signed_in)

    class Doc(Resource):
        owner: User = owner()
        status: str = "draft"
        public: bool = False
        kind: str = field(default="a", immutable=True)
        members: list[Member] = many(via="doc")

    Doc.__written__ = Doc.__written__.__class__(Doc.__written__.annotations, Doc.__written__.options, access, int)
    app.resource("docs")(Doc)
    app.resource("members")(Member)
    app.catalog.freeze()
    if hook is not None:

        async def run(*rows: Any) -> None: ...

        app.catalog.of(Doc).hooks.add(hook, run)
    return app.catalog


MINE = this.owner == me
PUBLIC = this.public == True  # noqa: E712 - a condition, not a comparison of Python's
DRAFT = this.status == "draft"


@pytest.mark.parametrize(
    ("premise", "conclusion", "expected"),
    [
        (MINE, MINE, True),
        (MINE, MINE | PUBLIC, True),
        (MINE & DRAFT, MINE, True),
        (MINE | PUBLIC, MINE, False),
        (MINE, MINE & DRAFT, False),
        (DRAFT, this.status == "draft", True),
        (DRAFT, this.status == "open", False),
        (MINE, me.signed_in, True),
        (PUBLIC, me.signed_in, False),
        (~me.signed_in, me.signed_in, False),
        (~me.has_role("banned"), me.signed_in, True),
        (MINE | me.has_role("admin"), me.signed_in, True),
        (MINE, anyone, True),
        (~MINE, MINE, False),
        (~(MINE & PUBLIC), ~MINE | ~PUBLIC, True),
        (this.created_at < now, DRAFT, False),
    ],
)
def test_a_rule_implies_another_only_where_that_is_sure(premise: Condition, conclusion: Condition, expected: bool) -> None:
    catalog = catalog_with(allow(everything=me.signed_in))
    docs = catalog.definitions["docs"]
    first, second = (normal(resolve(catalog.definitions, docs, node_of(each))) for each in (premise, conclusion))
    assert implies(first, second) is expected


def sure(catalog: Catalog) -> tuple[bool, bool]:
    docs = catalog.definitions["docs"]
    return sees_created(catalog.definitions, docs), sees_updated(docs)


def test_whoever_owns_a_row_reads_what_they_wrote() -> None:
    assert sure(catalog_with(allow(everything=MINE))) == (True, True)
    assert sure(catalog_with(allow(read=MINE | this.public, create=me.signed_in, update=MINE))) == (True, True)


def test_a_row_that_can_leave_its_writers_sight_is_not_sure() -> None:
    assert sure(catalog_with(allow(read=MINE & DRAFT, create=me.signed_in, update=MINE))) == (False, False)
    assert sure(catalog_with(allow(read=DRAFT, create=anyone & DRAFT & me.signed_in, update=DRAFT, update_check=me.signed_in))) == (True, False)


def test_what_no_update_can_change_stays_readable() -> None:
    admins = me.has_role("admin")
    assert sure(catalog_with(allow(read=(this.kind == "a") & MINE, create=me.signed_in, update=admins)))[1]
    assert not sure(catalog_with(allow(read=this.status == "draft", create=me.signed_in, update=admins)))[1]


def test_hooks_and_rules_over_other_rows_leave_it_open() -> None:
    assert sure(catalog_with(allow(everything=MINE), hook="after_create")) == (False, True)
    assert sure(catalog_with(allow(everything=MINE), hook="after_update")) == (True, False)
    assert not sure(catalog_with(allow(read=MINE, create=me.signed_in), hook="before_create"))[0]
    assert not sure(catalog_with(allow(read=this.members.any(user=me), create=me.signed_in)))[0]
