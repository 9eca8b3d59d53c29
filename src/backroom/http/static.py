"""The app's own pages: the folder `public/`."""

from __future__ import annotations

import os
from mimetypes import MimeTypes
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

_WELL_KNOWN = ".well-known"  # the one hidden name that the web itself asks for (RFC 8615)
_NOT_FOUND = 404

# The system's table differs between machines, and with nosniff a module or stylesheet of the wrong type does not load at all.
_TYPES = MimeTypes(filenames=())
for _ending, _type in (
    (".avif", "image/avif"),
    (".js", "text/javascript"),
    (".map", "application/json"),
    (".md", "text/markdown"),
    (".mjs", "text/javascript"),
    (".otf", "font/otf"),
    (".ttf", "font/ttf"),
    (".wasm", "application/wasm"),
    (".webmanifest", "application/manifest+json"),
    (".webp", "image/webp"),
    (".woff", "font/woff"),
    (".woff2", "font/woff2"),
):
    _TYPES.add_type(_type, _ending)


class PublicFolder(StaticFiles):
    """Serves the files of a folder to GET and HEAD, with ETag, Last-Modified and Range.

    A folder's address answers with its `index.html`. With `spa`, an unknown address that asks for HTML gets the top `index.html`: the
    page's own router takes over. Hidden files (`.env`), what lies outside the folder, and links that lead out of it are 404.

    >>> PublicFolder("public", spa=True)  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, *, spa: bool = False) -> None:
        super().__init__(directory=folder, html=True)
        self._spa = spa

    async def get_response(self, path: str, scope: Scope) -> Response:
        address: str = scope["path"]
        if not _is_plain(address):
            raise HTTPException(_NOT_FOUND)
        if scope["method"] not in ("GET", "HEAD"):
            # Only where a file is: a POST to a mistyped address must read "nothing here", not "wrong method".
            found = await self._find(path, {**scope, "method": "GET"})
            raise HTTPException(_NOT_FOUND) if found.status_code == _NOT_FOUND else HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await self._find(path, scope)
        if isinstance(response, RedirectResponse):
            # Starlette's is absolute and takes the Host header at its word; behind a proxy that is the wrong host or scheme.
            query = scope["query_string"].decode("latin-1")
            response.headers["location"] = quote(address) + "/" + (f"?{query}" if query else "")
        return response

    async def _find(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if not self._spa or not _wants_html(scope):
                raise HTTPException(_NOT_FOUND) from error
            return await super().get_response("index.html", scope)
        if response.status_code == _NOT_FOUND and self._spa and _wants_html(scope):
            return await super().get_response("index.html", scope)
        return response

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        full_path, found = super().lookup_path(path)
        if found is not None and self.directory is not None:
            inside = os.path.relpath(full_path, os.path.realpath(self.directory)).split(os.sep)
            if any(_is_hidden(name) for name in inside if name != "."):
                return "", None
        return full_path, found

    def file_response(self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200) -> Response:
        kind = _TYPES.guess_type(str(full_path))[0] or "application/octet-stream"
        headers = {"cache-control": "no-cache"}  # ask each time, by ETag: a new version of the page shows at the next load
        response = FileResponse(full_path, status_code, headers, kind, stat_result=stat_result)
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response


def _is_plain(address: str) -> bool:
    if "//" in address or "\\" in address or "\0" in address:
        return False
    return not any(_is_hidden(segment) for segment in address.split("/"))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and name != _WELL_KNOWN


def _wants_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")
