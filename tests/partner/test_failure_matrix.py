"""Every row of the failure-to-answer matrix, provoked over real sockets by the embedded server (dialect facts §5.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import pytest

from simulator.federation import Federation
from simulator.io.peering import Cause
from simulator.outcome import Outcome
from simulator.partner import FAILURES, GENERIC, SFB_2019, TEAMS, FederationPolicy, Partner, Persona
from simulator.partner.personas import Answer
from simulator.sip.message import Response
from simulator.sut import EmbeddedServer
from tests.partner.by_hand import listening, request_to, send


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a failure."""

    partner: Partner
    "Whose edge answers and notes."
    told: int | None = None
    "The status that the server saw; None where it saw no SIP."
    inside: tuple[str, ...] = ()
    "The diagnostics that the partner's own user was told."


def incoming(partner: Partner, outcome: Outcome) -> Seen:
    return Seen(partner, told=outcome.must_fail().status)


def outgoing(partner: Partner, outcome: Outcome) -> Seen:
    return Seen(partner, inside=outcome.must_fail().diagnostics)


def answered(partner: Partner, response: Response) -> Seen:
    return Seen(partner, told=response.status)


def bad_server(federation: Federation, persona: Persona, certificate: str = "dual") -> tuple[EmbeddedServer, Partner]:
    """A server whose records or certificate are about to be wrong, and a partner of it."""
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"), certificate=certificate)
    assert isinstance(server, EmbeddedServer)
    return server, federation.partner(persona, opposite=server)


def both_ways(server: EmbeddedServer, partner: Partner) -> Seen:
    inward = server.user("alice").chat_with(partner.user("bob")).say("in").must_fail()
    outward = partner.user("bob").chat_with(server.user("alice")).say("out").must_fail()
    return Seen(partner, inward.status, outward.diagnostics)


def no_srv(federation: Federation, persona: Persona) -> Seen:
    server, partner = bad_server(federation, persona)
    with federation.zones.edit(str(server.domain)) as zone:
        zone.remove("_sipfederationtls._tcp")
    return both_ways(server, partner)


def no_match(federation: Federation, persona: Persona) -> Seen:
    hoster = federation.fresh_domain("hoster")
    server = federation.server(federation.fresh_domain("acme"), hoster.child("connect"))
    assert isinstance(server, EmbeddedServer)
    return both_ways(server, federation.partner(persona.but(name_rule=True), opposite=server))


def no_address(federation: Federation, persona: Persona) -> Seen:
    server, partner = bad_server(federation, persona)
    with federation.zones.edit(str(server.domain)) as zone:
        zone.remove(str(server.fqdn))
    return outgoing(partner, partner.user("bob").chat_with(server.user("alice")).say("out"))


def no_connection(federation: Federation, persona: Persona) -> Seen:
    server, partner = bad_server(federation, persona)
    alice = server.user("alice")
    server.close()
    return outgoing(partner, partner.user("bob").chat_with(alice).say("out"))


def no_tls(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona, certificate="untrusted")
    return outgoing(partner, partner.user("bob").chat_with(listening(federation.sut.user("alice"))).say("out"))


def certificate(federation: Federation, persona: Persona) -> Seen:
    return both_ways(*bad_server(federation, persona, certificate="wrong-name"))


