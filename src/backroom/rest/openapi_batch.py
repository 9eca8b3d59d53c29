"""`POST /api/batch`, described."""

from __future__ import annotations

from typing import Any, get_args

from backroom.rest.batch import ADDRESS
from backroom.rest.batch_items import TAKEN, Method
from backroom.rest.openapi_problems import ALWAYS, IDEMPOTENCY_KEY, KEYED, WITH_BODY, WRITING, refusals
from backroom.rest.openapi_resources import Described, json_body, security
from backroom.rest.schemas import Schema

_TEXT: Schema = {"type": "string"}
_ITEM: Schema = {
    "type": "object",
    "properties": {
        "method": {"enum": list(get_args(Method))},
        "path": {
            "type": "string",
            "pattern": "^/api/",
            "description": "A resource, an endpoint or a function of this API.",
            "examples": ["/api/todos/42"],
        },
        "body": {"description": "As the request of its own would have it. GET and DELETE have none."},
        "headers": {"type": "object", "properties": dict.fromkeys(TAKEN, _TEXT), "additionalProperties": False},
    },
    "required": ["method", "path"],
    "additionalProperties": False,
}
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
#: What the requests themselves may be refused with.
_REFUSED = (401, 403, 404, 405, 409, 412, 429)


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
        "responses": {"200": done} | refusals([*ALWAYS, *_REFUSED, *WITH_BODY, *WRITING, *KEYED]),
    }
    return {ADDRESS: {"post": operation | ({"security": security(True)} if app.auth else {})}}
