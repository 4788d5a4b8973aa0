"""A server that is broken from outside is found out, and the smallest federation that shows it is about the defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from simulator.exploration.exploring import explore, explore_histories
from simulator.exploration.history import History, HistoryFailed
from simulator.federation import Engine
from simulator.io.watch import Watch
from simulator.oracle import Topology
from simulator.presence.state import Availability

Start = Callable[[], Engine]
Found = Callable[..., tuple[Topology, str]]


@pytest.fixture
def found(start: Start) -> Found:
    """Explores the server as it is then, in some fields of topologies, to save time; the smallest topology that shows
    the defect, and the report."""

    def exploring(*fields: str) -> tuple[Topology, str]:
        report = explore(start(), examples=1000, seed=7, fields=fields, personas=("sfb-2019", "generic"))
        assert report.disagreement is not None, f"{report.tried} topologies show nothing"
        assert not report.flaky
        return report.disagreement.trial.topology, str(report.disagreement)

    return exploring


def test_it_accepts_a_wildcard(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server import ways

    monkeypatch.setattr(ways, "PEER_RULES", replace(ways.PEER_RULES, wildcard_ok=True))
    topology, text = found("certificate", "address")
    assert topology == Topology(certificate="wildcard")
    assert "a wildcard, which is to be refused (R57, F2.2)" in text
    assert "certificate: *.fabrikam" in text  # the ladder


def test_it_ignores_the_switch_of_a_route(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server.settings import StaticRoutes

    def first(self: Any, domain: Any) -> Any:
        return next((route for route in self.routes if self.enabled and route.domain == domain), None)

    monkeypatch.setattr(StaticRoutes, "route_to", first)
    topology, text = found("route", "srv")
    assert topology.route is not None
    assert not topology.route.enabled
    assert topology.static_routes
    assert "R37" in text or "R40" in text


def test_it_ignores_the_port_of_the_record(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server.server import ConnectServer
    from simulator.io.transport import SipTransport

    connect = SipTransport.connect

    async def to_5061(self: Any, attempt: Any, *arguments: Any) -> Any:
        if isinstance(self.user.peering, ConnectServer) and attempt.target.via == "srv":
            attempt = replace(attempt, port=5061)
        return await connect(self, attempt, *arguments)

    monkeypatch.setattr(SipTransport, "connect", to_5061)
    topology, text = found("own_port", "edge")
    assert topology == Topology(own_port=True)
    assert "message to the partner" in text


def test_it_takes_a_route_whose_domain_ends_the_same(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server.settings import StaticRoutes

    def first(self: Any, domain: Any) -> Any:
        fitting = (route for route in self.routes if str(domain).endswith(str(route.domain)))
        return next((route for route in fitting if self.enabled and route.enabled), None)

    monkeypatch.setattr(StaticRoutes, "route_to", first)
    topology, _ = found("stray", "edge")
    assert topology.stray is not None
    assert topology.stray.domain == "{tail}"
    assert topology == Topology(stray=topology.stray)


def test_it_takes_a_certificate_whose_name_ends_the_same(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server import ways
    from simulator.trust.names import Names

    reasons = Names.reasons

    def lax(self: Any, wanted: Any, rules: Any) -> Any:
        if rules == ways.PEER_RULES and wanted and any(name.endswith(wanted) for name in self.dns):
            return iter(())
        return reasons(self, wanted, rules)

    monkeypatch.setattr(Names, "reasons", lax)
    topology, text = found("certificate", "address")
    assert topology in (Topology(certificate="lookalike"), Topology(certificate="below"))
    assert "it does not name sip.fabrikam" in text


def test_it_sends_a_message_again_that_has_its_200(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server.server import ConnectServer
    from simulator.io.user_agent import UserAgent

    send = UserAgent.send_text

    async def twice(self: Any, *arguments: Any) -> Any:
        outcome = await send(self, *arguments)
        if outcome.delivered and isinstance(self.peering, ConnectServer):
            self.in_background(send(self, *arguments))
        return outcome

    monkeypatch.setattr(UserAgent, "send_text", twice)
    topology, text = found("srv", "edge")
    assert topology == Topology()
    assert "what came is ['to the partner', 'to the partner']" in text


def test_it_ignores_licences(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server import entitlement, server

    judge = entitlement.entitlement
    monkeypatch.setattr(server, "entitlement", lambda settings, user: judge(settings, replace(user, office_plus=True)))
    topology, text = found("user", "edge")
    assert topology == Topology(user="carol")
    assert "R4" in text


def test_it_applies_the_name_rule_to_partners(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    from simulator.connect_server.server import ConnectServer
    from simulator.io.peering import OpenWay

    way_to = ConnectServer.way_to

    def strict(self: Any, domain: Any, user: Any = "") -> Any:
        way = way_to(self, domain, user)
        return replace(way, rules=replace(way.rules, name_rule=True)) if isinstance(way, OpenWay) else way

    monkeypatch.setattr(ConnectServer, "way_to", strict)
    topology, _ = found("edge", "address")
    assert topology == Topology(edge=topology.edge)
    assert topology.edge != "sip.{domain}"


def test_a_history_shows_that_changes_of_presence_are_not_told(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    from simulator.io.watches import Watches

    notify_all = Watches.notify_all

    def deaf(self: Any, account: Any) -> None:
        if self._agent.dialect.server != "Connect-Server/9":
            notify_all(self, account)

    monkeypatch.setattr(Watches, "notify_all", deaf)
    monkeypatch.setitem(cast("dict[str, object]", Watch.expect.__kwdefaults__), "within", 1.0)
    history = History(start())
    side = history.sides[1]
    history.watch(side, "from the partner", "alice", "bob")
    history.publish(None, "alice", Availability.BUSY)
    with pytest.raises(HistoryFailed, match="shows busy, but the watcher is not told") as failed:
        history.settle()
    history.close()
    assert "  3. watch from the partner dns, alice and bob: delivered" in str(failed.value)
    assert "  4. sip:alice@acme.test shows busy" in str(failed.value)


def test_a_history_shows_that_a_message_is_lost_with_its_connection(
    monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    from simulator.connect_server.server import ConnectServer
    from simulator.io.user_agent import UserAgent
    from simulator.outcome import Outcome

    attempt = UserAgent._attempt

    async def optimistic(self: Any, account: Any, action: Any) -> Any:
        outcome = await attempt(self, account, action)
        if isinstance(self.peering, ConnectServer) and not outcome.delivered:
            return Outcome(True, 202, "Accepted", "message")
        return outcome

    monkeypatch.setattr(UserAgent, "_attempt", optimistic)
    report = explore_histories(start(), examples=100, steps=20, seed=7)
    assert report.failure is not None
    assert "although the two do not federate now" in str(report.failure) or "it arrived 0 times" in str(report.failure)
