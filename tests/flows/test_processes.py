"""Real server processes: several on one file, cut in the middle, fed with broken HTTP."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import httpx2
import pytest

from tests.flows.servers import ROOT, Server, backroom_serve, running

PASSWORD = "correct horse battery"
EXAMPLE = ROOT / "examples" / "todo" / "app.py"


@contextmanager
def serving(folder: Path, workers: int, **env: str) -> Generator[Server]:
    server = backroom_serve(EXAMPLE, folder, **env)
    server.command = [*server.command, "--workers", str(workers)]
    with running(server):
        deadline = time.monotonic() + 60
        while len(processes(server)) < workers:  # the first one answers while the others still start
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.05)
        yield server


def processes(server: Server) -> list[int]:
    """The serving processes: children of the one that was started."""
    assert server.process is not None
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], stdout=subprocess.PIPE, text=True, check=False).stdout
    return [int(line) for line in told.split()]


@asynccontextmanager
async def each_process(server: Server, connections: int = 40) -> AsyncGenerator[list[httpx2.AsyncClient]]:
    """So many connections, each its own client, that every process has some of them."""
    clients = [httpx2.AsyncClient(base_url=server.url, timeout=30) for _ in range(connections)]
    try:
        yield clients
    finally:
        await asyncio.gather(*(client.aclose() for client in clients))


async def sign_up(client: httpx2.AsyncClient, name: str) -> dict[str, str]:
    reply = await client.post("/auth/v1/signup", json={"email": f"{name}@example.com", "password": PASSWORD})
    assert reply.status_code == 200, reply.text
    return {"authorization": f"Bearer {reply.json()['access_token']}"}


async def test_two_processes_on_one_file_count_every_write_once_and_answer_in_time(tmp_path: Path) -> None:
    with serving(tmp_path, 2) as server:
        async with each_process(server, 16) as clients:
            ann = await sign_up(clients[0], "ann")
            row = (await clients[0].post("/api/todos", json={"title": "0"}, headers=ann)).json()
            waits: list[float] = []
            statuses: Counter[int] = Counter()

            async def work(number: int, client: httpx2.AsyncClient) -> None:
                for turn in range(25):
                    begun = time.perf_counter()
                    reply = await client.post("/api/todos", json={"title": f"{number}-{turn}"}, headers=ann)
                    waits.append(time.perf_counter() - begun)
                    statuses[reply.status_code] += 1
                    begun = time.perf_counter()
                    statuses[(await client.patch(f"/api/todos/{row['id']}", json={"title": f"{number}-{turn}"}, headers=ann)).status_code] += 1
                    waits.append(time.perf_counter() - begun)

            await asyncio.gather(*(work(number, client) for number, client in enumerate(clients)))
            assert statuses == {201: 400, 200: 400}
            told = await clients[0].get("/api/todos?limit=1", headers={**ann, "prefer": "count=exact"})
            assert told.headers["content-range"] == "0-0/401"
            assert (await clients[1].get(f"/api/todos/{row['id']}", headers=ann)).headers["etag"].startswith('"401-')
            waits.sort()
            print(f"p50 {waits[len(waits) // 2] * 1000:.1f} ms, p99 {waits[len(waits) * 99 // 100] * 1000:.1f} ms, worst {waits[-1] * 1000:.1f} ms")
            assert waits[len(waits) * 99 // 100] < 2.0  # some 0.1 s; starved, a process would wait up to five


async def test_what_one_process_wrote_the_other_reads_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, 2) as server:
        async with each_process(server, 20) as clients:
            ann = await sign_up(clients[0], "ann")
            for number, client in enumerate(clients):
                item = (await client.post("/api/todos", json={"title": str(number)}, headers=ann)).headers["location"]
                replies = await asyncio.gather(*(other.get(item, headers=ann) for other in clients))
                assert {(reply.status_code, reply.json()["title"]) for reply in replies} == {(200, str(number))}


async def test_a_sign_out_in_one_process_is_known_to_the_other_within_a_second(tmp_path: Path) -> None:
    with serving(tmp_path, 2) as server:
        async with each_process(server) as clients:
            for round_ in range(3):
                ann = await sign_up(clients[0], f"ann{round_}")
                replies = await asyncio.gather(*(client.get("/api/todos", headers=ann) for client in clients))
                assert {reply.status_code for reply in replies} == {200}  # every process has it in its cache
                assert (await clients[round_].post("/auth/v1/logout", headers=ann)).status_code == 204
                ended = time.monotonic()
                while True:
                    asked = time.monotonic()
                    replies = await asyncio.gather(*(client.get("/api/todos", headers=ann) for client in clients))
                    if {reply.status_code for reply in replies} == {401}:
                        break
                    assert asked - ended < 1.0, "a process still lets a signed-out token in"


async def test_when_one_of_two_processes_is_killed_the_other_serves_on_and_another_comes(tmp_path: Path) -> None:
    with serving(tmp_path, 2) as server:
        async with each_process(server, 8) as clients:
            ann = await sign_up(clients[0], "ann")
            stored: set[str] = set()
            before = processes(server)

            async def work(number: int, client: httpx2.AsyncClient) -> None:
                for turn in range(60):
                    title = f"{number}-{turn}"
                    try:
                        reply = await client.post("/api/todos", json={"title": title}, headers=ann)
                    except httpx2.TransportError:
                        continue  # it was with the one that died; the next request takes a new connection
                    assert reply.status_code == 201, reply.text
                    stored.add(title)
                    if (number, turn) == (0, 5):
                        os.kill(before[0], signal.SIGKILL)

            await asyncio.gather(*(work(number, client) for number, client in enumerate(clients)))
            found = [row["title"] for row in (await clients[0].get("/api/todos?limit=1000", headers=ann)).json()]
            assert stored <= set(found)
            assert len(found) == len(set(found))
            assert len(stored) > 400
        deadline = time.monotonic() + 60
        while len(processes(server)) < 2:
            assert time.monotonic() < deadline, server.log.read_text()
            await asyncio.sleep(0.05)
        assert before[0] not in processes(server)
    file: Any = apsw.Connection(str(tmp_path / "app.db"))
    assert list(file.execute("PRAGMA integrity_check")) == [("ok",)]
    file.close()


async def test_a_lock_held_from_outside_is_503_in_both_processes_in_bounded_time(tmp_path: Path) -> None:
    with serving(tmp_path, 2) as server:
        async with each_process(server, 10) as clients:
            ann = await sign_up(clients[0], "ann")
            other: Any = apsw.Connection(str(tmp_path / "app.db"))
            other.execute("BEGIN IMMEDIATE")
            begun = time.monotonic()
            replies = await asyncio.gather(*(client.post("/api/todos", json={"title": "x"}, headers=ann) for client in clients))
            assert {(reply.status_code, reply.json()["code"]) for reply in replies} == {(503, "database.busy")}
            assert all(int(reply.headers["retry-after"]) >= 1 for reply in replies)
            assert time.monotonic() - begun < 40
            other.execute("ROLLBACK")
            other.close()
            replies = await asyncio.gather(*(client.post("/api/todos", json={"title": "x"}, headers=ann) for client in clients))
            assert {reply.status_code for reply in replies} == {201}
            assert len((await clients[0].get("/api/todos", headers=ann)).json()) == 10


# ---------------------------------------------------------------- one process, raw bytes
@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with serving(tmp_path_factory.mktemp("raw"), 1, BODY_TIMEOUT_SECONDS="1") as served:
        yield served


def raw(server: Server, sent: bytes, *, stay: float = 5.0) -> bytes:
    """Everything the server says to these bytes until it closes (or says nothing more for so many seconds)."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 80), timeout=stay) as line:
        line.sendall(sent)
        received = b""
        try:
            while piece := line.recv(65536):
                received += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def head(method: str = "POST", path: str = "/api/notes", *headers: str, host: str = "localhost") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", "")).encode("latin-1")


