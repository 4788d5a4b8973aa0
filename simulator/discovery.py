"""Find a partner's federation server: questions out, a route in the end (RFC 2782, RFC 3263 §4; R27-R42)."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, Self

from simulator import names
from simulator.errors import InvalidName, LocalProtocolError
from simulator.names import Fqdn, Host, SipDomain

MAX_TARGETS = 32
"Targets of one SRV answer that are looked up, best first: no zone can make us send an endless row of questions."

RecordType = Literal["SRV", "A", "AAAA"]
Status = Literal["noerror", "nodata", "nxdomain", "servfail", "refused", "formerr", "timeout"]
_CONCLUSIVE: frozenset[Status] = frozenset({"noerror", "nodata", "nxdomain"})


class DiscoveryFailure(enum.Enum):
    """Why there is no route to a domain; the value is how reports spell it."""

    NO_SRV = "no-srv"
    "The domain has no SRV record (NXDOMAIN or no data)."
    DNS_ERROR = "dns-error"
    "The question for the SRV record got no conclusive answer."
    SRV_REFUSED = "srv-refused"
    "The only SRV target is `.`: the domain says that it offers no federation (RFC 2782)."
    INVALID_TARGET = "invalid-target"
    "No SRV target is a host name with a usable port."
    NO_MATCHING_SRV = "no-matching-srv"
    "No SRV target passes the name rule (R9)."
    NO_ADDRESS = "no-address"
    "No target has an address record (R7, R28, R41)."
    ADDRESS_DNS_ERROR = "address-dns-error"
    "No address was found, and at least one question for one got no conclusive answer."

    @property
    def diagnostic(self) -> int | None:
        """The id that Skype for Business puts into ms-diagnostics (F1.14, F1.22); None where no source names one."""
        return _DIAGNOSTICS.get(self)


_DIAGNOSTICS = {
    DiscoveryFailure.NO_SRV: 1008,
    DiscoveryFailure.DNS_ERROR: 1008,
    DiscoveryFailure.NO_MATCHING_SRV: 1009,
    DiscoveryFailure.NO_ADDRESS: 1014,
    DiscoveryFailure.ADDRESS_DNS_ERROR: 1014,
}


@dataclass(frozen=True, slots=True)
class SrvRecord:
    """One SRV record as it stands in an answer (RFC 2782)."""

    priority: int
    "Lower is tried first."
    weight: int
    "Share of the choices among records of one priority."
    port: int
    "TCP port of the target; 5061 in every document (F1.16)."
    target: str
    "Host name, with or without its trailing dot; `.` says that the service is not offered."


@dataclass(frozen=True, slots=True)
class Question:
    """A question for the resolver, which follows CNAMEs on its way to the answer."""

    name: str
    "Owner name, without a trailing dot."
    type: RecordType
    "The record type that is asked for."


@dataclass(frozen=True, slots=True)
class Answer:
    """What the resolver said."""

    status: Status
    "`noerror` without records means the same as `nodata`; `timeout` is no answer at all."
    records: tuple[SrvRecord | str, ...] = ()
    "SrvRecords for SRV, address texts for A and AAAA; of the type that was asked for only, CNAMEs left out."


@dataclass(frozen=True, slots=True)
class Target:
    """A federation server that the domain's SRV record or a static route names."""

    host: Host
    "Name or, in static routes only, IP address (R33)."
    port: int
    "TCP port, 1-65535."
    name: str
    "What the server's certificate must hold: the host as SRV or route name it, not where a CNAME leads (F2.6, F1.20)."
    via: Literal["srv", "static"]
    "Where the host comes from."

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection to try."""

    target: Target
    "The server that is expected there."
    address: str
    "IP address as text."
    port: int
    "TCP port."


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect: the attempts in the order in which they are to be made."""

    attempts: tuple[Attempt, ...]
    "Never empty."


@dataclass(frozen=True, slots=True)
class DiscoveryFailed:
    """There is nowhere to connect to."""

    failure: DiscoveryFailure
    "The kind, which also gives the Skype for Business diagnostic id."
    sentence: str
    "What was asked, what came back, and what the domain's administrator has to change."
    targets: tuple[str, ...] = ()
    "`host:port` of every SRV record that was seen, for the keys fqdn1, fqdn2… of diagnostic 1009 (F1.13)."


