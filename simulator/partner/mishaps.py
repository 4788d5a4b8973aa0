"""What an edge does wrong on purpose with the requests that reach it: the faults of a partner, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from simulator.errors import ExpectationFailed
from simulator.io.conversation import DEADLINE
from simulator.io.link import Link
from simulator.io.loop import LoopThread
from simulator.io.mailbox import Mailbox
from simulator.io.reception import Reception
from simulator.io.user_agent import UserAgent
from simulator.sip.message import Request, Response
from simulator.sip.transaction import ServerTransaction

Kind = Literal["answers", "silent", "late", "closes", "closes-after-taking"]
"""Answers with a status of its own, not at all, or late; ends the connection instead of taking the request, or takes
it and ends the connection instead of answering."""


@dataclass(eq=False, slots=True)
class Mishap:
    """One thing that goes wrong with requests; `end` lets all be right again."""

    loop: LoopThread
    "Where requests come in."
    kind: Kind
    "What."
    method: str | None = None
    "With requests of this method; None: with every one."
    times: int | None = None
    "So often and then no more; None: always."
    status: int = 500
    "For `answers`."
    reason: str | None = None
    "Likewise."
    headers: Sequence[tuple[str, str]] = ()
    "Likewise: further header fields of the answer."
    seconds: float = 0.0
    "For `late`, on the federation's clock."
    admitted: bool = False
    "For `answers`: only with requests that the partner's own checks and policy have let in."
    _befallen: Mailbox[str] = field(default_factory=Mailbox)
    _over: bool = False

    @property
    def requests(self) -> tuple[str, ...]:
        """The start lines of the requests that it happened to so far."""
        return tuple(self._befallen)

    def end(self) -> None:
        """Let it happen no more."""
        self._over = True

    def must_have_happened(self, *, times: int = 1, within: float = DEADLINE) -> None:
        """Wait until it has happened so often; ExpectationFailed after `within` seconds without a request for it."""
        if self.loop.run(self._befallen.find(lambda _line: len(self._befallen) >= times, within=within)) is None:
            what, came = self.method or "request", len(self._befallen)
            seen = f"only {came} of {times}" if came else "none"
            raise ExpectationFailed(f"The partner was to go wrong ({self.kind}) with a {what}, but {seen} reached it.")

    def happens_to(self, request: Request) -> bool:
        """Whether it happens to this request, which counts then."""
        wanted = not self._over and self.method in (None, request.method)
        if not wanted or (self.times is not None and len(self._befallen) >= self.times):
            return False
        self._befallen.put(request.start_line)
        return True


class EdgeReception(Reception):
    """What becomes of requests that a partner has let in, where nothing goes wrong with them only then."""

    def __init__(self, agent: EdgeAgent) -> None:
        super().__init__(agent)
        self._edge = agent

    def take(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Handle the request, unless one of the mishaps befalls it."""
        mishap = next((one for one in self._edge.mishaps if one.admitted and one.happens_to(request)), None)
        if mishap is None:
            super().take(link, transaction, request)
        else:
            self._edge.respond(link, transaction, mishap.status, mishap.reason, headers=mishap.headers)


class EdgeAgent(UserAgent):
    """The user agent of a partner, which can be told to go wrong."""

    def __init__(self, **parts: Any) -> None:
        """`parts` are those of a `UserAgent`."""
        super().__init__(**parts)
        self.mishaps: list[Mishap] = []
        "What goes wrong; the first that happens to a request decides."
        self._unanswered: set[ServerTransaction] = set()
        self.reception = EdgeReception(self)

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Take the request, unless one of the mishaps befalls it."""
        mishap = next((one for one in self.mishaps if not one.admitted and one.happens_to(request)), None)
        match mishap.kind if mishap is not None else None:
            case None:
                super().on_request(link, transaction, request)
            case "answers":
                assert mishap is not None
                self.respond(link, transaction, mishap.status, mishap.reason, headers=mishap.headers)
            case "silent":
                self.log(f"The {request.method} is not answered, on purpose.")
                link.forget(transaction)
            case "late":
                assert mishap is not None
                due = self.now + mishap.seconds
                self.timers.call_at(due, lambda: self._take_late(link, transaction, request))
            case "closes":
                link.close(f"ended at the {request.method}, on purpose")
            case "closes-after-taking":
                self._unanswered.add(transaction)
                super().on_request(link, transaction, request)

    def send_response(self, link: Link, transaction: ServerTransaction, response: Response) -> None:
        """Send it, unless the connection is to end instead."""
        if transaction in self._unanswered and response.status >= 200:
            self._unanswered.discard(transaction)
            link.close(f"ended instead of answering the {transaction.request.method} with {response.status}")
            return
        super().send_response(link, transaction, response)

    def _take_late(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        if link.alive:
            super().on_request(link, transaction, request)
