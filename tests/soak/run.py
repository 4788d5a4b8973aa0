"""A thousand partners write to one server for minutes: is anything lost, is the rate held, does memory stay flat?

The server runs in a process of its own (Linux: its memory and processor time are read from /proc). Every message says
whose it is and which one; the server's users must have each exactly once, in order.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from simulator.connect_server.control import models as m
from simulator.federation import Engine, Federation
from simulator.partner import Partner
from simulator.sut.remote import RemoteServer
from simulator.sut.settings import SutSettings

SAMPLE = 10.0
"Seconds between two looks at the server's memory."
AT_ONCE = 20
"Partners that connect at the same time."
PATIENCE = 60.0
"Seconds that the last messages have to be read."


@dataclass
class Tally:
    """What was sent and what arrived."""

    sent: Counter[str] = field(default_factory=Counter)
    "Messages that were answered 200, by sender."
    failures: list[str] = field(default_factory=list)
    "What became of the others."
    read: Counter[str] = field(default_factory=Counter)
    "Messages that the server's users have, by sender."
    wrong: list[str] = field(default_factory=list)
    "Those that came twice, or out of order."
    late: float = 0.0
    "Seconds by which the senders are behind their plan."

    @property
    def lost(self) -> int:
        """How many were answered 200 and are not there."""
        return sum((self.sent - self.read).values())


class Soak:
    """One run."""

    def __init__(self, federation: Federation, server: RemoteServer, partners: Sequence[Partner], rate: float) -> None:
        self.tally = Tally()
        self._server = server
        self._senders = [partner.user("bob") for partner in partners]
        self._agents = [partner.agent for partner in partners]
        self._readers = [f"sip:{name}@{server.domain}" for name in ("alice", "anna")]
        self._pause = len(partners) / rate
        self._federation = federation
        self._end = 0.0

    async def connect(self) -> None:
        """Have everybody write once, a few at a time: that a thousand begin in one second is another experiment."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def begin(number: int) -> None:
            async with turns:
                await self._send(number)

        await asyncio.gather(*(begin(number) for number in range(len(self._senders))))

    async def run(self, seconds: float) -> None:
        """Let everybody write for so long; it returns once everything that was answered has been read."""
        clock = asyncio.get_running_loop().time
        start = clock()
        self._end = start + seconds
        readers = [asyncio.create_task(self._read(uri)) for uri in self._readers]
        writers = [
            self._write(number, start + self._pause * number / len(self._senders))
            for number in range(len(self._senders))
        ]
        await asyncio.gather(*writers)
        deadline = clock() + PATIENCE
        while self.tally.lost and clock() < deadline:
            await asyncio.sleep(0.1)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    async def _write(self, number: int, begin: float) -> None:
        clock = asyncio.get_running_loop().time
        due = begin
        while due < self._end:
            await asyncio.sleep(max(0.0, due - clock()))
            self.tally.late = max(self.tally.late, clock() - due)
            await self._send(number)
            due += self._pause

    async def _send(self, number: int) -> None:
        agent, uri = self._agents[number], self._senders[number].uri
        account, remote = agent.accounts[uri], self._readers[number % len(self._readers)]
        outcome = await agent.send_text(account, remote, f"{uri} {self.tally.sent[uri]}")
        if outcome.delivered:
            self.tally.sent[uri] += 1
        else:
            self.tally.failures.append(str(outcome))

    async def _read(self, reader: str) -> None:
        user, after = reader.removeprefix("sip:").partition("@")[0], 0
        while True:
            page = await self._server.perform("read_inbox", {"user": user, "after": after, "wait": 5.0})
            assert isinstance(page, m.Inbox)
            after = page.next
            for message in page.items:
                uri, _, number = message.text.partition(" ")
                if int(number) != self.tally.read[uri]:
                    self.tally.wrong.append(f"{message.text} came as number {self.tally.read[uri]}")
                self.tally.read[uri] += 1


@dataclass(frozen=True)
class Sample:
    """The server at one moment."""

    at: float
    "Seconds since the start."
    memory: int
    "Resident bytes."
    busy: float
    "Seconds on a processor so far."


def look(pid: int, start: float) -> Sample:
    """Read it from /proc."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    ticks = os.sysconf("SC_CLK_TCK")
    return Sample(time.monotonic() - start, pages * os.sysconf("SC_PAGE_SIZE"), sum(map(int, times)) / ticks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print what was seen; 0 when nothing was lost."""
    options = _options(arguments)
    engine = Engine(settings=SutSettings(driver="embedded-process"))
    try:
        server = engine.start_sut()
        assert isinstance(server, RemoteServer)
        assert server.child is not None
        federation = Federation(engine)
        partners = [federation.partner("generic") for _ in range(options.partners)]
        soak = Soak(federation, server, partners, options.rate)
        engine.loop.run(soak.connect())
        start, own = time.monotonic(), time.process_time()
        samples = [look(server.child.pid, start)]
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(engine.loop.run, soak.run(options.seconds))
            while not running.done():
                try:
                    running.result(SAMPLE)
                except TimeoutError:
                    samples.append(look(server.child.pid, start))
                    print(f"{samples[-1].at:6.0f} s  {samples[-1].memory / 1e6:6.1f} MB", flush=True)
        connections = sum(partner.edge.connections for partner in partners)
        report(soak.tally, samples, connections, time.monotonic() - start, time.process_time() - own)
        federation.close()
    finally:
        engine.close()
    return 0 if not (soak.tally.lost or soak.tally.wrong or soak.tally.failures) else 1


def report(tally: Tally, samples: Sequence[Sample], connections: int, seconds: float, own: float) -> None:
    """Print the figures."""
    sent = sum(tally.sent.values())
    half, last = samples[len(samples) // 2], samples[-1]
    server, partners = ((busy * 1e6 / max(sent, 1)) for busy in (last.busy - samples[0].busy, own))
    print(f"connections        {connections}")
    print(
        f"messages           {sent} in {seconds:.0f} s: {sent / seconds:.0f} a second, at most {tally.late:.1f} s late"
    )
    print(f"failed             {len(tally.failures)} {tally.failures[:3]}")
    print(f"lost               {tally.lost}")
    print(f"twice or disorder  {len(tally.wrong)} {tally.wrong[:3]}")
    print(f"processor          server {server:.0f} us, partners {partners:.0f} us a message")
    print(
        f"memory             {half.memory / 1e6:.1f} MB at {half.at:.0f} s, {last.memory / 1e6:.1f} at {last.at:.0f} s"
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Many partners, one server, for minutes.")
    parser.add_argument("--partners", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument(
        "--rate", type=float, default=2000.0, metavar="N", help="messages a second of all together (2000)"
    )
    parser.add_argument("--seconds", type=float, default=600.0, metavar="N", help="how long (600)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
