"""A server whose settings and certificate change while partners talk with it (R37, R38, R65, R68, R75)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from fakes.ca import Issued
from simulator.connect_server import operations as op
from simulator.connect_server.certificates import CertificateStore
from simulator.connect_server.changes import Reload
from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import (
    CertificateFiles,
    CertificateFolder,
    CertificateRules,
    Group,
    PartnerCertificates,
    ServerSettings,
)
from simulator.connect_server.suitability import Demands
from simulator.errors import ConfigurationError
from simulator.federation import Federation
from simulator.io.link import Link
from simulator.partner import Partner
from simulator.scenarios.steps import must_chat_both_ways
from simulator.sut import EmbeddedServer


@pytest.fixture
def sut(federation: Federation) -> EmbeddedServer:
    assert isinstance(federation.sut, EmbeddedServer)
    return federation.sut


@pytest.fixture
def loop(sut: EmbeddedServer) -> Callable[[Callable[[], Any]], Any]:
    """Calls a function on the server's loop."""
    return lambda function: sut._loop.call(function)


@pytest.fixture
def server(sut: EmbeddedServer) -> ConnectServer:
    return sut.server


@pytest.fixture
def store(federation: Federation, sut: EmbeddedServer, tmp_path: Path) -> CertificateStore:
    """The server takes its certificate from a store, in which `first` is active."""
    store = CertificateStore(tmp_path / "certificates")
    add(store, federation.authority.issue(str(sut.fqdn)), "first")
    store.activate("first", Demands.of(sut.settings), federation.authority.now())
    sut.apply(replace(sut.settings, certificate=CertificateFolder(store.folder), certificate_rules=CertificateRules()))
    return store


def add(store: CertificateStore, issued: Issued, name: str) -> None:
    store.add(issued.chain_pem, issued.key_pem, name=name)


def shown_to(partner: Partner) -> list[int]:
    """The serial numbers of the certificates that a partner has seen on its living connections, oldest first."""
    links = sorted(partner.agent.transport.links, key=lambda link: link.peer_address)
    return [link.handshake.peer[0].serial_number for link in links if link.alive and link.handshake is not None]


def serial(store: CertificateStore, name: str) -> int:
    return store.find(name).leaf.serial_number


def living(partner: Partner) -> set[Link]:
    return {link for link in partner.agent.transport.links if link.alive}


# Certificates


def test_an_activated_certificate_is_for_new_connections_and_old_ones_live_on(
    federation: Federation, sut: EmbeddedServer, store: CertificateStore, loop: Callable[..., Any]
) -> None:
    """R65, R75."""
    before = federation.partner()
    must_chat_both_ways(federation, before)
    connections = living(before)
    add(store, federation.authority.issue(str(sut.fqdn)), "second")

    loop(lambda: sut.server.activate("second"))

    after = federation.partner()
    must_chat_both_ways(federation, after)
    must_chat_both_ways(federation, before)
    assert set(shown_to(after)) == {serial(store, "second")}
    assert set(shown_to(before)) == {serial(store, "first")}
    assert living(before) == connections
    assert sut.server.certificate.label == "machine/second"


def test_a_renewed_certificate_is_not_presented_before_it_is_chosen(
    federation: Federation, sut: EmbeddedServer, store: CertificateStore, tmp_path: Path, loop: Callable[..., Any]
) -> None:
    """R68: not by being added, and not by reading the settings again."""
    add(store, federation.authority.issue(str(sut.fqdn), valid_days=90), "renewed")
    path = written(sut.settings, tmp_path)

    loop(lambda: sut.server.reload(path))

    partner = federation.partner()
    must_chat_both_ways(federation, partner)
    assert set(shown_to(partner)) == {serial(store, "first")}
    (warning,) = [problem for problem in sut.server.warnings() if problem.place == "certificate.store"]
    assert "machine/renewed" in warning.message