SMUGGLED = head("DELETE", "/api/smuggled")


@pytest.mark.parametrize(
    "sent",
    [
        head("POST", "/api/notes", "Content-Length: 4", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
        head("POST", "/api/notes", "Transfer-Encoding: chunked", "Content-Length: 4") + b"0\r\n\r\n" + SMUGGLED,
        *(
            head("POST", "/api/notes", *(f"Content-Length: {value}" for value in values)) + b"{}abc"
            for values in (("2", "5"), ("5, 6",), ("+5",), ("0x5",), ("-1",), ("9" * 20,), ("5\xa0",))
        ),
        *(
            head("POST", "/api/notes", *lines) + b"2\r\n{}\r\n0\r\n\r\n"
            for lines in (
                ("Transfer-Encoding: xchunked",),
                ("Transfer-Encoding: chunked, identity",),
                ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
            )
        ),
    ],
)
def test_01_and_02_unclear_framing_is_refused_and_nothing_behind_it_runs(server: Server, sent: bytes) -> None:
    received = raw(server, sent, stay=1.5)
    assert statuses(received) == [] or (len(statuses(received)) == 1 and statuses(received)[0] in (400, 401, 411, 413, 415, 501)), received[:500]
    assert b"/api/smuggled" not in received
    assert raw(server, head("GET", "/health", "Connection: close")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "allowed"),
    [
        (head("GET", "/api/notes", "X: " + "x" * 40_000, "Connection: close"), {400, 431}),
        (head("GET", "/api/notes", *(f"X-{number}: 1" for number in range(1000)), "Connection: close"), {400, 431}),
        (head("GET", "/api/notes?" + "x" * 65_000, "Connection: close"), {400, 414, 431}),
        (head("POST", "/auth/v1/signup", "Content-Type: application/json", f"Content-Length: {10**9}"), {413}),
        (head("GET", "/api/notes", "Connection: close", host=""), {400}),
        (head("GET", "/api/notes", "Host: other", "Connection: close"), {400}),
        (head("GET", "/api/notes", "Connection: close", host="a b"), {400}),
        (b"GET /api/notes HTTP/1.1\r\nConnection: close\r\n\r\n", {400}),
        (b"GET /api/notes\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, {400}),
        (head("TRACE", "/api/notes", "Connection: close"), {405}),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", {400, 404, 405}),
        (head("BREW", "/api/notes", "Connection: close"), {400, 405}),
        (head("GET", "http://evil.example/api/nothing", "Connection: close"), {400, 404}),
        (head("GET", "/api/todos/1", "X-HTTP-Method-Override: DELETE", "Connection: close"), {401}),
        (head("GET", "/api/todos?_method=DELETE", "Connection: close"), {401}),
        (head("GET", "//api/notes", "Connection: close"), {404}),
        (head("GET", "/api/./notes", "Connection: close"), {404}),
        (head("GET", "/api/x/../notes", "Connection: close"), {404}),
        (head("GET", "/API/notes", "Connection: close"), {404}),
        (head("GET", "/api/notes/", "Connection: close"), {404}),
        (head("GET", "/api/notes.", "Connection: close"), {404}),
        (head("GET", "/api%2Fnotes", "Connection: close"), {404}),
        (head("GET", "/api/%2e%2e/api/notes", "Connection: close"), {404}),
        (head("GET", "/..%5c..%5capp.py", "Connection: close"), {404}),
        (head("GET", "/%252e%252e/app.py", "Connection: close"), {404}),
        (head("GET", "/app.py", "Connection: close"), {404}),
        (head("GET", "/api/notes;x=1", "Connection: close"), {404}),
    ],
)
def test_04_06_and_16_odd_requests_are_refused_and_the_server_lives(server: Server, sent: bytes, allowed: set[int]) -> None:
    received = raw(server, sent, stay=3)
    assert set(statuses(received)) <= allowed, received[:300]
    assert len(statuses(received)) <= 1
    assert raw(server, head("GET", "/health", "Connection: close")).startswith(b"HTTP/1.1 200")


def test_07_slow_bodies_are_dropped_and_others_are_served_meanwhile(server: Server) -> None:
    port = urlsplit(server.url).port or 80
    lines = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(100)]
    try:
        for line in lines:
            line.sendall(head("POST", "/auth/v1/signup", "Content-Type: application/json", "Content-Length: 1000") + b"{")
        waits: list[float] = []
        for _ in range(50):
            begun = time.perf_counter()
            assert httpx2.get(server.url + "/api/notes").status_code == 200
            waits.append(time.perf_counter() - begun)
        assert sorted(waits)[-2] < 0.3
        for line in lines:
            received = b""
            while piece := line.recv(65536):  # 408, then the end
                received += piece
            assert statuses(received) == [408]
    finally:
        for line in lines:
            line.close()


