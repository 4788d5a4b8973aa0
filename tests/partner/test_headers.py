"""Headers that a server must echo, ignore or not believe are switches (dialect facts §2.1, §2.2, §2.4, §4.1, §4.3)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.federation import Federation
from simulator.io.writer import network_of
from simulator.partner import GENERIC, SFB_2019, Partner, Persona
from simulator.sip.message import Message, Request, Response, parse
from tests.partner.by_hand import listening


def sent(federation: Federation, partner: Partner) -> list[Message]:
    """What the partner has sent, in order."""
    return [
        parse(record.text.encode())
        for record in federation.records
        if record.who == str(partner) and record.layer == "sip" and record.what == "sent"
    ]


def requests(federation: Federation, partner: Partner, method: str) -> list[Request]:
    return [found for found in sent(federation, partner) if isinstance(found, Request) and found.method == method]


def after_a_chat(federation: Federation, persona: Persona) -> Partner:
    """A partner whose user has sent two texts, and got one."""
    partner = federation.partner(persona)
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    chat = bob.chat_with(alice)
    chat.say("one").must_succeed()
    chat.say("two").must_succeed()
    alice.chat_with(bob).say("three").must_succeed()
    return partner


@pytest.mark.parametrize(
    ("method", "header", "off"),
    [
        ("INVITE", "ms-keep-alive: UAC;hop-hop=yes", {"keep_alive": ""}),
        ("INVITE", "ms-subnet: 127.", {"subnet": False}),
        ("INVITE", "history-info: <sip:alice@", {"history": False}),
        ("INVITE", "Ms-Conversation-ID: ", {"conversation_id": False}),
        ("INVITE", "EndPoints: <sip:bob@", {"participants": False}),
        ("INVITE", "Supported: ms-conf-invite", {"supported": ()}),
        ("MESSAGE", "Supported: ms-dialog-route-set-update", {"supported_in_message": ()}),
        ("MESSAGE", "Supported: timer", {"supported_in_message": ()}),
        ("MESSAGE", "User-Agent: UCCAPI/", {"user_agent": ""}),
        ("MESSAGE", "ms-asserted-verification-level: ms-source-verified-user=verified", {"mark_verified": False}),
    ],
)
def test_what_skype_for_business_writes_can_be_left_out(
    federation: Federation, method: str, header: str, off: dict[str, Any]
) -> None:
    def begins(persona: Persona) -> bool:
        partner = after_a_chat(federation, persona)
        return all(f"\r\n{header}" in bytes(found).decode() for found in requests(federation, partner, method))

    assert begins(SFB_2019.but(embeds=()))
    assert not begins(SFB_2019.but(embeds=(), **off))


def test_the_via_of_a_microsoft_server_is_echoed_as_it_is(federation: Federation) -> None:
    """`branched` and a quoted `ms-internal-info` behind the branch, also in the ACK and the CANCEL."""
    via = ("branched=FALSE", 'ms-internal-info="dhl,AyW;QAA"')
    partner = after_a_chat(federation, SFB_2019.but(via_parameters=via))

    for found in sent(federation, partner):
        if isinstance(found, Request):
            assert found.headers.get_all("Via")[0].endswith(';branched=FALSE;ms-internal-info="dhl,AyW;QAA"')


def test_the_via_of_the_client_stands_below_that_of_the_edge(federation: Federation) -> None:
    """It has no branch, and the server gives it back (RFC 3261 §8.2.6.2)."""
    partner = after_a_chat(federation, SFB_2019.but(client_via=True))

    for found in requests(federation, partner, "INVITE") + requests(federation, partner, "MESSAGE"):
        edge, client = found.vias
        assert edge.branch is not None
        assert client.branch is None
        assert "ms-received-cid" in client.raw
    answers = [
        parse(record.text.encode())
        for record in federation.records
        if record.who == str(partner) and record.what == "received" and record.text.startswith("SIP/2.0 200")
    ]
    assert {len(answer.vias) for answer in answers if answer.cseq.method in ("INVITE", "MESSAGE")} == {2}


def test_a_request_that_is_given_up_is_cancelled_by_the_via_of_the_edge_alone(federation: Federation) -> None:
    """RFC 3261 §9.1: a CANCEL has one Via, that of the request it cancels; so has the ACK to the 487 (§17.1.1.3)."""
    partner = federation.partner(SFB_2019.but(client_via=True, via_parameters=("branched=FALSE",)))
    other = federation.partner()
    carl = other.user("carl")
    carl.answers_when_told()
    saying = partner.user("bob").chat_with(carl).start_saying("Nobody answers")
    carl.expect_invitation()
    saying.cancel()
    saying.outcome().must_fail(status=487)

    (invite,) = requests(federation, partner, "INVITE")
    for method in ("CANCEL", "ACK"):
        (found,) = requests(federation, partner, method)
        assert [via.raw for via in found.vias] == [invite.vias[0].raw]


def test_responses_say_where_the_request_came_from(federation: Federation) -> None:
    """Appended to the topmost Via, which is otherwise as it came."""
    partner = after_a_chat(federation, SFB_2019)

    answers = [found for found in sent(federation, partner) if isinstance(found, Response)]
    assert answers
    for found in answers:
        params = dict(found.top_via.params)
        assert params["ms-received-port"] is not None
        assert "received" in params
        assert "ms-received-cid" in params
    plain = after_a_chat(federation, GENERIC)
    assert not [found for found in sent(federation, plain) if "ms-received" in str(found.headers.get("Via"))]


def test_the_asserted_identity_is_that_of_the_user(federation: Federation) -> None:
    partner = after_a_chat(federation, SFB_2019.but(asserted_identity=True))

    for found in requests(federation, partner, "INVITE"):
        assert found.headers.get("P-Asserted-Identity") == f'"Bob"<sip:bob@{partner.domain}>'


def test_a_sign_of_trust_that_a_partner_writes_itself_is_not_believed(federation: Federation) -> None:
    """`ms-edge-proxy-message-trust` is written by one's own edge only (dialect facts §2.2)."""
    trust = "ms-source-type=AuthorizedServer;ms-ep-fqdn=sip.acme.test;ms-source-verified-user=verified"
    spoof = SFB_2019.but(further_headers=(("ms-edge-proxy-message-trust", trust),))
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"))
    partner = federation.partner(spoof, opposite=server)
    elsewhere = federation.fresh_domain("elsewhere")
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.remove("_sipfederationtls._tcp")
        zone.srv("_sipfederationtls._tcp", 0, 0, 5061, f"sip.{elsewhere}")

    partner.user("bob").chat_with(server.user("alice")).say("Believe me").must_fail()

    assert requests(federation, partner, "INVITE")[0].headers.get("ms-edge-proxy-message-trust") == trust


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.57", "192.0.2.0"), ("127.1.2.3", "127.1.2.0"), ("2001:db8::7:8", "2001:db8::")],
)
def test_the_network_of_a_client_is_that_of_its_address(address: str, network: str) -> None:
    assert network_of(address) == network
