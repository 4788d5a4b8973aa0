"""Net::SIP (Perl) and the npm package `sip`: other people's SIP stacks over mutual TLS, in both roles.

Both check the name in the certificate of the server that they dial.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from simulator.federation import Engine, Federation
from simulator.io.user import User
from simulator.names import Fqdn, SipDomain
from simulator.partner import Partner
from tests.real.conversation import Conversation

AGENTS = Path(__file__).parent / "other_agents"
COMMANDS = {
    "Net::SIP": ["perl", str(AGENTS / "net_sip.pl")],
    "npm sip": ["node", str(AGENTS / "npm_sip.js")],
}
PROBES = {
    "Net::SIP": ["perl", "-MNet::SIP", "-MIO::Socket::SSL", "-MNet::DNS", "-e", "1"],
    "npm sip": ["node", "-e", "require('sip')"],
}
"Succeeds where everything is installed that the agent needs."

each_agent = pytest.mark.parametrize("name", COMMANDS)
every_side = pytest.mark.parametrize("side", ["sfb-2019", "generic", "server"])
"A persona, or the embedded server."


class Agent(Conversation):
    """A running agent."""

    def send(self, method: str, uri: str, from_: str, place: Place, text: str = "") -> None:
        """Let it send a request to that place, whose certificate must be for `place.fqdn`."""
        self.tell("\t".join([method, uri, from_, str(place.fqdn), place.address, str(place.port), text]))


@dataclass(frozen=True)
class Place:
    """Where a request goes."""

    fqdn: Fqdn
    address: str
    port: int

    @classmethod
    def of(cls, federation: Federation, side: str) -> tuple[Place, User]:
        """The part of the federation that is called, and a user there."""
        if side == "server":
            sut = federation.sut
            return cls(sut.fqdn, sut.address, sut.port), sut.user("alice")
        partner = federation.partner(side)
        return cls.at(partner), partner.user("bob")

    @classmethod
    def at(cls, partner: Partner) -> Place:
        return cls(partner.edge.fqdn, partner.edge.address, partner.edge.port)


@dataclass(frozen=True)
class Organisation:
    """Runs an agent as `sip.<domain>`, with a certificate of the federation's CA."""

    engine: Engine
    federation: Federation
    command: list[str]
    domain: SipDomain

    @property
    def uri(self) -> str:
        return f"sip:operator@{self.domain}"

    @contextmanager
    def running(self, *, certificate: str = "dual") -> Iterator[Agent]:
        """Start the agent and publish where it listens."""
        fqdn = self.domain.child("sip")
        address, port = self.engine.addresses.take()
        self.engine.publish(self.domain, fqdn, address, port)
        authority = self.federation.authority
        chain, key = authority.write(authority.issue(str(fqdn), certificate))
        command = [*self.command, address, str(port), str(fqdn), str(chain), str(key), str(authority.write_root())]
        with Agent(command, AGENTS, {**os.environ, "NODE_NO_WARNINGS": "1"}) as agent:
            agent.until("^ready$")
            yield agent


@pytest.fixture
def organisation(
    name: str, sipfed_engine: Engine, federation: Federation, lacking: Callable[[str], NoReturn]
) -> Organisation:
    """The agent of this name as an organisation of a fresh domain."""
    probe = PROBES[name]
    if shutil.which(probe[0]) is None or subprocess.run(probe, cwd=AGENTS, capture_output=True, check=False).returncode:
        lacking(f"{name} is not installed")
    return Organisation(sipfed_engine, federation, COMMANDS[name], federation.fresh_domain("agent"))


@each_agent
@every_side
def test_its_requests_are_answered_and_its_text_arrives(
    organisation: Organisation, federation: Federation, side: str
) -> None:
    place, user = Place.of(federation, side)
    with organisation.running() as agent:
        agent.send("OPTIONS", user.uri, organisation.uri, place)
        assert agent.until(r"answer\t(\d+)")[1] == "200"
        agent.send("MESSAGE", user.uri, organisation.uri, place, "Hello from outside")
        assert agent.until(r"answer\t(\d+)")[1] == "200"
        agent.send("MESSAGE", user.uri.replace("sip:", "sip:not-"), organisation.uri, place, "Is anybody there?")
        assert agent.until(r"answer\t(\d+)")[1] == "404"

    assert user.expect_message("Hello from outside").sender == organisation.uri
    user.must_have_no_message()


@each_agent
@pytest.mark.parametrize("side", ["sfb-2019", "server"])
def test_it_takes_our_session_and_everything_in_it(
    organisation: Organisation, federation: Federation, side: str
) -> None:
    _, user = Place.of(federation, side)
    with organisation.running() as agent:
        chat = user.chat_with(organisation.uri)
        chat.say("Hello from inside").must_succeed()
        chat.close()
        agent.until(r"got\tBYE\t.*")

    got = [line for line in agent.lines if line.startswith("got")]
    assert [line.split("\t")[1] for line in got] == ["INVITE", "ACK", "MESSAGE", "BYE"]
    assert re.match(rf"got\tMESSAGE\tsip:\w+@sip\.{organisation.domain}:\d+;transport=tls\t.*Hello from inside", got[2])


@each_agent
def test_it_takes_the_message_of_a_plain_partner(organisation: Organisation, federation: Federation) -> None:
    """The persona `generic` opens no session (RFC 3428)."""
    bob = federation.partner("generic").user("bob")
    with organisation.running() as agent:
        bob.chat_with(organisation.uri).say("Hello from a plain partner").must_succeed()
        agent.until(rf"^got\tMESSAGE\t{organisation.uri}\t.*Hello from a plain partner")


@each_agent
def test_it_hangs_up_on_a_server_whose_certificate_is_for_another_name(
    organisation: Organisation, federation: Federation
) -> None:
    partner = federation.partner(certificate="wrong-name")
    with organisation.running() as agent:
        agent.send("OPTIONS", f"sip:bob@{partner.domain}", organisation.uri, Place.at(partner))
        reason = agent.until(r"failed\t(.*)")[1]

    assert re.search("certificate verify failed|hostname verification failed|does not match certificate", reason)
    assert not [record for record in federation.records if record.layer == "sip"]


@each_agent
@pytest.mark.parametrize("certificate", ["untrusted", "expired"])
def test_it_refuses_a_client_whose_certificate_is_not_sound(
    organisation: Organisation, federation: Federation, certificate: str
) -> None:
    partner = federation.partner(certificate=certificate)
    with organisation.running() as agent:
        outcome = partner.user("bob").chat_with(organisation.uri).say("Let me in")

    assert not outcome.delivered
    assert not [line for line in agent.lines if line.startswith("got")]
    if organisation.command[0] == "perl":  # node completes the handshake, and then ends the connection without an alert
        partner.edge.must_have_been_refused(
            alert={"untrusted": "unknown_ca", "expired": "certificate_expired"}[certificate]
        )


@each_agent
@every_side
def test_it_is_refused_when_the_dns_names_another_host_for_its_domain(
    organisation: Organisation, federation: Federation, side: str
) -> None:
    place, user = Place.of(federation, side)
    elsewhere = federation.fresh_domain("elsewhere")
    organisation.engine.publish(elsewhere, elsewhere.child("sip"), "127.0.0.1", 5061)
    with organisation.running() as agent:
        agent.send("MESSAGE", user.uri, f"sip:operator@{elsewhere}", place, "Believe me")
        status = agent.until(r"answer\t(\d+)")[1]

    assert status == ("504" if side == "sfb-2019" else "403")
    user.must_have_no_message()
