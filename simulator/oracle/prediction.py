"""From a topology to what must happen in it, with the reason (requirements.md; discovery facts §2.2)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from simulator.oracle.certificates import SHAPES, Role, Shape, Stance
from simulator.oracle.topology import NAMES, Named, Names, Srv, Topology, below, labels

Result = Literal["delivered", "failed"]
Action = Literal["message to the partner", "watch at the partner", "message from the partner", "watch from the partner"]
ACTIONS: Final[tuple[Action, ...]] = (
    "message to the partner",
    "watch at the partner",
    "message from the partner",
    "watch from the partner",
)
"In each direction first the message, and the subscription after it: what comes twice has come by then."
RIGHT_OWNER: Final = "_sipfederationtls._tcp"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that stands between the two."""

    stops: bool
    "False where sources are silent or at odds, so that it may."
    reason: str
    "What it is, with its source."
    before_connecting: bool = False
    "Whether the server has no business connecting then."


@dataclass(frozen=True, slots=True)
class Expected:
    """What may become of one action."""

    outcomes: frozenset[Result]
    "One, or both where the sources leave it open."
    reason: str
    "Why, with the sources."

    def __str__(self) -> str:
        return f"{' or '.join(sorted(self.outcomes))} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What may become of each action in a topology."""

    actions: dict[Action, Expected]
    "By the action."
    may_connect: bool
    "Whether the server may connect to the partner's edge at all."

    def __str__(self) -> str:
        return "\n".join(f"{action}: {expected}" for action, expected in self.actions.items())


def predict(topology: Topology, names: Names = NAMES) -> Prediction:
    """What the requirements say of each action; `names` fill the templates of the topology."""
    named = Named(topology, names)
    out, into = list(_outbound(topology, named)), list(_inbound(topology, named))
    outbound, inbound = _expected(out), _expected(into)
    actions: dict[Action, Expected] = {
        action: outbound if action.endswith("to the partner") or action.endswith("at the partner") else inbound
        for action in ACTIONS
    }
    silent = any(finding.before_connecting for finding in out) and inbound.outcomes == {"failed"}
    return Prediction(actions, may_connect=not silent)


def _expected(findings: list[Finding]) -> Expected:
    stop = next((finding for finding in findings if finding.stops), None)
    if stop is not None:
        return Expected(frozenset({"failed"}), stop.reason)
    if findings:
        return Expected(frozenset({"delivered", "failed"}), "; ".join(finding.reason for finding in findings))
    return Expected(frozenset({"delivered"}), "nothing stands between them")


# -- both directions ------------------------------------------------------------------------------------------------


def _outbound(topology: Topology, named: Named) -> Iterator[Finding]:
    """From a user of the server to one of the partner: the server dials, and the partner checks who it is."""
    yield from _licence(topology)
    routed = yield from _way(topology)
    if routed is not None:
        yield from _reach_by_route(topology, named) if routed else _reach_by_dns(topology, named)
    yield from _judged(topology, _own_shape(topology), "dialling")
    yield from _lists(topology, named)
    yield from _found_by_the_partner(topology, named)
    yield from _server_name(topology, named)


def _inbound(topology: Topology, named: Named) -> Iterator[Finding]:
    """From a user of the partner to one of the server: the partner dials, and the server checks who it is."""
    yield from _lists(topology, named)
    yield from _found_by_the_partner(topology, named)
    yield from _judged(topology, _own_shape(topology), "dialled")
    yield from _server_name(topology, named)
    yield from _licence(topology)
    shape = SHAPES[topology.certificate]
    yield from _stance(shape.dialling, shape, "The partner's certificate")
    routed = yield from _way(topology)
    if routed is not None:
        yield from _proven_by_route(topology, named) if routed else _proven_by_dns(topology, named)


# -- the server -------------------------------------------------------------------------------------------------------


def _licence(topology: Topology) -> Iterator[Finding]:
    if topology.user == "carol":
        yield Finding(True, "The user has no Office Plus Pack (R4).", before_connecting=True)
    elif topology.user == "dave":
        yield Finding(True, "Federation is switched off for the user's location (R5).", before_connecting=True)


