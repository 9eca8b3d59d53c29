"""The processes of a server: `supervise JSON` watches, `PLAN FD` serves."""

from __future__ import annotations

import json
import os
import socket
import sys

from backroom.errors import SettingsError


def _supervise(text: str) -> int:
    from backroom.server.supervisor import serve, tell

    try:
        return serve(**json.loads(text))
    except SettingsError as error:
        tell(f"error: {error}")
        return 1


def _serve(plan: str, line: int) -> int:
    import logging

    from backroom.server.plan import Plan
    from backroom.server.process import main

    code = main(Plan.read(plan), socket.socket(fileno=line))
    logging.shutdown()
    return code


if __name__ == "__main__":
    ended = _supervise(sys.argv[2]) if sys.argv[1] == "supervise" else _serve(sys.argv[1], int(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended)  # granian's threads may outlive a request that was ended; everything of ours is closed
