"""The questions that lead from a SIP domain or a static route to addresses (RFC 2782, RFC 3263 §4; R27-R42)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Self

from simulator.discovery.failures import DiscoveryFailed, DiscoveryFailure
from simulator.discovery.records import CONCLUSIVE, Answer, Attempt, Question, Route, SrvRecord, Status, Target
from simulator.discovery.rules import CONNECT_SERVER, DiscoveryRules
from simulator.discovery.selection import MAX_TARGETS, select
from simulator.errors import LocalProtocolError
from simulator.names import Fqdn, Host, SipDomain


class DiscoveryPlan:
    """The questions that lead from a SIP domain or a static route to addresses; made by `open` or `static`.

        plan = DiscoveryPlan.open(SipDomain.parse("fabrikam.test"), rules.S4B)
        while (question := plan.next_question()) is not None:
            plan.answer(question, Answer("noerror", records))  # whatever the resolver said
        plan.result  # Route or DiscoveryFailed

    Questions may be asked one after the other or all at once (`open_questions`). Not decided here: whether the domain
    is allowed to federate, what is kept of the answers (`AnswerCache`), and what to do when every attempt fails.
    """

    def __init__(self, domain: SipDomain, rules: DiscoveryRules) -> None:
        self.domain = domain
        self.rules = rules
        self.unused: tuple[str, ...] = ()
        "One sentence for each SRV record that is not used: its name, the name rule, its port or its place forbid it."
        self._open: dict[Question, Callable[[Question, Answer], None]] = {}
        self._targets: tuple[Target, ...] = ()
        self._tried: tuple[Target, ...] = ()
        self._addresses: dict[Question, tuple[str, ...]] = {}
        self._aliases: dict[str, str] = {}
        self._inconclusive: dict[Question, Status] = {}
        self._seen: tuple[str, ...] = ()
        self._result: Route | DiscoveryFailed | None = None

    @classmethod
    def open(
        cls,
        domain: SipDomain,
        rules: DiscoveryRules = CONNECT_SERVER,
        *,
        name_rule: bool | None = None,
        rng: random.Random | None = None,
    ) -> Self:
        """Open federation: ask for the SRV record of `domain` (R39-R41).

        One target that the rules leave is enough (F1.13). `name_rule`, when given, takes the place of that switch.
        `rng` makes the weighted choice; without it the rules' seed does, which chooses alike in every plan.
        """
        plan = cls(domain, rules if name_rule is None else replace(rules, name_rule=name_rule))
        chooser = rng if rng is not None else random.Random(rules.seed)
        plan._open[Question(domain.srv_name, "SRV")] = partial(plan._take_services, chooser)
        return plan

    @classmethod
    def static(cls, host: Host, port: int, domain: SipDomain, rules: DiscoveryRules = CONNECT_SERVER) -> Self:
        """Direct federation: the route for `domain` names the server (R27-R36); an IP address needs no question.

        Of the rules only the families count: name, port and alias are what the administrator wrote (F1.15).
        """
        if not 0 < port <= 65535:
            raise ValueError(f"a port is a number from 1 to 65535, not {port}")
        plan = cls(domain, rules)
        plan._targets = (Target(host, port, str(host), "static"),)
        plan._ask_for_addresses(plan._targets)
        return plan

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Every question that may be asked now; an answer can bring new ones."""
        return tuple(self._open)

    def next_question(self) -> Question | None:
        """The first open question, the same one until it is answered; None when the result is there."""
        return next(iter(self._open), None)

    def answer(self, question: Question, answer: Answer) -> None:
        """Take the resolver's answer; raises `LocalProtocolError` for a question that is not open.

        A record that does not fit the question raises ValueError: the driver of the resolver is wrong, not the zone.
        """
        if question not in self._open:
            raise LocalProtocolError(f"{question.type} {question.name} is not an open question of this plan")
        self._open[question](question, answer)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The servers of the domain, best first; known before their addresses are, and empty until then.

        Enough for who may speak for the domain on an inbound connection: the certificate must hold one of their names.
        Those that the rules for failover do not try are among them.
        """
        return self._targets

    @property
    def aliases(self) -> Mapping[str, str]:
        """Names of targets that turned out to be aliases, each with the name its CNAMEs end at (F1.20)."""
        return MappingProxyType(self._aliases)

    @property
    def result(self) -> Route | DiscoveryFailed:
        """Where to connect, or why nowhere; raises `LocalProtocolError` while a question is open."""
        if self._result is None:
            waiting = ", ".join(f"{question.type} {question.name}" for question in self._open)
            raise LocalProtocolError(f"there is no result yet, still to be answered: {waiting}")
        return self._result

    def _take_services(self, rng: random.Random, question: Question, answer: Answer) -> None:
        records = _services_in(answer)
        del self._open[question]
        if answer.status not in CONCLUSIVE:
            self._fail(
                DiscoveryFailure.DNS_ERROR,
                f"The question for the SRV record {question.name} ended with {answer.status}: "
                f"the name servers of {self.domain} must answer it.",
                question,
                answer.status,
            )
        elif not records:
            said = "NXDOMAIN" if answer.status == "nxdomain" else "no data"
            self._fail(
                DiscoveryFailure.NO_SRV,
                f"There is no SRV record {question.name} ({said}): {self.domain} does not publish open federation.",
                question,
                answer.status,
            )
        else:
            self._seen = tuple(f"{record.target.removesuffix('.') or '.'}:{record.port}" for record in records)
            self._seen = self._seen[:MAX_TARGETS]
            selection = select(self.domain, records, self.rules, rng)
            self.unused = selection.unused
            if selection.failure is None:
                self._targets = selection.targets
                self._ask_for_addresses(selection.tried)
            else:
                self._fail(selection.failure, _first_of(selection.unused), question, answer.status)

    def _ask_for_addresses(self, targets: tuple[Target, ...]) -> None:
        self._tried = targets
        for target in targets:
            self._open.update(dict.fromkeys(self._questions_for(target), self._take_addresses))
        self._finish()

    def _questions_for(self, target: Target) -> tuple[Question, ...]:
        if not isinstance(target.host, Fqdn):
            return ()
        return tuple(Question(str(target.host), family) for family in self.rules.families)

    def _take_addresses(self, question: Question, answer: Answer) -> None:
        self._addresses[question] = _addresses_in(question, answer)
        del self._open[question]
        if answer.alias is not None:
            self._aliases[question.name] = answer.alias
        if answer.status not in CONCLUSIVE:
            self._inconclusive[question] = answer.status
        self._finish()

    def _finish(self) -> None:
        if self._open:
            return
        attempts = dict.fromkeys(
            Attempt(target, address, target.port) for target in self._tried for address in self._addresses_of(target)
        )
        if attempts:
            self._result = Route(tuple(attempts))
        else:
            self._fail_without_address()

    def _refuses(self, target: Target) -> bool:
        """Whether the target is an alias that the rules do not follow."""
        return target.via == "srv" and not self.rules.follow_cname and target.name in self._aliases

    def _addresses_of(self, target: Target) -> tuple[str, ...]:
        if not isinstance(target.host, Fqdn):
            return (str(target.host),)
        if self._refuses(target):
            return ()
        return tuple(address for question in self._questions_for(target) for address in self._addresses[question])

    def _fail_without_address(self) -> None:
        refused = {target.name: self._aliases[target.name] for target in self._tried if self._refuses(target)}
        hosts = ", ".join(dict.fromkeys(str(target.host) for target in self._tried))
        first = self._questions_for(self._tried[0])[0]
        open_ = {question: status for question, status in self._inconclusive.items() if question.name not in refused}
        if open_:
            said = "; ".join(
                f"{question.type} {question.name} ended with {status}" for question, status in open_.items()
            )
            sentence = f"No address of {hosts}, the server of {self.domain}, could be found: {said}."
            self._fail(DiscoveryFailure.ADDRESS_DNS_ERROR, sentence, *next(iter(open_.items())))
        elif refused:
            chains = ", ".join(f"{name} is an alias of {end}" for name, end in refused.items())
            sentence = (
                f"No target of {self.domain} can be used: {chains}. "
                "An SRV record must name a host that has address records itself (RFC 2782)."
            )
            self._fail(DiscoveryFailure.ALIAS_TARGET, sentence, first, "noerror")
        else:
            sentence = (
                f"{hosts}, the server of {self.domain}, has no {' or '.join(self.rules.families)} record: "
                "its zone must hold one."
            )
            self._fail(DiscoveryFailure.NO_ADDRESS, sentence, first, "nodata")

    def _fail(self, failure: DiscoveryFailure, sentence: str, asked: Question, said: Status) -> None:
        self._result = DiscoveryFailed(failure, sentence, self._seen, self.domain, asked, said)


def _services_in(answer: Answer) -> list[SrvRecord]:
    """The records of an answer to SRV, each once and in one order, whatever order the name server chose (P13)."""
    services = [record for record in answer.records if isinstance(record, SrvRecord)]
    if len(services) != len(answer.records):
        raise ValueError(f"the answer to a question for SRV holds other records: {answer.records}")
    return sorted(set(services), key=lambda record: (record.priority, record.weight, record.port, record.target))


def _addresses_in(question: Question, answer: Answer) -> tuple[str, ...]:
    """The addresses of an answer to A or AAAA in the server's order; ValueError if one is not of that kind."""
    kind = IPv4Address if question.type == "A" else IPv6Address
    return tuple(str(kind(record)) for record in answer.records)


def _first_of(sentences: tuple[str, ...]) -> str:
    """One sentence for a report; the others stand in `DiscoveryPlan.unused`."""
    more = len(sentences) - 1
    return sentences[0] if not more else f"{sentences[0]} ({more} more cannot be used either.)"
