"""Access tokens: what a genuine one says, and that nothing else is believed."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from backroom.auth.tokens import Tokens
from tests.auth.world import ORIGIN, Process, bearer, one, running, settings_for, tokens


def part(value: Any) -> str:
    return urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def unpacked(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = (urlsafe_b64decode(each + "==") for each in token.split("."))
    return json.loads(header), json.loads(claims)


def signing_key(app: Process) -> ECKey:
    return app.auth.tokens._signing  # type: ignore[return-value]  # pyright: ignore[reportPrivateUsage] - a forger who has the key is the hardest test


def signed(app: Process, claims: dict[str, Any], **header: Any) -> str:
    """A token with a true signature of the server's own key."""
    key = signing_key(app)
    encoded = f"{part({'typ': 'JWT', 'alg': 'ES256', 'kid': key.kid, **header})}.{part(claims)}"
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    private: Any = key.private_key
    r, s = decode_dss_signature(private.sign(encoded.encode(), ECDSA(SHA256())))
    return f"{encoded}.{part(r.to_bytes(32) + s.to_bytes(32))}"


async def test_a_token_says_what_gotrue_clients_read(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        session = await tokens(client, theme="dark")
        header, claims = unpacked(session["access_token"])
        assert (header["alg"], header["typ"]) == ("ES256", "JWT")
        assert set(claims) == {
            "iss", "sub", "aud", "exp", "iat", "email", "phone", "app_metadata", "user_metadata", "role", "aal", "amr", "session_id", "is_anonymous",
        }  # fmt: skip
        assert (claims["iss"], claims["aud"], claims["role"], claims["aal"]) == (f"{ORIGIN}/auth/v1", "authenticated", "authenticated", "aal1")
        assert claims["sub"] == session["user"]["id"]
        assert claims["exp"] - claims["iat"] == 900 == session["expires_in"]
        assert claims["exp"] == session["expires_at"]
        assert claims["amr"][0]["method"] == "password"
        assert claims["user_metadata"] == {"theme": "dark"}
        assert claims["app_metadata"] == {"provider": "email", "providers": ["email"]}
        jwks = (await client.get("/auth/v1/.well-known/jwks.json")).json()
        [public] = jwks["keys"]
        assert public["kid"] == header["kid"]
        assert "d" not in public
        assert jwt.decode(session["access_token"], ECKey.import_key(public), algorithms=["ES256"]).claims == claims


def forgeries(app: Process, token: str) -> Iterator[tuple[str, str]]:
    """Everything that a forger without the key tries, and what one with the key could."""
    header, claims = unpacked(token)
    head, body, signature = token.split(".")
    public = app.auth.tokens.jwks["keys"][0]
    for alg in ("none", "None", "nOnE", "NONE"):
        yield f"alg {alg}", f"{part({**header, 'alg': alg})}.{body}."
        yield f"alg {alg}, signature kept", f"{part({**header, 'alg': alg})}.{body}.{signature}"
    yield "no signature", f"{head}.{body}."
    yield "two parts", f"{head}.{body}"
    yield "four parts", f"{token}.x"
    yield "five parts, as a JWE", f"{head}.x.{body}.y.{signature}"
    yield "zeros for r and s", f"{head}.{body}.{part(bytes(64))}"
    yield "signature in DER", f"{head}.{body}.{part(encode_dss_signature(*_numbers(signature)))}"
    yield "signature padded", f"{head}.{body}.{signature}=="
    yield "signature of another text", f"{head}.{part({**claims, 'sub': str(uuid4())})}.{signature}"
    for name, key in (("the public key", json.dumps(public)), ("nothing", "\0"), ("its kid", str(public["kid"])), ("x", public["x"])):
        yield (
            f"HS256 with {name}",
            jwt.encode({"alg": "HS256", "kid": header["kid"]}, claims, OctKey.import_key(key.ljust(32, "\0")), algorithms=["HS256"]),
        )
    other = ECKey.generate_key("P-256")
    yield "another key, our kid", jwt.encode({"alg": "ES256", "kid": header["kid"]}, claims, other, algorithms=["ES256"])
    embedded = {"jwk": other.as_dict(private=False), "jku": "http://127.0.0.1:9/jwks", "x5u": "http://127.0.0.1:9/x5u"}
    for name, value in embedded.items():
        yield f"another key in {name}", jwt.encode({"alg": "ES256", "kid": header["kid"], name: value}, claims, other, algorithms=["ES256"])
        yield f"our signature, {name} beside it", signed(app, claims, **{name: value})
    kids: list[Any] = ["../../../../dev/null", "' OR 1=1 --", "x" * 100_000, ["a"], {"a": 1}, None, 7, ""]
    for kid in kids:
        yield f"kid {str(kid)[:20]}", signed(app, claims, kid=kid)
    yield "unknown crit", signed(app, claims, crit=["exp"], exp=1)
    yield "b64 false", signed(app, claims, crit=["b64"], b64=False)
    yield "zip", signed(app, claims, zip="DEF")
    yield "typ of an ID token", signed(app, claims, typ="at+jwt")
    now = int(time.time())
    times: list[Any] = [str(now + 60), now + 60.5, -1, 2**63, 0, True, None, [], {}, now - 1, now + 10**9]
    for value in times:
        yield f"exp {value!r}", signed(app, {**claims, "exp": value})
    yield "exp 1e400", _raw(app, claims, '"exp": 1e400')
    yield "exp NaN", _raw(app, claims, '"exp": NaN')
    yield "exp of 5000 digits", _raw(app, claims, f'"exp": {"9" * 4000}')
    yield "no exp", signed(app, {name: value for name, value in claims.items() if name != "exp"})
    yield "nbf ahead", signed(app, {**claims, "nbf": now + 60})
    yield "nbf of text", signed(app, {**claims, "nbf": "x"})
    for name, values in _WRONG.items():
        for value in values:
            yield f"{name} {value!r}", signed(app, {**claims, name: value})
    for payload in (b"[]", b"null", b"{", b"\xff", b'"x"', b"[" * 50_000):
        yield f"payload {payload[:6]!r}", signed_payload(app, payload)


_WRONG: dict[str, list[Any]] = {
    "iss": [None, "", "https://other.example.com/auth/v1", ORIGIN, [f"{ORIGIN}/auth/v1"]],
    "aud": [None, "", "anon", ["authenticated"], ["authenticated", "x"]],
    "role": ["service_role", "anon", None],
    "sub": [None, "", "x", 7, str(uuid4()), ["x"]],
    "session_id": [None, "", "x", 7, str(uuid4()), {}],
}


def _numbers(signature: str) -> tuple[int, int]:
    raw = urlsafe_b64decode(signature + "==")
    return int.from_bytes(raw[:32]), int.from_bytes(raw[32:])


def signed_payload(app: Process, payload: bytes) -> str:
    from joserfc import jws

    return jws.serialize_compact({"typ": "JWT", "alg": "ES256", "kid": signing_key(app).kid}, payload, signing_key(app), algorithms=["ES256"])


def _raw(app: Process, claims: dict[str, Any], member: str) -> str:
    rest = {name: value for name, value in claims.items() if name != "exp"}
    return signed_payload(app, ("{" + member + ", " + json.dumps(rest)[1:]).encode())


async def test_no_forged_token_is_believed_and_none_takes_long_or_fails(tmp_path: Any) -> None:
    async with one(f"sqlite:{tmp_path / 'app.db'}") as app, app.client(origin=None) as client:
        token = (await tokens(client))["access_token"]
        control = signed(app, unpacked(token)[1])
        assert (await client.get("/api/me", headers=bearer(control))).status_code == 200  # the forger's tool works: only what is wrong refuses
        for name, forged in forgeries(app, token):
            begun = time.thread_time()
            status = app.auth.tokens.verify(forged.encode())
            took = time.thread_time() - begun
            if status is None:
                assert took < 0.2, name
            if len(forged) < 30_000:
                reply = await client.get("/api/me", headers=bearer(forged))
                assert (reply.status_code, reply.json()["code"]) == (401, "auth.invalid_token"), name
                user = await client.get("/auth/v1/user", headers=bearer(forged))
                assert (user.status_code, user.json()["code"]) in ((403, "bad_jwt"), (403, "session_not_found")), name
            else:
                assert status is None, name


async def test_refresh_tokens_and_cookies_are_no_access_tokens(tmp_path: Any) -> None:
    async with one(f"sqlite:{tmp_path / 'app.db'}") as app, app.client() as client:
        session = await tokens(client)
        await client.post("/api/account", json={"email": "bob@example.com", "password": "correct horse battery"})
        for wrong in (session["refresh_token"], client.cookies["__Host-backroom"]):
            assert (await client.get("/api/me", headers=bearer(wrong))).status_code == 401
        async with app.client(headers={"cookie": f"__Host-backroom={session['refresh_token']}"}) as other:
            assert (await other.get("/api/me")).status_code == 401


async def test_a_token_of_another_app_with_the_same_secret_is_refused(tmp_path: Any) -> None:
    url = f"sqlite:{tmp_path / 'app.db'}"
    async with one(url) as app, app.client(origin=None) as client:
        token = (await tokens(client))["access_token"]
        other = Tokens(app.store.database, app.auth.tables, settings_for(url, PUBLIC_URL="https://other.example.com"))
        await other.open()
        assert other.jwks == app.auth.tokens.jwks
        assert other.verify(token.encode()) is None
        assert app.auth.tokens.verify(token.encode()) is not None


async def test_a_token_ends_when_its_time_is_over_though_it_was_believed_before(each_database: str) -> None:
    async with one(each_database, ACCESS_TOKEN_SECONDS=60) as app, app.client(origin=None) as client:
        session = await tokens(client)
        assert (await client.get("/api/me", headers=bearer(session["access_token"]))).status_code == 200
        app.time.ahead = 59
        assert (await client.get("/api/me", headers=bearer(session["access_token"]))).status_code == 200
        app.time.ahead = 61
        assert (await client.get("/api/me", headers=bearer(session["access_token"]))).status_code == 401
        renewed = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
        assert (await client.get("/api/me", headers=bearer(renewed.json()["access_token"]))).status_code == 200


async def test_the_keys_outlive_a_restart_and_are_made_anew_under_another_secret(each_database: str, caplog: pytest.LogCaptureFixture) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        session, before = await tokens(client), app.auth.tokens.jwks
    async with one(each_database) as app, app.client(origin=None) as client:
        assert app.auth.tokens.jwks == before
        assert (await client.get("/api/me", headers=bearer(session["access_token"]))).status_code == 200
    async with one(each_database, SECRET_KEY="another-secret-of-more-than-32-characters") as app, app.client(origin=None) as client:
        assert app.auth.tokens.jwks != before
        assert "SECRET_KEY has changed" in caplog.text
        assert (await client.get("/api/me", headers=bearer(session["access_token"]))).status_code == 401
        renewed = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
        assert renewed.status_code == 200


async def test_processes_that_start_together_agree_on_one_key(each_database: str) -> None:
    import asyncio

    async with running(each_database, processes=3) as processes:
        for process in processes:
            await process.store.database.write(_forget_keys, single=True)
        await asyncio.gather(*(process.auth.tokens.open() for process in processes))
        assert len({json.dumps(process.auth.tokens.jwks) for process in processes}) == 1


def _forget_keys() -> Any:
    from backroom.calls import Ask

    yield Ask("delete from _signing_keys")
