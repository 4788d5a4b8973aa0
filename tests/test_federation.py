"""The federation that a test holds: fresh partners, changes that are undone, and partners that judge the server."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import weakref

import pytest

from simulator.connect_server.settings import CertificateFolder
from simulator.errors import ConfigurationError, ExpectationFailed
from simulator.federation import Engine, Federation
from simulator.io.addresses import LoopbackAddresses
from simulator.outcome import Outcome
from simulator.partner import SFB_2019, FederationPolicy
from simulator.scenarios.steps import must_chat_both_ways


def test_every_partner_has_names_and_an_address_of_its_own(federation: Federation) -> None:
    one, two = federation.partner(), federation.partner()

    assert one.domain != two.domain
    assert (one.edge.address, one.edge.port) != (two.edge.address, two.edge.port)
    assert one.edge.fqdn == one.domain.child("sip")


def test_a_test_leaves_nothing_behind() -> None:
    """Zones, switches, routes, mailboxes and threads are as they were."""
    threads = set(threading.enumerate())
    engine = Engine()
    server = engine.start_embedded()
    before, origins = server.settings, engine.zones.origins
    first = Federation(engine)
    partner = first.direct_partner()
    first.sut.switch_open_federation(enabled=False)
    partner.user("bob").chat_with(first.sut.user("alice")).say("Hello").must_succeed()
    first.sut.user("alice").expect_message("Hello")
    assert first.close() == []

    second = Federation(engine)

    assert server.settings == before
    assert engine.zones.origins == origins
    assert second.sut.user("alice").messages == ()
    assert second.records == [], "the evidence of a test begins with the test"
    assert second.close() == []
    assert engine.close() == []
    assert set(threading.enumerate()) == threads


def test_an_engine_takes_the_partners_of_a_federation_with_it_that_nobody_closed() -> None:
    engine = Engine()
    engine.start_embedded()
    edge = Federation(engine).partner().edge
    place = edge.address, edge.port

    assert engine.close() == []

    with socket.socket() as again:
        again.bind(place)


def test_the_server_keeps_nothing_for_a_partner_that_is_gone() -> None:
    """A partner ends its sessions and subscriptions when its test ends: no later test sees an attempt to reach it."""
    engine = Engine()
    engine.start_embedded()
    first = Federation(engine)
    partner = first.partner()
    alice, bob = first.sut.user("alice"), partner.user("bob")
    bob.watch(alice).expect("available")
    alice.watch(bob).expect("available")
    alice.chat_with(bob).say("Hello").must_succeed()
    bob.expect_message("Hello")
    assert first.close() == []

    second = Federation(engine)
    second.sut.user("alice").set_presence("busy")
    berta = second.partner().user("berta")
    second.sut.user("alice").chat_with(berta).say("fence").must_succeed()
    berta.expect_message("fence")

    assert not [record for record in second.records if str(partner.domain) in record.text]
    assert second.close() == []
    assert engine.close() == []


def test_the_memory_of_a_partner_that_is_gone_is_free_again() -> None:
    """A long run has thousands of partners: no timer and no table of the engine may hold on to one."""
    engine = Engine()
    engine.start_embedded()
    federation = Federation(engine)
    partner = federation.partner()
    edge = weakref.ref(partner.edge)
    must_chat_both_ways(federation, partner)
    partner.user("bob").watch(federation.sut.user("alice")).expect("available")
    assert federation.close() == []

    del federation, partner
    gc.collect()

    assert edge() is None
    assert engine.close() == []


def test_on_a_platform_with_one_address_the_records_carry_the_ports() -> None:
    """macOS has only 127.0.0.1: everybody has a port of their own, and SRV and static routes say which."""
    engine = Engine(addresses=LoopbackAddresses(one_address=True))
    engine.start_embedded()
    federation = Federation(engine)

    for partner in (federation.partner(), federation.partner(), federation.direct_partner()):
        assert partner.edge.address == "127.0.0.1"
        must_chat_both_ways(federation, partner)

    assert "somebody" in federation.ladder()
    assert federation.close() == []
    assert engine.close() == []


def test_key_files_are_gone_at_the_end() -> None:
    engine = Engine()
    certificate = engine.start_embedded().settings.certificate
    assert isinstance(certificate, CertificateFolder)
    (key,) = certificate.folder.glob("*/*.key")

    engine.close()

    assert not key.exists()
    assert not certificate.folder.parent.exists()


@pytest.mark.parametrize("certificate", ["wildcard", "wrong-name", "expired", "untrusted"])
def test_sfb_refuses_a_server_with_a_bad_certificate(federation: Federation, certificate: str) -> None:
    """A Skype for Business edge lets no message through in either direction (discovery facts §2.2)."""
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"), certificate=certificate)
    partner = federation.partner(opposite=server)
    alice, bob = server.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("to Acme").must_fail(phase="tls")
    partner.edge.must_have_refused()
    alice.chat_with(bob).say("from Acme").must_fail()

    alice.must_have_no_message()
    bob.must_have_no_message()


def test_sfb_refuses_a_server_whose_certificate_is_revoked(federation: Federation) -> None:
    """The edge fetches the CRL that the certificate names (F1.6)."""
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"), certificate="revoked")
    partner = federation.partner(opposite=server)

    partner.user("bob").chat_with(server.user("alice")).say("to Acme").must_fail()
    server.user("alice").chat_with(partner.user("bob")).say("from Acme").must_fail()

    partner.edge.must_log("revoked")


def test_sfb_tells_the_partner_nothing_of_why(federation: Federation) -> None:
    """A server whose client certificate names another host gets a bare 504; why stays in the edge's log (F0.2)."""
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"), certificate="wrong-name")
    partner = federation.partner(opposite=server)

    server.user("alice").chat_with(partner.user("bob")).say("Hello").must_fail(status=504)

    partner.edge.must_log("the client certificate names wrong-name.")
    answers = [record.text for record in federation.records if record.text.startswith("SIP/2.0 504 Server time-out")]
    assert answers
    assert not [text for text in answers if "ms-diagnostics" in text.lower() or "wrong-name" in text]


