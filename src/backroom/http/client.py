"""The address a request came from: the peer's, unless the peer is a proxy of ours."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from backroom.errors import SettingsError

Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]


def parse_networks(written: Iterable[str]) -> Networks:
    """Addresses and networks (`10.0.0.0/8`) as TRUSTED_PROXIES names them. Raises `SettingsError` for anything else."""
    networks: list[IPv4Network | IPv6Network] = []
    for text in written:
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            raise SettingsError(f"TRUSTED_PROXIES: {text!r} is not an address; write for example 127.0.0.1 or 10.0.0.0/8.") from None
    return tuple(networks)


def client_address(peer: str, forwarded: bytes | None, proxies: Networks) -> str:
    """Walk X-Forwarded-For from the right, past our own proxies, to the first address that somebody else could have written.

    What stands left of that one was sent by the client and proves nothing.

    >>> client_address("127.0.0.1", b"6.6.6.6, 203.0.113.9", parse_networks(["127.0.0.1"]))
    '203.0.113.9'
    """
    if not forwarded or not proxies or not is_trusted(peer, proxies):
        return peer
    believed = peer
    for part in reversed(forwarded.decode("latin-1").split(",")):
        address = _parse(part.strip())
        if address is None:
            return believed
        believed = str(address)
        if not _within(address, proxies):
            return believed
    return believed


def is_trusted(peer: str, proxies: Networks) -> bool:
    """Is the peer itself one of TRUSTED_PROXIES?"""
    address = _parse(peer)
    return address is not None and _within(address, proxies)


def _within(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
