"""What the fake DNS does for a second of processor time, beside dnslib's own server and NSD; loading, and starting.

It is not called `dns.py`, because `run.py` is a script: the folder it lies in comes before dnspython's `dns`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as a script of its own it is the server that is measured

import dnslib
import dnslib.server

from fakes.dns import DnsServer, Zone, ZoneSet
from tests.bench.measure import Measure, Round, Stopwatch, Target

DOMAINS = 200
"Domains of the servers whose answers are all known."
NEW_NAMES = 5000
"Domains that are each asked for once."
OUTSTANDING = 100
QUERIES = {"fake": 60_000, "nsd": 60_000, "dnslib": 6_000}
"So that each takes about half a second or more."
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def zone(number: int) -> Zone:
    """A domain as a partner has it."""
    origin = f"partner{number}.test"
    return Zone(origin).srv("_sipfederationtls._tcp", 0, 0, 5061, f"sip.{origin}").a("sip", "127.1.2.3")


async def serve_fake(domains: int) -> None:
    """Serve that many domains until killed, as a program of its own; prints the port."""
    async with DnsServer(ZoneSet(map(zone, range(domains)))) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()


class FromDict(dnslib.server.BaseResolver):  # type: ignore[misc] # dnslib ships no types
    """What dnslib's server asks for answers: as fast as it can be, so that the server is measured."""

    def __init__(self, domains: int) -> None:
        self.records: dict[tuple[str, int], list[dnslib.RR]] = {}
        for number in range(domains):
            for record in zone(number).records:
                for made in dnslib.RR.fromZone(str(record)):
                    self.records.setdefault((str(made.rname).lower(), made.rtype), []).append(made)

    def resolve(self, request: dnslib.DNSRecord, _: object) -> dnslib.DNSRecord:
        """Answer, with the address of an SRV target as our server adds it."""
        reply = request.reply()
        for made in self.records.get((str(request.q.qname).lower(), request.q.qtype), []):
            reply.add_answer(made)
            if made.rtype == dnslib.QTYPE.SRV:
                for address in self.records.get((str(made.rdata.target).lower(), dnslib.QTYPE.A), []):
                    reply.add_ar(address)
        return reply


def serve_dnslib(domains: int) -> None:
    """The same by dnslib's own server, a thread for each query."""
    logger = dnslib.server.DNSLogger(log="", logf=lambda _: None)
    server = dnslib.server.DNSServer(FromDict(domains), address="127.0.0.1", port=0, logger=logger)
    print(server.server.server_address[1], flush=True)
    server.start()


