"""What several defects do: change what the server hears from the DNS, or what a side makes of a certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simulator.discovery import Answer, Question
from simulator.trust import Reason, ReasonKind, Rules, Verdict


def server_hears(patch: pytest.MonkeyPatch, change: Callable[[Question, Answer], Answer]) -> None:
    """Let the Connect Server's resolver make something else of every answer."""
    from simulator.connect_server import ways
    from simulator.io.resolver import Resolver

    class Misheard(Resolver):
        async def ask(self, question: Question) -> Answer:
            return change(question, await super().ask(question))

    make = ways.resolver

    def misheard(*arguments: Any) -> Any:
        resolver = make(*arguments)
        resolver.__class__ = Misheard
        return resolver

    patch.setattr(ways, "resolver", misheard)


def srv_records(change: Callable[[Any], Any]) -> Callable[[Question, Answer], Answer]:
    """Change each record of an SRV answer; what becomes None is left out."""

    def of(question: Question, answer: Answer) -> Answer:
        if question.type != "SRV":
            return answer
        records = tuple(new for record in answer.records if (new := change(record)) is not None)
        return replace(answer, records=records)

    return of


def judged_by_server(policy: Any) -> bool:
    """Whether these rules are the Connect Server's: no persona goes without the fallback to the common name."""
    return not policy.rules.cn_fallback


def verdicts(patch: pytest.MonkeyPatch, change: Callable[[Any, Verdict], Verdict], *, of_server: bool = True) -> None:
    """Change each verdict that the server, or else the personas, pass on a certificate in a handshake."""
    from simulator.io.transport import SipTransport

    judge = SipTransport._judge_for

    def changed(self: Any, presented: Any, expected: Any) -> Verdict:
        verdict: Verdict = judge(self, presented, expected)
        return change(presented, verdict) if judged_by_server(self.policy) is of_server else verdict

    patch.setattr(SipTransport, "_judge_for", changed)


def forgive(patch: pytest.MonkeyPatch, *kinds: ReasonKind, of_server: bool = True) -> None:
    """Let the server, or else the personas, accept what has no other fault."""

    def lenient(_presented: Any, verdict: Verdict) -> Verdict:
        return replace(verdict, reasons=tuple(reason for reason in verdict.reasons if reason.kind not in kinds))

    verdicts(patch, lenient, of_server=of_server)


def refuse(patch: pytest.MonkeyPatch, why: str, when: Callable[[Any], bool]) -> None:
    """Let the server refuse certificates, leaf first, for a reason that is none."""

    def strict(presented: Any, verdict: Verdict) -> Verdict:
        if not when(presented.certificates):
            return verdict
        return replace(verdict, reasons=(*verdict.reasons, Reason(ReasonKind.UNREADABLE, why)), pending=())

    verdicts(patch, strict)


def rules_of_personas(patch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change the rules by which every persona judges certificates."""
    from simulator import trust

    judge = trust.judge

    def by_other_rules(presented: Any, *, rules: Rules, **named: Any) -> Verdict:
        return judge(presented, rules=replace(rules, **changes) if rules.cn_fallback else rules, **named)

    patch.setattr(trust, "judge", by_other_rules)


def server_believes(patch: pytest.MonkeyPatch, when: Callable[[Any, Any, Any], bool]) -> None:
    """Let the server believe a sender in spite of a refusal; `when` gets connection, way and refusal."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.account import Refusal
    from simulator.io.admission import Admission

    checked = Admission._refusal_for

    async def believe(self: Any, link: Any, way: Any) -> Any:
        found = await checked(self, link, way)
        if not isinstance(found, Refusal) or not isinstance(self._agent.peering, ConnectServer):
            return found
        return () if when((self, link), way, found) else found

    patch.setattr(Admission, "_refusal_for", believe)


def habits_of_server(patch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change how the server uses connections."""
    from simulator.connect_server import server
    from simulator.io.connections import ConnectionHabits
    from simulator.io.user_agent import UserAgent

    def changed(**named: Any) -> UserAgent:
        return UserAgent(**named, habits=ConnectionHabits(**changes))

    patch.setattr(server, "UserAgent", changed)
