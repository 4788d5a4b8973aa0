"""Faults in how the server finds its partners."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.discovery import Answer, Question
from tests.defects.frame import defect
from tests.defects.patches import server_believes, server_hears, srv_records


@defect(
    caught_by=("discovery/open-federation-off-outbound", "discovery/open-federation-off-inbound"),
    also=("routes/route-serves-one-domain",),
    says=("With open federation switched off", "Hello?"),
)
def ignores_the_switch(patch: pytest.MonkeyPatch) -> None:
    """The server looks partners up although open federation is switched off."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.peering import NotFederated, OpenWay

    way_to = ConnectServer.way_to

    def open_to_all(self: Any, domain: Any, user: Any = "") -> Any:
        try:
            return way_to(self, domain, user)
        except NotFederated as error:
            if "open federation is switched off" not in str(error):
                raise
            return OpenWay(domain)

    patch.setattr(ConnectServer, "way_to", open_to_all)


@defect(
    caught_by=("discovery/target-outside-the-partners-domain",),
    also=("policy", "chat/*teams*", "names/*teams*", "presence/*teams*", "trust/*teams*"),
    says=("as every Teams tenant has one",),
)
def applies_the_name_rule_to_partners(patch: pytest.MonkeyPatch) -> None:
    """The server demands that a partner's SRV target lies in the partner's domain, and so loses every Teams tenant."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.peering import OpenWay

    way_to = ConnectServer.way_to

    def strict(self: Any, domain: Any, user: Any = "") -> Any:
        way = way_to(self, domain, user)
        return replace(way, rules=replace(way.rules, name_rule=True)) if isinstance(way, OpenWay) else way

    patch.setattr(ConnectServer, "way_to", strict)


@defect(caught_by=("discovery/port-of-the-record",), also=("routes", "trust"))
def ignores_the_srv_port(patch: pytest.MonkeyPatch) -> None:
    """The server dials port 5061 whatever the SRV record says."""
    server_hears(patch, srv_records(lambda record: replace(record, port=5061)))


@defect(caught_by=("discovery/lowest-priority-first",), also=("resilience/server-that-dies-beside-a-living-one",))
def takes_the_highest_priority(patch: pytest.MonkeyPatch) -> None:
    """The server takes the SRV record with the highest priority value first."""
    server_hears(patch, srv_records(lambda record: replace(record, priority=65535 - record.priority)))


@defect(caught_by=("discovery/lowest-priority-first",))
def goes_by_weight_alone(patch: pytest.MonkeyPatch) -> None:
    """The server takes the SRV record with the most weight, whatever the priorities."""
    server_hears(patch, srv_records(lambda record: replace(record, priority=65535 - record.weight)))


@defect(caught_by=("discovery/reached-by-its-records[weight-zero-beside-others]",))
def leaves_out_weight_zero(patch: pytest.MonkeyPatch) -> None:
    """The server never uses an SRV record of weight 0 where another one has more."""

    def heavy(question: Question, answer: Answer) -> Answer:
        if question.type != "SRV" or not any(record.weight for record in answer.records):  # type: ignore[union-attr]
            return answer
        return replace(answer, records=tuple(one for one in answer.records if one.weight))  # type: ignore[union-attr]

    server_hears(patch, heavy)


@defect(
    caught_by=(
        "discovery/reached-by-its-records[best-target-without-address]",
        "discovery/believed-by-its-records[best-target-without-address]",
    )
)
def knows_one_target_only(patch: pytest.MonkeyPatch) -> None:
    """The server looks at the best SRV record only."""

    def best(question: Question, answer: Answer) -> Answer:
        if question.type != "SRV" or not answer.records:
            return answer
        return replace(answer, records=(min(answer.records, key=lambda record: record.priority),))  # type: ignore[union-attr]

    server_hears(patch, best)


@defect(caught_by=("discovery/reached-by-its-records[second-address-answers]",))
def tries_one_address_only(patch: pytest.MonkeyPatch) -> None:
    """The server tries the first address of a target only."""

    def first(question: Question, answer: Answer) -> Answer:
        return answer if question.type == "SRV" else replace(answer, records=answer.records[:1])

    server_hears(patch, first)


@defect(caught_by=("discovery/reached-by-its-records[answer-over-tcp]",))
def cannot_ask_over_tcp(patch: pytest.MonkeyPatch) -> None:
    """The server gives up where the DNS answer is too long for UDP."""
    server_hears(patch, lambda _question, answer: Answer("servfail") if len(answer.records) > 20 else answer)


@defect(
    caught_by=("discovery/missing-record-is-asked-for-again", "discovery/sender-is-believed-once-its-record-is-there")
)
def keeps_negative_answers_for_ever(patch: pytest.MonkeyPatch) -> None:
    """The server never asks again for an SRV record that was missing once."""
    missing: dict[Question, Answer] = {}

    def remember(question: Question, answer: Answer) -> Answer:
        if question.type == "SRV" and answer.status in ("nxdomain", "nodata"):
            missing.setdefault(question, answer)
        return missing.get(question, answer)

    server_hears(patch, remember)


@defect(caught_by=("discovery/broken-lookup-is-asked-again[servfail]",), also=("resilience/first-message[lookup-*]",))
def keeps_failures_for_ever(patch: pytest.MonkeyPatch) -> None:
    """The server never asks again where a lookup went wrong once."""
    broken: dict[Question, Answer] = {}

    def remember(question: Question, answer: Answer) -> Answer:
        if answer.status == "servfail":
            broken.setdefault(question, answer)
        return broken.get(question, answer)

    server_hears(patch, remember)


@defect(caught_by=("discovery/partner-that-moved",))
def keeps_answers_for_ever(patch: pytest.MonkeyPatch) -> None:
    """The server never asks again for an SRV record that it has found once, whatever its TTL."""
    found: dict[Question, Answer] = {}

    def remember(question: Question, answer: Answer) -> Answer:
        return found.setdefault(question, answer) if question.type == "SRV" and answer.records else answer

    server_hears(patch, remember)


@defect(
    caught_by=(
        "discovery/not-reached-without-its-record[address-only]",
        "discovery/not-believed-without-its-record[address-only]",
    ),
    also=("names",),
)
def guesses_the_server(patch: pytest.MonkeyPatch) -> None:
    """Where there is no SRV record, the server tries sip.<domain>."""
    from simulator.discovery import SrvRecord

    def guess(question: Question, answer: Answer) -> Answer:
        missing = answer.status in ("noerror", "nodata", "nxdomain") and not answer.records
        if question.type != "SRV" or not missing:
            return answer
        domain = question.name.removeprefix("_sipfederationtls._tcp.")
        return replace(answer, status="noerror", records=(SrvRecord(0, 0, 5061, f"sip.{domain}"),))

    server_hears(patch, guess)


@defect(caught_by=("discovery/not-reached-without-its-record[address-of-the-domain-only]",))
def falls_back_to_the_domain(patch: pytest.MonkeyPatch) -> None:
    """Where there is no SRV record, the server tries the address of the domain itself."""
    from simulator.discovery import SrvRecord

    def guess(question: Question, answer: Answer) -> Answer:
        missing = answer.status in ("noerror", "nodata", "nxdomain") and not answer.records
        if question.type != "SRV" or not missing:
            return answer
        domain = question.name.removeprefix("_sipfederationtls._tcp.")
        return replace(answer, status="noerror", records=(SrvRecord(0, 0, 5061, domain),))

    server_hears(patch, guess)


@defect(caught_by=("discovery/not-believed-without-its-record[target-dot]",))
def takes_the_dot_for_no_check(patch: pytest.MonkeyPatch) -> None:
    """The server believes a sender whose domain says by the target `.` that it does not federate."""
    server_believes(patch, lambda _link, _way, refusal: "'.'" in refusal.sentence)


@defect(
    caught_by=("discovery/broken-lookup-inbound[servfail]", "discovery/broken-lookup-inbound[refused]"),
    says=("is not believed",),
)
def believes_while_the_dns_is_broken(patch: pytest.MonkeyPatch) -> None:
    """The server believes a sender where the DNS gives no answer about it."""
    server_believes(patch, lambda _link, _way, refusal: "ended with" in refusal.sentence)


@defect(caught_by=("discovery/proven-for-one-domain-is-not-proven-for-another",), also=("dialogs",))
def believes_a_proven_connection_everything(patch: pytest.MonkeyPatch) -> None:
    """The server believes whoever has proven one domain on a connection about every other one."""
    server_believes(patch, lambda place, _way, _refusal: bool(place[0]._vouched.get(place[1])))


@defect(caught_by=("discovery/many-tenants-of-one-provider",), also=("policy", "routes/two-routes-to-one-server"))
def mixes_up_tenants(patch: pytest.MonkeyPatch) -> None:
    """The server sends messages for a second tenant of one edge to the first one's user."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.chats import Chats

    send = Chats.send
    first: dict[str, str] = {}

    async def to_the_first(self: Any, account: Any, remote: str, *rest: Any) -> Any:
        if isinstance(self._agent.peering, ConnectServer) and "@contoso" in remote:
            remote = first.setdefault(remote.partition("@")[0], remote)
        return await send(self, account, remote, *rest)

    patch.setattr(Chats, "send", to_the_first)


