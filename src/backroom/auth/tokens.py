"""Access tokens: ES256 JWTs with GoTrue's claims, and the keys that sign them.

A token is believed only if its header is, byte for byte, the header that this server writes for one of its keys. So `alg`, `kid`, `jku`,
`jwk`, `crit`, `zip` and whatever else a forger may put there is never read, let alone followed.
"""

from __future__ import annotations

import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from secrets import token_bytes
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import bindparam, select

from backroom.auth.moments import WALL, Clock, stored
from backroom.auth.tables import AuthTables
from backroom.calls import Ask, Unit
from backroom.database.database import Database
from backroom.settings import Settings
from backroom.sql.compiled import compiled
from backroom.sql.values import DialectName, load, store

ALGORITHM = "ES256"
AUDIENCE = "authenticated"
#: Longer than any token of ours can be; what is longer isn't looked at.
LONGEST_TOKEN = 8192

log = logging.getLogger("backroom.auth")


class Verified(NamedTuple):
    """What a genuine token says: whose it is, which session it belongs to, until when (seconds since 1970)."""

    user_id: UUID
    session_id: UUID
    expires: float


class Tokens:
    """Signs and verifies. `open()` reads the keys that all processes share, and makes one at the first start."""

    def __init__(self, database: Database, tables: AuthTables, settings: Settings, clock: Clock = WALL) -> None:
        self.issuer = settings.PUBLIC_URL.rstrip("/") + "/auth/v1"
        self.lifetime = settings.ACCESS_TOKEN_SECONDS
        self._keys = SigningKeys(database, tables, settings.SECRET_KEY.get_secret_value(), clock)
        self._clock = clock
        self._by_header: dict[bytes, ECKey] = {}
        self._signing: ECKey | None = None

    async def open(self) -> None:
        keys = await self._keys.read()
        self._by_header = {_header_segment(key): key for key in keys}
        self._signing = keys[-1]

    @property
    def jwks(self) -> dict[str, Any]:
        """The public halves, as `/.well-known/jwks.json` shows them."""
        return {"keys": [_public(key) for key in self._by_header.values()]}

    def sign(self, claims: Mapping[str, Any]) -> tuple[str, int]:
        """A token with these claims, and when it ends (seconds since 1970)."""
        assert self._signing is not None, "open() comes first"
        now = int(self._clock())
        expires = now + self.lifetime
        whole = {"iss": self.issuer, "aud": AUDIENCE, "exp": expires, "iat": now, **claims}
        return jwt.encode(_header(self._signing), whole, self._signing, algorithms=[ALGORITHM]), expires

    def verify(self, token: bytes) -> Verified | None:
        """None for everything but a genuine, unexpired access token of this server. Never raises, fetches nothing."""
        if len(token) > LONGEST_TOKEN or token.count(b".") != 2:
            return None
        key = self._by_header.get(token[: token.index(b".")])
        if key is None:
            return None
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, RecursionError):
            return None
        return self._read(claims)

    def _read(self, claims: Mapping[str, Any]) -> Verified | None:
        expires, not_before = claims.get("exp"), claims.get("nbf", 0)
        if type(expires) is not int or type(not_before) is not int:
            return None
        now = self._clock()
        if not not_before <= now < expires or expires > now + self.lifetime + 60:
            return None
        if claims.get("iss") != self.issuer or claims.get("aud") != AUDIENCE or claims.get("role") != AUDIENCE:
            return None
        user_id, session_id = _uuid(claims.get("sub")), _uuid(claims.get("session_id"))
        return None if user_id is None or session_id is None else Verified(user_id, session_id, float(expires))


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _header(key: ECKey) -> dict[str, Any]:
    return {"alg": ALGORITHM, "kid": key.kid}


def _header_segment(key: ECKey) -> bytes:
    return jwt.encode(_header(key), {}, key, algorithms=[ALGORITHM]).partition(".")[0].encode()


def _public(key: ECKey) -> dict[str, Any]:
    parts = key.as_dict(private=False)
    # Named one by one: a part that a library adds one day must not be published by itself.
    return {**{name: parts[name] for name in ("kty", "crv", "x", "y")}, "kid": key.kid, "alg": ALGORITHM, "use": "sig", "key_ops": ["verify"]}


class SigningKeys:
    """The table `_signing_keys`. The private half is sealed with a key derived from SECRET_KEY: a copy of the database signs nothing."""

    def __init__(self, database: Database, tables: AuthTables, secret: str, clock: Clock) -> None:
        table, dialect = tables.signing_keys, tables.dialect
        self._database = database
        self._dialect: DialectName = dialect
        self._clock = clock
        self._box = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"backroom signing keys v1").derive(secret.encode()))
        self._select = compiled(select(table.c.kid, table.c.sealed).order_by(table.c.created_at, table.c.kid), dialect)
        self._insert = compiled(table.insert().values({column.name: bindparam(column.name) for column in table.c}), dialect, writes=True)

    async def read(self) -> list[ECKey]:
        """All keys that open with this SECRET_KEY, oldest first; at least one."""
        keys = self._opened(await self._database.read(self._select.text))
        # In one transaction with the second look: of two processes at their first start, one makes the key and both use it.
        return keys or await self._database.write(self._make)

    def _make(self) -> Unit[list[ECKey]]:
        rows = yield Ask(self._select.text)
        keys = self._opened(rows)
        if keys:
            return keys
        if rows:
            log.warning("SECRET_KEY has changed: no stored signing key opens with it. A new one is made; access tokens signed before are refused.")
        key = ECKey.generate_key("P-256")
        key.ensure_kid()
        kid = str(key.kid)
        made = {
            "kid": kid,
            "sealed": _seal(self._box, key, kid),
            "public": store("json", _public(key), self._dialect),
            "created_at": stored(self._clock(), self._dialect),
        }
        yield Ask(self._insert.text, self._insert.bind(made))
        return [key]

    def _opened(self, rows: list[Any]) -> list[ECKey]:
        found = (_open(self._box, sealed, kid) for kid, sealed in rows)
        return [key for key in found if key is not None]


def _seal(box: AESGCM, key: ECKey, kid: str) -> str:
    nonce = token_bytes(12)
    return urlsafe_b64encode(nonce + box.encrypt(nonce, msgspec.json.encode(key.as_dict(private=True)), kid.encode())).decode()


def _open(box: AESGCM, sealed: str, kid: str) -> ECKey | None:
    try:
        raw = urlsafe_b64decode(sealed)
        return ECKey.import_key(load("json", box.decrypt(raw[:12], raw[12:], kid.encode()), "sqlite"))
    except (InvalidTag, ValueError):
        return None
