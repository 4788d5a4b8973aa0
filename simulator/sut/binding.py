"""On which addresses of this machine partners and DNS stand: loopback, private ones, or public ones on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

from simulator.toml import values

MOST: Final = 256
"Addresses that may be given; no run needs more."


@dataclass(frozen=True, slots=True)
class Bind:
    """Where partners stand: all on one address with ports of their own, or each on one of several."""

    text: str
    "In one spelling: `10.0.0.5`, `10.0.0.16/28`, `10.0.0.5, 10.0.0.6`."
    addresses: tuple[IPv4Address | IPv6Address, ...]
    "All of them; the DNS stands on the first."

    @property
    def parts(self) -> tuple[str, ...]:
        """The addresses and ranges, as they were given."""
        return tuple(self.text.split(", "))

    def __str__(self) -> str:
        return self.text


def read_bind(value: object) -> Bind:
    """Read an address, a range (`10.0.0.16/28`), or several of them in a list or with commas between.

    Raises ValueError for what is none, or has no single place.
    """
    written = value if isinstance(value, list) else [part.strip() for part in values.text(value).split(",")]
    if not written:
        raise ValueError("[] names no address; write one that the server reaches.")
    parts = [_part(one) for one in written]
    addresses = tuple(dict.fromkeys(address for part in parts for address in part.addresses))
    if len(addresses) > MOST:
        raise ValueError(f"{values.shown(value)} are {len(addresses)} addresses; {MOST} are enough for any run.")
    if len({address.version for address in addresses}) > 1:
        raise ValueError(
            f"{values.shown(value)} names addresses of IPv4 and of IPv6; write those of one family: every partner asks "
            "the DNS on the first from its own."
        )
    return Bind(", ".join(part.text for part in parts), addresses)


def _part(value: object) -> Bind:
    text = values.text(value)
    if "/" not in text:
        address = values.address(text)
        if address.is_unspecified or address.is_multicast:
            raise ValueError(f"{values.shown(text)} is no single address; write the one that the server reaches.")
        return Bind(str(address), (address,))
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{values.shown(text)} is no range of addresses, such as 10.0.0.16/28: {error}.") from None
    if network.num_addresses > 2 * MOST:
        raise ValueError(f"{values.shown(text)} are {network.num_addresses} addresses; {MOST} are enough for any run.")
    return Bind(str(network), tuple(network.hosts()))


def unasked_public(bound: Bind, asked_for: object) -> IPv4Address | IPv6Address | None:
    """The first of the addresses that everybody could reach, where they have not been asked for by name."""
    return None if repeats(bound, asked_for) else next((one for one in bound.addresses if one.is_global), None)


def repeats(bound: Bind, asked_for: object) -> bool:
    """Whether the one text names what the other does."""
    try:
        return read_bind(asked_for).addresses == bound.addresses
    except ValueError:
        return False
