"""From the SRV records of a domain to the targets that may be tried, in order (RFC 2782; R9, F1.13, F1.16, F1.17)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from simulator import names
from simulator.discovery.failures import DiscoveryFailure
from simulator.discovery.records import SrvRecord, Target
from simulator.discovery.rules import SIP_TLS_PORT, DiscoveryRules
from simulator.errors import InvalidName
from simulator.names import Fqdn, SipDomain

MAX_TARGETS = 32
"Targets of one SRV answer that are looked up, best first: no zone can make us send an endless row of questions."

_Pair = tuple[SrvRecord, Fqdn]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is left of an SRV answer."""

    targets: tuple[Target, ...]
    "All that pass, best first; empty when there is a failure."
    tried: tuple[Target, ...]
    "Those of them that the rules for failover leave."
    failure: DiscoveryFailure | None
    "Why nothing is left."
    unused: tuple[str, ...]
    "A sentence for each record that was left out; never empty when there is a failure."


def select(domain: SipDomain, records: Iterable[SrvRecord], rules: DiscoveryRules, rng: random.Random) -> Selection:
    """Drop unusable names, then apply the name rule, then the port, then choose.

    Neither the order of `records` nor their priority and weight change what passes (P13).
    """
    offered = [record for record in records if record.target not in ("", ".")]
    if not offered:
        sentence = f"The SRV record {domain.srv_name} has the target '.': {domain} offers no federation."
        return Selection((), (), DiscoveryFailure.SRV_REFUSED, (sentence,))
    unused: list[str] = []
    usable = [pair for record in offered if (pair := _usable(domain, record, unused)) is not None]
    matching = [pair for pair in usable if _passes(domain, pair[1], rules, unused)]
    fitting = [pair for pair in matching if _has_port(domain, pair, rules, unused)]
    if not fitting:
        failure = DiscoveryFailure.OTHER_PORT if matching else DiscoveryFailure.NO_MATCHING_SRV
        return Selection((), (), failure if usable else DiscoveryFailure.INVALID_TARGET, tuple(unused))
    chosen = _in_order(fitting, rng, MAX_TARGETS)
    if len(chosen) < len(fitting):
        unused.append(f"{domain} has {len(fitting)} SRV targets, of which the best {MAX_TARGETS} are looked up.")
    targets = tuple(Target(host, record.port, str(host), "srv") for record, host in chosen)
    tried = targets[: _how_many(domain, chosen, rules, unused)]
    return Selection(targets, tried, None, tuple(unused))


def _usable(domain: SipDomain, record: SrvRecord, unused: list[str]) -> _Pair | None:
    try:
        host = Fqdn.parse(record.target)
    except InvalidName as invalid:
        unused.append(f"The SRV target of {domain} cannot be used: {invalid}")
        return None
    if not 0 < record.port <= 65535:
        unused.append(f"The SRV record of {domain} for {host} cannot be used: {record.port} is no TCP port.")
        return None
    return record, host


def _passes(domain: SipDomain, host: Fqdn, rules: DiscoveryRules, unused: list[str]) -> bool:
    if not rules.name_rule or host in rules.hosting_providers:
        return True
    verdict = names.name_rule(domain, host, equal_ok=rules.equal_ok)
    if not verdict.allowed:
        unused.append(verdict.sentence)
    return verdict.allowed


def _has_port(domain: SipDomain, pair: _Pair, rules: DiscoveryRules, unused: list[str]) -> bool:
    record, host = pair
    if rules.srv_port == "any" or record.port == SIP_TLS_PORT:
        return True
    wanted = f"only {SIP_TLS_PORT} is used: publish that"
    unused.append(f"The SRV record of {domain} for {host} names port {record.port}, and {wanted}.")
    return False


def _how_many(domain: SipDomain, ordered: list[_Pair], rules: DiscoveryRules, unused: list[str]) -> int:
    """How many of the ordered targets the rules for failover leave."""
    lowest = ordered[0][0].priority
    if rules.failover == "best":
        count, why = 1, "only the best target is"
    elif rules.failover == "group":
        count = sum(record.priority == lowest for record, _ in ordered)
        why = f"only targets of the lowest priority, {lowest}, are"
    else:
        return len(ordered)
    unused.extend(
        f"The SRV target {host}:{record.port} of {domain} with priority {record.priority} is not tried: {why}."
        for record, host in ordered[count:]
    )
    return count


def _in_order(pairs: list[_Pair], rng: random.Random, limit: int) -> list[_Pair]:
    """Lowest priority first, inside a priority the weighted choice without replacement of RFC 2782; `limit` of them.

    RFC 2782 draws from 0 to the sum even without a record of weight 0, which favours whichever record stands first (3:1
    becomes 2.3:1); here a 0 can be drawn only where a record of weight 0 is there to take it.
    """
    ordered: list[_Pair] = []
    for priority in sorted({record.priority for record, _ in pairs}):
        left = [pair for pair in pairs if pair[0].priority == priority]
        rng.shuffle(left)
        left.sort(key=lambda pair: pair[0].weight != 0)  # zeros in front, where a drawn 0 is their small chance
        while left and len(ordered) < limit:
            drawn = rng.randint(min(left[0][0].weight, 1), sum(record.weight for record, _ in left))
            running = 0
            for index, (record, _) in enumerate(left):
                running += record.weight
                if running >= drawn:
                    ordered.append(left.pop(index))
                    break
    return ordered
