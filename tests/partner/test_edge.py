"""What an edge shows to its partner, what it keeps to itself, and how it tries a partner out."""

from __future__ import annotations

import pytest

from simulator.errors import ConfigurationError, ExpectationFailed
from simulator.federation import Engine, Federation
from simulator.io.actions import OfferKind
from simulator.partner import GENERIC, PERSONAS, SFB_2015, SFB_2019, TEAMS, Answer, FederationPolicy, Partner, Persona
from simulator.sip.message import parse
from simulator.sut import SutSettings
from tests.partner.by_hand import listening, request_to, send


def sent(federation: Federation, partner: Partner, first_word: str) -> list[str]:
    """The messages of the partner that begin with this word."""
    return [
        record.text
        for record in federation.records
        if record.who == str(partner) and record.what == "sent" and record.text.startswith(f"{first_word} ")
    ]


def names_in(message: str) -> list[str]:
    return [line.partition(":")[0] for line in message.partition("\r\n\r\n")[0].split("\r\n")[1:]]


def test_the_probe_is_that_of_test_csfederatedpartner(federation: Federation) -> None:
    """OPTIONS sip:Options_User@domain with names in capitals (F6.2)."""
    partner = federation.partner()

    result = partner.edge.probe().must_succeed()

    (probe,) = sent(federation, partner, "OPTIONS")
    assert probe.startswith(f"OPTIONS sip:Options_User@{federation.sut.domain} SIP/2.0\r\n")
    assert names_in(probe) == [
        "FROM", "TO", "CSEQ", "CALL-ID", "MAX-FORWARDS", "VIA", "CONTACT", "CONTENT-LENGTH", "USER-AGENT",
    ]  # fmt: skip
    assert "USER-AGENT: RTCC/4.0.0.0" in probe
    assert (result.target, result.domain) == (str(partner.edge.fqdn), federation.sut.domain)
    assert result.status is not None
    assert result.status != 504
    assert 0 <= result.latency < 5


def test_a_generic_partner_probes_with_plain_options(federation: Federation) -> None:
    partner = federation.partner("generic")
    partner.edge.probe().must_succeed()

    (probe,) = sent(federation, partner, "OPTIONS")
    assert "Max-Forwards: 70" in probe


def test_a_probe_that_fails_says_why_as_the_administrator_reads_it(federation: Federation) -> None:
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"), certificate="wrong-name")
    partner = federation.partner(opposite=server)

    result = partner.edge.probe().must_fail()

    assert result.domain == domain, "the server that the partner talks with, unless another one is named"
    assert result.diagnosis[0].startswith(
        '1010;reason="Certificate trust with another server could not be established"'
    )
    with pytest.raises(ExpectationFailed, match="SEC_E_WRONG_PRINCIPAL"):
        result.must_succeed()
    with pytest.raises(ExpectationFailed, match="must not reach"):
        federation.partner().edge.probe(federation.sut.domain).must_fail()


@pytest.mark.parametrize(
    ("certificate", "code", "words"),
    [
        ("wrong-name", "0x80090322 SEC_E_WRONG_PRINCIPAL", "tls-target="),
        ("wildcard", "0x80090322 SEC_E_WRONG_PRINCIPAL", "The peer certificate does not contain a matching FQDN"),
        ("untrusted", "0x80090325 SEC_E_UNTRUSTED_ROOT", "not chained off a trusted root"),
        ("expired", "0x80090328 SEC_E_CERT_EXPIRED", "has expired"),
    ],
)
def test_the_log_names_what_is_wrong_with_a_certificate(
    federation: Federation, certificate: str, code: str, words: str
) -> None:
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"), certificate=certificate)
    partner = federation.partner(opposite=server)

    partner.user("bob").chat_with(server.user("alice")).say("Hello").must_fail(phase="tls")

    entry = partner.edge.must_log("1010;")
    assert f"{entry.code} {entry.name}" == code
    assert words in entry.diagnostic


