"""Fresh databases for tests, by the name of their kind."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

DATABASES = ("sqlite", "postgresql")


@contextmanager
def database_url(name: str, tmp_path: Path) -> Generator[str]:
    """The DATABASE_URL of a fresh, empty database of that kind. Postgres starts with the first one asked for."""
    if name == "sqlite":
        yield f"sqlite:{tmp_path / 'app.db'}"
        return
    from tests.postgres import drop_database, fresh_database

    url = fresh_database()
    try:
        yield url
    finally:
        drop_database(url)
