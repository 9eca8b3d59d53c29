"""The app that the tests of raw framing run under granian."""

from __future__ import annotations

import os

from backroom.http.asgi import Door
from backroom.http.static import PublicFolder
from backroom.settings import load
from tests.http.doors import OWNS, Behind, mounted

_public = os.environ.get("DOOR_PUBLIC")

app = Door(
    Behind().answer,
    load(env_file=None),
    owns=OWNS,
    mounts=[("/ext", mounted)],
    static=PublicFolder(_public) if _public else None,
)