def test_the_log_is_in_the_evidence_and_reads_as_a_trace(federation: Federation) -> None:
    """As an administrator sees it in the Cisco document (F1.14, F1.26, F6.7)."""
    server = federation.server(federation.fresh_domain("acme"), federation.fresh_domain("hoster").child("connect"))
    partner = federation.partner(opposite=server)

    server.user("alice").chat_with(partner.user("bob")).say("Hello").must_fail(status=504)

    entry = partner.edge.must_log("0xC3E93D6F SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH")
    assert entry.diagnostic == (
        f'1009;reason="No match for domain in DNS SRV results";domain="{server.domain}";'
        f'fqdn1="{server.fqdn}:{server.port}";source="{partner.edge.fqdn}"'
    )
    assert (entry.status, entry.level) == (504, "error")
    assert entry.text.split("\n")[:3] == [
        "$$begin_record",
        "Severity: error",
        f"Text: {entry.sentence}",
    ]
    assert f"SIP-Start-Line: INVITE sip:bob@{partner.domain} SIP/2.0" in entry.text
    (invite,) = [parse(r.text.encode()) for r in federation.records if r.what == "received" and "INVITE sip" in r.text]
    assert entry.call_id == invite.headers.get("Call-ID")
    assert "SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH" in federation.ladder(width=200)
    (record,) = [record for record in federation.records if record.data.get("code") == "0xC3E93D6F"]
    assert record.who == str(partner.domain)


def test_a_504_of_microsofts_is_bare(federation: Federation) -> None:
    """Via, Call-ID, CSeq and From come back, To has a tag, then Server and nothing else (dialect facts §5.1)."""
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"), certificate="wrong-name")
    partner = federation.partner(SFB_2015, opposite=server)

    server.user("alice").chat_with(partner.user("bob")).say("Hello").must_fail(status=504)

    (answer,) = [text for text in sent(federation, partner, "SIP/2.0") if " 504 " in text]
    assert answer.startswith("SIP/2.0 504 Server time-out\r\n")
    assert sorted(names_in(answer)) == sorted(["Via", "From", "To", "Call-ID", "CSeq", "Server", "Content-Length"])
    assert "Server: RTC/6.0" in answer


def test_headers_stand_in_the_order_of_the_trace(federation: Federation) -> None:
    """Record-Route above Via, Content-Length in the middle, `history-info` last (dialect facts §4.1)."""
    partner = federation.partner()
    partner.user("bob").chat_with(listening(federation.sut.user("alice"))).say("Hello").must_succeed()

    (invite,) = sent(federation, partner, "INVITE")
    names = names_in(invite)
    assert names[:9] == [
        "Record-Route", "Via", "Max-Forwards", "Content-Length", "From", "To", "Call-ID", "CSeq", "Contact",
    ]  # fmt: skip
    assert names.index("User-Agent") == 9


def test_a_generic_partner_writes_as_the_rfc_does(federation: Federation) -> None:
    partner = federation.partner(GENERIC)
    partner.user("bob").watch(federation.sut.user("alice")).expect("available")

    (subscribe,) = sent(federation, partner, "SUBSCRIBE")[:1]
    assert names_in(subscribe)[0] == "Via"
    assert not [name for name in names_in(subscribe) if name.lower().startswith("ms-")]


@pytest.mark.parametrize("persona", PERSONAS.values(), ids=lambda persona: persona.name)
def test_every_persona_talks_with_the_server_both_ways(federation: Federation, persona: Persona) -> None:
    partner = federation.partner(persona)
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))

    bob.chat_with(alice).say("out").must_succeed()
    alice.chat_with(bob).say("in").must_succeed()
    bob.watch(alice).expect("available")
    alice.watch(bob).expect("available")

    assert "in" in [message.text for message in bob.messages]


def test_the_verification_header_is_sent_and_can_be_left_out(federation: Federation) -> None:
    alice = listening(federation.sut.user("alice"))
    marked, unmarked = federation.partner(), federation.partner(SFB_2019.but(mark_verified=False))
    for partner in (marked, unmarked):
        partner.user("bob").chat_with(alice).say("Hello").must_succeed()

    assert "ms-asserted-verification-level: ms-source-verified-user=verified" in sent(federation, marked, "INVITE")[0]
    assert "ms-asserted-verification-level" not in sent(federation, unmarked, "INVITE")[0]


