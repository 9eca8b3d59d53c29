"""`POST /api/batch`, described."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from backroom.rest.batch import ADDRESS
from backroom.rest.batch_items import BODILESS, TAKEN, Method
from backroom.rest.openapi_problems import ALWAYS, BODY, IDEMPOTENCY_KEY, KEYED, SIGNED_OUT, WRITING, refusals
from backroom.rest.openapi_resources import Described, json_body, security
from backroom.rest.schemas import Schema

_TEXT: Schema = {"type": "string"}
_HEADERS: Schema = {
    "type": "object",
    "properties": {name: {"type": "string", "pattern": "^[ -~]*$"} for name in TAKEN},
    "additionalProperties": False,
}
_PATH: Schema = {
    "type": "string",
    "pattern": r"^/api/[^#\u0000-\u001f\u007f]*$",
    "description": "A resource, an endpoint or a function of this API, with its query.",
    "examples": ["/api/todos/42"],
}


def _item(methods: Iterable[str], body: Schema) -> Schema:
    properties: Schema = {"method": {"enum": list(methods)}, "path": _PATH, **body, "headers": _HEADERS}
    return {"type": "object", "properties": properties, "required": ["method", "path"], "additionalProperties": False}


_BODY: Schema = {"body": {"description": "As the request of its own would have it."}}
_ITEM: Schema = {"anyOf": [_item(BODILESS, {}), _item((method for method in get_args(Method) if method not in BODILESS), _BODY)]}
_REPLY: Schema = {
    "type": "object",
    "properties": {
        "status": {"type": "integer", "minimum": 200, "maximum": 599},
        "headers": {"type": "object", "additionalProperties": _TEXT, "description": "`location`, `etag`, `content-range`, ...: names in lower case."},
        "body": {"description": "As the request of its own would be answered; null for no body."},
    },
    "required": ["status", "headers", "body"],
    "additionalProperties": False,
}
_ABOUT = """\
All requests succeed, or none has an effect: they run in one transaction, each judged after the one before. Who sends the batch asks for all.

A refusal is that of the first request that is refused, with its index as `row` in `errors`."""
#: What the requests themselves may be refused with, beside what an app's own code raises.
_REFUSED = (
    *("auth.origin", "rules.forbidden", "rules.field", "http.not_found", "rest.not_found", "http.method_not_allowed", "rest.stale"),
    *("http.preference", "rest.no_filter", "rest.max_affected", "rest.reply_too_large", "database.too_large"),
    *("reference.not_found", "reference.in_use", "database.unique", "database.check"),
)


def describe_batch(app: Described) -> dict[str, Any]:
    """The path. `app` is of any resource."""
    done = {"description": "All done: the replies, in order.", "content": {"application/json": {"schema": {"type": "array", "items": _REPLY}}}}
    operation: dict[str, Any] = {
        "operationId": "sendBatch",
        "tags": ["batch"],
        "summary": "Send several requests as one",
        "description": _ABOUT,
        "parameters": [IDEMPOTENCY_KEY],
        "requestBody": json_body({"type": "array", "items": _ITEM, "maxItems": app.settings.MAX_BATCH_ITEMS}),
        "responses": {"200": done} | refusals([*ALWAYS, *_REFUSED, *SIGNED_OUT, *BODY, *WRITING, *KEYED], open_to_others=True),
    }
    return {ADDRESS: {"post": operation | ({"security": security(True)} if app.auth else {})}}
