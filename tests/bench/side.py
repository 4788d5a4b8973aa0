"""One end of a measurement in a process of its own: settings come in as a line of JSON, orders and results follow.

Everything that is measured of a side is measured here, so nobody else's work is counted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# As `run.py` does: this file is started as a script.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography import x509

from simulator import tls, trust
from simulator.clock import SystemClock
from simulator.connect_server.dialect import DIALECT
from simulator.discovery import Attempt, Target
from simulator.evidence.recorder import Recorder
from simulator.io.account import Account
from simulator.io.link import Link
from simulator.io.link_user import Tap
from simulator.io.loop import LoopThread
from simulator.io.mailbox import Mailbox
from simulator.io.peering import OpenWay, Peering, Way
from simulator.io.resolver import Resolver
from simulator.io.tap import RecordingTap
from simulator.io.timers import Timers
from simulator.io.transport import SipTransport, TrustPolicy
from simulator.io.user_agent import UserAgent
from simulator.names import Fqdn, SipDomain, parse_host
from simulator.sip.fields import new_call_id, new_tag
from simulator.sip.message import Request, Response
from simulator.sip.transaction import ServerTransaction
from tests.bench.echo import EchoClient, EchoServer

WINDOW = 64
"Requests under way at the same time."
TEXT = b"The quick brown fox jumps over the lazy dog."
TEXT_TYPE = "text/plain;charset=UTF-8"


class Everybody(Peering):
    """A peering without a policy: whom the DNS vouches for may come in."""

    def way_to(self, domain: SipDomain, user: str = "") -> Way:
        del user
        return OpenWay(domain)


class Answerer:
    """The user of a bare stack: answers every request with 200, as SIPp's scenario does, and looks at its headers."""

    def __init__(self) -> None:
        self.taken = 0

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        who = request.from_, request.to, request.top_via, request.cseq, request.call_id
        assert all(who)
        self.taken += 1
        link.respond(transaction, request.respond(200, to_tag=transaction.to_tag))

    def on_ack(self, link: Link, request: Request) -> None:
        raise AssertionError(f"{request!r} came by {link.peer_address}")

    def on_cancel(self, link: Link, transaction: ServerTransaction) -> None:
        raise AssertionError(f"{transaction!r} was cancelled by {link.peer_address}")

    def on_remark(self, link: Link, sentence: str) -> None:
        raise AssertionError(f"{link.peer_address}: {sentence}")

    def on_closed(self, link: Link) -> None:
        pass


