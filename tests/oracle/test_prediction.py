"""The oracle says of each federation what the requirements say of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from simulator.oracle import (
    ACTIONS,
    SHAPES,
    OwnServer,
    PartnerPolicy,
    Prediction,
    Route,
    Srv,
    Topology,
    predict,
    topologies,
)

PLAIN = Topology()
BOTH = {"delivered", "failed"}


def words_of(value: object) -> str:
    """What a case is called: a set in order, for its own differs from process to process."""
    return "-".join(sorted(value)) if isinstance(value, set) else str(value)


def to_partner(topology: Topology) -> set[str]:
    return set(predict(topology).actions["message to the partner"].outcomes)


def from_partner(topology: Topology) -> set[str]:
    return set(predict(topology).actions["message from the partner"].outcomes)


def test_in_a_plain_federation_everything_is_delivered() -> None:
    prediction = predict(PLAIN)
    assert list(prediction.actions) == list(ACTIONS)
    assert {*map(frozenset, (expected.outcomes for expected in prediction.actions.values()))} == {
        frozenset({"delivered"})
    }
    assert prediction.may_connect


@pytest.mark.parametrize("persona", ["sfb-2015", "sfb-2019", "sfb-se", "teams", "generic"])
def test_that_holds_for_every_persona(persona: str) -> None:
    assert to_partner(Topology(persona=persona)) == from_partner(Topology(persona=persona)) == {"delivered"}


@pytest.mark.parametrize(
    ("because", "topology"),
    [
        ("R40", Topology(srv=())),
        ("R40", Topology(owner="_sip._tls")),
        ("R40", Topology(srv=(Srv("."),))),
        ("R40", Topology(srv=(Srv("127.0.0.1"), Srv("localhost")))),
        ("R39", Topology(open_federation=False)),
        ("R31", Topology(open_federation=False, static_routes=False, route=Route())),
        ("R37", Topology(open_federation=False, route=Route(enabled=False))),
        ("R57", Topology(certificate="wildcard")),
        ("R60", Topology(certificate="untrusted")),
        ("R66", Topology(certificate="self-signed")),
        ("R67", Topology(certificate="expired")),
        ("F3.6", Topology(certificate="lookalike")),
        ("R56", Topology(certificate="wrong-name", route=Route())),
        ("R4", Topology(user="carol")),
        ("R5", Topology(user="dave")),
        ("R80", Topology(policy=PartnerPolicy(federation=False))),
        ("F3.8", Topology(policy=PartnerPolicy(user=False))),
        ("F1.3", Topology(policy=PartnerPolicy(discovery=False))),
        ("F4.2", Topology(policy=PartnerPolicy(blocked=("{server}",)))),
        ("R81", Topology(persona="teams", policy=PartnerPolicy(allowed=("sub.{server}",)))),
        ("F3.9", Topology(persona="teams", policy=PartnerPolicy(trial=True))),
        ("R9", Topology(server=OwnServer(fqdn="xphone.connect.{server}"))),
        ("R9", Topology(server=OwnServer(fqdn="connect{server}"))),
        ("R15", Topology(server=OwnServer(srv=False))),
        ("R57", Topology(server=OwnServer(certificate="wildcard"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_fails_fails_in_both_directions_and_says_which_requirement_it_is(because: str, topology: Topology) -> None:
    prediction = predict(topology)
    for expected in prediction.actions.values():
        assert expected.outcomes == {"failed"}, f"{expected}"
    assert any(because in expected.reason for expected in prediction.actions.values()), str(prediction)


@pytest.mark.parametrize(
    "topology",
    [
        Topology(edge="sip.emea.{domain}"),
        Topology(edge="sipfed.{other}"),
        Topology(edge="{domain}"),
        Topology(edge="sip.{parent}", domain="connect.{base}"),
        Topology(srv=(Srv(priority=10), Srv("spare.{domain}", priority=20))),
        Topology(srv=(Srv("gone.{domain}"), Srv(priority=10))),
        Topology(address="wildcard"),
        Topology(own_port=True),
        Topology(srv=(), open_federation=False, route=Route()),
        Topology(srv=(), open_federation=False, route=Route(host="address"), certificate="ip-address"),
        Topology(static_routes=False, route=Route()),
        Topology(stray=Route("x{domain}", port="dead", enabled=False)),
        Topology(stray=Route("{tail}", port="dead")),
        Topology(certificate="no-cn"),
        Topology(policy=PartnerPolicy(discovery=False, allowed=("{server}",))),
        Topology(policy=PartnerPolicy(blocked=("x{server}", "{rest}", "sub.{server}"))),
        Topology(persona="teams", policy=PartnerPolicy(blocked=("{rest}",), subdomains=True)),
        Topology(persona="teams", policy=PartnerPolicy(allowed=("{server}",), blocked=("{server}",))),
        Topology(
            server=OwnServer(fqdn="connect.{other}", srv=False),
            policy=PartnerPolicy(allowed=("{server}",), proxy=True),
        ),
        Topology(persona="generic", server=OwnServer(fqdn="connect.{other}")),
    ],
    ids=words_of,
)
def test_what_does_no_harm_is_delivered_both_ways(topology: Topology) -> None:
    assert to_partner(topology) == from_partner(topology) == {"delivered"}, str(predict(topology))


@pytest.mark.parametrize(
    ("topology", "to", "from_"),
    [
        (Topology(srv=(Srv(port="dead"),)), {"failed"}, {"delivered"}),
        (Topology(address="none"), {"failed"}, BOTH),
        (Topology(srv=(Srv(port="dead"), Srv(priority=10))), BOTH, {"delivered"}),
        (Topology(address="alias"), BOTH, BOTH),
        (Topology(certificate="server-only"), {"delivered"}, BOTH),
        (Topology(certificate="client-only"), {"failed"}, BOTH),
        (Topology(route=Route(enabled=False)), BOTH, BOTH),
        (Topology(route=Route(host="address")), BOTH, BOTH),
        (Topology(route=Route(host="other.{domain}")), {"failed"}, {"failed"}),
        (Topology(srv=(Srv("spare.{domain}"),)), {"failed"}, {"failed"}),
        (Topology(srv=(Srv(), Srv("spare.{domain}", weight=1))), BOTH, {"delivered"}),
        (Topology(server=OwnServer(fqdn="{server}")), BOTH, BOTH),
    ],
    ids=words_of,
)
def test_where_the_directions_differ_or_sources_do(topology: Topology, to: set[str], from_: set[str]) -> None:
    assert to_partner(topology) == to, str(predict(topology))
    assert from_partner(topology) == from_, str(predict(topology))


def test_the_server_must_not_connect_to_whom_it_does_not_look_for() -> None:
    assert not predict(Topology(open_federation=False)).may_connect
    assert not predict(Topology(srv=())).may_connect
    assert predict(Topology(certificate="wildcard")).may_connect
    # A partner that comes in may be connected to for what it has subscribed to.
    assert predict(Topology(srv=(Srv(port="dead"),))).may_connect


@given(topologies())
def test_every_topology_is_predicted_and_can_be_read(topology: Topology) -> None:
    prediction = predict(topology)
    assert isinstance(prediction, Prediction)
    for expected in prediction.actions.values():
        assert expected.outcomes, str(topology)
        assert "{" not in expected.reason, expected.reason
    assert str(topology).startswith("a plain federation")


@given(topologies())
def test_the_order_of_the_records_changes_nothing(topology: Topology) -> None:
    turned = replace(topology, srv=tuple(reversed(topology.srv)))
    mine, other = predict(topology).actions, predict(turned).actions
    assert [each.outcomes for each in mine.values()] == [each.outcomes for each in other.values()]


@given(topologies(without=["user"]))
def test_who_has_no_licence_never_federates(topology: Topology) -> None:
    assert to_partner(replace(topology, user="carol")) == from_partner(replace(topology, user="carol")) == {"failed"}


def test_every_shape_of_certificate_is_one_that_can_be_issued() -> None:
    from fakes.ca import PROFILES
    from simulator.exploration.building import OWN_SHAPES

    assert set(SHAPES) <= {*PROFILES, *OWN_SHAPES}
    for name, shape in SHAPES.items():
        profile = OWN_SHAPES.get(name) or PROFILES[name]
        held = profile.names or (profile.common_name,)
        assert set(shape.names) == {one for one in held if one and not one.startswith("sip:")}, name
