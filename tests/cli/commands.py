"""`backroom` as somebody types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def backroom(*words: str, cwd: Path, **env: str) -> Ended:
    """Run the command in a folder. No command may show a traceback."""
    kept = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DATABASE_URL")}
    given = {**kept, "COLUMNS": "200", "NO_COLOR": "1", **env}
    done = subprocess.run([sys.executable, "-m", "backroom", *words], cwd=cwd, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def app_in(folder: Path, text: str) -> Path:
    (folder / "app.py").write_text(text)
    return folder