@pytest.mark.parametrize(
    ("persona", "version"),
    [(SFB_2015, "TLSv1.2"), (SFB_2019, "TLSv1.3"), (SFB_2019.but(tls_maximum="TLSv1.2"), "TLSv1.2")],
)
def test_each_product_has_its_versions_of_tls(federation: Federation, persona: Persona, version: str) -> None:
    partner = federation.partner(persona)
    partner.user("bob").chat_with(listening(federation.sut.user("alice"))).say("Hello").must_succeed()

    assert {record.data["version"] for record in federation.records if record.what == "established"} == {version}


def test_a_certificate_for_the_domain_satisfies_who_asks_for_the_domain(federation: Federation) -> None:
    """RFC 5922 §7.3 wants the SIP domain in the certificate, S4B the server that SRV leads to (F2.10)."""
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"))
    other = federation.fresh_domain("apex")
    at_the_apex = federation.server(other, str(other))
    for name, opposite, works in [
        ("server", server, True),
        ("domain", server, False),
        ("either", server, True),
        ("domain", at_the_apex, True),
    ]:
        partner = federation.partner(SFB_2019.but(identity=name), opposite=opposite)
        out = partner.user("bob").chat_with(listening(opposite.user("alice"))).say("out")
        inward = opposite.user("alice").chat_with(listening(partner.user("bob"))).say("in")
        assert (out.delivered, inward.delivered) == (works, works), f"{name} with {opposite.fqdn}"


def test_a_hosting_provider_serves_domains_that_are_not_its_own(federation: Federation) -> None:
    """`New-CsHostingProvider`: its FQDN passes the name rule, as Teams does with every S4B (fact 3 of section 0)."""
    server = federation.server(federation.fresh_domain("acme"), federation.fresh_domain("hoster").child("connect"))
    policy = FederationPolicy()
    partner = federation.partner(policy=policy, opposite=server)
    alice, bob = listening(server.user("alice")), listening(partner.user("bob"))
    alice.chat_with(bob).say("a stranger").must_fail(status=504)

    policy.add_hosting_provider(server.fqdn)

    alice.chat_with(bob).say("a known provider").must_succeed()
    bob.chat_with(alice).say("and back").must_succeed()
    policy.add_hosting_provider(server.fqdn, enabled=False)
    bob.chat_with(alice).say("no longer").must_fail(phase="discovery")


def test_a_user_is_told_by_the_partner_where_a_user_is_not(federation: Federation) -> None:
    partner = federation.partner()

    with pytest.raises(ConfigurationError, match=r"fabrikam.*none of this partner's domains"):
        partner.user("bob@fabrikam.example")
    assert partner.user(f"bob@{partner.domain}") is partner.user("bob")


def test_whose_teams_edge_has_its_real_name_needs_a_ca_that_may(federation: Federation) -> None:
    """The throwaway CA speaks for reserved domains only, unless the engine is told a name."""
    with pytest.raises(Exception, match="outside the name constraints"):
        federation.teams(fqdn="sipfed.online.lync.com")

    engine = Engine(names=["sipfed.online.lync.com"], settings=SutSettings())
    engine.start_embedded()
    other = Federation(engine)
    partner = other.teams(fqdn="sipfed.online.lync.com")
    other.sut.user("alice").chat_with(listening(partner.user("bob"))).say("Hello").must_succeed()
    assert other.close() == []
    assert engine.close() == []


def test_a_request_with_a_strangers_route_still_gets_its_answer(federation: Federation) -> None:
    partner = federation.partner(TEAMS)
    request = request_to(federation, partner, "OPTIONS", headers=[("Route", "<sip:elsewhere.test;lr>")])

    assert send(federation, partner, request).status == 200


