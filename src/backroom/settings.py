"""Every setting: name, default, sentence. Environment variables only; a `.env` file is read in development only.

docs/settings.md prints this table; a test compares the two.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backroom.errors import SettingsError

DEVELOPMENT_SECRET = "development-only-secret-do-not-deploy-this"
_SECRET_CURE = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'


class Settings(BaseSettings):
    """What may differ between two places where the same `app.py` runs."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False, env_prefix="", hide_input_in_errors=True)

    DATABASE_URL: SecretStr = Field(SecretStr("sqlite:data/app.db"), description="Where rows live: `sqlite:PATH` or `postgresql://...`.")
    SECRET_KEY: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET), description="Signs tokens and encrypts keys at rest; at least 32 characters, your own in production."
    )
    PUBLIC_URL: str = Field("http://localhost:8000", description="The address people type: links in mails and the cookie's safety derive from it.")
    CORS_ORIGINS: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose pages may call this server, comma separated: `https://app.example.com`."
    )
    CONFIRM_EMAIL: bool = Field(
        False, description="On: an address counts only once it is confirmed. No mail is sent yet, so those of `backroom user add` alone are."
    )
    RATE_LIMIT: bool = Field(True, description="Off for load tests: no limit on attempts to sign in.")
    TRUSTED_PROXIES: Annotated[tuple[str, ...], NoDecode] = Field((), description="Addresses whose X-Forwarded-For is believed, comma separated.")
    MAX_BODY_BYTES: int = Field(1_048_576, ge=1024, description="Largest request body in bytes; also the largest reply kept for a key.")
    MAX_JSON_DEPTH: int = Field(32, ge=4, le=200, description="Deepest nesting of a JSON body.")
    MAX_JSON_VALUES: int = Field(50_000, ge=1000, description="Most values in a JSON body; each array and object counts once more.")
    MAX_BULK_ROWS: int = Field(1000, ge=1, description="Most rows in one array body.")
    MAX_BATCH_ITEMS: int = Field(100, ge=1, description="Most requests in one batch.")
    MAX_URL_BYTES: int = Field(16_384, ge=1024, description="Longest path and query in bytes.")
    MAX_HEADER_BYTES: int = Field(32_768, ge=4096, description="Largest sum of all headers in bytes.")
    MAX_FILTERS: int = Field(50, ge=1, description="Most conditions in one query.")
    MAX_IN_VALUES: int = Field(1000, ge=1, description="Most values of all `in.(...)` of one query.")
    MAX_QUERY_SECONDS: float = Field(5.0, gt=0, description="Longest time one query may run, in seconds.")
    MAX_REPLY_BYTES: int = Field(16_777_216, ge=1_048_576, description="Largest reply of rows or of a batch in bytes; on SQLite, of a stored row.")
    BODY_TIMEOUT_SECONDS: float = Field(15.0, gt=0, description="Longest wait for the next piece of a body, in seconds.")
    SESSION_IDLE_DAYS: float = Field(14.0, gt=0, description="A session ends after so many days without use.")
    SESSION_MAX_DAYS: float = Field(90.0, gt=0, description="A session ends after so many days whatever happens.")
    ACCESS_TOKEN_SECONDS: int = Field(900, ge=30, le=86_400, description="Life of a bearer token in seconds.")
    PASSWORD_HASHES_AT_ONCE: int = Field(2, ge=1, description="How many passwords are hashed at the same time; more wait.")
    SERVER_TIMING: bool = Field(False, description="On: replies carry Server-Timing with the rooms' names (always on in development).")
    API_DOCS: bool = Field(True, description="Off: `/openapi.json` and `/docs` are not served.")
    DEVELOPMENT: bool = Field(False, description="Set by `backroom dev`: friendly errors, automatic tables, localhost cookies.")

    @field_validator("CORS_ORIGINS", "TRUSTED_PROXIES", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def load(*, development: bool = False, env_file: str | None = ".env", **given: Any) -> Settings:
    """Read the environment (and `.env` in development). Raises `SettingsError` naming the first wrong setting and its cure."""
    try:
        return Settings(_env_file=env_file if development else None, DEVELOPMENT=development, **given)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise SettingsError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}. See docs/settings.md.") from None


def require_safe(settings: Settings) -> None:
    """Production starts only with settings that can be defended. Raises `SettingsError` with the line to write."""
    secret = settings.SECRET_KEY.get_secret_value()
    if secret == DEVELOPMENT_SECRET:
        raise SettingsError(f"SECRET_KEY is not set; {_SECRET_CURE}")
    if len(secret) < 32 or len(set(secret)) < 10:
        raise SettingsError(f"SECRET_KEY is too weak (at least 32 varied characters); {_SECRET_CURE}")
    if "*" in settings.CORS_ORIGINS:
        raise SettingsError("CORS_ORIGINS=* would hand every page your users' sessions; name the origins instead.")
    host = settings.PUBLIC_URL.partition("://")[2].partition("/")[0].rpartition(":")[0] or settings.PUBLIC_URL.partition("://")[2]
    if settings.PUBLIC_URL.startswith("http://") and host not in ("localhost", "127.0.0.1", "[::1]"):
        raise SettingsError("PUBLIC_URL is http: sessions would travel in the clear; write the https address.")
