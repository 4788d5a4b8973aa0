"""A Lync client that others wrote (pidgin-sipe) and the Skype for Business personas understand each other's chat.

The client has no edge: stunnel is one for it, and a small registrar signs it in. What it cannot show: presence, since
it asks its home server for the contacts' and not the contacts themselves, and mutual TLS, which is stunnel's here.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from simulator.federation import Engine, Federation
from simulator.io.user import User
from simulator.partner import Partner
from simulator.sip.message import Request
from tests.real.lync_client.client import LyncClient
from tests.real.lync_client.registrar import Registrar
from tests.real.tunnels import PLAIN_PORT, Tunnels

PERSONAS = ["sfb-2015", "sfb-2019", "sfb-se", "teams"]


@pytest.fixture(scope="session")
def client_program(
    program: Callable[[str], Path], lacking: Callable[[str], NoReturn], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The client, compiled."""
    compiler, config = program("cc"), program("pkg-config")
    if not Path("/usr/lib/purple-2/libsipe.so").exists():
        lacking("pidgin-sipe is not installed")
    found = subprocess.run([config, "--cflags", "--libs", "purple", "glib-2.0"], capture_output=True, text=True)
    if found.returncode != 0:
        lacking("libpurple-dev is not installed")
    target = tmp_path_factory.mktemp("lync-client") / "client"
    source = Path(__file__).parent / "lync_client" / "client.c"
    subprocess.run([compiler, "-o", target, source, *shlex.split(found.stdout)], check=True)
    return target


@dataclass(frozen=True)
class Talk:
    """A partner's user and the client's user, who can reach each other."""

    partner: Partner
    bob: User
    lynda: LyncClient
    address: str
    "The client's user, `user@domain`."
    registrar: Registrar

    def sent_by_lynda(self, method: str) -> list[Request]:
        """The requests of this method that the client sent."""
        return [
            message
            for message in self.registrar.seen
            if isinstance(message, Request) and message.method == method and self.address in message.from_.uri
        ]


@pytest.fixture(params=PERSONAS)
def talk(
    request: pytest.FixtureRequest,
    sipfed_engine: Engine,
    federation: Federation,
    program: Callable[[str], Path],
    client_program: Path,
    tmp_path: Path,
) -> Iterator[Talk]:
    partner = federation.partner(request.param)
    domain = federation.fresh_domain("lync")
    fqdn = domain.child("sip")
    address, port = sipfed_engine.addresses.take()
    sipfed_engine.publish(domain, fqdn, address, port)
    tunnels = Tunnels(program("stunnel4"), federation.authority, str(fqdn), address, tmp_path, port)
    registrar = Registrar(address, (address, PLAIN_PORT), PLAIN_PORT + 1)
    edge = partner.edge
    with tunnels.from_others(), tunnels.to(edge.address, edge.port, str(edge.fqdn)):
        sipfed_engine.loop.run(registrar.start())
        try:
            with LyncClient(client_program, f"lynda@{domain}", (address, registrar.port), tmp_path) as lynda:
                lynda.expect("signed-on")
                yield Talk(partner, partner.user("bob"), lynda, f"lynda@{domain}", registrar)
        finally:
            sipfed_engine.loop.run(registrar.close())


def test_the_client_opens_a_session_and_both_write_in_it(talk: Talk) -> None:
    talk.lynda.say(talk.bob.uri[4:], "hello from lynda")
    talk.bob.expect_message("hello from lynda", from_=talk.address)

    talk.bob.chat_with(talk.address).say("hi lynda").must_succeed()

    assert talk.lynda.expect("message", talk.bob.uri) == "hi lynda"
    talk.lynda.say(talk.bob.uri[4:], "and once more")
    talk.bob.expect_message("and once more", from_=talk.address)
    assert len(talk.sent_by_lynda("INVITE")) == 1


def test_the_persona_opens_a_session_and_both_write_in_it(talk: Talk) -> None:
    talk.bob.chat_with(talk.address).say("hi lynda").must_succeed()
    assert talk.lynda.expect("message", talk.bob.uri) == "hi lynda"

    talk.lynda.say(talk.bob.uri[4:], "hello bob")

    talk.bob.expect_message("hello bob", from_=talk.address)
    assert talk.sent_by_lynda("INVITE") == []


@pytest.mark.parametrize("text", ["grüße aus köln", "日本語 and 🙂", "<b>not bold</b> & so on"])
def test_what_is_written_arrives_as_it_was_written(talk: Talk, text: str) -> None:
    talk.bob.chat_with(talk.address).say(text).must_succeed()
    assert talk.lynda.expect("message", talk.bob.uri) == text

    talk.lynda.say(talk.bob.uri[4:], text)

    talk.bob.expect_message(text, from_=talk.address)


def test_a_session_that_was_ended_is_opened_again(talk: Talk) -> None:
    chat = talk.bob.chat_with(talk.address)
    chat.say("one").must_succeed()
    assert talk.lynda.expect("message", talk.bob.uri) == "one"
    chat.close()

    chat.say("two").must_succeed()

    assert talk.lynda.expect("message", talk.bob.uri) == "two"