class Side:
    """A user agent with one user, `somebody`, and a stack without one; runs on the loop."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self.domain = SipDomain.parse(settings["domain"])
        identity = tls.Identity(Path(settings["chain"]).read_bytes(), Path(settings["key"]).read_bytes())
        self._trust = TrustPolicy(
            [x509.load_pem_x509_certificate(Path(settings["root"]).read_bytes())], trust.CONNECT_SERVER
        )
        clock = SystemClock()
        tap: Tap | None = None
        if settings["evidence"]:
            tap = RecordingTap(Recorder(clock), settings["domain"], lambda _link: settings["peer"])
        self.agent = UserAgent(
            fqdn=Fqdn.parse(settings["fqdn"]),
            dialect=DIALECT,
            peering=Everybody(),
            resolver=Resolver((settings["dns"], settings["dns_port"])),
            timers=Timers(clock),
            identity=identity,
            trust_policy=self._trust,
            tap=tap,
        )
        self.account = Account(f"sip:somebody@{self.domain}")
        self.agent.accounts[self.account.uri] = self.account
        self._remote = f"sip:somebody@{settings['peer']}"
        self._links: list[Link] = []
        self._answerer = Answerer()
        self._bare = SipTransport(identity, self._trust, self.agent.timers, self._answerer, settings["fqdn"], tap)
        self._contexts = {role: tls.Context(identity, role=role, verify=self._judge) for role in ("client", "server")}
        self._echo: EchoClient | None = None

    def _judge(self, presented: tls.PresentedChain) -> trust.Verdict:
        today = self.agent.timers.clock.today()
        return trust.judge(presented, roots=self._trust.roots, at=today, rules=self._trust.rules, expected=None)

    async def listen(self) -> dict[str, Any]:
        """Take requests; gives the port."""
        await self.agent.listen(self._settings["address"], 0)
        return {"port": self.agent.transport.port}

    async def listen_stack(self) -> dict[str, Any]:
        """Take requests without a user agent; gives the port."""
        await self._bare.listen(self._settings["address"], 0)
        return {"port": self._bare.port}

    async def listen_echo(self) -> dict[str, Any]:
        """Echo what comes; gives the port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: EchoServer(tls.Endpoint(self._contexts["server"])), self._settings["address"], 0
        )
        return {"port": server.sockets[0].getsockname()[1]}

    async def messages(self, number: int) -> dict[str, Any]:
        """Send this many MESSAGEs to the peer and wait for their 200s."""
        link = await self.agent.link_to_user(self._remote)
        return await measured(MessageSender(link, number, self._written_by_agent).run())

    async def stack(self, number: int) -> dict[str, Any]:
        """The same without a user agent at either end."""
        if not self._bare.links:
            await self._bare.connect(self._to_peer())
        (link,) = self._bare.links
        return await measured(MessageSender(link, number, self._written_as_by_sipp).run())

    def _written_by_agent(self) -> Request:
        return self.agent.writer.initial_request(
            "MESSAGE", self.account, self._remote, body=TEXT, content_type=TEXT_TYPE
        )

    def _written_as_by_sipp(self) -> Request:
        """The headers of its scenario, `message_uac.xml`; the Via comes on top."""
        headers = [
            ("Max-Forwards", "70"),
            ("From", f"<{self.account.uri}>;tag={new_tag()}"),
            ("To", f"<{self._remote}>"),
            ("Call-ID", new_call_id()),
            ("CSeq", "1 MESSAGE"),
        ]
        return Request.build("MESSAGE", self._remote, headers, TEXT, TEXT_TYPE)

    async def echoes(self, number: int) -> dict[str, Any]:
        """Send this many blocks to an echo server and wait for them to come back."""
        if self._echo is None:
            echo = self._echo = EchoClient(tls.Endpoint(self._contexts["client"]))
            where = self._settings["peer_address"], self._settings["peer_port"]
            await asyncio.get_running_loop().create_connection(lambda: echo, *where)
            await echo.ready
        return await measured(self._echo.run(number, WINDOW))

    async def connect(self, number: int) -> dict[str, Any]:
        """Open this many connections to the peer and keep them."""
        attempt = self._to_peer()
        while len(self._links) < number:
            some = min(16, number - len(self._links))
            self._links += await asyncio.gather(*(self.agent.transport.connect(attempt) for _ in range(some)))
        return {"open": sum(link.alive for link in self._links)}

    async def close(self) -> None:
        """End every connection."""
        await self._bare.close()
        await self.agent.close()

    def _to_peer(self) -> Attempt:
        name, port = self._settings["peer_fqdn"], self._settings["peer_port"]
        return Attempt(Target(parse_host(name), port, name, "srv"), self._settings["peer_address"], port)

    async def report(self, _number: int) -> dict[str, Any]:
        """What this process has used so far; the messages that it took are forgotten."""
        taken = len(self.account.inbox) + self._answerer.taken
        self.account.inbox = Mailbox()
        self._answerer.taken = 0
        open_now = sum(link.alive for link in self.agent.transport.links)
        return {"cpu": time.process_time(), "memory": memory(), "taken": taken, "open": open_now}


class MessageSender:
    """Keeps `WINDOW` requests under way on one connection, without a task for any of them."""

    def __init__(self, link: Link, number: int, write: Callable[[], Request]) -> None:
        self._link = link
        self._write = write
        self._left = number
        self._open = 0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        for _ in range(min(WINDOW, self._left)):
            self._send()
        await self._done

    def _send(self) -> None:
        self._left -= 1
        self._open += 1
        self._link.send(self._write(), self._answered, self._done.set_exception)

    def _answered(self, response: Response) -> None:
        self._open -= 1
        if response.status != 200 or response.cseq.method != "MESSAGE" or response.to.tag is None:
            self._done.set_exception(AssertionError(bytes(response).decode()))
        elif self._left:
            self._send()
        elif not self._open:
            self._done.set_result(None)


async def measured(work: Any) -> dict[str, Any]:
    """Seconds of real and of processor time for this work."""
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def memory() -> int:
    """Bytes that this process has for itself, shares of what it shares with others included; 0 where nobody can say."""
    try:
        rollup = Path("/proc/self/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


def main() -> None:
    """Read the settings, start, and carry out orders (`messages 5000`) until the input ends."""
    settings = json.loads(sys.stdin.readline())
    loop = LoopThread()
    loop.start()
    side = loop.call(Side, settings)
    orders: dict[str, Callable[[int], Any]] = {
        "listen": lambda _: side.listen(),
        "listen_stack": lambda _: side.listen_stack(),
        "listen_echo": lambda _: side.listen_echo(),
        "messages": side.messages,
        "stack": side.stack,
        "echoes": side.echoes,
        "connect": side.connect,
        "report": side.report,
    }
    for line in sys.stdin:
        order, number = line.split()
        print(json.dumps(loop.run(orders[order](int(number)))), flush=True)
    loop.run(side.close())
    loop.close()


if __name__ == "__main__":
    main()
