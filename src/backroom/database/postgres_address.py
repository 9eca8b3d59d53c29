"""DATABASE_URL as SQLAlchemy's asyncpg dialect wants it."""

from __future__ import annotations

from sqlalchemy import URL, make_url


def sqlalchemy_address(address: str) -> URL:
    """`postgresql://...` with the driver named, and libpq's `sslmode` under the name that asyncpg has for it."""
    url = make_url(address).set(drivername="postgresql+asyncpg")
    if "sslmode" in url.query:
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(["sslmode"])
    return url
