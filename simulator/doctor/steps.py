"""What an examination of a domain consists of and what each step of it found (issue of the pre-checks, F6.3, F6.5)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal


class Result(enum.Enum):
    """How a step ended; the value is how reports spell it, the order that of their weight."""

    OK = "ok"
    "Nothing stands in the way."
    NOT_CHECKED = "not-checked"
    "The step could not run; what was seen says why."
    WARNING = "warning"
    "Federation works, but not with everybody, or not for long."
    FAILED = "failed"
    "Federation does not work because of this."


TITLES: Final[dict[str, str]] = {
    "srv": "SRV record",
    "name-rule": "Name rule",
    "addresses": "Addresses",
    "tcp": "TCP connection",
    "tls": "TLS handshake",
    "tls-versions": "TLS versions",
    "chain": "Certificate chain",
    "names": "Certificate names",
    "usage": "Key usage",
    "validity": "Validity",
    "revocation": "Revocation list",
    "key": "Key and signature",
    "own-certificate": "Our certificate",
    "sip": "SIP OPTIONS",
}
"""Every step's id and title, in the order of a report. The ids never change their meaning."""

DOMAIN_STEPS: Final = ("srv", "name-rule", "addresses")
"Done once."
SERVER_STEPS: Final = tuple(name for name in TITLES if name not in DOMAIN_STEPS)
"Done for each address."
CERTIFICATE_STEPS: Final = ("chain", "names", "usage", "validity", "revocation", "key")
"Done for each address that presented another certificate."


@dataclass(frozen=True, slots=True)
class Step:
    """One check and what it found."""

    id: str
    "A key of `TITLES`."
    result: Result
    "How it ended."
    seen: tuple[str, ...]
    "Sentences; they may quote what a peer sent, so they are to be escaped before a terminal gets them."
    change: str = ""
    "The one thing to change; empty when nothing has to be."
    where: str = ""
    "`host:port at address` for the steps that are done for each address."
    seconds: float = 0.0
    "How long it took; 0 for a step that did not run, or only compared what earlier ones saw."
    data: Mapping[str, object] = field(default_factory=dict)
    "What was seen for programs: JSON values, described by id in `schema.json`."

    @property
    def title(self) -> str:
        """The step's name for people."""
        return TITLES[self.id]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole examination."""

    domain: str
    "The SIP domain (A-labels)."
    mode: Literal["open", "static"]
    "Whether the server was looked up in the DNS, or named as a static route."
    side: Literal["partner", "ours"]
    "Whose server it is: a partner's, or one's own as partners see it."
    sender: str
    "The domain that the SIP request came from."
    at: datetime
    "The time that certificates were judged by."
    steps: tuple[Step, ...]
    "In the order of `TITLES`; the steps of one address stand together."
    notes: tuple[str, ...]
    "What such an examination cannot see."

    @property
    def verdict(self) -> Literal["good", "incomplete", "bad"]:
        """`bad` when a step failed, `incomplete` when none failed but one could not run."""
        results = {step.result for step in self.steps}
        if Result.FAILED in results:
            return "bad"
        return "incomplete" if Result.NOT_CHECKED in results else "good"

    @property
    def exit_code(self) -> int:
        """1 when something is wrong, else 0."""
        return int(self.verdict == "bad")


def worst(results: Iterable[Result]) -> Result:
    """The weightiest of the results, OK for none."""
    order = list(Result)
    return max(results, key=order.index, default=Result.OK)


def not_checked(ids: Iterable[str], because: str, *, where: str = "", change: str = "") -> list[Step]:
    """Steps that cannot run, each with the same reason."""
    return [Step(name, Result.NOT_CHECKED, (because,), change, where) for name in ids]