@defect(
    caught_by=(
        "discovery/lookup-without-an-answer[no-answer]",
        "discovery/lookup-without-an-answer[tc-without-tcp]",
        "discovery/address-lookup-without-an-answer[no-answer]",
        "discovery/sender-without-an-answer[no-answer]",
    ),
    also=("resilience",),
    says=("when does it give such a question up?",),
)
def waits_for_the_dns_for_ever(patch: pytest.MonkeyPatch) -> None:
    """The server never gives a question to the DNS up."""
    from simulator.io import resolver

    patch.setattr(resolver, "LIFETIME", 1e6)


@defect(
    caught_by=(
        "discovery/lookup-without-an-answer[wrong-id]",
        "discovery/address-lookup-without-an-answer[wrong-id]",
        "discovery/sender-without-an-answer[wrong-id]",
    )
)
def takes_any_answer_for_its_own(patch: pytest.MonkeyPatch) -> None:
    """The server takes an answer of the DNS whose id it never sent, which anybody can forge."""
    import dns.message

    def careless(_query: Any, _reply: Any) -> bool:
        return True

    patch.setattr(dns.message.Message, "is_response", careless)


@defect(caught_by=("discovery/sender-without-an-answer[no-answer]",), says=("does not answer",))
def believes_while_the_dns_is_silent(patch: pytest.MonkeyPatch) -> None:
    """The server believes a sender where the DNS does not answer at all."""
    server_believes(patch, lambda _link, _way, refusal: "ended with timeout" in refusal.sentence)


