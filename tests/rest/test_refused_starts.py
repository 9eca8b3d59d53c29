"""What would hand the app to strangers stops the start, with the line to write."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from backroom import App, Db, Resource, User, allow, anyone, field, me, replace
from backroom.errors import DeclarationError, SettingsError
from tests.rest.world import ORIGIN, SECRET, running


@pytest.mark.parametrize("folder", [".", "", "..", "/", "../{name}"])
async def test_a_public_folder_that_holds_the_code_is_refused(folder: str, tmp_path: Path) -> None:
    app = App(public=folder.format(name=tmp_path.name))
    app.folder = tmp_path
    with pytest.raises(DeclarationError, match="to everybody"):
        async with running(f"sqlite:{tmp_path}/data/app.db", app):
            pass


async def test_a_database_in_the_public_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "public" / "data").mkdir(parents=True)
    app = App()
    app.folder = tmp_path
    with pytest.raises(DeclarationError, match="DATABASE_URL names a file inside"):
        async with running(f"sqlite:{tmp_path}/public/data/app.db", app):
            pass
    async with running(f"sqlite:{tmp_path}/app.db", app) as world, world.browser() as stranger:
        assert (await stranger.get("/app.db")).status_code == 404


async def test_an_app_that_a_server_takes_as_it_is_needs_a_secret_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:{tmp_path}/app.db")
    app = App()
    app.folder = tmp_path
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as client:
        with pytest.raises(SettingsError, match="SECRET_KEY is not set"):
            await client.get("/health")
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "lifespan"}, receive, send)
    assert [(message["type"], "SECRET_KEY" in message["message"]) for message in sent] == [("lifespan.startup.failed", True)]
    monkeypatch.setenv("SECRET_KEY", SECRET)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as client:
        assert (await client.get("/health")).status_code == 200


def test_a_caller_without_a_type_is_refused_instead_of_letting_everybody_in() -> None:
    app = App()

    async def caller(me: str, db: Db) -> int:
        return 1

    with pytest.raises(DeclarationError, match=r"write `me: User`"):
        app.get("/x")(caller)
    del caller.__annotations__["me"]
    with pytest.raises(DeclarationError, match=r"write `me: User`"):
        app.get("/x")(caller)


async def test_an_endpoint_for_an_address_that_nobody_proved_stops_production(tmp_path: Path) -> None:
    app = App()

    @app.post("/boss", access=me.email == "boss@example.com")
    async def boss(db: Db) -> str:
        return "canary"

    with pytest.raises(SettingsError, match=r"POST /api/boss ask me\.email"):
        async with running(f"sqlite:{tmp_path}/app.db", app):
            pass
    async with running(f"sqlite:{tmp_path}/app.db", app, CONFIRM_EMAIL=True) as world:
        claimed = await world.person("boss")
        assert (await claimed.post("/api/boss")).status_code == 403


async def test_a_limit_below_zero_is_400_and_never_means_all(each_database: str) -> None:
    app = App()

    @app.get("/some")
    async def some(me: User, db: Db, limit: int = 1, offset: int = 0) -> int:
        return len(await db.find(User, limit=min(limit, 1), offset=offset))

    async with running(each_database, app) as world:
        ann = await world.person("ann")
        assert (await ann.get("/api/some")).json() == 1
        for slip in ("limit=-1", "offset=-1", "limit=-9007199254740991"):
            assert (await ann.get(f"/api/some?{slip}")).status_code == 400, slip


async def test_a_required_field_that_nobody_may_give_stops_the_start_unless_a_hook_gives_it(
    each_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    def letter_app(*, hooked: bool) -> App:
        app = App()

        @app.resource("letters")
        class Letter(Resource):
            text: str
            stamp: str = field(hidden=True)
            access = allow(everything=anyone)

        if hooked:

            @app.before_create(Letter)
            async def stamped(row: Letter) -> Letter | None:
                return replace(row, stamp="x") if row.text == "hi" else None

        return app

    with pytest.raises(DeclarationError, match="`stamp` is required, but no caller may give it"):
        async with running(each_database, letter_app(hooked=False)):
            pass
    async with running(each_database, letter_app(hooked=True)) as world:
        client = world.browser()
        assert (await client.post("/api/letters", json={"text": "hi"})).status_code == 201
        forgotten = await client.post("/api/letters", json={"text": "ho"})
        assert (forgotten.status_code, "stamp" in forgotten.text) == (500, False)
        assert "Letter.stamp is required and was given no value" in caplog.text
        assert len((await client.get("/api/letters")).json()) == 1