def test_a_choice_made_elsewhere_counts_from_the_next_reload(
    federation: Federation, sut: EmbeddedServer, store: CertificateStore, tmp_path: Path, loop: Callable[..., Any]
) -> None:
    """As when `sipfed certificates activate` runs beside the server."""
    path = written(sut.settings, tmp_path)
    loop(lambda: sut.server.reload(path))
    add(store, federation.authority.issue(str(sut.fqdn)), "second")
    store.activate("second", Demands.of(sut.settings), federation.authority.now())
    assert sut.server.certificate.label == "machine/first"

    result = loop(lambda: sut.server.reload(path))

    assert result.changes == ()
    assert result.applied
    partner = federation.partner()
    must_chat_both_ways(federation, partner)
    assert set(shown_to(partner)) == {serial(store, "second")}


def test_an_unfit_certificate_is_not_presented(
    federation: Federation, sut: EmbeddedServer, store: CertificateStore, loop: Callable[..., Any]
) -> None:
    add(store, federation.authority.issue(str(sut.fqdn), "wildcard"), "wildcard")

    with pytest.raises(ConfigurationError, match="wildcard"):
        loop(lambda: sut.server.activate("wildcard"))

    partner = federation.partner()
    must_chat_both_ways(federation, partner)
    assert set(shown_to(partner)) == {serial(store, "first")}


def test_a_route_can_be_switched_although_the_certificate_files_are_gone(
    federation: Federation, sut: EmbeddedServer, store: CertificateStore
) -> None:
    """What is in use is in memory; a change is not refused for something that it is not about."""
    partner = federation.direct_partner()
    for path in (store.folder / "machine").iterdir():
        path.unlink()

    federation.sut.switch_route(partner.domain, enabled=False)
    federation.sut.switch_route(partner.domain, enabled=True)

    must_chat_both_ways(federation, partner)


def test_without_a_store_nothing_can_be_chosen(
    federation: Federation, sut: EmbeddedServer, loop: Callable[..., Any]
) -> None:
    files = CertificateFiles(*federation.authority.write(federation.authority.issue(str(sut.fqdn))))
    sut.apply(replace(sut.settings, certificate=files))

    with pytest.raises(ConfigurationError, match="write store"):
        loop(lambda: sut.server.activate("first"))


# Reading the settings again


def written(settings: ServerSettings, folder: Path, **other: Any) -> Path:
    """A settings file for what is in force, with `other` tables in place of its own."""
    listen, dns = settings.listen, settings.dns
    certificate = settings.certificate
    source = (
        {"chain": str(certificate.chain), "key": str(certificate.key)}
        if isinstance(certificate, CertificateFiles)
        else {"store": str(certificate.folder)}
    )
    users = []
    for user in settings.users:
        one: dict[str, Any] = {"name": user.name, "display_name": user.display_name, "office_plus": user.office_plus}
        users.append(one | ({} if user.federation is None else {"federation": user.federation}))
    document: dict[str, Any] = {
        "domain": str(settings.domain),
        "fqdn": str(settings.fqdn),
        "trusted_roots": str(settings.trusted_roots),
        "listen": {"address": str(listen.address), "port": listen.port},
        "certificate": source,
        "certificate_rules": {"unsuitable": settings.certificate_rules.unsuitable},
        "open_federation": {"enabled": settings.open_federation.enabled},
        "static_routes": {
            "enabled": settings.static_routes.enabled,
            "routes": [
                {"domain": str(route.domain), "host": str(route.host), "port": route.port, "enabled": route.enabled}
                for route in settings.static_routes.routes
            ],
        },
        "users": users,
    }
    if dns is not None:
        document["dns"] = {"server": f"{dns.address}:{dns.port}"}
    path = folder / "connect.toml"
    path.write_text(tomli_w.dumps(document | other), encoding="utf-8")
    return path


def test_the_same_settings_change_nothing(sut: EmbeddedServer, tmp_path: Path, loop: Callable[..., Any]) -> None:
    path = written(sut.settings, tmp_path)

    result: Reload = loop(lambda: sut.server.reload(path))

    assert result.changes == ()
    assert result.sentences == ["The settings are as they were."]


