"""Hypothesis strategies for topologies: a plain federation and what differs from it, so that failures shrink to little.

A vendor's own tests draw from `topologies()` and compare what their server does with `predict`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from simulator.oracle.certificates import SHAPES
from simulator.oracle.topology import OwnServer, PartnerPolicy, Route, Srv, Topology

PERSONAS: Final = ("sfb-2019", "teams", "generic", "sfb-2015", "sfb-se")
TARGETS: Final = (*("{edge}",) * 6, "gone.{domain}", "spare.{domain}", ".", "localhost", "127.0.0.1")
EDGES: Final = ("sip.{domain}", "{domain}", "sip.emea.{domain}", "sipfed.{other}", "sip.{parent}", "{parent}")
OWNERS: Final = ("_sip._tls", "_sipfederationtls._udp", "_sipfederationtls._tcp.sip")
ENTRIES: Final = ("{server}", "sub.{server}", "x{server}", "{rest}", "other.test")
OWN_NAMES: Final = ("connect.{server}", "{server}", "xphone.connect.{server}", "connect{server}", "connect.{other}")
OWN_CERTIFICATES: Final = (
    "dual",
    "lets-encrypt-2026",
    "server-only",
    "client-only",
    "wildcard",
    "wrong-name",
    "lookalike",
    "parent",
    "expired",
    "untrusted",
    "no-cn",
)

ALL_FIELDS: Final = (
    "srv",
    "certificate",
    "route",
    "policy",
    "open_federation",
    "address",
    "edge",
    "static_routes",
    "stray",
    "own_port",
    "domain",
    "user",
    "owner",
    "server",
)
"""The fields of a topology that differ from the plain one at times, the most interesting first."""


def srv_sets() -> SearchStrategy[tuple[Srv, ...]]:
    """Up to three federation records; none at all as well."""
    records = st.builds(
        Srv,
        target=st.sampled_from(TARGETS),
        priority=st.sampled_from((0, 10)),
        weight=st.sampled_from((0, 1, 100)),
        port=st.sampled_from(("edge", "edge", "edge", "dead")),
    )
    return st.lists(records, min_size=1, max_size=3, unique=True).map(tuple) | st.just(())


def routes() -> SearchStrategy[Route]:
    """Static routes to the partner."""
    return st.builds(
        Route,
        host=st.sampled_from(("{edge}", "{edge}", "{edge}", "other.{domain}", "address")),
        port=st.sampled_from(("edge", "edge", "edge", "dead")),
        enabled=st.booleans().map(lambda off: not off),
    )


def stray_routes() -> SearchStrategy[Route]:
    """Static routes to domains whose names only look like the partner's."""
    return st.builds(
        Route,
        domain=st.sampled_from(("sub.{domain}", "x{domain}", "{tail}", "{domain}.test")),
        port=st.just("dead"),
        enabled=st.booleans().map(lambda off: not off),
    )


def partner_policies(*, tenant: bool = False) -> SearchStrategy[PartnerPolicy]:
    """What an S4B edge, or a Teams tenant, may have set; never what its tools refuse."""
    lists = st.lists(st.sampled_from(ENTRIES), max_size=2, unique=True).map(tuple)
    changes: dict[str, SearchStrategy[Any]] = {
        "blocked": lists,
        "allowed": lists,
        "federation": st.just(False),
        "user": st.just(False),
    }
    if tenant:
        changes |= {"subdomains": st.just(True), "trial": st.just(True)}
    else:
        changes |= {"discovery": st.just(False), "proxy": st.just(True)}
    chosen = st.lists(st.sampled_from(tuple(changes)), min_size=1, max_size=3, unique=True)
    return _policies(chosen, changes, tenant)


@st.composite
def _policies(
    draw: DrawFn, chosen: SearchStrategy[list[str]], changes: dict[str, SearchStrategy[Any]], tenant: bool
) -> PartnerPolicy:
    policy = replace(PartnerPolicy(), **{name: draw(changes[name]) for name in draw(chosen)})
    if not tenant:  # S4B keeps a domain on one list only
        policy = replace(policy, blocked=tuple(one for one in policy.blocked if one not in (policy.allowed or ())))
    return policy


def own_servers() -> SearchStrategy[OwnServer]:
    """Servers with names and certificates of their own."""
    return st.builds(
        OwnServer,
        domain=st.sampled_from(("{own}", "connect.{own}")),
        fqdn=st.sampled_from(OWN_NAMES),
        certificate=st.sampled_from(OWN_CERTIFICATES),
        srv=st.sampled_from((True, True, True, False)),
    )


def topologies(
    *,
    personas: Collection[str] = PERSONAS,
    without: Collection[str] = (),
    users: Collection[str] = ("alice", "carol", "dave"),
) -> SearchStrategy[Topology]:
    """Topologies that differ from the plain one in up to four fields, none of them one of `without`.

    They shrink to the plain one with the first of `personas`.
    """
    fields = tuple(name for name in ALL_FIELDS if name not in without)
    values = {**_VALUES, "user": st.sampled_from(tuple(users))}
    return _topologies(
        st.sampled_from(tuple(personas)), _changes(fields, values), _changes(fields, {**values, "policy": _TENANTS})
    )


def _changes(fields: Collection[str], values: dict[str, SearchStrategy[Any]]) -> SearchStrategy[list[tuple[str, Any]]]:
    """Up to four fields, each beside its value, so that shrinking takes away both at once."""
    if not fields:
        return st.just([])
    pairs = st.one_of([st.tuples(st.just(name), values[name]) for name in fields])
    return st.lists(pairs, max_size=4, unique_by=lambda pair: pair[0])


@st.composite
def _topologies(
    draw: DrawFn,
    personas: SearchStrategy[str],
    edges: SearchStrategy[list[tuple[str, Any]]],
    tenants: SearchStrategy[list[tuple[str, Any]]],
) -> Topology:
    # What is drawn from is made once and not in here: making strategies takes longer than drawing from them.
    persona = draw(personas)
    topology = Topology(persona=persona, **dict(draw(tenants if persona == "teams" else edges)))
    if topology.domain == "{base}" and "{parent}" in topology.edge:  # above it there is nothing of its own
        topology = replace(topology, domain="connect.{base}")
    return topology


_VALUES: Final[dict[str, SearchStrategy[Any]]] = {
    "srv": srv_sets(),
    "certificate": st.sampled_from(tuple(SHAPES)),
    "route": routes(),
    "policy": partner_policies(tenant=False),
    "open_federation": st.just(False),
    "address": st.sampled_from(("none", "wildcard", "alias", "flattened")),
    "edge": st.sampled_from(EDGES),
    "static_routes": st.just(False),
    "stray": stray_routes(),
    "own_port": st.just(True),
    "domain": st.sampled_from(("connect.{base}", "xn--bcher-kva.{base}")),
    "owner": st.sampled_from(OWNERS),
    "server": own_servers(),
}
_TENANTS: Final = partner_policies(tenant=True)
