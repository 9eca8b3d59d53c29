"""What is kept beside a table to find its rows by their words.

SQLite keeps an FTS5 table beside the resource's, in step by triggers; Postgres a generated `tsvector` beside each searched column, and one GIN
index. Both cut text into the same words (`resources/words.py`), so that a search finds the same rows.
"""

from __future__ import annotations

from sqlalchemy import Table

from backroom.database.derived import PREFIX, Derived, attach
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.words import FORMS, PLAIN
from backroom.sql.values import DialectName

#: A text is kept for search up to here: a `tsvector` holds a megabyte.
LONGEST = 200_000

#: Signs that belong to letters (Unicode's Mn and Mc), as Postgres' patterns write them: its classes know none.
_SIGNS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8"
    r"\u06ea-\u06ed\u0711-\u07f3\u07fd\u0816-\u082d\u0859-\u085b\u0898-\u08e1\u08e3-\u0963\u0981-\u09e3\u09fe-\u0a75\u0a81-\u0ae3\u0afa-\u0b63"
    r"\u0b82-\u0bd7\u0c00-\u0c63\u0c81-\u0c83\u0cbc-\u0d4d\u0d57\u0d62-\u0d63\u0d81-\u0df3\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ecd\u0f18-\u0f19"
    r"\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6\u102b-\u103e\u1056-\u109d\u135d-\u135f\u1712-\u1734\u1752-\u17d3\u17dd\u180b-\u180d"
    r"\u180f-\u193b\u1a17-\u1a1b\u1a55-\u1a7f\u1ab0-\u1abd\u1abf-\u1b44\u1b6b-\u1b73\u1b80-\u1bf3\u1c24-\u1c37\u1cd0-\u1cd2\u1cd4-\u1dff"
    r"\u20d0-\u20dc\u20e1\u20e5-\u20f0\u2cef-\u2cf1\u2d7f-\u2dff\u302a-\u302f\u3099-\u309a\ua66f\ua674-\ua67d\ua69e-\ua69f\ua6f0-\ua6f1"
    r"\ua802-\ua827\ua82c\ua880-\ua8c5\ua8e0-\ua8f1\ua8ff-\ua92d\ua947-\ua953\ua980-\ua9c0\ua9e5-\uaa4d\uaa7b-\uaac1\uaaeb-\uaaef\uaaf5-\uaaf6"
    r"\uabe3-\uabea\uabec-\uabed\ufb1e\ufe20-\ufe2f"
)
#: SQLite's tokenizer knows the Unicode of 2012 and takes what came later for letters: marks of direction, currencies, arrows, and most emoji.
_NO_LETTERS = (
    (0x061C, 0x061C), (0x2066, 0x2069), (0x20BA, 0x20CF), (0x23F4, 0x23FF), (0x2700, 0x2700), (0x2B4D, 0x2BFF), (0x2E3C, 0x2E5D), (0xFE00, 0xFE0F),
    (0x1F321, 0x1F32F), (0x1F336, 0x1F336), (0x1F37D, 0x1F37F), (0x1F394, 0x1F39F), (0x1F3C5, 0x1F3C5), (0x1F3CB, 0x1F3DF), (0x1F3F1, 0x1F3FF),
    (0x1F43F, 0x1F43F), (0x1F441, 0x1F441), (0x1F4F8, 0x1F4F8), (0x1F4FD, 0x1F4FF), (0x1F53E, 0x1F53F), (0x1F544, 0x1F54F), (0x1F568, 0x1F5FA),
    (0x1F641, 0x1F644), (0x1F650, 0x1F67F), (0x1F6C6, 0x1F6FF), (0x1F7E0, 0x1F7EB), (0x1F900, 0x1FAFF),
)  # fmt: skip


def table_of(resource: str) -> str:
    """The FTS5 table. No resource can be called so, and none of the tables that FTS5 makes for itself, which end in `_data`, `_idx`, `_config`."""
    return f"_{resource}_search"


def column_of(field: Field) -> str:
    """The `tsvector` beside a column: no field can be called so."""
    return f"{PREFIX}_{field.column}"[:63]


def rowid_of(definition: Definition) -> str:
    """What SQLite numbers the rows by. Not `rowid`, which a field may be called."""
    return "id" if definition.key.kind == "integer" else "_rowid_"


