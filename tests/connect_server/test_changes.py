"""What an administrator changes, how it is told, and what of it needs a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from simulator.connect_server import operations as op
from simulator.connect_server.changes import RESTART, differences
from simulator.connect_server.settings import (
    CertificateFolder,
    CertificateRules,
    DnsServer,
    FederationSwitch,
    Group,
    Licences,
    Listen,
    Location,
    OpenFederation,
    PartnerCertificates,
    ServerSettings,
    StaticRoutes,
    User,
)
from simulator.errors import ConfigurationError
from simulator.names import Fqdn, SipDomain, parse_host

FABRIKAM, CONTOSO = SipDomain.parse("fabrikam.test"), SipDomain.parse("contoso.test")
HOST = parse_host("sip.fabrikam.test")

OTHER: dict[str, Any] = {
    "domain": SipDomain.parse("other.test"),
    "fqdn": Fqdn.parse("other.acme.test"),
    "listen": Listen(ip_address("127.0.0.2")),
    "certificate": CertificateFolder(Path("elsewhere")),
    "trusted_roots": Path("elsewhere.pem"),
    "dns": DnsServer(ip_address("127.0.0.1")),
    "users": (User("bob"),),
    "static_routes": StaticRoutes(enabled=True),
    "open_federation": OpenFederation(),
    "licences": Licences(server=False),
    "federation": FederationSwitch(enabled=False),
    "locations": (Location("Munich"),),
    "groups": (Group("Sales"),),
    "certificate_rules": CertificateRules(usage="both"),
    "partner_certificates": PartnerCertificates("hard"),
}
"Another value for every setting."


@pytest.mark.parametrize("name", [field.name for field in fields(ServerSettings)])
def test_every_setting_that_differs_is_a_change(settings: ServerSettings, name: str) -> None:
    changes = differences(settings, replace(settings, **{name: OTHER[name]}))

    assert changes
    assert all(change.place.startswith(name) for change in changes)
    assert all(change.needs_restart is (name in RESTART) for change in changes)
    assert differences(settings, settings) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: op.add_route(s, FABRIKAM, HOST), "static_routes.fabrikam.test: It was added."),
        (lambda s: op.remove_route(s, CONTOSO), "static_routes.contoso.test: It was removed."),
        (
            lambda s: op.switch_route(s, CONTOSO, enabled=False),
            "static_routes.contoso.test.enabled: It was on and is off.",
        ),
        (lambda s: op.switch_static_routes(s, enabled=False), "static_routes.enabled: It was on and is off."),
        (lambda s: op.switch_open_federation(s, enabled=False), "open_federation.enabled: It was on and is off."),
        (lambda s: op.switch_federation(s, enabled=False), "federation.enabled: It was on and is off."),
        (lambda s: op.license_server(s, licensed=False), "licences.server: It was on and is off."),
        (lambda s: op.add_user(s, User("bob")), "users.bob: It was added."),
        (lambda s: op.remove_user(s, "ALICE"), "users.alice: It was removed."),
        (lambda s: op.license_user(s, "alice", office_plus=False), "users.alice.office_plus: It was on and is off."),
        (
            lambda s: op.switch_user(s, "Alice", federation=False),
            "users.alice.federation: It was left open and is off.",
        ),
        (
            lambda s: op.move_user(s, "alice", location="munich", group=None),
            "users.alice.location: It was left open and is munich.",
        ),
        (
            lambda s: op.switch_location(s, "MUNICH", federation=False),
            "locations.munich.federation: It was left open and is off.",
        ),
        (lambda s: op.switch_group(s, "sales", federation=True), "groups.sales.federation: It was off and is on."),
        (lambda s: op.add_location(s, Location("Berlin")), "locations.berlin: It was added."),
        (lambda s: op.add_group(s, Group("IT")), "groups.it: It was added."),
        (
            lambda s: replace(s, listen=Listen(ip_address("127.0.0.1"), 5062)),
            "listen.port: It was 0 and is 5062.",
        ),
        (lambda s: replace(s, dns=DnsServer(ip_address("::1"), 5353)), "dns: It was left open and is ::1, 5353."),
    ],
)
def test_what_an_administrator_does_is_one_change(
    settings: ServerSettings, change: Callable[[ServerSettings], ServerSettings], told: str
) -> None:
    settings = op.switch_static_routes(op.add_route(settings, CONTOSO, HOST), enabled=True)
    settings = replace(settings, locations=(Location("Munich"),), groups=(Group("Sales", federation=False),))

    (found,) = differences(settings, change(settings))

    assert str(found) == told


def test_two_routes_to_a_domain_are_told_apart(settings: ServerSettings) -> None:
    one = op.add_route(settings, FABRIKAM, HOST, enabled=False)
    two = op.add_route(one, FABRIKAM, parse_host("new.fabrikam.test"))

    places = [change.place for change in differences(settings, two)]

    assert places == [
        "static_routes.fabrikam.test (sip.fabrikam.test:5061)",
        "static_routes.fabrikam.test (new.fabrikam.test:5061)",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: op.switch_route(s, FABRIKAM, enabled=True), "static route fabrikam.test: there is no such"),
        (lambda s: op.remove_route(s, FABRIKAM), "there is no static route at all"),
        (lambda s: op.license_user(s, "bob", office_plus=True), "no such user; there is alice"),
        (lambda s: op.remove_user(s, "bob"), "no such user"),
        (lambda s: op.switch_location(s, "Munich", federation=True), "no such location"),
        (lambda s: op.switch_group(s, "Sales", federation=True), "no such group"),
        (lambda s: op.move_user(s, "alice", location="Munich", group=None), 'no location "Munich"'),
        (lambda s: op.move_user(s, "alice", location=None, group="Sales"), 'no group "Sales"'),
        (lambda s: op.add_user(s, User("Alice")), 'has the name "Alice" already'),
        (lambda s: op.add_route(op.add_route(s, FABRIKAM, HOST), FABRIKAM, HOST), "only one may be enabled"),
    ],
)
def test_what_is_not_there_or_contradicts_itself_is_refused(
    settings: ServerSettings, change: Callable[[ServerSettings], ServerSettings], words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        change(settings)

    assert words in str(caught.value)