def no_reason(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    partner.user("bob").chat_with(f"nobody@{federation.sut.domain}").say("out").must_fail(status=404)
    return Seen(partner)


def source_domain(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    asserted = [("P-Asserted-Identity", f"<sip:alice@{federation.sut.domain}>")]
    request = request_to(federation, partner, "OPTIONS", headers=asserted)
    request.headers.set("From", f"<sip:alice@{federation.fresh_domain('other')}>;tag=1")
    return answered(partner, send(federation, partner, request))


def domain_blocked(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    partner.policy.block(federation.sut.domain)
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    inward = alice.chat_with(bob).say("in").must_fail()
    return Seen(partner, inward.status, bob.chat_with(alice).say("out").must_fail().diagnostics)


def user_not_enabled(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    partner.policy.user("bob").enable_federation_access = False
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    inward = alice.chat_with(bob).say("in").must_fail()
    return Seen(partner, inward.status, bob.chat_with(alice).say("out").must_fail().diagnostics)


def unknown_user(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    return incoming(partner, federation.sut.user("alice").chat_with(f"nobody@{partner.domain}").say("in"))


def signed_out(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    partner.tenant(partner.domain).sign_out("bob")
    return incoming(partner, federation.sut.user("alice").chat_with(listening(partner.user("bob"))).say("in"))


def unverified_sender(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    if isinstance(partner.policy, FederationPolicy):
        partner.policy.discovered_verification = "AlwaysUnverifiable"
    else:
        partner.policy.treat_discovered_partners_as_unverified = True
    return incoming(partner, federation.sut.user("alice").chat_with(listening(partner.user("bob"))).say("in"))


def throttled(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona.but(limit_discovered=True, discovered_rate=1, limit_period=600))
    partner.user("bob")
    send(federation, partner, request_to(federation, partner, "OPTIONS"))
    return answered(partner, send(federation, partner, request_to(federation, partner, "OPTIONS")))


def too_many_contacts(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona.but(limit_discovered=True, discovered_contacts=1))
    send(federation, partner, request_to(federation, partner, "OPTIONS"))
    return answered(partner, send(federation, partner, request_to(federation, partner, "OPTIONS", to="berta")))


def too_large(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona.but(max_body=100))
    request = request_to(federation, partner, "MESSAGE", body=b"x" * 101, content_type="text/plain")
    return answered(partner, send(federation, partner, request))


def content_type(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    partner.user("bob")
    request = request_to(federation, partner, "MESSAGE", body=b"x", content_type="image/png")
    return answered(partner, send(federation, partner, request))


def filtered(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    partner.policy.filtered = ("http://evil.test",)
    request = request_to(federation, partner, "MESSAGE", body=b"Look at HTTP://evil.test", content_type="text/plain")
    response = send(federation, partner, request)
    assert (response.headers.get("Warning") or "").startswith("309 ")
    return answered(partner, response)


def same_conversation(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona.but(conversation_id=True))
    partner.user("bob")
    sdp = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 5060 sip null\r\n"
    same = [("Ms-Conversation-ID", "AdKjt1Xy9lDJ8KRjRYaBRsRaq4N/vw==")]
    first, again = (
        request_to(federation, partner, "INVITE", headers=same, body=sdp, content_type="application/sdp")
        for _ in range(2)
    )
    assert send(federation, partner, first).status == 200
    return answered(partner, send(federation, partner, again))


def method(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    return answered(partner, send(federation, partner, request_to(federation, partner, "PUBLISH")))


def no_dialog(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona)
    request = request_to(federation, partner, "BYE")
    request.headers.set("To", f"<sip:bob@{partner.domain}>;tag=gone")
    return answered(partner, send(federation, partner, request))


def route_set(federation: Federation, persona: Persona) -> Seen:
    partner = federation.partner(persona.but(record_routes=True))
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    alice.chat_with(bob).say("the session is open").must_succeed()
    sound = partner.agent.writer.record_route
    partner.agent.writer.record_route = sound.replace("ms-route-sig=", "ms-route-sig=x")
    alice.chat_with(bob).say("over the old route")
    told = [record for record in federation.records if record.text.startswith("SIP/2.0 481")]
    return Seen(partner, told=481 if told else None)


PROVOKE: dict[str, Callable[[Federation, Persona], Seen]] = {
    provoke.__name__: provoke
    for provoke in (
        no_srv,
        no_match,
        no_address,
        no_connection,
        no_tls,
        no_reason,
        certificate,
        source_domain,
        domain_blocked,
        user_not_enabled,
        unknown_user,
        signed_out,
        unverified_sender,
        throttled,
        too_many_contacts,
        too_large,
        content_type,
        filtered,
        same_conversation,
        method,
        no_dialog,
        route_set,
    )
}
ONLY_INSIDE = {"no_address", "no_connection", "no_tls", "no_reason"}
"Rows of which the server sees no SIP of the partner's."
OUTWARD = {"no_srv", "no_match", "no_address", "no_connection", "no_tls", "certificate", "domain_blocked"}
OUTWARD |= {"user_not_enabled"}
"Rows that our own user meets as well."


@pytest.mark.parametrize("persona", [SFB_2019, TEAMS, GENERIC], ids=lambda persona: persona.name)
@pytest.mark.parametrize("failure", FAILURES)
def test_each_failure_has_its_answer(federation: Federation, failure: str, persona: Persona) -> None:
    """The status goes to the partner, the diagnostic into the log and to our own user, and not one word of it out."""
    expected: Answer = getattr(persona.answers, failure)

    seen = PROVOKE[failure](federation, persona)

    assert seen.told == (None if failure in ONLY_INSIDE else expected.status)
    if expected.inside is not None:
        number, reason = expected.inside
        said = f'{number};reason="{reason}"'
        entry = seen.partner.edge.must_log(said)
        assert entry.diagnostic.endswith(f'source="{seen.partner.edge.fqdn}"')
        assert [told.startswith(said) for told in seen.inside] == [True] * (failure in OUTWARD)
    sent = [record.text for record in federation.records if record.who == str(seen.partner) and record.layer == "sip"]
    assert not [text for text in sent if "ms-diagnostics" in text.lower()], "it stays inside (dialect facts §5.1)"


def test_the_matrix_has_every_cause_and_the_test_every_row() -> None:
    assert set(FAILURES) == set(get_args(Cause)) == set(PROVOKE)


@pytest.mark.parametrize("failure", sorted(set(FAILURES) - ONLY_INSIDE - {"route_set"}))
def test_the_answer_of_every_row_can_be_changed(federation: Federation, failure: str) -> None:
    """What nobody knows is a switch: each status a partner may see can be another one."""
    persona = SFB_2019.but(**{failure: Answer(699, "Otherwise")})

    assert PROVOKE[failure](federation, persona).told == 699