def _way(topology: Topology) -> Generator[Finding, None, bool | None]:
    """Yields what bars the way; returns True for the static route, False for DNS, None for neither."""
    route = topology.route
    if route is not None and topology.static_routes and route.enabled:
        return True
    if not topology.open_federation:
        why = "Open federation is switched off (R39)"
        if route is not None:
            why += f", and {'static routes are' if not topology.static_routes else 'the route is'} too (R31, R37)"
        yield Finding(True, f"{why}.", before_connecting=True)
        return None
    if route is not None and topology.static_routes:
        yield Finding(False, "The route is switched off (R37); whether DNS counts then, no source says.")
    return False


def _reach_by_route(topology: Topology, named: Named) -> Iterator[Finding]:
    route = topology.route
    assert route is not None
    if route.host == "address":
        yield from _shows(topology, named, None)
    elif not named.resolves(named.fill(route.host)):
        yield Finding(True, "The host of the route has no address (R28).", before_connecting=True)
    else:
        yield from _alias(named)
        yield from _shows(topology, named, named.fill(route.host))
    if route.port == "dead":
        yield Finding(True, "Nobody listens where the route leads (R27).", before_connecting=True)


def _reach_by_dns(topology: Topology, named: Named) -> Iterator[Finding]:
    usable = _offered(topology, named)
    if topology.owner != RIGHT_OWNER or not usable:
        yield Finding(True, f"The partner's domain has no usable {RIGHT_OWNER} record (R40).", before_connecting=True)
        return
    resolving = [record for record in usable if named.resolves(named.fill(record.target))]
    if not resolving:
        yield Finding(True, "No SRV target has an address (R41).", before_connecting=True)
        return
    live = [record for record in resolving if record.port == "edge"]
    if not live:
        yield Finding(True, "Nobody listens where the SRV records lead (R46).", before_connecting=True)
        return
    if any(record.target == "{edge}" for record in live):
        yield from _alias(named)
    lowest = min(record.priority for record in resolving)
    first = [record for record in resolving if record.priority == lowest]
    works = [not list(_shows(topology, named, named.fill(record.target))) for record in first]
    if all(record.port == "edge" for record in first) and all(works):
        return
    findings = [list(_shows(topology, named, named.fill(record.target))) for record in live]
    if all(any(finding.stops for finding in found) for found in findings):
        yield findings[0][0]
    elif len(resolving) > 1:
        yield Finding(False, "Whether another SRV target is tried after one that fails, sources dispute (F1.17).")
    else:
        yield from findings[0]


def _offered(topology: Topology, named: Named) -> list[Srv]:
    """The records with a target that can be the name of a host (F1.19, F1.24)."""
    return [record for record in topology.srv if _is_host(named.fill(record.target))]


def _is_host(name: str) -> bool:
    parts = labels(name)
    return name not in ("", ".") and len(parts) > 1 and parts[-1][:1].isalpha()


def _alias(named: Named) -> Iterator[Finding]:
    if named.address == "alias":
        yield Finding(False, "The name of the edge is an alias: RFC 2782 forbids it, R8 speaks of ALIAS (C13, F1.20).")


def _shows(topology: Topology, named: Named, host: str | None) -> Iterator[Finding]:
    """What the server makes of the certificate of an edge that it has dialled as `host`; None is an IP address."""
    shape = SHAPES[topology.certificate]
    yield from _stance(shape.dialled, shape, "The partner's certificate")
    yield from _names(topology, named, host)


def _names(topology: Topology, named: Named, *hosts: str | None) -> Iterator[Finding]:
    """Whether the edge's certificate names one of the hosts, None being its IP address."""
    shape = SHAPES[topology.certificate]
    held = shape.held(named.edge)
    if held & set(hosts) or (None in hosts and shape.address):
        return
    if None in hosts:
        yield Finding(False, "The certificate does not name the address of the route: R34 says it can fail (C12).")
    else:
        wanted = " or ".join(str(host) for host in hosts)
        yield Finding(True, f"The partner's certificate is {shape.about}: it does not name {wanted} ({shape.source}).")


def _proven_by_route(topology: Topology, named: Named) -> Iterator[Finding]:
    route = topology.route
    assert route is not None
    if route.host == "address":
        yield from _names(topology, named, None)
        return
    yield from _names(topology, named, named.fill(route.host))
    host = named.fill(route.host)
    if not named.resolves(host) or (host == named.edge and named.address == "alias"):
        yield Finding(False, "Whether the host of a route must resolve for a sender to be believed, no source says.")


