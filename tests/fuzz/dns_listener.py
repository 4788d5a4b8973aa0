"""Throw broken messages at the DNS server: `tox -e fuzz -- dns 5000000`.

Each packet goes to the UDP side and, cut into pieces, to a TCP connection; some meet faults. The server must stay what
it is: no exception, each answer with the id of its query and no longer than it may be, and no more memory than before.
`--coverage` lets atheris look for packets that reach new code, where it is installed; otherwise they are mutations of
good queries, by a seed that is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import dns.exception
import dns.message

BY_COVERAGE = "--coverage" in sys.argv
if BY_COVERAGE:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # only for this, and not everywhere

with atheris.instrument_imports(include=["fakes.dns"]) if BY_COVERAGE else nullcontext():
    from fakes.dns import DnsServer, FaultKind, Transport, Zone, ZoneSet
    from fakes.dns.tcp import Connection, TcpServer

ZONE = """
$TTL 5
$ORIGIN fuzz.test.
@ SOA ns hostmaster 1 2 3 4 5
@ NS ns
@ ALIAS sip
@ CAA 0 issue "ca.test"
* A 127.0.0.9
*.wild TXT "any" "text"
_sipfederationtls._tcp SRV 0 0 5061 sip
sip A 127.0.0.1
sip AAAA ::1
www CNAME sip
loop CNAME loop
far CNAME host.elsewhere.test.
sub NS ns.sub
ns.sub A 127.0.0.2
x TYPE65280 \\# 3 010203
$GENERATE 1-100 big A 127.0.1.$
"""
NAMES = [
    "sip",
    "www",
    "nobody",
    "a.b.wild",
    "sub",
    "x.sub",
    "big",
    "_tcp",
    "_sipfederationtls._tcp",
    "loop",
    "far",
    "x",
    "@",
]
CHECK_EVERY = 20
"How often an answer is read by dnspython, which takes longer than giving it."
MAX_GROWTH = 16_000_000
"Octets that the process may be larger at the end than it was when the server was warm."
CLIENT = ("127.0.0.1", 12345)


class Carrier:
    """Takes the answers that come later."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def send(self, wire: bytes, client: tuple[Any, ...]) -> None:
        """Forget the answer."""

    def reset(self) -> None:
        """Nothing to reset."""


