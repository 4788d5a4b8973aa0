"""Faults in static routes and their switches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.defects.frame import defect
from tests.defects.server import is_server


@defect(
    caught_by=("routes/one-switched-off-another-still-works", "routes/switched-off-while-connected"),
    also=("names/route-is-for-one-name",),
    says=("Switching a route off", "200 OK (MESSAGE)"),
)
def ignores_the_switch(patch: pytest.MonkeyPatch) -> None:
    """The server uses a route although it is switched off."""
    from simulator.connect_server.settings import StaticRoutes

    def first(self: Any, domain: Any) -> Any:
        return next((route for route in self.routes if self.enabled and route.domain == domain), None)

    patch.setattr(StaticRoutes, "route_to", first)


@defect(caught_by=("routes/port-of-the-route",), says=("is the one that the partner is dialled at",))
def ignores_the_port(patch: pytest.MonkeyPatch) -> None:
    """The server dials port 5061, whatever port the route says."""
    from simulator.connect_server import ways
    from simulator.io.peering import StaticWay

    patch.setattr(ways, "StaticWay", lambda domain, host, _port: StaticWay(domain, host, 5061))


def _routes_by(patch: pytest.MonkeyPatch, serves: Callable[[str, str], bool]) -> None:
    from simulator.connect_server.settings import StaticRoutes

    def first(self: Any, domain: Any) -> Any:
        wanted = str(domain)
        routes = [route for route in self.routes if route.enabled and self.enabled]
        exact = [route for route in routes if route.domain == domain]
        near = [route for route in routes if serves(str(route.domain), wanted)]
        return next(iter([*exact, *near]), None)

    patch.setattr(StaticRoutes, "route_to", first)


@defect(caught_by=("routes/route-serves-one-domain[subdomain]",), says=("neither one below it",))
def serves_subdomains(patch: pytest.MonkeyPatch) -> None:
    """A route serves the domains below its own, too."""
    _routes_by(patch, lambda route, domain: domain.endswith(f".{route}"))


@defect(caught_by=("routes/route-serves-one-domain[similar]",))
def compares_without_label_boundary(patch: pytest.MonkeyPatch) -> None:
    """A route serves every domain that ends like its own: subcontoso.com for contoso.com."""
    _routes_by(patch, lambda route, domain: domain.endswith(route))


@defect(caught_by=("routes/connection-type-switched-off",), also=("discovery",))
def ignores_the_connection_type(patch: pytest.MonkeyPatch) -> None:
    """Routes work although the connection type is switched off."""
    from simulator.connect_server.settings import StaticRoutes

    def first(self: Any, domain: Any) -> Any:
        return next((route for route in self.routes if route.enabled and route.domain == domain), None)

    patch.setattr(StaticRoutes, "route_to", first)


@defect(
    caught_by=("routes/one-switched-off-another-still-works", "routes/two-routes-to-one-server"),
    says=("no other",),
)
def leaks_the_switch(patch: pytest.MonkeyPatch) -> None:
    """Switching one route off switches all of them off."""
    from simulator.connect_server import operations

    def all_of_them(settings: Any, domain: Any, *, enabled: bool) -> Any:
        del domain
        return operations._with_routes(
            settings, (replace(route, enabled=enabled) for route in settings.static_routes.routes)
        )

    patch.setattr(operations, "switch_route", all_of_them)


@defect(
    caught_by=("routes/watched-when-switched-off",),
    also=("licensing", "discovery", "presence", "chat"),
)
def lets_go_on_what_is_going_on(patch: pytest.MonkeyPatch) -> None:
    """What is under way when a route is switched off is never ended."""
    from simulator.io.partings import Partings

    patch.setattr(Partings, "review", lambda _self: None)


@defect(caught_by=("routes/route-is-changed",))
def keeps_the_old_host(patch: pytest.MonkeyPatch) -> None:
    """A route that is changed goes on leading to the old host."""
    from simulator.connect_server.settings import StaticRoutes

    route_to, known = StaticRoutes.route_to, dict[str, Any]()

    def first_ever(self: Any, domain: Any) -> Any:
        found = route_to(self, domain)
        return found and known.setdefault(str(domain), found)

    patch.setattr(StaticRoutes, "route_to", first_ever)


@defect(caught_by=("routes/bad-certificate-of-the-routes-server[wrong-name]",), also=("trust",))
def believes_whoever_the_route_leads_to(patch: pytest.MonkeyPatch) -> None:
    """On routes the server does not look at which name the certificate has."""
    from simulator.io.transport import SipTransport

    judge = SipTransport._judge_for

    def by_chain_only(self: Any, presented: Any, expected: Any) -> Any:
        own = getattr(self.user, "peering", None)
        routes = own.settings.static_routes.routes if own is not None and is_server(self.user) else ()
        return judge(self, presented, None if any(route.host == expected for route in routes) else expected)

    patch.setattr(SipTransport, "_judge_for", by_chain_only)
