"""Which passwords are taken, how they are stored, how many are hashed at once."""

from __future__ import annotations

import asyncio
import time

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from backroom.auth.passwords import WAITING_EACH, Passwords, common_passwords, weaknesses
from backroom.errors import Problem
from tests.auth.world import PASSWORD, one, sign_up


@pytest.mark.parametrize(
    "password",
    ["1234567", "password", "PassWord", "iloveyou1", "ann@example.com", "ANN@example.com", "ann.smith", "aaaaaaaaaa", "x" * 129, "ä" * 129],
)
async def test_a_weak_password_is_refused_naming_the_field(password: str, tmp_path: object) -> None:
    assert weaknesses(password, "ann.smith@example.com" if password == "ann.smith" else "ann@example.com")


@pytest.mark.parametrize("password", ["x7 fülle", "correct horse battery", "🐎🐎🐎🐎🔋🔋🔋🔋", "        spaces", "n" + "ö" * 127, "aaaaaaab"])
def test_length_is_all_that_is_asked_of_a_password(password: str) -> None:
    assert weaknesses(password, "ann@example.com") == []


async def test_a_password_of_half_a_million_accents_is_too_long_at_once(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        accents = "a" + "\u0300\u0327" * 200_000  # NFC sorts each run of them: minutes of the event loop
        started = time.thread_time()
        reply = await client.post("/api/account", json={"email": "ann@example.com", "password": accents})
        assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "too_long")
        reply = await client.post("/api/session", json={"email": "ann@example.com", "password": accents})
        assert (reply.status_code, reply.json()["code"]) == (400, "auth.invalid_credentials")
        assert time.thread_time() - started < 5


def test_the_shipped_list_holds_only_passwords_that_are_long_enough_to_be_chosen() -> None:
    listed = common_passwords()
    assert len(listed) > 1000
    assert all(len(word) >= 8 and word == word.lower() for word in listed)


async def test_a_weak_password_is_told_on_both_faces(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        reply = await client.post("/api/account", json={"email": "ann@example.com", "password": "Password1"})
        assert (reply.status_code, reply.json()["code"], reply.json()["errors"][0]["field"]) == (400, "auth.weak_password", "password")
        reply = await client.post("/auth/v1/signup", json={"email": "ann@example.com", "password": "Password1"})
        assert (reply.status_code, reply.json()["code"], reply.json()["weak_password"]) == (422, "weak_password", {"reasons": ["pwned"]})
        reply = await client.post("/auth/v1/signup", json={"email": "ann@example.com", "password": "x"})
        assert reply.json()["weak_password"] == {"reasons": ["length"]}


async def test_one_password_typed_on_two_keyboards_is_the_same_password(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        composed, decomposed = "m\u00fcllers katze 7", "mu\u0308llers katze 7"
        assert (await client.post("/api/account", json={"email": "ann@example.com", "password": composed})).status_code == 201
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": decomposed})).status_code == 201


async def test_every_byte_of_a_long_password_counts(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        long = "0123456789" * 8 + "a"
        assert (await client.post("/api/account", json={"email": "ann@example.com", "password": long})).status_code == 201
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": long[:-1] + "b"})).status_code == 400
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": f" {long}"})).status_code == 400
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": long})).status_code == 201


async def test_what_is_stored_is_argon2id_of_at_least_19_mebibytes(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        stored = (await app.auth.users.every())[0].password_hash
        assert stored is not None
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_hash_with_older_parameters_is_replaced_when_its_owner_signs_in(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        account = (await app.auth.users.every())[0]
        old = Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
        await app.store.database.write(lambda: app.auth.users.set(account.user_id, "password_hash", old))
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": PASSWORD + "!"})).status_code == 400
        assert (await app.auth.users.every())[0].password_hash == old
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": PASSWORD})).status_code == 201
        renewed = (await app.auth.users.every())[0].password_hash
        assert renewed is not None
        assert "m=19456,t=2,p=1" in renewed
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": PASSWORD})).status_code == 201


async def test_more_passwords_than_can_be_hashed_soon_are_turned_away_with_a_time_to_come_again() -> None:
    passwords = Passwords(1)
    try:
        hashing = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(WAITING_EACH + 20)]
        done, _ = await asyncio.wait(hashing, return_when=asyncio.FIRST_EXCEPTION)
        refused = [task.exception() for task in done if task.exception() is not None]
        assert 0 < len(refused) <= 19  # a hash that is done while they come makes room for one more
        assert all(isinstance(problem, Problem) and problem.status == 503 and problem.headers["Retry-After"] for problem in refused)
        for task in hashing:
            task.cancel()
        await asyncio.gather(*hashing, return_exceptions=True)
        assert (await passwords.hash(PASSWORD)).startswith("$argon2id$")  # room again
    finally:
        passwords.close()


async def test_who_gives_up_waiting_makes_room() -> None:
    passwords = Passwords(1)
    try:
        for _ in range(4):
            waiting = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(WAITING_EACH)]
            await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        assert (await passwords.verify(PASSWORD, None)) == (False, None)
    finally:
        passwords.close()
