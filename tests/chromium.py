"""Which Chromium the browser tests drive. `python tests/chromium.py` prints its path, or says what is missing and ends with 1."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")


def chromium_path() -> str:
    """The path of `$CHROMIUM`, the system's Chromium or Chrome, or Playwright's own. Raises `FileNotFoundError` when there is none."""
    given = os.environ.get("CHROMIUM")
    if given:
        if shutil.which(given):
            return given
        raise FileNotFoundError(f"CHROMIUM={given} is not a program")
    for found in _candidates():
        # A snap sees neither /tmp nor the tests' profile folder; Ubuntu's chromium-browser is a script that starts one.
        if "/snap/" not in os.path.realpath(found) and not _starts_snap(found):
            return found
    raise FileNotFoundError("no Chromium: run scripts/chromium")


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    yield from filter(os.path.exists, PLACES)
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if os.path.exists(path):
        yield path


def _starts_snap(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"#!" and b"/snap/bin/" in file.read(4096)


if __name__ == "__main__":
    try:
        print(chromium_path())
    except FileNotFoundError as missing:
        sys.exit(str(missing))
