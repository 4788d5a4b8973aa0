"""Loopback addresses that nobody else uses: one per edge where the platform has 127.0.0.0/8, else own ports."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from simulator.errors import ConfigurationError, Problem

SIP_TLS_PORT = 5061
"RFC 3261 §19.1.2 and every Microsoft document (F1.16)."


class LoopbackAddresses:
    """Hands out `(address, port)` pairs, each once.

    On Linux and Windows every 127.x.y.z is local, so each pair is a fresh address with port 5061. Where only
    127.0.0.1 is (macOS, BSD), the port is 0: the listener takes a free one and the SRV record carries it.
    """

    def __init__(self, seed: int | None = None, *, one_address: bool | None = None) -> None:
        """`one_address` says that only 127.0.0.1 may be used; by default the platform is asked."""
        self.one_address = not _whole_network_is_local() if one_address is None else one_address
        self._fresh = self._count(random.Random(seed))

    def take(self) -> tuple[str, int]:
        """An address where port 5061 was free a moment ago."""
        if self.one_address:
            return "127.0.0.1", 0
        for address in itertools.islice(self._fresh, 64):
            if _is_free(address, SIP_TLS_PORT):
                return address, SIP_TLS_PORT
        return next(self._fresh), 0

    @property
    def shared(self) -> str | None:
        """The address that all have together, where there is but one."""
        return "127.0.0.1" if self.one_address else None

    @staticmethod
    def _count(rng: random.Random) -> Iterator[str]:
        start = rng.randrange(1 << 22)
        for step in itertools.count():
            number = (start + step) % (1 << 22)
            # 127.64.0.1 and up: above the addresses that people configure by hand.
            yield f"127.{64 + (number >> 16)}.{(number >> 8) & 255}.{1 + number % 254}"


class PortRange:
    """One address of this machine for all partners, each with a port of its own, which its SRV record carries."""

    one_address = True

    def __init__(self, address: str, first: int, last: int) -> None:
        """`first` and `last` are the ports at both ends of the range."""
        self.shared: str | None = address
        self._ports = range(first, last + 1)
        self._next = 0

    def take(self) -> tuple[str, int]:
        """The next port that was free a moment ago; ConfigurationError when all are taken."""
        assert self.shared is not None
        for _ in self._ports:
            port = self._ports[self._next % len(self._ports)]
            self._next += 1
            if _is_free(self.shared, port):
                return self.shared, port
        ports = f"{self._ports[0]}-{self._ports[-1]}"
        raise ConfigurationError(
            [Problem("network.ports", f"none of the ports {ports} of {self.shared} is free, or it is not our address")]
        )


class OneEach:
    """Several addresses of this machine: each partner has one for itself, with port 5061, as long as it is there."""

    one_address = False
    shared: str | None = None

    def __init__(self, addresses: Sequence[str]) -> None:
        """They are handed out in turn."""
        self._addresses = tuple(addresses)
        self._next = 0

    def take(self) -> tuple[str, int]:
        """The next address where port 5061 was free a moment ago; ConfigurationError when all are taken."""
        for _ in self._addresses:
            address = self._addresses[self._next % len(self._addresses)]
            self._next += 1
            if _is_free(address, SIP_TLS_PORT):
                return address, SIP_TLS_PORT
        count = len(self._addresses)
        raise ConfigurationError(
            [
                Problem(
                    "network.bind",
                    f"Port {SIP_TLS_PORT} is taken on all {count} addresses, and each partner of a test needs one for "
                    "itself; name more addresses, or a single one, where partners have ports of their own.",
                )
            ]
        )


def is_ours(address: str) -> bool:
    """Whether this machine has the address."""
    return _is_free(address, 0)


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # as the listeners do: connections that have ended keep nobody out
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _whole_network_is_local() -> bool:
    return _is_free("127.64.0.1", 0)


Addresses: TypeAlias = LoopbackAddresses | PortRange | OneEach
"Whatever hands out where partners listen."