def test_a_switched_route_is_read_and_other_connections_live_on(
    federation: Federation, sut: EmbeddedServer, tmp_path: Path, loop: Callable[..., Any]
) -> None:
    """R37, R38."""
    off, other = federation.direct_partner(), federation.direct_partner()
    must_chat_both_ways(federation, other)
    connections = living(other)
    path = written(op.switch_route(sut.settings, off.domain, enabled=False), tmp_path)

    result: Reload = loop(lambda: sut.server.reload(path))

    assert [str(change) for change in result.changes] == [f"static_routes.{off.domain}.enabled: It was on and is off."]
    federation.sut.user("alice").chat_with(off.user("bob")).say("Hello?").must_fail()
    must_chat_both_ways(federation, other)
    assert living(other) == connections


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"listen": {"address": "127.0.0.1", "port": 1}}, "listen"),
        ({"fqdn": "other.acme.test", "certificate_rules": {"unsuitable": "warn"}}, "fqdn"),
        ({"domain": "other.test"}, "domain"),
    ],
)
def test_a_change_that_needs_a_restart_says_so_and_nothing_is_applied(
    federation: Federation, sut: EmbeddedServer, tmp_path: Path, loop: Callable[..., Any], table: Any, place: str
) -> None:
    """Not even the other changes in the same file, so that what is in force is always one whole file."""
    partner = federation.partner()
    before = sut.settings
    path = written(before, tmp_path, **table, open_federation={"enabled": False})

    result: Reload = loop(lambda: sut.server.reload(path))

    assert not result.applied
    assert {change.place.partition(".")[0] for change in result.needs_restart} == {place}
    assert any(sentence.startswith(f"A restart is needed for {place}") for sentence in result.sentences)
    assert sut.settings == before
    must_chat_both_ways(federation, partner)
    with pytest.raises(ConfigurationError, match="at a restart only"):
        sut.apply(loop(lambda: replace(before, fqdn=before.domain.child("other"))))


def test_a_file_with_mistakes_changes_nothing(
    federation: Federation, sut: EmbeddedServer, tmp_path: Path, loop: Callable[..., Any]
) -> None:
    before = sut.settings
    path = written(before, tmp_path, open_federation={"enabled": False}, licences={"server": "no"})

    with pytest.raises(ConfigurationError, match=r"connect\.toml, line \d+, licences\.server"):
        loop(lambda: sut.server.reload(path))

    assert sut.settings == before


def test_settings_that_contradict_themselves_change_nothing(sut: EmbeddedServer) -> None:
    before = sut.settings

    with pytest.raises(ConfigurationError, match="groups\\[1\\]"):
        sut.apply(replace(before, groups=(Group("A"), Group("a"))))

    assert sut.settings == before


def test_the_rule_for_names_can_be_enforced_only_where_the_name_keeps_it(federation: Federation) -> None:
    """R9: a server with an unrelated name works with static routes, and cannot be told to insist on the rule."""
    server = federation.server(federation.fresh_domain("acme"), federation.fresh_domain("hoster").child("edge"))
    assert isinstance(server, EmbeddedServer)
    strict = replace(server.settings.open_federation, name_rule="refuse")

    with pytest.raises(ConfigurationError, match="R9"):
        server.apply(replace(server.settings, open_federation=strict))


# What is switched off ends


def expect_closed(sut: EmbeddedServer, partner: Partner) -> None:
    """The server ends its connections with the partner."""
    words = f"{partner.domain} is ended by this side"
    assert sut._loop.run(sut.log.take(lambda sentence: words in sentence, within=5)), list(sut.log)


def links_of(server: ConnectServer, partner: Partner) -> list[Link]:
    names = str(partner.edge.fqdn)
    return [link for link in server.agent.transport.links if link.alive and names in link.peer_names]