class Pipe(asyncio.Transport):
    """The asker's side of a TCP connection, without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return CLIENT if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class Target:
    """A server that gets packets; on a running loop."""

    def __init__(self, seed: int) -> None:
        zone = Zone.from_text(ZONE)
        self.server = DnsServer(ZoneSet([zone]), history=100, call_later=_never)
        self.chance = random.Random(seed)
        self.count = 0
        self._tcp = TcpServer(self.server.answer, idle_timeout=3600, max_connections=10)
        self._tcp._accepting = True

    def __call__(self, packet: bytes) -> None:
        """Handle one packet in every way. Raises AssertionError, or whatever the server should not have raised."""
        self.count += 1
        if self.count % 1000 == 0:
            self._change()
        self._datagram(packet)
        if self.count % 4 == 0:
            self._stream(packet)

    def _change(self) -> None:
        """Another fault and a changed zone, so that nothing stays in the cache for ever."""
        self.server.clear_faults()
        if self.chance.random() < 0.5:
            kind = self.chance.choice(list(FaultKind))
            name = "*.fuzz.test" if kind is FaultKind.MANGLED else "_sipfederationtls._tcp.fuzz.test"
            self.server.fault(name, kind, rate=0.9, seed=self.count)
        with self.server.zones.edit("fuzz.test") as zone:
            zone.a(f"new{self.count % 7}", f"127.0.2.{self.count % 200}")

    def _datagram(self, packet: bytes) -> None:
        answer = self.server.answer(packet, CLIENT, Carrier("udp"))
        if not answer:
            return
        faulty = bool(self.server.faults)
        assert len(packet) >= 12
        assert len(answer) <= 1232
        assert faulty or (answer[:2] == packet[:2] and answer[2] & 0x80)
        if not faulty and self.count % CHECK_EVERY == 0:
            dns.message.from_wire(answer)

    def _stream(self, packet: bytes) -> None:
        connection, pipe = Connection(self._tcp), Pipe()
        connection.connection_made(pipe)
        framed = len(packet).to_bytes(2, "big") + packet
        cut = self.chance.randrange(len(framed) + 1)
        for piece in (framed[:cut], framed[cut:] + packet):
            if not pipe.closed:
                connection.data_received(piece)
        connection.connection_lost(None)
        if pipe.written and not self.server.faults:
            assert pipe.written[2:4] == packet[:2]
            assert int.from_bytes(pipe.written[:2], "big") <= len(pipe.written) - 2


class _Never:
    def cancel(self) -> None:
        """There is nothing planned."""


def _never(_delay: float, _callback: Callable[[], None]) -> _Never:
    return _Never()


def seeds() -> list[bytes]:
    """Good queries to start from."""
    queries: list[bytes] = []
    for name in NAMES:
        for type_ in ("A", "SRV", "TXT", "ANY", "AAAA", "CAA", "SOA", "TYPE65280"):
            owner = "fuzz.test" if name == "@" else f"{name}.fuzz.test"
            query = dns.message.make_query(owner, type_, use_edns=0 if len(queries) % 2 else -1, payload=1400)
            queries.append(query.to_wire())
    return queries


def mutated(chance: random.Random, good: Sequence[bytes]) -> bytes:
    """Damage a good query: octets, places, lengths, and pieces of another one."""
    wire = bytearray(chance.choice(good))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
        what = chance.randrange(6)
        place = chance.randrange(len(wire)) if wire else 0
        if what == 0 and wire:
            wire[place] = chance.randrange(256)
        elif what == 1 and wire:
            wire[place] ^= 1 << chance.randrange(8)
        elif what == 2:
            del wire[place : place + chance.randrange(1, 12)]
        elif what == 3:
            wire[place:place] = chance.randbytes(chance.randrange(1, 12))
        elif what == 4:
            other = chance.choice(good)
            wire[place:] = other[chance.randrange(len(other)) :]
        elif wire:
            wire[place] = chance.choice((0, 1, 0x3F, 0x40, 0x80, 0xC0, 0xFF))
    return bytes(wire)


def memory() -> int:
    """Octets of memory that the process has; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


async def mutations(packets: int, seed: int, progress: Callable[[int, int], None]) -> int:
    """Send mutations; by how many octets the process grew from a tenth of the way to the end."""
    target, chance, good = Target(seed), random.Random(seed), seeds()
    warm = 0
    for number in range(1, packets + 1):
        target(mutated(chance, good))
        if number % 1000 == 0:
            await asyncio.sleep(0)  # lets the loop drop its cancelled timers
        if number == max(packets // 10, 1):
            warm = memory()
        if number % 100_000 == 0:
            progress(number, memory())
    return memory() - warm


def by_coverage(packets: int, seed: int) -> None:
    """Let atheris choose the packets; it ends the process."""
    loop = asyncio.new_event_loop()

    async def made() -> Target:
        return Target(seed)

    target = loop.run_until_complete(made())

    async def one(packet: bytes) -> None:
        target(packet)

    atheris.Setup(
        [sys.argv[0], f"-runs={packets}", f"-seed={seed}", "-max_len=600"],
        lambda data: loop.run_until_complete(one(data)),
    )
    atheris.Fuzz()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; 0 when nothing was found."""
    parser = argparse.ArgumentParser(description="Throw broken messages at the DNS server.")
    parser.add_argument("packets", type=int, nargs="?", default=100_000, help="how many (100,000)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--coverage", action="store_true", help="let atheris choose the packets")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    if options.coverage:
        by_coverage(options.packets, options.seed)
    grown = asyncio.run(
        mutations(options.packets, options.seed, lambda done, size: print(done, f"{size / 1e6:.1f} MB", flush=True))
    )
    print(f"{options.packets} packets, the process grew by {grown} octets")
    return int(grown > MAX_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