@contextmanager
def child(kind: str, domains: int) -> Iterator[tuple[int, int]]:
    """One of our two servers as a process; its port and process id."""
    command = [sys.executable, __file__, kind, str(domains)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


@contextmanager
def nsd(domains: int) -> Iterator[tuple[int, int]]:
    """NSD with one server process and the same zones; its port and the id of its process group."""
    with TemporaryDirectory(prefix="bench-nsd-") as name:
        folder = Path(name)
        with socket.socket(type=socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        lines = [
            "server:",
            f"  ip-address: 127.0.0.1@{port}",
            "  server-count: 1",
            '  username: ""',
            '  chroot: ""',
            '  database: ""',
            f'  zonesdir: "{folder}"',
            f'  pidfile: "{folder}/pid"',
            f'  xfrdfile: "{folder}/xfrd"',
            f'  zonelistfile: "{folder}/list"',
            f'  cookie-secret-file: "{folder}/cookie"',
            "remote-control:",
            "  control-enable: no",
        ]
        for number in range(domains):
            (folder / f"{number}").write_text(zone(number).to_text(), encoding="ascii")
            lines += ["zone:", f"  name: partner{number}.test", f"  zonefile: {number}"]
        (folder / "conf").write_text("\n".join(lines) + "\n", encoding="ascii")
        command = [_server("nsd"), "-d", "-c", str(folder / "conf")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                _await_answer(port)
                yield port, process.pid
            finally:
                process.terminate()


def _server(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")  # where Debian keeps servers
    return found or ""


def _await_answer(port: int) -> None:
    """Ask until there is an answer; the deadline of each question is what makes this no busy loop."""
    query = dnslib.DNSRecord.question("partner0.test", "SOA").pack()
    with socket.socket(type=socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.05)
        for _ in range(200):
            try:
                asker.sendto(query, ("127.0.0.1", port))  # not connected, so that a closed port is a timeout too
                asker.recv(4096)
            except OSError:
                continue
            return
    raise RuntimeError("The name server that was to be measured does not answer.")


def processor_time(group: int) -> float:
    """Seconds that the processes of a group have used so far, threads that have ended included."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group:
                total += int(fields[11]) + int(fields[12])
    return total / TICKS


def questions(numbers: Sequence[int]) -> str:
    """Lines for dnsperf: the two questions that lead to a partner."""
    return "".join(f"_sipfederationtls._tcp.partner{n}.test SRV\nsip.partner{n}.test A\n" for n in numbers)


def answers_a_second(port: int, group: int, text: str, runs: int) -> float:
    """Let dnsperf ask all of it `runs` times; answers for a second of the server's processor time."""
    with TemporaryDirectory(prefix="bench-dns-") as folder:
        data = Path(folder, "questions")
        data.write_text(text, encoding="ascii")
        command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(data), "-n", str(runs)]
        before = processor_time(group)
        done = subprocess.run([*command, "-q", str(OUTSTANDING)], capture_output=True, text=True, check=True)
        used = processor_time(group) - before
    completed = next(line for line in done.stdout.splitlines() if "Queries completed" in line)
    count, share = int(completed.split()[2]), completed.split()[3]
    if share != "(100.00%)":
        raise RuntimeError(f"The name server lost queries: {completed.strip()}")
    return count / used


_last: dict[str, float] = {}
"What the last round of a kind gave, so that two rows of the table can compare it with two others."


@contextmanager
def known_answers(kind: str) -> Iterator[Round]:
    """Ask one server the same questions again and again."""
    text = questions(range(DOMAINS))
    with nsd(DOMAINS) if kind == "nsd" else child(kind, DOMAINS) as (port, group):

        def one_round(watch: Stopwatch) -> None:
            watch.value = _last[kind] = answers_a_second(port, group, text, QUERIES[kind] // (2 * DOMAINS))

        yield one_round


@contextmanager
def same_again(kind: str) -> Iterator[Round]:
    """Show the figure of this round once more, beside something else."""

    def one_round(watch: Stopwatch) -> None:
        watch.value = _last[kind]

    yield one_round


@contextmanager
def new_names(kind: str) -> Iterator[Round]:
    """Ask for each name once; every round has a server that was just started."""
    text = questions(range(NEW_NAMES))

    def one_round(watch: Stopwatch) -> None:
        with child(kind, NEW_NAMES) as (port, group):
            watch.value = answers_a_second(port, group, text, 1)

    yield one_round


@contextmanager
def start_and_stop() -> Iterator[Round]:
    """Start and stop a server on a loop that runs already."""
    zones = ZoneSet([zone(0)])
    with asyncio.Runner() as runner:

        async def once(watch: Stopwatch) -> None:
            server = DnsServer(zones)
            with watch:
                await server.start()
                await server.close()

        yield lambda watch: runner.run(once(watch))


@contextmanager
def loading() -> Iterator[Round]:
    """Make 10,000 zones, load them, and answer from them."""

    def one_round(watch: Stopwatch) -> None:
        with watch:
            zones = ZoneSet(map(zone, range(10_000)))
            zones.published.find((b"sip", b"partner9999", b"test"), "A")

    yield one_round


@contextmanager
def lookups(count: int) -> Iterator[Round]:
    """Find names in that many zones, without the wire."""
    zones = ZoneSet(map(zone, range(count))).published
    names = [(b"sip", f"partner{number * count // 1000}".encode(), b"test") for number in range(1000)]

    def one_round(watch: Stopwatch) -> None:
        watch.count = len(names)
        with watch:
            for name in names:
                zones.find(name, "A")

    yield one_round


def _measures() -> Iterator[Measure]:
    row: Callable[..., Measure] = partial(Measure, unit="1/s CPU")
    if shutil.which("dnsperf") and Path("/proc/self/stat").exists():
        yield row(
            "DNS answers, dnslib",
            f"UDP answers per second of processor time by dnslib's own server: dnsperf, {OUTSTANDING} outstanding, "
            f"{DOMAINS} domains asked for SRV and A.",
            partial(known_answers, "dnslib"),
        )
        yield row(
            "DNS answers",
            "The same by the fake DNS.",
            partial(known_answers, "fake"),
            against="DNS answers, dnslib",
            target=Target(15, "ratio", at_least=True),
        )
        if _server("nsd"):
            yield row("DNS answers, NSD", "The same by NSD with one process.", partial(known_answers, "nsd"))
            yield row(
                "DNS answers (NSD = 1)",
                "The figure of `DNS answers` beside that of NSD.",
                partial(same_again, "fake"),
                against="DNS answers, NSD",
                target=Target(0.6, "ratio", at_least=True),
            )
        yield row(
            "DNS new names, dnslib",
            f"The same for {NEW_NAMES} domains that are each asked for once, from the start of dnslib's server.",
            partial(new_names, "dnslib"),
        )
        yield row(
            "DNS new names",
            "The same by the fake DNS, which has no answer ready.",
            partial(new_names, "fake"),
            against="DNS new names, dnslib",
            target=Target(1.3, "ratio", at_least=True),
        )
    yield Measure("DNS start + stop", "A server with one zone.", start_and_stop, target=Target(5))
    yield Measure("DNS 10,000 zones", "Made in Python, loaded, and one answered.", loading, target=Target(1000, "cpu"))
    yield Measure("DNS lookup, 10 zones", "Finding an address, without the wire.", partial(lookups, 10))
    yield Measure(
        "DNS lookup, 10,000 zones",
        "The same among more zones.",
        partial(lookups, 10_000),
        against="DNS lookup, 10 zones",
        target=Target(1.5, "ratio"),
    )


MEASURES = tuple(_measures())

if __name__ == "__main__":
    how_many = int(sys.argv[2])
    if sys.argv[1] == "dnslib":
        serve_dnslib(how_many)
    else:
        asyncio.run(serve_fake(how_many))
