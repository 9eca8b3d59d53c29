"""Start and stop, as ASGI servers ask for them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import Receive, Send

from backroom.errors import DeclarationError, SettingsError

Step: TypeAlias = Callable[[], Awaitable[None]]

log = logging.getLogger("backroom.http")


async def run_lifespan(receive: Receive, send: Send, on_start: Step, on_stop: Step) -> None:
    """Run `on_start` before the first request and `on_stop` after the last. A start that fails is told to the server in one sentence."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            fault = await _fault(on_start, "start")
            if fault is not None:
                await send({"type": "lifespan.startup.failed", "message": fault})
                return
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            fault = await _fault(on_stop, "stop")
            if fault is None:
                await send({"type": "lifespan.shutdown.complete"})
            else:
                await send({"type": "lifespan.shutdown.failed", "message": fault})
            return


async def _fault(step: Step, name: str) -> str | None:
    try:
        await step()
    except (DeclarationError, SettingsError) as error:
        return str(error)  # already the sentence to read; a traceback would bury it
    except Exception as error:
        log.exception("The app could not %s.", name)
        return f"The app could not {name}: {type(error).__name__}: {error}"
    return None