@defect(
    caught_by=(
        "discovery/partner-that-moved-two-minutes-ago",
        "discovery/record-that-was-missing-two-minutes-ago",
        "discovery/sender-whose-record-was-taken-away",
    ),
    says=("once the TTL, two minutes, is over",),
)
def takes_the_ttl_for_minutes(patch: pytest.MonkeyPatch) -> None:
    """The server keeps each answer of the DNS, that something is missing too, sixty times as long as its TTL."""
    kept: dict[Question, tuple[float, Answer]] = {}
    clocks: list[Any] = []

    def keep(question: Question, answer: Answer) -> Answer:
        now = clocks[0].now()
        until, old = kept.get(question, (0.0, answer))
        if now < until:
            return old
        kept[question] = now + 60 * (answer.ttl or 0), answer
        return answer

    from simulator.connect_server import ways

    make = ways.resolver

    def with_clock(settings: Any, timers: Any) -> Any:
        clocks[:] = [timers.clock]
        return make(settings, timers)

    patch.setattr(ways, "resolver", with_clock)
    server_hears(patch, keep)


@defect(caught_by=("discovery/the-servers-own-view-counts", "discovery/partner-that-only-others-see"))
def asks_as_its_partners_do(patch: pytest.MonkeyPatch) -> None:
    """The server asks another name server than its own, and sees what its partners see."""
    from fakes.dns.views import Views

    of = Views.of

    def as_a_partner(self: Views, client: str, default: Any) -> Any:
        views = list(self._views.values())
        return views[0] if client == "127.0.0.1" and views else of(self, client, default)

    patch.setattr(Views, "of", as_a_partner)


@defect(caught_by=("discovery/own-name-leads-elsewhere-inside",))
def looks_for_its_own_name(patch: pytest.MonkeyPatch) -> None:
    """The server federates only where its own DNS gives its name the address that it listens on."""
    from simulator.connect_server import ways
    from simulator.io.resolver import Resolver

    make = ways.resolver

    def careful(settings: Any, timers: Any) -> Any:
        class Careful(Resolver):
            async def ask(self, question: Question) -> Answer:
                own = await super().ask(Question(str(settings.fqdn), "A"))
                right = not own.records or str(settings.listen.address) in own.records
                return await super().ask(question) if right else Answer("servfail")

        resolver = make(settings, timers)
        resolver.__class__ = Careful
        return resolver

    patch.setattr(ways, "resolver", careful)


@defect(caught_by=("discovery/own-target-beside-one-outside-the-domain",))
def edge_looks_at_one_target_only(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business applies the name rule to the best SRV target only, and gives up where it fails."""
    from simulator.discovery import selection

    passes = selection._passes

    def at_the_first(domain: Any, host: Any, rules: Any, unused: list[str]) -> bool:
        return not unused and bool(passes(domain, host, rules, unused))

    patch.setattr(selection, "_passes", at_the_first)


@defect(caught_by=("discovery/own-dead-server-beside-the-living-one[never]",))
def every_edge_fails_over(patch: pytest.MonkeyPatch) -> None:
    """A partner that is to know no failover tries the next SRV target all the same."""
    from simulator.discovery import selection

    patch.setattr(selection, "_how_many", lambda _domain, ordered, _rules, _unused: len(ordered))


@defect(caught_by=("discovery/own-dead-server-beside-the-living-one[by-priority]",))
def no_edge_fails_over(patch: pytest.MonkeyPatch) -> None:
    """A partner that is to try the next SRV target gives up after the best one."""
    from simulator.partner.personas.persona import Persona

    but = Persona.but

    def without(self: Persona, **changes: Any) -> Persona:
        return but(self, **(changes | {"failover": "best"} if "failover" in changes else changes))

    patch.setattr(Persona, "but", without)