@pytest.mark.parametrize("what", ["route", "static routes", "licence", "server"])
def test_what_is_switched_off_ends_with_a_good_bye(federation: Federation, sut: EmbeddedServer, what: str) -> None:
    """R31, R37, R3: chats and subscriptions in both directions, and then the connections."""
    partner = federation.direct_partner()
    alice, bob, anna = sut.user("alice"), partner.user("bob"), sut.user("anna")
    chat, back = alice.chat_with(bob), bob.chat_with(anna)
    chat.say("hello").must_succeed()
    back.say("hello").must_succeed()
    watch = bob.watch(alice)
    watch.expect("available")
    ours = alice.watch(bob)
    ours.expect("available")
    alice.ignores_messages()
    anna.ignores_messages()
    bob.ignores_messages()

    sut.apply(
        {
            "route": lambda: op.switch_route(sut.settings, partner.domain, enabled=False),
            "static routes": lambda: op.switch_open_federation(
                op.switch_static_routes(sut.settings, enabled=False), enabled=False
            ),
            "licence": lambda: op.license_server(sut.settings, licensed=False),
            "server": lambda: op.switch_federation(sut.settings, enabled=False),
        }[what]()
    )

    bob.chat_with(alice).expect_end()
    back.expect_end()
    watch.expect_state("terminated", reason="rejected")
    ours.expect_state("terminated")
    expect_closed(sut, partner)
    assert links_of(sut.server, partner) == []
    chat.say("after").must_fail()
    back.say("after").must_fail()


def test_what_ends_with_one_partner_goes_on_with_another(federation: Federation, sut: EmbeddedServer) -> None:
    """R38."""
    off, other = federation.direct_partner(), federation.direct_partner()
    alice = sut.user("alice")
    chat, watch = alice.chat_with(other.user("bob")), other.user("bob").watch(alice)
    chat.say("before").must_succeed()
    watch.expect("available")
    must_chat_both_ways(federation, off)
    connections, session = links_of(sut.server, other), chat._session()

    sut.switch_route(off.domain, enabled=False)

    expect_closed(sut, off)
    chat.say("after").must_succeed()
    alice.set_presence("busy")
    watch.expect("busy")
    assert links_of(sut.server, other) == connections
    assert chat._session() is session
    other.user("bob").ignores_messages()


def test_a_domain_that_is_switched_off_leaves_the_connection_to_another_behind_the_same_edge(
    federation: Federation, sut: EmbeddedServer
) -> None:
    """R38: two tenants of one hoster may share one connection to us."""
    partner = federation.teams(2)
    one, two = (tenant.user("bob") for tenant in partner.tenants.values())
    first, second = partner.tenants
    for bob in (one, two):
        bob.chat_with(sut.user("alice")).say("hello").must_succeed()
    incoming = [link for link in links_of(sut.server, partner) if not link.outgoing]
    sut.user("alice").ignores_messages()

    sut.add_route(first, partner.edge.fqdn, partner.edge.port, enabled=False)

    one.chat_with(sut.user("alice")).say("after").must_fail()
    two.chat_with(sut.user("alice")).say("after").must_succeed()
    assert [link for link in incoming if link.alive] == incoming
    assert second != first


@pytest.mark.parametrize("what", ["licence", "user", "group", "removed"])
def test_a_user_who_may_not_federate_any_more_is_gone_for_partners_and_others_are_not(
    federation: Federation, sut: EmbeddedServer, what: str
) -> None:
    """R4-R6."""
    partner = federation.partner()
    bob, alice, anna = partner.user("bob"), sut.user("alice"), sut.user("anna")
    settings = replace(sut.settings, groups=(Group("Sales"),))
    sut.apply(op.move_user(settings, "alice", location=None, group="Sales"))
    to_alice, to_anna = bob.chat_with(alice), bob.chat_with(anna)
    to_alice.say("before").must_succeed()
    to_anna.say("before").must_succeed()
    of_alice, of_anna = bob.watch(alice), bob.watch(anna)
    of_alice.expect("available")
    of_anna.expect("available")
    connections = links_of(sut.server, partner)
    alice.ignores_messages()
    anna.ignores_messages()

    sut.apply(
        {
            "licence": lambda: op.license_user(sut.settings, "alice", office_plus=False),
            "user": lambda: op.switch_user(sut.settings, "alice", federation=False),
            "group": lambda: op.switch_group(sut.settings, "sales", federation=False),
            "removed": lambda: op.remove_user(sut.settings, "alice"),
        }[what]()
    )

    of_alice.expect_state("terminated", reason="rejected")
    to_alice.expect_end()
    to_alice.say("after").must_fail()
    to_anna.say("after").must_succeed()
    anna.set_presence("busy")
    of_anna.expect("busy")
    assert links_of(sut.server, partner) == connections


