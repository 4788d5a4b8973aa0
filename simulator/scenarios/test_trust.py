"""Which certificates of a partner the server accepts, as the one who dials and as the one who is dialled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import Case, cases, scenario
from simulator.scenarios.steps import must_chat_both_ways, must_have_reached_nobody

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("chat", "open-federation", "observe-inbox")
REFUSED = cases(
    "certificate",
    Case("wildcard", sources=("R57", "F2.2"), words="a wildcard certificate"),
    Case("wrong-name", sources=("R56", "F2.6"), words="a certificate for another name"),
    Case("expired", sources=("R67",), words="an expired certificate"),
    Case("untrusted", sources=("R60", "R66"), words="a certificate of an unknown authority"),
)


@scenario(level="must", sources=("F2.10",), needs=NEEDS)
@REFUSED
def test_refused_as_the_dialled_server(federation: Federation, certificate: str) -> None:
    """A partner whose edge shows {certificate} is never sent a message."""
    partner = federation.partner(certificate=certificate)
    bob = partner.user("bob")

    federation.sut.user("alice").chat_with(bob).say("Hello?").must_fail()

    partner.edge.must_have_been_dialled()
    bob.must_have_no_message()


@scenario(level="must", sources=("F0.2",), needs=("receive", "open-federation", "observe-inbox"))
@REFUSED
def test_refused_as_the_dialling_client(federation: Federation, certificate: str) -> None:
    """A message that comes over a connection with {certificate} is not delivered."""
    partner = federation.partner(certificate=certificate)
    alice = federation.sut.user("alice")

    partner.user("bob").chat_with(alice).say("Trust me").must_fail()

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R58", "R60", "F2.3"), needs=NEEDS)
def test_dual_certificate_is_accepted(federation: Federation) -> None:
    """A certificate for server and client authentication on the partner's FQDN is accepted in both TLS roles."""
    must_chat_both_ways(federation, federation.partner(certificate="dual"))


@scenario(level="should", sources=("F2.3", "F2.13", "F2.15", "C4", "C7"), needs=NEEDS)
def test_server_only_certificate_is_accepted(federation: Federation) -> None:
    """A certificate for server authentication only, as public authorities issue since 2026, works in both TLS roles."""
    must_chat_both_ways(federation, federation.partner(certificate="server-only"))