def test_blocked_domain(federation: Federation) -> None:
    partner = federation.partner()
    partner.policy.block(federation.sut.domain)
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("out").must_fail(phase="policy")
    alice.chat_with(bob).say("in").must_fail(status=504)
    partner.edge.must_log("is on the block list")


def test_without_partner_discovery_only_listed_domains_come_in(federation: Federation) -> None:
    partner = federation.partner(policy=FederationPolicy(partner_discovery=False))
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    alice.chat_with(bob).say("not yet").must_fail(status=504)
    partner.policy.allow(federation.sut.domain)
    alice.chat_with(bob).say("now").must_succeed()

    assert [message.text for message in bob.messages] == ["now"]


def test_a_domain_is_on_one_list_only(federation: Federation) -> None:
    policy = federation.partner().policy
    policy.block(federation.sut.domain)
    with pytest.raises(ConfigurationError, match="blocked"):
        policy.allow(federation.sut.domain)


def test_a_changed_record_route_is_noticed(federation: Federation) -> None:
    """The edge answers 481 to a request inside a dialog that does not bring its Record-Route back unchanged (1004)."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.ignores_messages()
    alice.chat_with(bob).say("the session is open").must_succeed()
    sound = partner.agent.writer.record_route

    partner.agent.writer.record_route = sound.replace("ms-route-sig=", "ms-route-sig=x")
    refused = [record for record in federation.records if "481" in record.text]
    alice.chat_with(bob).say("over the old route")

    assert not refused
    assert [record for record in federation.records if record.text.startswith("SIP/2.0 481")]
    partner.edge.must_log('1004;reason="Route set is no longer valid"')


def test_subscriptions_are_refreshed_when_time_passes(federation: Federation) -> None:
    """Eight hours later the watcher still sees changes: its subscription was refreshed in between."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    watch = alice.watch(bob)
    watch.expect("available")

    for _ in range(8):
        federation.advance(3550)
        watch.expect("available")  # the NOTIFY that follows a refresh
    bob.set_presence("busy")

    watch.expect("busy")


def test_a_persona_of_ones_own(federation: Federation) -> None:
    persona = SFB_2019.but(name="quiet", user_agent="", record_routes=False)
    partner = federation.partner(persona)

    federation.sut.user("alice").chat_with(partner.user("bob")).say("Hello").must_succeed()

    partner.user("bob").expect_message("Hello")
    assert not [record for record in federation.records if "Record-Route" in record.text]


def test_somebody_who_only_connects_was_not_refused(federation: Federation) -> None:
    """A connection that ends without a certificate being looked at is no verdict on one."""
    partner = federation.partner()
    with socket.create_connection((partner.edge.address, partner.edge.port)):
        partner.edge.must_have_been_dialled()
    partner.edge.must_log("TLS failed")

    with pytest.raises(ExpectationFailed, match="seen was no refusal at all"):
        partner.edge.must_have_refused(within=0.01)


def test_expectations_name_what_came_instead(federation: Federation) -> None:
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.chat_with(bob).say("Hello").must_succeed()

    with pytest.raises(ExpectationFailed, match=r"expected the message 'Goodbye' .* what came was: 'Hello' from sip:"):
        bob.expect_message("Goodbye", within=0.01)
    with pytest.raises(ExpectationFailed, match="must have no message, but got: 'Hello'"):
        bob.must_have_no_message()
    bob.expect_message()
    with pytest.raises(ExpectationFailed, match="the certificate"):
        partner.edge.must_have_been_refused(within=0.01)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda f: f.partner("sfb-2091"), "there is no 'sfb-2091'; did you mean 'sfb-2019'"),
        (lambda f: f.partner().user("bob smith"), "no user name"),
        (lambda f: f.partner(domain="not a domain"), "'not a domain' is not a valid name"),
        (lambda f: f.partner(certificate="wildcart"), "wildcart"),
        (lambda f: f.sut.user("mallory"), "there is no user 'mallory'; there is alice, anna, carol, dave"),
        (lambda f: f.sut.switch_route(f.fresh_domain(), enabled=False), "there is no such static route"),
    ],
)
def test_a_users_mistake_is_a_sentence(federation: Federation, wrong: object, sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):  # of simulator's or of fakes' errors: what counts is the sentence
        wrong(federation)  # type: ignore[operator]


def test_messages_sent_at_the_same_time_share_one_session_and_keep_their_order(federation: Federation) -> None:
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    account = partner.agent.accounts[bob.uri]

    async def send_all() -> list[Outcome]:
        return await asyncio.gather(*(partner.agent.send_text(account, alice.uri, str(n)) for n in range(20)))

    outcomes = partner._loop.run(send_all())

    assert all(outcome.delivered for outcome in outcomes)
    assert [message.text for message in alice.messages] == [str(n) for n in range(20)]
    assert len([record for record in federation.records if record.text.startswith("INVITE ")]) == 1
