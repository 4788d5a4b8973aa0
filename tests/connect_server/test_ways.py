"""How a domain is reached: routes, their switches and open federation, against a table written by hand (R27-R42)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from simulator.connect_server import operations as op
from simulator.connect_server.settings import FederationSwitch, Licences, Route, ServerSettings, StaticRoutes
from simulator.connect_server.ways import way_to
from simulator.io.peering import NotFederated, OpenWay, StaticWay
from simulator.names import SipDomain, parse_host
from simulator.strategies import sip_domains

FABRIKAM, OTHER = SipDomain.parse("fabrikam.test"), SipDomain.parse("other.test")
HOST = parse_host("sip.fabrikam.test")
TABLE = """
    route  static-routes  open  way
    none   on             on    open
    none   on             off   nobody: There is no way to fabrikam.test: open federation is switched off.
    none   off            on    open
    none   off            off   nobody: There is no way to fabrikam.test: open federation is switched off.
    on     on             on    static
    on     on             off   static
    on     off            on    open
    on     off            off   nobody: There is no way to fabrikam.test: static routes are switched off, and so is open
    off    on             on    nobody: The static route to fabrikam.test is switched off.
    off    on             off   nobody: The static route to fabrikam.test is switched off.
    off    off            on    open
    off    off            off   nobody: There is no way to fabrikam.test: static routes are switched off, and so is open
"""
ROWS = [line.split(maxsplit=3) for line in TABLE.strip().splitlines()[1:]]


def way(settings: ServerSettings, domain: SipDomain = FABRIKAM) -> str:
    try:
        found = way_to(settings, domain)
    except NotFederated as error:
        return f"nobody: {error}"
    assert found.domain == domain
    if isinstance(found, StaticWay):
        assert (found.host, found.port) == (HOST, 5062)
        return "static"
    assert isinstance(found, OpenWay)
    return "open"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:3]))
def test_the_switches_decide_by_the_table(settings: ServerSettings, row: list[str]) -> None:
    route, static, open_federation, expected = row
    routes = () if route == "none" else (Route(FABRIKAM, HOST, 5062, route == "on"),)
    settings = replace(settings, static_routes=StaticRoutes(static == "on", routes))
    settings = op.switch_open_federation(settings, enabled=open_federation == "on")

    assert way(settings).startswith(expected)


@pytest.mark.parametrize("stopped", [{"licences": Licences(False)}, {"federation": FederationSwitch(False)}])
def test_without_licence_or_switched_off_no_domain_is_reached(settings: ServerSettings, stopped: object) -> None:
    settings = op.switch_static_routes(op.add_route(settings, FABRIKAM, HOST, 5062), enabled=True)

    assert way(settings) == "static"
    assert way(replace(settings, **stopped)).startswith("nobody")  # type: ignore[arg-type]


@given(domain=sip_domains())
def test_a_route_is_for_its_very_domain(domain: SipDomain) -> None:
    """Not for what lies below it, and not for what only ends alike."""
    routes = StaticRoutes(True, (Route(domain, HOST),))

    assert routes.route_to(domain) is routes.routes[0]
    for other in (f"x{domain}", f"x.{domain}", ".".join(domain.labels[1:])):
        try:
            parsed = SipDomain.parse(other)
        except ValueError:
            continue
        assert routes.route_to(parsed) is None
