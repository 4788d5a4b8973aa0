"""baresip and a plain partner chat with and watch each other directly, over mutual TLS that each opens to the other.

What it cannot show: it accepts any server's certificate, and asks no client for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.federation import Engine, Federation
from simulator.io.user import User
from tests.real.baresip import Baresip


@dataclass(frozen=True)
class Pair:
    """A user of the persona `generic`, and one of baresip."""

    bob: User
    barry: Baresip
    uri: str
    "Barry's."


@pytest.fixture
def pair(
    sipfed_engine: Engine, federation: Federation, program: Callable[[str], Path], tmp_path: Path
) -> Iterator[Pair]:
    partner = federation.partner("generic")
    bob = partner.user("bob")
    bob.set_presence("busy")
    domain = federation.fresh_domain("barry")
    fqdn = domain.child("sip")
    listen = sipfed_engine.addresses.take()
    sipfed_engine.publish(domain, fqdn, *listen)
    with Baresip(
        program("baresip"),
        f"sip:barry@{domain}",
        listen,
        str(fqdn),
        contact=bob.uri,
        edge=(partner.edge.address, partner.edge.port),
        dns=(federation.dns.address, federation.dns.port),
        authority=federation.authority,
        folder=tmp_path,
    ) as barry:
        yield Pair(bob, barry, f"sip:barry@{domain}")


def test_each_writes_to_the_other(pair: Pair) -> None:
    pair.barry.command("message", "hello from barry")
    pair.bob.expect_message("hello from barry", from_=pair.uri)

    pair.bob.chat_with(pair.uri).say("hello barry").must_succeed()

    pair.barry.until("^hello barry")


def test_bob_sees_what_barry_shows(pair: Pair) -> None:
    """Until the command baresip's document says `?` for open or closed, which no watcher can read."""
    pair.barry.command("presence_online")
    watch = pair.bob.watch(pair.uri)
    watch.expect("available")

    pair.barry.command("presence_offline")

    watch.expect("offline")
    assert watch.stop().delivered


def test_barry_takes_what_bob_shows(pair: Pair) -> None:
    """It answers a NOTIFY once it has read the document; that it shows it, only its screen could tell."""
    pair.barry.until("^NOTIFY sip:barry")
    pair.barry.until("busy")
    pair.barry.until("^SIP/2.0 200 OK")

    pair.bob.set_presence("available")

    pair.barry.until("^NOTIFY sip:barry")
    pair.barry.until("<basic>open</basic>")
    pair.barry.until("^SIP/2.0 200 OK")
