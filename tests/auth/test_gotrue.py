"""/auth/v1 in GoTrue's shapes: what auth-js reads of successes and refusals."""

from __future__ import annotations

from tests.auth.world import PASSWORD, bearer, one, tokens

TIMES = {"email_confirmed_at", "confirmed_at", "last_sign_in_at", "created_at", "updated_at"}
USER = {"id", "aud", "role", "email", "phone", "app_metadata", "user_metadata", "identities", "is_anonymous"} | TIMES
IDENTITY = {"identity_id", "id", "user_id", "identity_data", "provider", "email", "created_at", "updated_at", "last_sign_in_at"}


async def test_a_session_and_a_user_have_gotrues_fields(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        await tokens(client)
        body = {"email": "ann@example.com", "password": PASSWORD, "gotrue_meta_security": {"captcha_token": "x"}, "code_challenge": None}
        headers = {
            "content-type": "application/json;charset=UTF-8",
            "x-supabase-api-version": "2024-01-01",
            "apikey": "sb_publishable_x",
            "authorization": "Bearer sb_publishable_x",
        }
        reply = await client.post("/auth/v1/token?grant_type=password&redirect_to=x", json=body, headers=headers)
        assert reply.status_code == 200
        assert reply.headers["x-supabase-api-version"] == "2024-01-01"
        assert reply.headers["cache-control"] == "no-store"
        session = reply.json()
        assert set(session) == {"access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"}
        assert set(session["user"]) == USER
        assert set(session["user"]["identities"][0]) == IDENTITY
        assert session["user"]["last_sign_in_at"] is not None
        assert "set-cookie" not in reply.headers
        user = await client.get("/auth/v1/user", headers=bearer(session["access_token"]))
        assert user.json() == session["user"]


async def test_refusals_carry_gotrues_codes_and_our_fields(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        session = await tokens(client)
        nobody = await client.get("/auth/v1/user")
        assert (nobody.status_code, nobody.json()["code"]) == (401, "no_authorization")
        bad = await client.get("/auth/v1/user", headers=bearer("x.y.z"))
        assert (bad.status_code, bad.json()["code"]) == (403, "bad_jwt")
        wrong = await client.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": "wrong password"})
        assert (wrong.status_code, wrong.json()["code"], wrong.json()["message"]) == (400, "invalid_credentials", "Invalid login credentials")
        for query in ("", "?grant_type=magic", "?grant_type=pkce", "?grant_type="):
            grant = await client.post(f"/auth/v1/token{query}", json={"email": "ann@example.com", "password": PASSWORD})
            assert (grant.status_code, grant.json()["code"]) == (400, "validation_failed"), query
        json = await client.post("/auth/v1/signup", content=b"{", headers={"content-type": "application/json"})
        assert (json.status_code, json.json()["code"]) == (400, "bad_json")
        for reply in (nobody, bad, wrong, json):
            assert reply.headers["x-supabase-api-version"] == "2024-01-01"
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.json()["status"] == reply.status_code
            assert reply.json()["detail"] == reply.json()["message"]
        assert (await client.post("/auth/v1/logout")).status_code == 401
        assert (await client.get("/api/me", headers=bearer(session["access_token"]))).status_code == 200


async def test_a_person_signed_in_by_cookie_reads_the_user_too_and_can_sign_out_there(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await client.post("/api/account", json={"email": "ann@example.com", "password": PASSWORD})
        assert (await client.get("/auth/v1/user")).json()["email"] == "ann@example.com"
        assert (await client.post("/auth/v1/logout", headers={"origin": "https://evil.example.org"})).status_code == 403
        assert (await client.post("/auth/v1/logout")).status_code == 204
        assert (await client.get("/api/me")).status_code == 401


async def test_settings_health_and_keys_are_open_to_all(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        settings = (await client.get("/auth/v1/settings")).json()
        assert (settings["external"]["email"], settings["disable_signup"], settings["mailer_autoconfirm"]) == (True, False, True)
        assert (await client.get("/auth/v1/health")).json()["name"] == "GoTrue"
        keys = await client.get("/auth/v1/.well-known/jwks.json", headers=bearer("expired"))
        assert keys.status_code == 200
        assert "max-age" in keys.headers["cache-control"]