def test_an_answer_may_close_the_connection(federation: Federation) -> None:
    """`From` of another domain: 403 or 504, and the connection may be closed (dialect facts §5.3)."""
    closing = Answer(403, "Forbidden", closes=True)
    partner = federation.partner(SFB_2019.but(source_domain=closing))
    request = request_to(
        federation, partner, "OPTIONS", headers=[("P-Asserted-Identity", f"<sip:eve@{federation.fresh_domain()}>")]
    )

    assert send(federation, partner, request).status == 403

    assert partner.edge.connections == 0
    assert send(federation, partner, request_to(federation, partner, "OPTIONS")).status == 200


def test_what_is_dropped_in_silence_looks_delivered(federation: Federation) -> None:
    """One of the things that may become of an unverified message: it is taken and shown to nobody."""
    policy = FederationPolicy(discovered_verification="AlwaysUnverifiable")
    persona = SFB_2019.but(unverified_sender=Answer(200, "OK"))
    partner = federation.partner(persona, policy=policy)
    bob = partner.user("bob")
    request = request_to(federation, partner, "MESSAGE", body=b"Hello", content_type="text/plain")

    assert send(federation, partner, request).status == 200

    assert list(bob.messages) == []
    partner.edge.must_log("is not verified (AlwaysUnverifiable) and no contact of the user")


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("audio", 488, "INVITE refused: The session offers audio"),
        ("conference", 488, "INVITE refused: It invites to a conference."),
        ("file", 488, "INVITE refused: It offers a file."),
    ],
)
def test_an_offer_that_is_no_chat_is_refused_in_the_edge_log(
    federation: Federation, kind: OfferKind, status: int, words: str
) -> None:
    partner, other = federation.partner(), federation.partner()
    bob = partner.user("bob")
    bob.ignores("offers")

    other.user("carl").offers(bob, kind).must_fail(status=status)

    entry = partner.edge.must_log(words)
    assert (entry.status, entry.level) == (status, "warning")
    assert entry.start_line.startswith("INVITE sip:bob@")


def test_an_invite_that_nobody_can_read_is_answered_by_the_row_of_the_matrix(federation: Federation) -> None:
    """Its 415 names what is read, another status does not (RFC 3261 §21.4.13)."""
    for persona, status, accept in (
        (SFB_2019, 415, "application/sdp"),
        (SFB_2019.but(content_type=488), 488, None),
    ):
        partner = federation.partner(persona)
        partner.user("bob").ignores("offers")
        invite = request_to(federation, partner, "INVITE", body=b"x", content_type="image/png")

        response = send(federation, partner, invite)

        assert (response.status, response.headers.get("Accept")) == (status, accept)
        assert partner.edge.must_log("Its body is image/png").status == status


def test_the_log_of_a_plain_partner_has_no_word_of_microsofts(federation: Federation) -> None:
    """The result codes are those of Skype for Business; the sentences are the same."""
    server = federation.server(federation.fresh_domain("acme"), federation.fresh_domain("hoster").child("connect"))
    partner = federation.partner(GENERIC.but(name_rule=True), opposite=server)
    bob, alice = listening(partner.user("bob")), listening(server.user("alice"))

    alice.chat_with(bob).say("in").must_fail(status=504)
    bob.chat_with(alice).say("out").must_fail()

    entries = list(partner.edge.log)
    assert len([entry for entry in entries if entry.level == "error"]) == 2
    for entry in entries:
        assert not [word for word in ("0x", "SIPPROXY", "SEC_E", "ms-diagnostics") if word in entry.text], entry.text


def test_an_edge_that_was_not_to_be_dialled_says_who_did_and_why_not(federation: Federation) -> None:
    partner = federation.partner()
    partner.edge.must_not_have_been_dialled(because="Its priority is 20.")
    bob = partner.user("bob")
    federation.sut.user("alice").chat_with(bob).say("Hello").must_succeed()
    bob.expect_message("Hello")

    with pytest.raises(
        ExpectationFailed, match=r"Nobody was to connect to sip\.\S+, but \S+ did\. Its priority is 20\.$"
    ):
        partner.edge.must_not_have_been_dialled(because="Its priority is 20.")
