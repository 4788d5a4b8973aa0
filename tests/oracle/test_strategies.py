"""Topologies are drawn from the plain federation outwards, and shrink back to it."""

from __future__ import annotations

import pytest
from hypothesis import find, given, settings

from simulator.oracle import Srv, Topology, predict, topologies


def test_the_smallest_topology_is_the_plain_federation() -> None:
    assert find(topologies(), lambda _topology: True) == Topology()


def test_what_matters_is_all_that_is_left() -> None:
    smallest = find(
        topologies(), lambda topology: topology.certificate == "wildcard", settings=settings(max_examples=5000)
    )
    assert smallest == Topology(certificate="wildcard")
    assert str(smallest) == "a plain federation, but\n  certificate: wildcard"


def test_a_topology_is_read_line_by_line() -> None:
    topology = Topology(srv=(Srv(priority=10), Srv("gone.{domain}", port="dead")), open_federation=False)
    assert str(topology).splitlines() == [
        "a plain federation, but",
        "  srv: 10 0 edge {edge}; 0 0 dead gone.{domain}",
        "  open federation: False",
    ]


@given(topologies(personas=["generic"], without=["server", "route"], users=["alice"]))
def test_a_server_with_fewer_capabilities_gets_fewer_shapes(topology: Topology) -> None:
    assert topology.persona == "generic"
    assert topology.server is None
    assert topology.route is None
    assert topology.user == "alice"


@given(topologies(personas=["sfb-2019"]))
def test_no_edge_is_given_lists_that_its_tools_refuse(topology: Topology) -> None:
    assert not set(topology.policy.allowed or ()) & set(topology.policy.blocked)


@pytest.mark.parametrize(
    "outcomes", [{"delivered"}, {"failed"}, {"delivered", "failed"}], ids=lambda outcomes: "-".join(sorted(outcomes))
)
def test_every_outcome_is_met(outcomes: set[str]) -> None:
    find(topologies(), lambda topology: predict(topology).actions["message to the partner"].outcomes == outcomes)
