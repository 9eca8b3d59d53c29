"""The folder `public/`: its files, and nothing else of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.http.asgi import Door
from backroom.http.static import PublicFolder
from tests.http.doors import Behind, Reply, call, door
from tests.serving import serving

NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def public(tmp_path: Path) -> Path:
    folder = tmp_path / "public"
    for name, text in {
        "index.html": "<h1>start</h1>",
        "app.js": "export const a = 1",
        "main.mjs": "export const a = 1",
        "font.woff2": "font",
        "about/index.html": "<h1>about</h1>",
        "a b;c.txt": "odd",
        ".env": "SECRET_KEY=canary",
        ".git/config": "canary",
        "sub/.hidden/x.txt": "canary",
        ".well-known/security.txt": "Contact: a@example.com",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (tmp_path / "app.py").write_text("canary")
    (tmp_path / "public-not").mkdir()
    (tmp_path / "public-not" / "x.txt").write_text("canary")
    (folder / "out.txt").symlink_to(tmp_path / "app.py")
    (folder / "outside").symlink_to(tmp_path / "public-not")
    (folder / "env.txt").symlink_to(folder / ".env")
    (folder / "inside.js").symlink_to(folder / "app.js")
    return folder


def site(public: Path, *, spa: bool = False) -> Door:
    return door(Behind(), static=PublicFolder(public, spa=spa))


async def get(public: Path, target: str, headers: dict[str, str] | None = None, *, spa: bool = False) -> Reply:
    return await call(site(public, spa=spa), "GET", target, headers or {})


@pytest.mark.parametrize(
    ("target", "kind", "text"),
    [
        ("/", "text/html; charset=utf-8", "<h1>start</h1>"),
        ("/index.html", "text/html; charset=utf-8", "<h1>start</h1>"),
        ("/about/", "text/html; charset=utf-8", "<h1>about</h1>"),
        ("/app.js", "text/javascript; charset=utf-8", "export const a = 1"),
        ("/main.mjs", "text/javascript; charset=utf-8", "export const a = 1"),
        ("/inside.js", "text/javascript; charset=utf-8", "export const a = 1"),
        ("/font.woff2", "font/woff2", "font"),
        ("/a%20b;c.txt", "text/plain; charset=utf-8", "odd"),
        ("/.well-known/security.txt", "text/plain; charset=utf-8", "Contact: a@example.com"),
    ],
)
async def test_a_file_is_served_with_its_type(public: Path, target: str, kind: str, text: str) -> None:
    reply = await get(public, target)
    assert (reply.status, reply.header("content-type"), reply.body.decode()) == (200, kind, text)
    assert reply.header("x-content-type-options") == "nosniff"
    assert reply.header("content-security-policy") is None
    assert reply.header("cache-control") == "no-cache"


OUTSIDE = [
    "/../app.py",
    "/%2e%2e/app.py",
    "/..%2fapp.py",
    "/about/../../app.py",
    "/about/%2e%2e/%2e%2e/app.py",
    "/..%5capp.py",
    "/..\\app.py",
    "/../public-not/x.txt",
    "//app.py",
    "//etc/passwd",
    "/%2fetc/passwd",
    "/etc/passwd",
    "/app.js%00.html",
    "/out.txt",
    "/outside/x.txt",
    "/env.txt",
    "/.env",
    "/%2eenv",
    "/.git/config",
    "/sub/.hidden/x.txt",
    "/./.env",
    "/about//index.html",
    "/about%2findex.html",
    "/" + "a" * 300,
    "/APP.JS",
    "/nothing",
]


@pytest.mark.parametrize("spa", [False, True])
@pytest.mark.parametrize("target", OUTSIDE)
async def test_nothing_hidden_and_nothing_outside_the_folder_is_served(public: Path, target: str, spa: bool) -> None:
    reply = await get(public, target, spa=spa)
    assert (reply.status, reply.header("content-type")) == (404, "application/problem+json")
    navigated = await get(public, target, NAVIGATION, spa=spa)
    assert "canary" not in reply.body.decode() + navigated.body.decode()
    assert navigated.status == 404 or navigated.body == b"<h1>start</h1>"


async def test_a_folder_without_its_slash_is_sent_to_the_address_with_it_whatever_host_is_claimed(public: Path) -> None:
    reply = await get(public, "/about?a=1", {"Host": "evil.example"})
    assert (reply.status, reply.header("location")) == (307, "/about/?a=1")


async def test_an_unchanged_file_is_not_sent_again(public: Path) -> None:
    first = await get(public, "/app.js")
    for header in ({"If-None-Match": first.header("etag") or ""}, {"If-Modified-Since": first.header("last-modified") or ""}):
        again = await get(public, "/app.js", header)
        assert (again.status, again.body) == (304, b"")
        assert again.header("cache-control") == "no-cache"


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-5", 206, b"export"),
        ("bytes=-1", 206, b"1"),
        ("bytes=999-", 416, b""),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(10_000)), 200, b"export const a = 1"),
        ("bytes=5-1", 400, None),
        ("bytes=0-" + "9" * 30, 206, b"export const a = 1"),
    ],
)
async def test_a_part_of_a_file_is_served_and_odd_ranges_cost_nothing(public: Path, asked: str, status: int, body: bytes | None) -> None:
    app = door(Behind(), static=PublicFolder(public), MAX_HEADER_BYTES=200_000)
    reply = await call(app, "GET", "/app.js", {"Range": asked})
    assert reply.status == status
    assert body is None or reply.body == body


async def test_head_tells_the_length_and_sends_nothing(public: Path) -> None:
    reply = await call(site(public), "HEAD", "/app.js")
    assert (reply.status, reply.header("content-length"), reply.body) == (200, "18", b"")


@pytest.mark.parametrize("spa", [False, True])
async def test_writing_to_a_page_is_405_and_to_nothing_404(public: Path, spa: bool) -> None:
    assert (await call(site(public, spa=spa), "POST", "/app.js")).header("allow") == "GET, HEAD"
    assert (await call(site(public, spa=spa), "POST", "/todos")).status == 404
    (public / "404.html").write_text("lost")
    assert (await call(site(public), "POST", "/todos")).status == 404


async def test_a_single_page_app_gets_its_page_at_unknown_addresses_that_a_person_opens(public: Path) -> None:
    assert (await get(public, "/todos/42", NAVIGATION, spa=True)).body == b"<h1>start</h1>"
    assert (await get(public, "/todos/42", {"Accept": "*/*"}, spa=True)).status == 404
    assert (await get(public, "/todos/42", NAVIGATION)).status == 404
    assert (await get(public, "/api/nothing", NAVIGATION, spa=True)).status == 404
    (public / "404.html").write_text("lost")
    assert (await get(public, "/todos/42", NAVIGATION, spa=True)).body == b"<h1>start</h1>"
    lost = await get(public, "/todos/42", NAVIGATION)
    assert (lost.status, lost.body) == (404, b"lost")


def test_a_real_server_serves_the_same_and_refuses_the_same(public: Path) -> None:
    with serving("tests.http.door_app:app", env={"DOOR_PUBLIC": str(public)}) as server:
        assert server.get("/app.js").body == b"export const a = 1"
        assert server.get("/app.js", "Range: bytes=0-5\r\n").body == b"export"
        assert server.get("/", "If-None-Match: *\r\n").status == 304
        for target in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/.env", "/out.txt", "/env.txt"):
            reply = server.get(target)
            assert (reply.status, b"canary" in reply.body) == (404, False), target
        with server.connect() as connection:
            connection.send(b"HEAD /app.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert connection.reply("HEAD").header("content-length") == "18"
            assert connection.is_closed()
        assert "Traceback" not in server.log
