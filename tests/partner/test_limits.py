"""The limits of discovered partners, on the federation's clock (F1.5; dialect facts §7)."""

from __future__ import annotations

import pytest

from simulator.federation import Federation
from simulator.partner import SFB_2019, FederationPolicy, Partner
from simulator.sip.message import Response
from tests.partner.by_hand import request_to, send

LIMITED = SFB_2019.but(limit_discovered=True, limit_period=3600)
"A period of an hour: how fast this machine is does not matter."


def options(federation: Federation, partner: Partner, to: str = "bob") -> Response:
    return send(federation, partner, request_to(federation, partner, "OPTIONS", to=to))


def burst(federation: Federation, partner: Partner, count: int) -> list[int]:
    return [options(federation, partner).status for _ in range(count)]


def watched(partner: Partner) -> list[str]:
    return list(partner.edge.watch_list)


def test_twenty_requests_in_a_period_are_enough(federation: Federation) -> None:
    """The 21st is one too many, until the virtual clock has left the period; in the product that is a second."""
    assert (SFB_2019.edge.discovered_rate, SFB_2019.edge.limit_period) == (20, 1)
    partner = federation.partner(LIMITED)

    assert burst(federation, partner, 22) == [200] * 20 + [503] * 2
    partner.edge.must_log("more than 20 requests in 3600 s")
    federation.advance(3599)
    assert options(federation, partner).status == 503
    federation.advance(2)
    assert options(federation, partner).status == 200


def test_nothing_is_limited_unless_a_test_asks_for_it(federation: Federation) -> None:
    assert burst(federation, federation.partner(), 30) == [200] * 30


@pytest.mark.parametrize("listed", [True, False])
def test_a_listed_partner_is_not_limited(federation: Federation, listed: bool) -> None:
    partner = federation.partner(LIMITED.but(discovered_rate=2))
    if listed:
        partner.policy.allow(federation.sut.domain)

    assert (503 in burst(federation, partner, 8)) is not listed


def test_who_asks_for_too_many_users_is_watched_and_slowed_down(federation: Federation) -> None:
    """`MaxContactsPerDiscoveredPartner`; those it knows already it may still ask for, at one request in a period."""
    partner = federation.partner(LIMITED.but(discovered_contacts=3))
    assert [options(federation, partner, f"user{number}").status for number in range(4)] == [200, 200, 200, 403]
    assert watched(partner) == [str(federation.sut.fqdn)]

    federation.advance(3601)
    assert options(federation, partner, "user1").status == 200
    assert options(federation, partner, "user2").status == 503


def test_who_guesses_names_is_watched(federation: Federation) -> None:
    """Multiple user domain validation failures (F1.31)."""
    partner = federation.partner(LIMITED.but(suspicious_failures=3))
    partner.user("bob")

    def guess() -> int:
        return send(federation, partner, request_to(federation, partner, "INVITE", to="nobody")).status

    assert [guess(), guess()] == [404, 404]
    assert options(federation, partner).status == 200, "which ends the row"
    assert [guess(), guess()] == [404, 404]
    assert not watched(partner)
    assert guess() == 404

    assert watched(partner) == [str(federation.sut.fqdn)]
    partner.edge.must_log(f"Multiple user domain validation failures from federated partner {federation.sut.fqdn}")
    federation.advance(3601)
    assert burst(federation, partner, 2) == [200, 503]


def test_a_hosting_provider_is_not_limited(federation: Federation) -> None:
    """Nor is an allowed domain (dialect facts §7)."""
    server = federation.sut
    policy = FederationPolicy()
    policy.add_hosting_provider(server.fqdn)
    partner = federation.partner(LIMITED.but(discovered_rate=2), policy=policy)

    assert burst(federation, partner, 8) == [200] * 8
