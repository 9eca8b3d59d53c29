"""What one server is asked to do, as its processes hand it to each other, and the sockets it listens on."""

from __future__ import annotations

import errno
import json
import socket
import sys
from dataclasses import asdict, dataclass

from backroom.errors import SettingsError

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """`url` is what to type into a browser on this machine. `sockets` are file descriptors, listening already."""

    target: str
    url: str
    development: bool
    sockets: tuple[int, ...] = ()

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Plan:
        given = json.loads(text)
        return cls(given["target"], given["url"], given["development"], tuple(given["sockets"]))


def url_of(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::", "127.0.0.1", "::1"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listen(host: str, port: int) -> list[socket.socket]:
    """Take the port, once for all processes: connections wait in the queue while one of them starts. `localhost` is both loopbacks.

    Raises `SettingsError` with the cure when the port is taken, forbidden, or the host is none of this machine's.
    """
    if not 0 < port < 65536:
        raise SettingsError(f"There is no port {port}; write --port 8000")
    addresses = ("127.0.0.1", "::1") if host == "localhost" else _resolved(host, port)
    taken: list[socket.socket] = []
    try:
        for address in addresses:
            found = _bound(address, port)
            if found is not None:
                taken.append(found)
    except SettingsError:
        for each in taken:
            each.close()
        raise
    if not taken:
        raise SettingsError(f"{host} is no address of this machine; write --host 127.0.0.1, or --host 0.0.0.0 for all of them")
    return taken


def _bound(address: str, port: int) -> socket.socket | None:
    """None: this machine has no such address (no IPv6, say)."""
    try:
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError:
        return None
    try:
        if sys.platform != "win32":  # there it would let two servers share a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if made.family == socket.AF_INET6 and address != "::":
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"Port {port} is taken by another program; choose another: --port {port + 1}") from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise SettingsError(f"This user may not listen on port {port}; choose one above 1023: --port 8000") from None
        return None
    return made


def _resolved(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SettingsError(f"There is no host {host}; write --host 127.0.0.1, or --host 0.0.0.0 for all addresses of this machine") from None
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))[:1]
