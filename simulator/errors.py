"""Every error that the packages raise on purpose; the text of each is a sentence for the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SipfedError(Exception):
    """Base of all errors raised on purpose: `str(error)` says what is wrong and, where possible, what to do."""


class InvalidName(SipfedError, ValueError):
    """A text that is no domain name or FQDN at all, which is not the same as a name that a rule does not allow."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} is not a valid name: {reason}.")
        self.text = text
        self.reason = reason


class ProtocolError(SipfedError):
    """A SIP rule was broken; the two subclasses say by whom."""


class LocalProtocolError(ProtocolError):
    """We were asked to send what no SIP element may send in this state: a bug of the caller."""


class RemoteProtocolError(ProtocolError):
    """The peer sent bytes that no SIP element may send."""

    def __init__(self, reason: str, *, status_hint: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status_hint = status_hint
        "The status to answer with where an answer is still possible (RFC 3261 §21.4)."


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a user's input."""

    place: str
    "Where it stands, for instance `connect.toml: routes[1].port`."
    message: str
    "What is wrong there and what to write instead."

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ConfigurationError(SipfedError):
    """A user's settings, topology or selection is wrong; `problems` names every mistake, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FederationFailed(SipfedError):
    """A partner could not be reached: no permission, no record, no connection, no trust. The text is one sentence."""

    phase = "sip"
    "How far the attempt came: `policy`, `discovery`, `connect`, `tls` or `sip`."


class ExpectationFailed(SipfedError, AssertionError):
    """What a test expected did not happen; the text names what was expected and what was seen last."""