class DiscoveryPlan:
    """The questions that lead from a SIP domain or a static route to addresses; made by `open` or `static`.

        plan = DiscoveryPlan.open(SipDomain.parse("fabrikam.test"), name_rule=True)
        while (question := plan.next_question()) is not None:
            plan.answer(question, Answer("noerror", records))  # whatever the resolver said
        plan.result  # Route or DiscoveryFailed

    Questions may be asked one after the other or all at once (`open_questions`). Not decided here: whether the domain
    is allowed to federate, caching, and what to do when every attempt fails.
    """

    def __init__(self, domain: SipDomain) -> None:
        self.domain = domain
        self.unused: tuple[str, ...] = ()
        "One sentence for each SRV record that was left out: no usable name, refused by the name rule, one too many."
        self._open: dict[Question, Callable[[Question, Answer], None]] = {}
        self._targets: tuple[Target, ...] = ()
        self._addresses: dict[Question, tuple[str, ...]] = {}
        self._inconclusive: list[str] = []
        self._seen: tuple[str, ...] = ()
        self._result: Route | DiscoveryFailed | None = None

    @classmethod
    def open(
        cls,
        domain: SipDomain,
        *,
        name_rule: bool,
        exempt: frozenset[Fqdn] = frozenset(),
        equal_ok: bool = True,
        rng: random.Random | None = None,
    ) -> Self:
        """Open federation: ask for the SRV record of `domain` (R39-R41).

        `name_rule` applies R9 to every target except those in `exempt` (hosting providers: sipfed.online.lync.com); one
        target that passes is enough (F1.13). Skype for Business does so, the Connect Server must not (F0.3).
        `rng` makes the weighted choice; give a seeded one where a run has to be repeatable.
        """
        plan = cls(domain)
        selector = _Selector(domain, name_rule, exempt, equal_ok, rng if rng is not None else random.Random())
        plan._open[Question(domain.srv_name, "SRV")] = partial(plan._take_services, selector)
        return plan

    @classmethod
    def static(cls, host: Host, port: int, domain: SipDomain) -> Self:
        """Direct federation: the route for `domain` names the server (R27-R36); an IP address needs no question."""
        if not 0 < port <= 65535:
            raise ValueError(f"a port is a number from 1 to 65535, not {port}")
        plan = cls(domain)
        plan._ask_for_addresses((Target(host, port, str(host), "static"),))
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
        """The servers that may be used, best first; known before their addresses are, and empty until then.

        Enough for who may speak for the domain on an inbound connection: the certificate must hold one of their names.
        """
        return self._targets

    @property
    def result(self) -> Route | DiscoveryFailed:
        """Where to connect, or why nowhere; raises `LocalProtocolError` while a question is open."""
        if self._result is None:
            waiting = ", ".join(f"{question.type} {question.name}" for question in self._open)
            raise LocalProtocolError(f"there is no result yet, still to be answered: {waiting}")
        return self._result

    def _take_services(self, selector: _Selector, question: Question, answer: Answer) -> None:
        records = _services_in(answer)
        del self._open[question]
        if answer.status not in _CONCLUSIVE:
            self._fail(
                DiscoveryFailure.DNS_ERROR,
                f"The question for the SRV record {question.name} ended with {answer.status}: "
                f"the name servers of {self.domain} must answer it.",
            )
        elif not records:
            said = "NXDOMAIN" if answer.status == "nxdomain" else "no data"
            self._fail(
                DiscoveryFailure.NO_SRV,
                f"There is no SRV record {question.name} ({said}): {self.domain} does not publish open federation.",
            )
        else:
            self._seen = tuple(f"{record.target.removesuffix('.') or '.'}:{record.port}" for record in records)
            self._seen = self._seen[:MAX_TARGETS]
            selection = selector.select(records)
            self.unused = selection.unused
            if selection.failure is None:
                self._ask_for_addresses(selection.targets)
            else:
                self._fail(selection.failure, _first_of(selection.unused))

    def _ask_for_addresses(self, targets: tuple[Target, ...]) -> None:
        self._targets = targets
        for target in targets:
            if isinstance(target.host, Fqdn):
                self._open.update(dict.fromkeys(_address_questions(target.host), self._take_addresses))
        self._finish()

    def _take_addresses(self, question: Question, answer: Answer) -> None:
        self._addresses[question] = _addresses_in(question, answer)
        del self._open[question]
        if answer.status not in _CONCLUSIVE:
            self._inconclusive.append(f"{question.type} {question.name} ended with {answer.status}")
        self._finish()

    def _finish(self) -> None:
        if self._open:
            return
        attempts = dict.fromkeys(
            Attempt(target, address, target.port) for target in self._targets for address in self._addresses_of(target)
        )
        if attempts:
            self._result = Route(tuple(attempts))
            return
        hosts = ", ".join(dict.fromkeys(str(target.host) for target in self._targets))
        if self._inconclusive:
            self._fail(
                DiscoveryFailure.ADDRESS_DNS_ERROR,
                f"No address of {hosts}, the server of {self.domain}, could be found: {'; '.join(self._inconclusive)}.",
            )
        else:
            self._fail(
                DiscoveryFailure.NO_ADDRESS,
                f"{hosts}, the server of {self.domain}, has no A or AAAA record: its zone must hold one.",
            )

    def _addresses_of(self, target: Target) -> tuple[str, ...]:
        if not isinstance(target.host, Fqdn):
            return (str(target.host),)
        return sum((self._addresses[question] for question in _address_questions(target.host)), ())

    def _fail(self, failure: DiscoveryFailure, sentence: str) -> None:
        self._result = DiscoveryFailed(failure, sentence, self._seen)


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is left of an SRV answer."""

    targets: tuple[Target, ...]
    failure: DiscoveryFailure | None
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Selector:
    """From SRV records to targets in the order of use."""

    domain: SipDomain
    name_rule: bool
    exempt: frozenset[Fqdn]
    equal_ok: bool
    rng: random.Random

    def select(self, records: Iterable[SrvRecord]) -> _Selection:
        """Drop unusable names, then apply the name rule, then choose: the answer's own order changes nothing (P13)."""
        offered = [record for record in records if record.target not in ("", ".")]
        if not offered:
            sentence = f"The SRV record {self.domain.srv_name} has the target '.': {self.domain} offers no federation."
            return _Selection((), DiscoveryFailure.SRV_REFUSED, (sentence,))
        unused: list[str] = []
        usable = [pair for record in offered if (pair := self._host(record, unused)) is not None]
        matching = [(record, host) for record, host in usable if self._passes(host, unused)]
        if not matching:
            failure = DiscoveryFailure.NO_MATCHING_SRV if usable else DiscoveryFailure.INVALID_TARGET
            return _Selection((), failure, tuple(unused))
        chosen = _in_order(matching, self.rng, MAX_TARGETS)
        if len(chosen) < len(matching):
            unused.append(
                f"{self.domain} has {len(matching)} SRV targets, of which the best {MAX_TARGETS} are looked up."
            )
        targets = tuple(Target(host, record.port, str(host), "srv") for record, host in chosen)
        return _Selection(targets, None, tuple(unused))

    def _host(self, record: SrvRecord, unused: list[str]) -> tuple[SrvRecord, Fqdn] | None:
        try:
            host = Fqdn.parse(record.target)
        except InvalidName as invalid:
            unused.append(f"The SRV target of {self.domain} cannot be used: {invalid}")
            return None
        if not 0 < record.port <= 65535:
            unused.append(f"The SRV record of {self.domain} for {host} cannot be used: {record.port} is no TCP port.")
            return None
        return record, host

    def _passes(self, host: Fqdn, unused: list[str]) -> bool:
        if not self.name_rule or host in self.exempt:
            return True
        verdict = names.name_rule(self.domain, host, equal_ok=self.equal_ok)
        if not verdict.allowed:
            unused.append(verdict.sentence)
        return verdict.allowed


def _in_order(pairs: list[tuple[SrvRecord, Fqdn]], rng: random.Random, limit: int) -> list[tuple[SrvRecord, Fqdn]]:
    """Lowest priority first, inside a priority the weighted choice without replacement of RFC 2782; `limit` of them.

    RFC 2782 draws from 0 to the sum even without a record of weight 0, which favours whichever record stands first (3:1
    becomes 2.3:1); here a 0 can be drawn only where a record of weight 0 is there to take it.
    """
    ordered: list[tuple[SrvRecord, Fqdn]] = []
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


def _address_questions(host: Fqdn) -> tuple[Question, Question]:
    """IPv4 first: partners without IPv6 are the rule (F1.23)."""
    return Question(str(host), "A"), Question(str(host), "AAAA")


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
