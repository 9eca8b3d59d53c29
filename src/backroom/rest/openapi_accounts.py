"""Accounts and sessions, described: the cookie's own addresses, and those that answer with tokens in GoTrue's shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from backroom.auth.authenticate import cookie_name
from backroom.auth.gotrue_refusals import AT_SIGN_UP, AT_TOKEN, AT_USER, OF_SESSION, told_as
from backroom.auth.passwords import LONGEST, SHORTEST
from backroom.errors import ERRORS
from backroom.rest.implication import field_rule, implies, own_row
from backroom.rest.openapi_names import Components
from backroom.rest.openapi_problems import ALWAYS, ANY, BODY, FOREIGN, RAISED, SIGNED_OUT, WRITING, header_refs, refusals, told
from backroom.rest.openapi_queries import parameter
from backroom.rest.openapi_resources import Described, json_body, security
from backroom.rest.schemas import Schema, field_schema, is_sent, is_shown, row, without_default
from backroom.settings import Settings

_COOKIE = "The session of pages of this server's own site. `POST /api/session` sets it."
_BEARER = "`Authorization: Bearer` with the `access_token` of `POST /auth/v1/token`. It decides where both are present."
_TEXT: Schema = {"type": "string"}
_EMAIL: Schema = {"type": "string", "format": "email", "examples": ["ann@example.com"]}
_PASSWORD: Schema = {"type": "string", "format": "password", "minLength": SHORTEST, "maxLength": LONGEST, "writeOnly": True}
_SECRET: Schema = {"type": "string", "format": "password", "minLength": 1, "writeOnly": True}
_ANY_OBJECT: Schema = {"type": "object", "additionalProperties": True}
_ARRAY: Schema = {"type": "array", "items": _ANY_OBJECT}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_ENTERED = {"description": "Signed in: the person.", "headers": header_refs("Set-Cookie", "Location")}
_LEFT = {"description": "Done. The cookie is cleared.", "headers": header_refs("Set-Cookie")}

_SAME: Schema = {"description": "Taken when equal to what is stored.", "readOnly": True}
#: What changes of an account, or a hook about people, may meet.
_CHANGING = ("rules.field", "database.unique", "database.check", "reference.not_found")
_NEW = ("auth.email_taken", "auth.weak_password", "auth.too_many", *_CHANGING)
_ENTERING = ("auth.invalid_credentials", "auth.banned", "auth.too_many")

#: Names among the components that no resource may take.
ACCOUNT_NAMES = ("Account", "AccountCreate", "AccountUpdate", "SessionCreate", "TokenSession", "TokenUser")


def security_schemes(settings: Settings) -> dict[str, Any]:
    return {
        "cookie": {"type": "apiKey", "in": "cookie", "name": cookie_name(settings), "description": _COOKIE},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": _BEARER},
    }


def describe_accounts(users: Described, components: Components) -> dict[str, Any]:
    """The paths; their schemas go to `components`."""
    components.schemas.update(_account_schemas(users, components) | _token_schemas())
    hooked = any(users.definition.hooks.around(action) for action in ("create", "update", "delete"))
    return _cookie_paths(hooked=hooked) | _token_paths(hooked=hooked)


# ---------------------------------------------------------------- /api/account, /api/session
def _account_schemas(users: Described, components: Components) -> dict[str, Schema]:
    definition, adopt = users.definition, components.adopt
    own = own_row(users.catalog.definitions)
    visible = [field for field in definition.fields if is_shown(definition, field) != "never"]
    new = [field for field in definition.fields if is_sent(definition, field, "create")]
    changing = [field for field in definition.fields if is_sent(definition, field, "update")]
    surely = [field.column for field in visible if implies(own, field_rule(definition, field, "read"))]
    taken = {field.column: field_schema(field, "in", adopt) for field in new}
    changed = {field.column: without_default(field_schema(field, "in", adopt)) for field in changing}
    same = {field.column: _SAME | field_schema(field, "out", adopt) for field in visible if field not in changing}
    required = [field.column for field in new if not field.has_default]
    secrets = {"password": _PASSWORD, "current_password": _SECRET}
    about = {"description": "The person who is signed in, as they see themselves."}
    return {
        "Account": about | row(definition, adopt) | {"required": surely},
        "AccountCreate": _closed({"email": _EMAIL, "password": _PASSWORD, **taken}, ["email", "password", *required]),
        "AccountUpdate": {"anyOf": [_closed({**same, **changed}, []), _closed({**same, **secrets}, list(secrets))]},
        "SessionCreate": _closed({"email": _EMAIL, "password": _SECRET}, ["email", "password"]),
    }


def _cookie_paths(*, hooked: bool) -> dict[str, Any]:
    changing = (*_CHANGING, "auth.invalid_credentials", "auth.weak_password", "auth.too_many", "rules.forbidden")
    entered = {"201": _ENTERED | _json("Account")}
    me = {"200": {"description": "The person."} | _json("Account")}
    left = {"204": _LEFT}
    about_change = "Own fields; and `password` with `current_password`, which ends all other sessions."
    return {
        "/api/account": {
            "post": _operation("signUp", "account", "Sign up", entered, _NEW, body=_ref("AccountCreate"), who="nobody", hooked=hooked),
            "get": _operation("readAccount", "account", "My account", me),
            "patch": _operation(
                "updateAccount", "account", "Change my account", me, changing, body=_ref("AccountUpdate"), about=about_change, hooked=hooked
            ),
            "delete": _operation("deleteAccount", "account", "Delete my account", left, ("reference.in_use", "rules.forbidden"), hooked=hooked),
        },
        "/api/session": {
            "post": _operation("signIn", "account", "Sign in", entered, _ENTERING, body=_ref("SessionCreate"), who="nobody"),
            "get": _operation("readSession", "account", "Who am I?", me),
            "delete": _operation("signOut", "account", "Sign out", left, who="anyone"),
        },
    }


# ---------------------------------------------------------------- /auth/v1
def _token_schemas() -> dict[str, Schema]:
    told = {"id": {"type": "string", "format": "uuid"}, "aud": _TEXT, "role": _TEXT, "email": _EMAIL, "phone": _TEXT}
    times = dict.fromkeys(("email_confirmed_at", "confirmed_at", "last_sign_in_at", "created_at", "updated_at"), _TIME)
    data = {"app_metadata": _ANY_OBJECT, "user_metadata": _ANY_OBJECT, "identities": _ARRAY, "is_anonymous": {"type": "boolean"}}
    user = _closed({**told, **times, **data, "banned_until": _TIME}, [*told, *times, *data])
    texts = {"access_token": _TEXT, "token_type": {"const": "bearer"}, "refresh_token": _TEXT}
    session = {**texts, "expires_in": _NUMBER, "expires_at": _NUMBER, "user": _ref("TokenUser")}
    return {
        "TokenUser": {"description": "A person, as GoTrue's clients read them."} | user,
        "TokenSession": {"description": "Tokens and their person."} | _closed(session, list(session)),
    }


def _token_paths(*, hooked: bool) -> dict[str, Any]:
    session = {"200": {"description": "Signed in."} | _json("TokenSession")}
    me = {"200": {"description": "The person."} | _json("TokenUser")}
    told_as_is = {"200": {"description": "As it is."} | {"content": {"application/json": {"schema": _ANY_OBJECT}}}}
    left = {"204": {"description": "Done."}}
    credentials = _open({"email": _EMAIL, "password": _SECRET}, ["email", "password"])
    grants = {"anyOf": [credentials, _open({"refresh_token": {"type": "string", "minLength": 1}}, ["refresh_token"])]}
    newcomer = _open({"email": _EMAIL, "password": _PASSWORD, "data": _ANY_OBJECT}, ["email", "password"])
    change = _open({"password": _PASSWORD, "current_password": _SECRET, "data": _ANY_OBJECT}, [])
    grant = parameter("grant_type", {"enum": ["password", "refresh_token"]}, "What the body holds.") | {"required": True}
    scope = parameter("scope", {"enum": ["global", "local", "others"], "default": "global"}, "Which sessions end.")
    entering, changing = (*_ENTERING, "auth.grant_type"), ("auth.invalid_credentials", "auth.weak_password", "auth.too_many", "rules.forbidden")
    sign_up = _operation("signUpForTokens", "auth", "Sign up for tokens", session, _NEW, body=newcomer, who="nobody", hooked=hooked, said=AT_SIGN_UP)
    sign_in = _operation(
        "createTokens", "auth", "Sign in for tokens, or refresh them", session, entering, body=grants, query=grant, who="nobody", said=AT_TOKEN
    )
    change_user = _operation("updateTokenUser", "auth", "Change my metadata or password", me, changing, body=change, said=AT_USER)
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("signup", "post", sign_up),
        ("token", "post", sign_in),
        ("user", "get", _operation("readTokenUser", "auth", "Whose token is this?", me)),
        ("user", "put", change_user),
        ("logout", "post", _operation("endTokens", "auth", "Sign out", left, query=scope)),
        (".well-known/jwks.json", "get", _operation("listKeys", "auth", "The public keys that tokens are signed with", told_as_is, who="nobody")),
        ("settings", "get", _operation("readAuthSettings", "auth", "How people may sign in", told_as_is, who="nobody")),
        ("health", "get", _operation("readAuthHealth", "auth", "Is it there?", told_as_is, who="nobody")),
    ]
    paths: dict[str, Any] = {}
    for path, method, operation in rows:
        paths.setdefault(f"/auth/v1/{path}", {})[method] = operation
    return paths


# ---------------------------------------------------------------- parts
def _operation(
    name: str,
    tag: str,
    summary: str,
    replies: Mapping[str, Any],
    codes: Iterable[str] = (),
    *,
    body: Schema | None = None,
    query: Schema | None = None,
    who: Literal["nobody", "anyone", "person"] = "person",  # as `auth.endpoints` has it: whose credentials are looked at
    about: str = "",
    hooked: bool = False,
    said: Mapping[int, set[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """`said`: at `/auth/v1`, what only that face says. `hooked`: the app's own code may refuse it."""
    operation: dict[str, Any] = {"operationId": name, "tags": [tag], "summary": summary}
    if about:
        operation["description"] = about
    if query is not None:
        operation["parameters"] = [query]
    if body is not None:
        operation["requestBody"] = json_body(body)
    met = {*(code for code in ALWAYS if code != "http.not_acceptable"), *codes}
    met |= {*BODY, *WRITING} if body is not None else set()
    met |= {*FOREIGN, *WRITING} if tag == "account" and not name.startswith("read") else set()
    met |= set(SIGNED_OUT) if who != "nobody" else set()
    if tag == "account":
        refused = refusals(met, open_to_others=hooked)
    else:
        refused = told(_told_by_gotrue(met, said, person=who != "nobody", hooked=hooked))
    operation["responses"] = dict(replies) | refused
    return operation | {"security": [] if who == "nobody" else security(who == "anyone")}


def _told_by_gotrue(codes: set[str], said: Mapping[int, set[str]], *, person: bool, hooked: bool) -> dict[int, set[str]]:
    """Status -> codes, as that face names them."""
    raised = {ERRORS[code].status: {ANY} for code in RAISED} if hooked else {}
    faces = [told_as({*codes, *RAISED} if hooked else codes), said, OF_SESSION if person else {}, raised]
    return {status: set[str]().union(*(face.get(status, set()) for face in faces)) for status in set[int]().union(*faces)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": _ref(name)}}}


def _closed(properties: Mapping[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **({"required": required} if required else {})}


def _open(properties: Mapping[str, Schema], required: list[str]) -> Schema:
    """What its clients send beside this is ignored."""
    return _closed(properties, required) | {"additionalProperties": True}
