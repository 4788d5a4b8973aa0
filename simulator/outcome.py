"""How an attempt to reach a partner ended, and the two things a test says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from simulator.errors import ExpectationFailed


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt to deliver something: a chat text, a subscription, a presence change."""

    delivered: bool
    "True only when the other side confirmed it."
    status: int | None
    "The final SIP status; None when the attempt ended before any SIP answer."
    reason: str
    "The reason phrase of the status, or one sentence of what stopped the attempt earlier."
    phase: str
    "How far it came: `policy`, `discovery`, `connect`, `tls`, or the SIP method in lower case with the final answer."
    diagnostics: tuple[str, ...] = ()
    "What our own user's client is told beyond the status: the values of `ms-diagnostics` (partners of Microsoft's)."
    subject: str = "it"
    "What was attempted, in words that begin a sentence about it: `the message 'Hello' from … to …`."

    def __str__(self) -> str:
        done = "was accepted" if self.phase == "subscribe" else "was delivered"
        reason = self.reason.strip().rstrip(".")
        if self.status is not None:
            answer = f" with {self.status} {reason}".rstrip()
        else:
            answer = f": {reason}" if reason else ""
        return f"{self.subject} {done if self.delivered else 'failed'} in phase {self.phase!r}{answer}"

    def must_succeed(self) -> Self:
        """Return self, or raise ExpectationFailed with a sentence that says how it failed."""
        if not self.delivered:
            raise ExpectationFailed(f"Expected delivery, but {self}.")
        return self

    def must_fail(self, status: int | None = None, phase: str | None = None) -> Self:
        """Return self if it failed, with that status and in that phase where they are given; else ExpectationFailed."""
        right_status = status is None or status == self.status
        right_phase = phase is None or phase == self.phase
        if self.delivered or not right_status or not right_phase:
            wanted = f" with status {status}" if status is not None else ""
            wanted += f" in phase {phase!r}" if phase is not None else ""
            raise ExpectationFailed(f"Expected a failure{wanted}, but {self}.")
        return self