@pytest.mark.case(123)
def test_123_clients_that_hang_up_around_the_commit_leave_whole_arrays_or_none(server: Server) -> None:
    with httpx2.Client(base_url=server.url) as web:
        mine = {
            "authorization": "Bearer " + web.post("/auth/v1/signup", json={"email": "hangs@example.com", "password": PASSWORD}).json()["access_token"]
        }
        body = b"[" + b",".join(b'{"title":"part"}' for _ in range(40)) + b"]"
        port = urlsplit(server.url).port or 80
        for number in range(60):
            line = socket.create_connection(("127.0.0.1", port), timeout=5)
            sent = (
                head(
                    "POST", "/api/notes", "Content-Type: application/json", f"Content-Length: {len(body)}", f"Authorization: {mine['authorization']}"
                )
                + body
            )
            line.sendall(sent[: len(sent) - (10 if number % 5 == 0 else 0)])
            select.select([line], [], [], number % 7 * 0.001)  # until it answers, or this moment has come
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # a reset, not a farewell
            line.close()
        told: Any = web.get("/api/notes?title=eq.part&limit=1", headers={**mine, "prefer": "count=exact"})
        assert int(told.headers["content-range"].rpartition("/")[2]) % 40 == 0
        assert web.post("/api/notes", json={"title": "after"}, headers=mine).status_code == 201
    log = server.log.read_text()
    assert "Traceback" not in log, log