def keep_words(stored: Table, definition: Definition, dialect: DialectName) -> None:
    """Let the table keep the words of its searched fields, if it has such."""
    if definition.searched:
        attach(stored, (_on_sqlite if dialect == "sqlite" else _on_postgres)(definition))


def _told(definition: Definition) -> str:
    return f"the search index of {definition.name} ({', '.join(field.column for field in definition.searched)})"


def _on_sqlite(definition: Definition) -> Derived:
    """An external content table: it holds the words and no second copy of the text."""
    name, source, rowid = table_of(definition.name), f'"{definition.name}"', rowid_of(definition)
    columns = [f'"{field.column}"' for field in definition.searched]
    listed, watched = ", ".join(columns), ", ".join((*(['"id"'] if rowid == "id" else []), *columns))
    others = "".join(chr(code) for first, last in _NO_LETTERS for code in range(first, last + 1))
    tokens = f"unicode61 remove_diacritics 2 categories 'L* Nd Mn Mc' separators '{others}'"

    def values(row: str) -> str:
        return ", ".join((f'{row}."{rowid}"', *(f"{row}.{each}" for each in columns)))

    write = f'INSERT INTO "{name}"(rowid, {listed}) VALUES ({values("new")})'
    # FTS5 finds the words to forget by the values that were: it looks nothing up in the table, where they are gone by now.
    forget = f'INSERT INTO "{name}"("{name}", rowid, {listed}) VALUES (\'delete\', {values("old")})'
    changed = " OR ".join(f"old.{each} IS NOT new.{each}" for each in (f'"{rowid}"', *columns))
    triggers = {
        "insert": f"AFTER INSERT ON {source} BEGIN {write}; END",
        "delete": f"AFTER DELETE ON {source} BEGIN {forget}; END",
        "update": f"AFTER UPDATE OF {watched} ON {source} WHEN {changed} BEGIN {forget}; {write}; END",
    }
    return Derived(
        _told(definition),
        (
            f"""CREATE VIRTUAL TABLE "{name}" USING fts5({listed}, content={source}, content_rowid="{rowid}", columnsize=0, tokenize="{tokens}")""",
            *(f'CREATE TRIGGER "{name}_{event}" {body}' for event, body in triggers.items()),
            f'INSERT INTO "{name}"("{name}") VALUES (\'rebuild\')',
        ),
        (*(f'DROP TRIGGER IF EXISTS "{name}_{event}"' for event in triggers), f'DROP TABLE IF EXISTS "{name}"'),
    )


def _on_postgres(definition: Definition) -> Derived:
    source, index = f'"{definition.name}"', f'"{f"{PREFIX}_{definition.name}"[:63]}"'
    columns = {f'"{column_of(field)}"': _vector(f'"{field.column}"') for field in definition.searched}
    added = ", ".join(f"ADD COLUMN {name} tsvector GENERATED ALWAYS AS ({vector}) STORED" for name, vector in columns.items())
    dropped = ", ".join(f"DROP COLUMN IF EXISTS {name}" for name in columns)
    # What is pending in a GIN index is read from end to end by each search, and counts against the index in plans: so nothing is left pending.
    made = f"CREATE INDEX {index} ON {source} USING gin ({', '.join(columns)}) WITH (fastupdate = off)"
    return Derived(
        _told(definition),
        (f"ALTER TABLE {source} {added}", made),
        (f"DROP INDEX IF EXISTS {index}", f"ALTER TABLE {source} {dropped}"),
    )


def _vector(text: str) -> str:
    """`words.folded`, then cut as by `words.words_of`, in SQL that depends on no setting of the server: it names ICU's collation."""
    plain = rf"normalize(regexp_replace(normalize(left({text}, {LONGEST}), NFD), '([a-zA-Z])[\u0300-\u036f]+', '\1', 'g'), NFC)"
    lower = f"translate(lower({plain} COLLATE \"und-x-icu\"), '{FORMS}', '{PLAIN}')"
    return f"to_tsvector('simple'::regconfig, left(regexp_replace({lower}, '[^[:alnum:]{_SIGNS}]+', ' ', 'g'), {LONGEST}))"
