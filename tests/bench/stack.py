"""The whole stack in two processes over one MTLS connection, beside SIPp through stunnel and beside a bare echo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from simulator.errors import SipfedError
from simulator.federation import Engine
from simulator.names import SipDomain
from tests.bench.measure import Measure, Round, Stopwatch, Target
from tests.real.sipp import Sipp, processor_seconds
from tests.real.tunnels import Tunnels

SIDE = Path(__file__).with_name("side.py")


@dataclass(frozen=True)
class Size:
    """How much of it is done."""

    messages: int
    "In each round of a workload."
    connections: int
    "Idle ones."


FULL = Size(messages=5000, connections=5000)
SMALL = Size(messages=2000, connections=20)
"Enough to see that everything works."

Figures = Mapping[str, float]
UNITS = {"rate": "1/s", "client": "µs", "server": "µs", "both": "µs", "run": "s", "run CPU": "s"}
"What a run gives: transactions a second, processor time for one, and how long all took."


class Shared:
    """A workload whose runs give several figures, each of them a row: they share its start, its runs and its end."""

    def __init__(self, start: Callable[[ExitStack], Callable[[], Figures]]) -> None:
        self._start = start
        self._stack = ExitStack()
        self._users = 0
        self._run: Callable[[], Figures] | None = None
        self._figures: Figures = {}
        self._runs = 0

    def row(
        self, name: str, figure: str, about: str, against: str | None = None, target: Target | None = None
    ) -> Measure:
        """One figure as a row."""
        return Measure(name, about, partial(self._setup, figure), UNITS[figure], against, target)

    @contextmanager
    def _setup(self, figure: str) -> Iterator[Round]:
        """Whichever row is first in a round runs the workload, the others take their figures from that run."""
        if self._run is None:
            self._run = self._start(self._stack)
        self._users += 1
        taken = self._runs

        def one_round(watch: Stopwatch) -> None:
            nonlocal taken
            assert self._run is not None
            if taken == self._runs:
                self._figures = self._run()
                self._runs += 1
            taken = self._runs
            watch.value = self._figures[figure]

        try:
            yield one_round
        finally:
            self._users -= 1
            if not self._users:
                self._run = None
                self._stack.close()


class Process:
    """A side (`side.py`) in its own process."""

    def __init__(self, settings: Mapping[str, object], loop: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SIDE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "SIPFED_LOOP": loop},
        )
        self._write(json.dumps(settings))

    def ask(self, order: str, number: int = 0) -> dict[str, Any]:
        """Let it carry out an order; gives what it answers."""
        self._write(f"{order} {number}")
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SipfedError(f"The process that was to do {order} {number} has ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let it end, and wait for that."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


@contextmanager
def running_engine() -> Iterator[Engine]:
    """DNS and CA for the processes; nothing that is measured runs here."""
    engine = Engine()
    try:
        yield engine
    finally:
        errors = engine.close()
        if errors:
            raise SipfedError(f"The bench measured something broken: {'; '.join(errors)}")


def pair(
    stack: ExitStack, *, order: str = "listen", evidence: bool = False, loop: str = "asyncio"
) -> tuple[Process, Process]:
    """A server and a client in their processes; `order` starts the server."""
    engine = stack.enter_context(running_engine())
    root = str(engine.authority.write_root())
    common = {"root": root, "dns": engine.dns.address, "dns_port": engine.dns.port, "evidence": evidence}

    def start(domain: SipDomain, peer: SipDomain, **more: object) -> tuple[Process, str]:
        fqdn = domain.child("sip")
        chain, key = engine.authority.write(engine.authority.issue(str(fqdn)))
        address, _ = engine.addresses.take()
        own = {"domain": str(domain), "fqdn": str(fqdn), "chain": str(chain), "key": str(key), "address": address}
        process = Process({**common, **own, "peer": str(peer), **more}, loop)
        stack.callback(process.close)
        return process, address

    here, there = SipDomain.parse("client.test"), SipDomain.parse("server.test")
    server, address = start(there, here)
    port = server.ask(order)["port"]
    engine.publish(there, there.child("sip"), address, port)
    client, own_address = start(here, there, peer_address=address, peer_port=port, peer_fqdn=str(there.child("sip")))
    engine.publish(here, here.child("sip"), own_address, client.ask("listen")["port"])
    return server, client


LISTEN = {"stack": "listen_stack", "messages": "listen", "echoes": "listen_echo"}
"How the server starts for what the client is to do."


def exchange(
    size: Size, stack: ExitStack, *, order: str = "stack", evidence: bool = False, loop: str = "asyncio"
) -> Callable[[], Figures]:
    """Our client and our server, which exchange MESSAGE and 200: bare stacks, with `order="messages"` user agents; or
    blocks with `order="echoes"`."""
    server, client = pair(stack, order=LISTEN[order], evidence=evidence, loop=loop)

    def run() -> Figures:
        before = server.ask("report")
        ours = client.ask(order, size.messages)
        after = server.ask("report")
        if order != "echoes" and after["taken"] != size.messages:
            raise SipfedError(f"{after['taken']} of {size.messages} messages arrived.")
        return figures(size, ours["wall"], ours["cpu"], after["cpu"] - before["cpu"])

    return run


def figures(size: Size, wall: float, client: float, server: float) -> Figures:
    """Seconds of a run as a rate and as microseconds for one transaction."""
    share = 1_000_000 / size.messages
    rate = size.messages / wall
    return {"rate": rate, "client": client * share, "server": server * share, "both": (client + server) * share}


def of_children(wait: Callable[[], object]) -> float:
    """Seconds of processor time of the processes that ended in this wait."""
    import resource  # only where SIPp runs

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sipp_exchange(size: Size, stack: ExitStack) -> Callable[[], Figures]:
    """SIPp and stunnel at both ends; what a run of one call takes, which is their start, is taken off."""
    engine = stack.enter_context(running_engine())
    found = shutil.which("sipp"), shutil.which("stunnel4")
    assert found[0] is not None
    assert found[1] is not None
    sides = []
    for word in ("client", "server"):
        domain = SipDomain.parse(f"{word}.test")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sipfed-bench-")))
        address, port = engine.addresses.take()
        tunnels = Tunnels(Path(found[1]), engine.authority, f"sip.{domain}", address, folder, port)
        sides.append(Sipp(Path(found[0]), tunnels, str(domain)))
    client, server = sides
    incoming = stack.enter_context(server.tunnels.from_others())
    outgoing = stack.enter_context(client.tunnels.to(server.tunnels.address, server.tunnels.port, server.tunnels.fqdn))

    def calls(number: int) -> tuple[float, float, float]:
        tunnels = processor_seconds(outgoing), processor_seconds(incoming)
        with server.answering("message_uas", number) as uas:
            start = time.perf_counter()
            with client.calling("message_uac", number, "somebody", server.domain) as uac:
                own = of_children(uac.must_succeed)
                wall = time.perf_counter() - start
            theirs = of_children(uas.must_succeed)
        return wall, own + processor_seconds(outgoing) - tunnels[0], theirs + processor_seconds(incoming) - tunnels[1]

    start = [min(starts) for starts in zip(*(calls(1) for _ in range(3)), strict=True)]

    def run() -> Figures:
        return figures(size, *(whole - part for whole, part in zip(calls(size.messages), start, strict=True)))

    return run


@contextmanager
def idle_connections(size: Size) -> Iterator[Round]:
    """Many connections to one process; what each takes there is measured once and shown in every round."""
    with ExitStack() as stack:
        server, client = pair(stack)
        first = client.ask("connect", size.connections // 10)["open"]
        before = server.ask("report")
        last = client.ask("connect", size.connections)["open"]
        after = server.ask("report")
        if (before["open"], after["open"]) != (first, last) or last != size.connections:
            raise SipfedError(f"Of {size.connections} connections {after['open']} are open.")
        each = (after["memory"] - before["memory"]) / (last - first)

        def one_round(watch: Stopwatch) -> None:
            watch.value = each / 1000

        yield one_round


def measures(size: Size) -> tuple[Measure, ...]:
    """All rows; those with SIPp only where it and stunnel are installed, that with uvloop likewise."""
    plain = Shared(partial(exchange, size))
    echo = Shared(partial(exchange, size, order="echoes"))
    recorded = Shared(partial(exchange, size, evidence=True))
    agents = Shared(partial(exchange, size, order="messages"))
    about = "MESSAGE and 200 between two stacks in two processes over one MTLS connection, 64 under way"
    with_sipp = shutil.which("sipp") is not None and shutil.which("stunnel4") is not None
    return (
        *(_sipp_rows(Shared(partial(sipp_exchange, size))) if with_sipp else ()),
        plain.row(
            "MESSAGE, client", "client", f"{about}: CPU.", "SIPp, client" if with_sipp else None, Target(1.5, "ratio")
        ),
        plain.row(
            "MESSAGE, server", "server", f"{about}: CPU.", "SIPp, server" if with_sipp else None, Target(1.5, "ratio")
        ),
        plain.row(
            "MESSAGE, rate",
            "rate",
            f"{about}: a second.",
            "SIPp, rate" if with_sipp else None,
            Target(0.6, "ratio", at_least=True),
        ),
        echo.row(
            "bare echo, rate",
            "rate",
            "Blocks of 600 bytes there and back over one MTLS connection, 64 under way, by our TLS on the same loop.",
        ),
        plain.row(
            "MESSAGE beside the echo",
            "rate",
            f"{about}: a second.",
            "bare echo, rate",
            Target(0.3, "ratio", at_least=True),
        ),
        plain.row("MESSAGE, both", "both", f"{about}: CPU of both sides."),
        recorded.row(
            "MESSAGE, recorded",
            "both",
            f"{about}, each message in the evidence of both: CPU of both.",
            "MESSAGE, both",
            Target(1.4, "ratio"),
        ),
        agents.row(
            "MESSAGE, user agents",
            "both",
            "The same between two user agents, who ask who may come in and keep the texts: CPU of both.",
            "MESSAGE, both",
        ),
        *(_uvloop_rows(Shared(partial(exchange, size, loop="uvloop")), about) if find_spec("uvloop") else ()),
        Measure(
            "idle connection",
            f"Memory (PSS) of a process for each of {size.connections} idle MTLS connections to it.",
            partial(idle_connections, size),
            "kB",
            target=Target(60),
        ),
    )


def _sipp_rows(sipp: Shared) -> tuple[Measure, ...]:
    about = "SIPp with stunnel at both ends, MESSAGE and 200 over one MTLS connection, 64 under way"
    return (
        sipp.row("SIPp, client", "client", f"{about}: CPU of the client's two processes."),
        sipp.row("SIPp, server", "server", f"{about}: CPU of the server's two processes."),
        sipp.row("SIPp, rate", "rate", f"{about}: a second."),
    )


def _uvloop_rows(uvloop: Shared, about: str) -> tuple[Measure, ...]:
    return (
        uvloop.row(
            "MESSAGE on uvloop",
            "rate",
            f"{about}, both on uvloop: a second.",
            "MESSAGE, rate",
            Target(1.3, "ratio", at_least=True),
        ),
    )
