"""A newsroom: articles that everybody reads, and around each what a stranger may not: notes, people's telephone numbers, locked dossiers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backroom import App, Resource, User, allow, anyone, field, many, me, owner, this

ARTICLES = "/api/articles"


def newsroom() -> App:
    """A fresh one each time: a class belongs to one app."""
    app = App(title="Newsroom")

    @app.user
    class Person(User):
        nick: str = ""
        phone: str | None = None
        pin: str = field(default="canary-pin", hidden=True)

        access = allow(read=me.signed_in, update=this == me, fields={"phone": this == me})

    @app.resource("dossiers")
    class Dossier(Resource):
        """Locked: its owner's alone."""

        title: str | None = field(default=None, search=True)
        owner: Person = owner()

        access = allow(everything=this.owner == me)

    @app.resource("articles", aggregates=True)
    class Article(Resource):
        """`notes` and `meta` are the owner's, `fee` and `angle` the editors', `token` nobody's."""

        title: str = field(search=True)
        angle: str | None = field(default=None, search=True)
        notes: str | None = None
        meta: dict[str, Any] | None = None
        fee: Decimal | None = None
        token: str = field(default="canary-token", hidden=True)
        spy: Person | None = field(default=None, hidden=True)
        dossier: Dossier | None
        owner: Person = owner()
        comments: list[Comment] = many(via="article")
        labels: list[Label] = many(through="ArticleLabel")
        readers: list[Person] = many(through="Bookmark")

        access = allow(
            read=anyone,
            create=me.signed_in,
            update=this.owner == me,
            delete=this.owner == me,
            fields={"notes": this.owner == me, "meta": this.owner == me, "fee": me.has_role("editor"), "angle": me.has_role("editor")},
        )

    @app.resource("comments", aggregates=True)
    class Comment(Resource):
        text: str | None = field(default=None, search=True)
        public: bool = True
        article: Article
        owner: Person = owner()

        access = allow(read=this.public | (this.owner == me), create=me.signed_in, update=this.owner == me, delete=this.owner == me)

    @app.resource("labels")
    class Label(Resource):
        text: str
        owner: Person = owner()

        access = allow(everything=this.owner == me)

    @app.resource("article_labels", unique=[("article", "label")])
    class ArticleLabel(Resource):
        article: Article = field(on_delete="cascade")
        label: Label

        access = allow(read=anyone, write=this.label.owner == me)

    @app.resource("bookmarks", unique=[("article", "reader")])
    class Bookmark(Resource):
        """Who keeps which article is each reader's own business, though both are there for everybody to see."""

        article: Article = field(on_delete="cascade")
        reader: Person

        access = allow(everything=this.reader == me)

    return app