def _proven_by_dns(topology: Topology, named: Named) -> Iterator[Finding]:
    usable = _offered(topology, named)
    if topology.owner != RIGHT_OWNER or not usable:
        yield Finding(True, f"The sender's domain has no usable {RIGHT_OWNER} record (R40, F0.2).")
        return
    yield from _names(topology, named, *(named.fill(record.target) for record in usable))
    holding = [record for record in usable if not list(_names(topology, named, named.fill(record.target)))]
    if holding and not any(named.resolves(named.fill(record.target)) for record in holding):
        yield Finding(False, "The target that the certificate names has no address: R41 against F0.2.")
    if named.address == "alias":
        yield Finding(False, "The name of the edge is an alias (C13, F1.20).")


# -- the partner ------------------------------------------------------------------------------------------------------


def _lists(topology: Topology, named: Named) -> Iterator[Finding]:
    policy = topology.policy
    if not policy.federation:
        yield Finding(True, "The partner has switched federation off (F3.6, F4.1, R80).")
    if not policy.user:
        yield Finding(True, "The partner's users may not federate (F3.8, F4.3).")
    allowed = None if policy.allowed is None else [named.fill(entry) for entry in policy.allowed]
    blocked = [named.fill(entry) for entry in policy.blocked]
    if not topology.tenant:
        if named.server in blocked:
            yield Finding(True, "The server's domain is blocked (F4.2).")
        elif not policy.discovery and named.server not in (allowed or ()):
            yield Finding(True, "Partner discovery is off and the server's domain is not allowed (F1.3).")
        return
    if policy.trial:
        yield Finding(True, "A tenant with trial licences does not federate (F3.9).")
    if allowed is not None:
        if named.server not in allowed:
            above = any(below(entry, named.server) for entry in allowed)
            yield Finding(not above, "The server's domain is not on the tenant's allow list (R81, F3.6, F3.7).")
    elif named.server in blocked or (policy.subdomains and any(below(entry, named.server) for entry in blocked)):
        yield Finding(True, "The server's domain is on the tenant's block list (R81, F3.6).")


def _is_direct(topology: Topology) -> bool:
    policy = topology.policy
    return policy.proxy and not topology.tenant and "{server}" in (policy.allowed or ())


def _found_by_the_partner(topology: Topology, named: Named) -> Iterator[Finding]:
    """Whether the partner finds the server, to send to it as well as to believe it (F0.2, F1.11)."""
    if _is_direct(topology):
        return
    if topology.server is not None and not topology.server.srv:
        yield Finding(True, "The server's domain has no SRV record (R15).")
    if topology.persona == "generic":
        return
    domain, fqdn = labels(named.server), labels(named.server_fqdn)
    if fqdn == domain:
        yield Finding(False, "The server's name is its domain: R10 allows it, Microsoft's sources do not say (C15).")
    elif fqdn[1:] != domain:
        yield Finding(True, "The server's name does not lie directly below its domain (R9, C2).")


def _own_shape(topology: Topology) -> Shape:
    return SHAPES[topology.server.certificate if topology.server else "dual"]


def _judged(topology: Topology, shape: Shape, role: Role) -> Iterator[Finding]:
    """What the partner makes of the server's certificate."""
    stance = shape.microsoft
    if topology.persona == "generic":
        stance = shape.dialled if role == "dialled" else shape.dialling
        if stance == "refused" and shape is SHAPES["client-only"]:
            stance = "open"  # RFC 5922 says nothing of usages (F2.9)
    yield from _stance(stance, shape, "The server's certificate")


def _server_name(topology: Topology, named: Named) -> Iterator[Finding]:
    shape = _own_shape(topology)
    held = shape.held(named.server_fqdn)
    if named.server_fqdn in held:
        return
    if topology.persona == "generic" and named.server in held:
        yield Finding(
            False, "The server's certificate names its domain, as RFC 5922 wants, and not the server (F2.10)."
        )
    else:
        yield Finding(True, f"The server's certificate is {shape.about}: it does not name the server (R56).")


def _stance(stance: Stance, shape: Shape, whose: str) -> Iterator[Finding]:
    if stance != "accepted":
        said = "is to be refused" if stance == "refused" else "may be refused"
        yield Finding(stance == "refused", f"{whose} is {shape.about}, which {said} ({shape.source}).")