def test_a_user_who_is_given_the_licence_is_reached_again(federation: Federation, sut: EmbeddedServer) -> None:
    """R4."""
    bob, carol = federation.partner().user("bob"), sut.user("carol")
    bob.chat_with(carol).say("before").must_fail()

    sut.apply(op.license_user(sut.settings, "carol", office_plus=True))

    bob.chat_with(carol).say("after").must_succeed()
    carol.expect_message("after")


def test_a_route_that_leads_elsewhere_is_used_at_once(federation: Federation, sut: EmbeddedServer) -> None:
    """R27: the connection to the old server is not kept for the domain."""
    partner = federation.direct_partner()
    alice, bob = sut.user("alice"), partner.user("bob")
    alice.chat_with(bob).say("before").must_succeed()
    nowhere = federation.fresh_domain("nowhere").child("sip")

    settings = op.remove_route(sut.settings, partner.domain)
    sut.apply(op.add_route(settings, partner.domain, nowhere))

    alice.chat_with(bob).say("after").must_fail()
    sut.apply(op.add_route(settings, partner.domain, partner.edge.fqdn, partner.edge.port))
    alice.chat_with(bob).say("again").must_succeed()
    bob.ignores_messages()


# What is demanded of partners


@pytest.mark.parametrize(
    ("revocation", "profile", "trusted"),
    [
        ("off", "revoked", True),
        ("soft", "revoked", False),
        ("hard", "revoked", False),
        ("soft", "crl-missing", True),
        ("hard", "crl-missing", False),
        ("hard", "ocsp", True),
    ],
)
def test_revocation_is_looked_up_as_the_settings_say(
    federation: Federation, sut: EmbeddedServer, revocation: Any, profile: str, trusted: bool
) -> None:
    """C19."""
    sut.apply(replace(sut.settings, partner_certificates=PartnerCertificates(revocation)))
    bob = federation.partner("generic", certificate=profile).user("bob")

    attempt = sut.user("alice").chat_with(bob).say("hello")

    if trusted:
        attempt.must_succeed()
        bob.expect_message("hello")
    else:
        attempt.must_fail()


@pytest.mark.parametrize(("usage", "trusted"), [("server", True), ("role", False)])
def test_a_partner_whose_certificate_is_for_servers_only_may_dial_us_or_not(
    federation: Federation, sut: EmbeddedServer, usage: Any, trusted: bool
) -> None:
    """F2.15: with `role` every partner with a certificate of Let's Encrypt is lost."""
    sut.apply(replace(sut.settings, partner_certificates=PartnerCertificates(usage=usage)))
    bob = federation.partner(certificate="server-only").user("bob")

    attempt = bob.chat_with(sut.user("alice")).say("hello")

    if trusted:
        attempt.must_succeed()
        sut.user("alice").expect_message("hello")
    else:
        attempt.must_fail()


@pytest.mark.parametrize("aliases", [True, False])
def test_an_srv_target_that_is_an_alias_is_followed_or_not(
    federation: Federation, sut: EmbeddedServer, aliases: bool
) -> None:
    """C13."""
    partner = federation.partner(a=False)
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.a(f"real.{partner.domain}", partner.edge.address)
        zone.cname(str(partner.edge.fqdn), f"real.{partner.domain}")
    sut.apply(replace(sut.settings, open_federation=replace(sut.settings.open_federation, aliases=aliases)))
    bob = partner.user("bob")

    attempt = sut.user("alice").chat_with(bob).say("hello")

    if aliases:
        attempt.must_succeed()
        bob.expect_message("hello")
    else:
        attempt.must_fail()
