"""A refusal's hint shows values that the caller may not read: to the developer at this machine, and to nobody else."""

import httpx2
import pytest

from backroom import App, Resource, User, allow, field, me, owner, this
from backroom.testing import client


def diary() -> App:
    app = App()

    @app.resource("pages")
    class Page(Resource):
        level: int = 7777
        owner: User = owner()
        access = allow(read=(this.owner == me) & (this.level > 9000), create=me.signed_in)

    return app


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebound.example:8000"},
        {"host": "localhost.rebound.example"},
        {"host": "192.168.1.7:8000"},
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"x-forwarded-host": "tunnel.example"},
    ],
)
async def test_neither_a_proxy_nor_a_rebound_name_is_told_why(headers: dict[str, str]) -> None:
    async with client(diary()) as c:
        ann, bob = await c.sign_up("ann@example.com"), await c.sign_up("bob@example.com")
        await ann.post("/api/pages", json={})
        told = await bob.get("/api/pages/1")
        assert (told.status_code, "7777" in told.json()["hint"]) == (404, True)
        hushed = await bob.get("/api/pages/1", headers=headers)
        assert (hushed.status_code, hushed.json()["hint"]) == (404, None)
        assert "7777" not in hushed.text


async def test_production_tells_nobody_and_neither_does_development_to_another_machine() -> None:
    async with client(diary(), development=False, SECRET_KEY="a-test-secret-of-more-than-32-characters") as c:
        ann = await c.sign_up("ann@example.com")
        await ann.post("/api/pages", json={})
        assert (await ann.get("/api/pages/1", headers={"host": "localhost:8000"})).json()["hint"] is None
    async with client(diary()) as c:
        ann = await c.sign_up("ann@example.com")
        await ann.post("/api/pages", json={})
        away = httpx2.ASGITransport(c.backend.door, client=("192.168.1.9", 40000))
        async with httpx2.AsyncClient(transport=away, base_url="http://localhost:8000") as other:
            assert (await other.get("/api/pages/1")).json()["hint"] is None


def test_the_repr_of_a_row_keeps_what_no_caller_is_shown() -> None:
    class Door(Resource):
        name: str
        pin: str = field(hidden=True)
        code: str = field(write_only=True)

    assert repr(Door(name="front", pin="canary", code="canary")) == "Door(name='front', pin=..., code=...)"
