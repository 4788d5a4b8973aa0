"""SIPp sends thousands of MESSAGE, SUBSCRIBE and INVITE sessions to an edge and to the server, and takes theirs.

`SIPFED_SIPP_CALLS` says how many of each; a full proof takes 10,000.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.federation import Engine, Federation
from simulator.io.user import User
from simulator.names import Fqdn, SipDomain
from simulator.partner import Partner
from simulator.sip.message import Response
from simulator.sut import EmbeddedServer
from tests.real.sipp import Sipp
from tests.real.tunnels import Tunnels

CALLS = int(os.environ.get("SIPFED_SIPP_CALLS", "300"))
TOGETHER = 16
"Calls of ours at the same time."
BATCH = 1000
"Subscriptions that end at the same moment; their NOTIFYs must fit into what may wait for a peer."

both = pytest.mark.parametrize("side", ["partner", "server"])


@dataclass(frozen=True)
class Side:
    """The part of the federation that SIPp talks with."""

    users: list[User]
    address: str
    port: int
    fqdn: Fqdn
    domain: SipDomain
    log: Callable[[], tuple[str, ...]]
    "What it found fault with, among other things."
    route: str
    "The further line with which a request inside its dialogs goes back to it."

    @classmethod
    def of(cls, federation: Federation, side: str) -> Side:
        if side == "server":
            sut = federation.sut
            assert isinstance(sut, EmbeddedServer)
            log = sut.log
            users = [sut.user("alice"), sut.user("anna")]
            return cls(users, sut.address, sut.port, sut.fqdn, sut.domain, lambda: tuple(log), "")
        partner = federation.partner()
        users = [partner.user(f"bob{number}") for number in range(TOGETHER)]
        edge = partner.edge
        route = "\nRoute: [$route]"
        return cls(users, edge.address, edge.port, edge.fqdn, partner.domain, lambda: tuple(map(str, edge.log)), route)

    def must_have_found_no_fault(self) -> None:
        """Nothing that came was refused, ignored, or against the rules."""
        faults = [
            line
            for line in self.log()
            if any(word in line for word in ("refused", "ignored", "broke", "not supported"))
        ]
        assert faults == []


@pytest.fixture
def sipp(
    sipfed_engine: Engine, federation: Federation, program: Callable[[str], Path], tmp_path: Path
) -> Iterator[Sipp]:
    """SIPp as an organisation that the DNS and the CA of the federation vouch for; others reach it."""
    domain = federation.fresh_domain("sipp")
    address, port = sipfed_engine.addresses.take()
    fqdn = domain.child("sip")
    tunnels = Tunnels(program("stunnel4"), federation.authority, str(fqdn), address, tmp_path, port)
    sipfed_engine.publish(domain, fqdn, address, port)
    with tunnels.from_others():
        yield Sipp(program("sipp"), tunnels, str(domain))


def together(work: Callable[[int], None]) -> None:
    """Do it `CALLS` times, with several under way at a time; the first error comes back."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        for _ in pool.map(work, range(CALLS)):
            pass


@both
def test_messages_from_sipp_are_read_and_answered(federation: Federation, sipp: Sipp, side: str) -> None:
    target = Side.of(federation, side)
    user = target.users[0]
    with (
        sipp.tunnels.to(target.address, target.port, str(target.fqdn)),
        sipp.calling("message_uac", CALLS, name_of(user), str(target.domain)) as run,
    ):
        run.must_succeed()

    assert sorted(message.text.strip() for message in user.messages) == sorted(
        f"Message {number}" for number in range(1, CALLS + 1)
    )
    target.must_have_found_no_fault()


@both
def test_im_sessions_of_sipp_are_taken_and_ended(federation: Federation, sipp: Sipp, side: str) -> None:
    target = Side.of(federation, side)
    user = target.users[0]
    with (
        sipp.tunnels.to(target.address, target.port, str(target.fqdn)),
        sipp.calling("invite_uac", CALLS, name_of(user), str(target.domain)) as run,
    ):
        run.must_succeed()

    assert sorted((message.sender, message.text.strip()) for message in user.messages) == sorted(
        (f"sip:sipp{number}@{sipp.domain}", f"Message {number}") for number in range(1, CALLS + 1)
    )
    target.must_have_found_no_fault()


@both
def test_sipp_is_notified_of_a_state_of_its_change_and_of_the_end(
    federation: Federation, sipp: Sipp, side: str
) -> None:
    """Each phase has a SIPp of its own, which has seen every NOTIFY when it ends, so the phases cannot mix."""
    target = Side.of(federation, side)
    user = target.users[0]
    for start in range(0, CALLS, BATCH):
        calls = min(BATCH, CALLS - start)
        user.set_presence("available")
        with (
            sipp.tunnels.to(target.address, target.port, str(target.fqdn)),
            sipp.answering("notify_uas", calls, EXPECTED_STATE="active", EXPECTED_BODY="<basic>open") as notified,
            sipp.calling("subscribe_uac", calls, name_of(user), str(target.domain)) as run,
        ):
            run.must_succeed()
            notified.must_succeed()
        with sipp.answering("notify_uas", calls, EXPECTED_STATE="active", EXPECTED_BODY="busy") as notified:
            user.set_presence("busy")
            notified.must_succeed()
        with sipp.answering(
            "notify_uas", calls, EXPECTED_STATE="terminated;reason=timeout", EXPECTED_BODY=""
        ) as notified:
            federation.advance(601)
            notified.must_succeed()
    target.must_have_found_no_fault()


@both
def test_sipp_takes_our_im_sessions(federation: Federation, sipp: Sipp, side: str) -> None:
    caller = Side.of(federation, side)

    def talk(number: int) -> None:
        chat = caller.users[number % len(caller.users)].chat_with(f"sipp{number}@{sipp.domain}")
        chat.say(f"Message {number}").must_succeed()
        chat.close()

    with sipp.answering("invite_uas", CALLS) as run:
        together(talk)
        run.must_succeed()
    caller.must_have_found_no_fault()


def test_sipp_takes_our_messages(federation: Federation, sipp: Sipp, sipfed_engine: Engine) -> None:
    """A persona says everything inside a session; its user agent can do without."""
    partner = federation.partner()
    bob = partner.user("bob")

    def send(number: int) -> None:
        assert page(sipfed_engine, partner, bob, f"sip:sipp@{sipp.domain}", f"Message {number}").status == 200

    with sipp.answering("message_uas", CALLS) as run:
        together(send)
        run.must_succeed()


def page(engine: Engine, partner: Partner, user: User, remote: str, text: str) -> Response:
    """Send a MESSAGE outside of any dialog."""
    agent = partner.agent
    request = agent.writer.initial_request(
        "MESSAGE", agent.accounts[user.uri], remote, body=text.encode(), content_type="text/plain;charset=UTF-8"
    )
    return engine.loop.run(agent.exchange(remote, request))


@both
def test_sipp_is_watched(federation: Federation, sipp: Sipp, side: str) -> None:
    watcher = Side.of(federation, side)

    def watch(number: int) -> None:
        watch = watcher.users[number % len(watcher.users)].watch(f"sipp{number}@{sipp.domain}")
        watch.expect("available")
        assert watch.stop().delivered

    with sipp.answering("subscribe_uas", CALLS, ROUTE_LINE=watcher.route) as run:
        together(watch)
        run.must_succeed()
    watcher.must_have_found_no_fault()


def name_of(user: User) -> str:
    return user.uri.removeprefix("sip:").partition("@")[0]
