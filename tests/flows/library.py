"""A lending library among friends: the app that other people's data clients are tried on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from backroom import App, Db, Resource, User, allow, anyone, field, many, me, owner, this

app = App()


@app.user
class Reader(User):
    name: str = ""

    access = allow(read=me.signed_in, update=this == me, fields={"email": this == me})


@app.resource("authors")
class Author(Resource):
    name: str = field(unique=True)
    born: int | None = None
    books: list[Book] = many(via="author")

    access = allow(read=anyone, write=me.signed_in)


@app.resource("books", aggregates=True)
class Book(Resource):
    title: str = field(min_length=1)
    isbn: str = field(unique=True)
    pages: int = field(ge=1, default=100)
    price: Decimal = Decimal(0)
    tags: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    published: date | None = None
    in_print: bool = True
    kind: Literal["paper", "audio"] = "paper"
    author: Author
    keeper: Reader = owner()
    loans: list[Loan] = many(via="book")
    genres: list[Genre] = many(through="BookGenre")

    access = allow(read=anyone, create=me.signed_in, update=this.keeper == me, delete=this.keeper == me)


@app.resource("genres")
class Genre(Resource):
    name: str = field(unique=True)

    access = allow(read=anyone, write=me.signed_in)


@app.resource("book_genres", unique=[("book", "genre")])
class BookGenre(Resource):
    book: Book = field(on_delete="cascade")
    genre: Genre

    access = allow(read=anyone, write=me.signed_in)


@app.resource("loans")
class Loan(Resource):
    """Two references to people: `users(...)` is ambiguous here."""

    book: Book
    lender: Reader = owner()
    borrower: Reader
    weeks: int = 2

    access = allow(read=(this.lender == me) | (this.borrower == me), create=me.signed_in, delete=this.lender == me)


@app.resource("notes", client_key=True)
class Note(Resource):
    """What somebody wrote down, for themselves or for all."""

    slug: str | None = field(default=None, unique=True)
    text: str = field(min_length=1)
    stars: int = field(ge=0, le=5, default=0)
    public: bool = False
    writer: Reader = owner()

    access = allow(read=(this.writer == me) | this.public, create=me.signed_in, update=this.writer == me, delete=this.writer == me)


@app.function("greeting", access=anyone)
async def greeting(name: str = "reader") -> str:
    return f"Hello, {name}"


@app.function("books_by", access=anyone)
async def books_by(author: str, db: Db) -> list[Book]:
    return await db.find(Book, this.author.name == author)


@app.function("pages_of", access=anyone)
async def pages_of(ids: list[int], db: Db) -> int:
    return sum(book.pages for book in await db.find(Book, this.id.in_(ids)))


@app.function("my_notes")
async def my_notes(me: User, db: Db) -> dict[str, int]:
    return {"notes": await db.count(Note, this.writer == me)}


@app.function("forget")
async def forget(slug: str, me: User, db: Db) -> None:
    await db.delete_where(Note, this.slug == slug)
