"""The DNS steps: SRV record, name rule and addresses, and where a missing record may have gone (RFC 2782; R7-R15)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address

from simulator.discovery import (
    S4B,
    Answer,
    Attempt,
    DiscoveryFailed,
    DiscoveryPlan,
    Question,
    Route,
    SrvRecord,
    Target,
)
from simulator.doctor.checkup import SIP_PORT, Checkup, HostPort
from simulator.doctor.steps import Result, Step, not_checked, worst
from simulator.errors import InvalidName
from simulator.io.resolver import Resolver
from simulator.names import MAX_NAME, SRV_PREFIX, Fqdn, NameRuleReason, name_rule, parse_host

MAX_ATTEMPTS = 8
"Addresses that are examined."
MAX_SHOWN = 16
"Records that a report lists."
HOSTING_PROVIDERS = S4B.hosting_providers | {Fqdn.parse("sipfed.online.partner.lync.cn")}
"Microsoft 365: known to Skype for Business by name, so that the name rule does not apply (F0.3, F3.1)."


@dataclass(frozen=True, slots=True)
class Found:
    """What the DNS led to."""

    steps: tuple[Step, ...]
    "`srv`, `name-rule` and `addresses`."
    attempts: tuple[Attempt, ...]
    "Where to connect; empty when nowhere."
    reason: str = ""
    "Why nowhere."


@dataclass
class Lookup:
    """Asks the DNS for one checkup."""

    checkup: Checkup
    resolver: Resolver

    async def run(self) -> Found:
        """Do the three steps."""
        import dns.asyncquery  # noqa: F401 - dnspython's 100 ms are not the name server's

        if self.checkup.static is not None:
            return await self._static(self.checkup.static)
        return await self._open()

    async def _open(self) -> Found:
        domain, expected = self.checkup.domain, self.checkup.expected
        began = time.monotonic()
        plan = DiscoveryPlan.open(domain, name_rule=False)
        question = Question(domain.srv_name, "SRV")
        answer = await self.ask(question)
        plan.answer(question, answer)
        services = [record for record in answer.records if isinstance(record, SrvRecord)]
        if plan.targets:
            srv = self._judge_services(services, plan)
            rule = self._judge_names(plan.targets)
            return await self._addresses(plan, [_timed(srv, began), rule])
        assert isinstance(plan.result, DiscoveryFailed)
        srv = Step(
            "srv",
            Result.FAILED,
            (plan.result.sentence, *await self._misplaced(answer)),
            self._missing_advice(answer),
            data={"question": domain.srv_name, "status": answer.status, "records": _as_data(services)},
        )
        if expected is None:
            reason = "no SRV record leads to a server; --expect FQDN examines the server all the same"
            return Found(
                (_timed(srv, began), *not_checked(("name-rule", "addresses"), f"Not checked: {reason}.")), (), reason
            )
        targets = (Target(expected.host, expected.port, str(expected.host), "static"),)
        rule = self._judge_names(targets)
        return await self._addresses(
            DiscoveryPlan.static(expected.host, expected.port, domain), [_timed(srv, began), rule]
        )

    async def _static(self, route: HostPort) -> Found:
        domain = self.checkup.domain
        began = time.monotonic()
        answer = await self.ask(Question(domain.srv_name, "SRV"))
        services = [record for record in answer.records if isinstance(record, SrvRecord)]
        seen = [f"A static route to {route} needs no SRV record."]
        if services:
            seen += [f"There is one, for open federation: {_text(record)}." for record in services[:MAX_SHOWN]]
            if not _leads_to(services, route):
                seen.append(f"It leads elsewhere than the route: partners with open federation do not come to {route}.")
        elif answer.status in ("nxdomain", "nodata", "noerror"):
            seen.append(f"There is none ({domain.srv_name}): partners with open federation do not find {domain}.")
            seen += await self._misplaced(answer)
        else:
            seen.append(f"The question for one ended with {answer.status}.")
        data = {"question": domain.srv_name, "status": answer.status, "records": _as_data(services)}
        srv = _timed(Step("srv", Result.OK, tuple(seen), data=data), began)
        plan = DiscoveryPlan.static(route.host, route.port, domain)
        return await self._addresses(plan, [srv, self._judge_names(plan.targets)])

    # -- SRV ----------------------------------------------------------------------------------------------------

    def _judge_services(self, services: Sequence[SrvRecord], plan: DiscoveryPlan) -> Step:
        domain, expected = self.checkup.domain, self.checkup.expected
        seen = [f"{domain.srv_name} SRV {_text(record)}" for record in services[:MAX_SHOWN]]
        result, change = Result.OK, ""
        if plan.unused:
            result = Result.WARNING
            seen += plan.unused
            change = "Remove the SRV records that cannot be used."
        ports = sorted({target.port for target in plan.targets if target.port != SIP_PORT})
        if ports:
            result = Result.WARNING
            seen.append(f"The port is {', '.join(map(str, ports))}; every document says {SIP_PORT}.")
            change = f"Publish port {SIP_PORT}: whether Skype for Business follows another one is not documented."
        if len({record.priority for record in services}) > 1:
            seen.append("Priorities differ: by Microsoft's own word its servers do not fail over between them.")
        if expected is not None and not _leads_to(services, expected):
            result = Result.FAILED
            seen.append(f"None of them leads to {expected}.")
            change = f"Let the record be {domain.srv_name} SRV 0 0 {expected.port} {expected.host}."
        data = {"question": domain.srv_name, "status": "noerror", "records": _as_data(services)}
        return Step("srv", result, tuple(seen), change, data=data)

    def _missing_advice(self, answer: Answer) -> str:
        domain, expected = self.checkup.domain, self.checkup.expected
        if answer.status not in ("nxdomain", "nodata", "noerror"):
            return f"Have the name servers of {domain} answer, or ask another resolver with --dns."
        target = f"{expected.port} {expected.host}" if expected else f"{SIP_PORT} sip.{domain}"
        return f"Publish in the zone of {domain}: {domain.srv_name}. SRV 0 0 {target}."

    async def _misplaced(self, answer: Answer) -> list[str]:
        """Where else the record stands: the usual slips, and domains that lie above the server's name (C3)."""
        if answer.status not in ("nxdomain", "nodata", "noerror") or answer.records:
            return []
        domain = self.checkup.domain
        server = self.checkup.expected or self.checkup.static
        questions = {
            f"{domain.srv_name}.{domain}": "a trailing dot is missing in the zone file, which added the domain again",
            f"_sipfederationtls._tls.{domain}": "the second label must be _tcp",
            f"_sip._tls.{domain}": "that one is for clients; federation asks for _sipfederationtls._tcp",
        }
        if server is not None and isinstance(server.host, Fqdn):
            labels = server.host.labels
            for place in range(len(labels) - 1):
                above = ".".join(labels[place:])
                if above != str(domain):
                    questions[f"{SRV_PREFIX}.{above}"] = f"that one is for the domain {above}, not for {domain}"
        asked = [name for name in questions if len(name) <= MAX_NAME]
        answers = await asyncio.gather(*(self.ask(Question(name, "SRV")) for name in asked))
        return [
            f"There is a record {name} SRV {_text(record)}: {questions[name]}."
            for name, found in zip(asked, answers, strict=True)
            for record in found.records[:1]
            if isinstance(record, SrvRecord)
        ]

    # -- name rule ----------------------------------------------------------------------------------------------

    def _judge_names(self, targets: Sequence[Target]) -> Step:
        domain, static = self.checkup.domain, self.checkup.static
        seen: list[str] = []
        allowed: list[bool] = []
        data: list[dict[str, object]] = []
        for target in targets[:MAX_SHOWN]:
            if not isinstance(target.host, Fqdn):
                seen.append(f"{target.host} is an address; only static routes may name one.")
                allowed.append(False)
                data.append({"target": str(target.host), "allowed": False, "reason": "address"})
                continue
            verdict = name_rule(domain, target.host)
            provider = target.host in HOSTING_PROVIDERS
            allowed.append(provider or verdict.allowed)
            reason = "hosting-provider" if provider else verdict.reason.value
            data.append({"target": str(target.host), "allowed": allowed[-1], "reason": reason})
            seen.append(
                f"{target.host} is Microsoft 365, which Skype for Business knows by name: the rule does not apply."
                if provider
                else verdict.sentence
            )
            if verdict.reason is NameRuleReason.EQUAL:
                seen.append("That the domain's own name counts is said by C4B only; a name below it always counts.")
        if any(allowed):
            return Step("name-rule", Result.OK, tuple(seen), data={"targets": data})
        advice = f"name the server {domain} or one label below it, such as sip.{domain}, in SRV record and certificate"
        if static is not None:
            seen.append(
                f"This does not matter to static routes. Skype for Business with open federation refuses {static.host} "
                f"for {domain} (504, diagnostic 1009)."
            )
            return Step("name-rule", Result.OK, tuple(seen), data={"targets": data})
        seen.append(
            "Skype for Business with open federation refuses it (504, diagnostic 1009); a static route to it works."
        )
        if self.checkup.our_side:
            return Step("name-rule", Result.FAILED, tuple(seen), f"N{advice[1:]}.", data={"targets": data})
        seen.append("A server that does not apply the rule, as your own should not, is not concerned.")
        change = f"If {domain} is to federate with Skype for Business, its administrator has to {advice}."
        return Step("name-rule", Result.WARNING, tuple(seen), change, data={"targets": data})

    # -- addresses ----------------------------------------------------------------------------------------------

    async def _addresses(self, plan: DiscoveryPlan, before: list[Step]) -> Found:
        began = time.monotonic()
        questions = plan.open_questions
        for question, answer in zip(
            questions, await asyncio.gather(*(self.ask(question) for question in questions)), strict=True
        ):
            plan.answer(question, answer)
        result = plan.result
        if isinstance(result, DiscoveryFailed):
            host = plan.targets[0].host
            change = f"Publish an A record for {host} with the public address of the server."
            step = Step("addresses", Result.FAILED, (result.sentence,), change, data={"addresses": {}})
            return Found((*before, _timed(step, began)), (), "no address was found")
        step = self._judge_addresses(plan, result)
        return Found((*before, _timed(step, began)), result.attempts[:MAX_ATTEMPTS])

    def _judge_addresses(self, plan: DiscoveryPlan, route: Route) -> Step:
        seen: list[str] = []
        found: list[tuple[Result, str]] = []
        data: dict[str, list[str]] = {}
        for target in plan.targets:
            addresses = list(dict.fromkeys(each.address for each in route.attempts if each.target == target))
            name = str(target.host)
            data[name] = addresses
            if not addresses:
                seen.append(f"{name} has no address.")
                found.append((Result.WARNING, f"Publish an A record for {name}, or remove its SRV record."))
                continue
            if isinstance(target.host, Fqdn):
                seen.append(f"{name} has the address {', '.join(addresses[:MAX_SHOWN])}.")
            else:
                seen.append(f"{name} is an address and needs no DNS.")
            found += self._doubts(name, addresses, seen)
            if name in plan.aliases and target.via == "srv":
                seen.append(
                    f"{name} is an alias (CNAME) of {plan.aliases[name]}; RFC 2782 forbids that for SRV targets."
                )
                found.append((Result.WARNING, f"Give {name} an A record in place of the CNAME."))
        if len(route.attempts) > MAX_ATTEMPTS:
            seen.append(f"Of {len(route.attempts)} addresses the first {MAX_ATTEMPTS} are examined.")
        result = worst(each for each, _ in found)
        change = next((text for each, text in found if each is result), "")
        return Step("addresses", result, tuple(seen), change, data={"addresses": data})

    def _doubts(self, name: str, addresses: Sequence[str], seen: list[str]) -> list[tuple[Result, str]]:
        found: list[tuple[Result, str]] = []
        parsed = [ip_address(address) for address in addresses]
        if all(isinstance(address, IPv6Address) for address in parsed) and self.checkup.static is None:
            seen.append(f"{name} has no IPv4 address.")
            found.append((Result.WARNING, f"Publish an A record for {name}: partners without IPv6 are the rule."))
        private = [str(each) for each in parsed if not each.is_global and not each.is_loopback]
        if private and self.checkup.static is None:
            seen.append(f"{', '.join(private)} cannot be reached from the Internet.")
            found.append((Result.WARNING, f"Publish the public address of {name}; partners see the public DNS."))
        return found

    async def ask(self, question: Question) -> Answer:
        """Ask within the step's limit."""
        try:
            async with asyncio.timeout(self.checkup.limit):
                return await self.resolver.ask(question)
        except TimeoutError:
            return Answer("timeout")


def _leads_to(services: Sequence[SrvRecord], server: HostPort) -> bool:
    for record in services:
        try:
            if parse_host(record.target) == server.host and record.port == server.port:
                return True
        except InvalidName:
            continue
    return False


def _text(record: SrvRecord) -> str:
    return f"{record.priority} {record.weight} {record.port} {record.target.removesuffix('.') or '.'}"


def _as_data(services: Sequence[SrvRecord]) -> list[dict[str, object]]:
    return [
        {"priority": each.priority, "weight": each.weight, "port": each.port, "target": each.target.removesuffix(".")}
        for each in services
    ]


def _timed(step: Step, began: float) -> Step:
    return replace(step, seconds=time.monotonic() - began)
