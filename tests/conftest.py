"""Coroutine tests run by themselves; Hypothesis is short on every run and long on demand; `each_database` runs a test over both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import DATABASES, database_url

settings.register_profile("ci", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.register_profile("long", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("ci")  # pytest --hypothesis-profile=long for the other


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """`async def test_...` runs on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(pyfuncitem.obj(**given))
    return True


@pytest.fixture(params=DATABASES)
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The URL of a fresh, empty database: the test runs once on SQLite and once on Postgres."""
    with database_url(request.param, tmp_path) as url:
        yield url
