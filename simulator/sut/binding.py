"""On which address of this machine partners and DNS may stand: loopback, a private one, or a public one on purpose."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from simulator.toml import values


def bind_address(value: object) -> IPv4Address | IPv6Address:
    """The address; ValueError for what is none, or stands for several."""
    address = values.address(value)
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"{values.shown(value)} is no single address; write the one that the server reaches.")
    return address


def is_unasked_public(address: IPv4Address | IPv6Address, asked_for: object) -> bool:
    """Whether everybody could reach it, and it has not been asked for by name."""
    return address.is_global and asked_for != str(address)
