"""The limits of discovered partners: messages a second, users addressed, a watch list (F1.5; dialect facts §7)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from simulator.io.peering import Cause
from simulator.partner.personas import EdgeHabits

VALIDATION: Final[frozenset[str]] = frozenset({"unknown_user", "certificate", "no_srv", "no_match", "source_domain"})
"Refusals that count as failed validation of a user or domain (F1.31)."


@dataclass
class Conduct:
    """What is known of one discovered partner, by the names of its certificate."""

    recent: deque[float] = field(default_factory=deque)
    "When its requests of the last period came."
    addressed: set[str] = field(default_factory=set)
    "The users that it has asked for."
    failures: int = 0
    "Validation failures in a row."
    undecided: bool = False
    "Whether nothing was found wrong with its last request yet."
    suspicious: bool = False
    "Whether it is on the watch list."


class DiscoveredLimits:
    """Counts what discovered partners do, on the federation's clock; does nothing unless `limit_discovered` is on."""

    def __init__(self, habits: EdgeHabits) -> None:
        self._habits = habits
        self._partners: dict[str, Conduct] = {}

    @property
    def watch_list(self) -> tuple[str, ...]:
        """The partners that are watched, by the names of their certificates."""
        return tuple(sorted(peer for peer, conduct in self._partners.items() if conduct.suspicious))

    def pardon(self, peer: str) -> None:
        """Forget what is known of a partner, as when its domain is put on the allow list."""
        self._partners.pop(peer, None)

    def check(self, peer: str, user: str, now: float) -> tuple[Cause, str] | None:
        """Count a request of `peer` for `user`; the cause and a sentence when it is one too many."""
        if not self._habits.limit_discovered:
            return None
        conduct = self._of(peer)
        if conduct.undecided:
            conduct.failures = 0
        conduct.undecided = True
        rate = self._habits.suspicious_rate if conduct.suspicious else self._habits.discovered_rate
        while conduct.recent and conduct.recent[0] <= now - self._habits.limit_period:
            conduct.recent.popleft()
        if len(conduct.recent) >= rate:
            period = f"{self._habits.limit_period:g} s"
            return (
                "throttled",
                f"{peer} sends more than {rate:g} requests in {period}, the limit of discovered partners.",
            )
        conduct.recent.append(now)
        limit = self._habits.discovered_contacts
        if user not in conduct.addressed and len(conduct.addressed) >= limit:
            conduct.suspicious = True
            return "too_many_contacts", f"{peer} has asked for more than {limit} users; it is put on the watch list."
        conduct.addressed.add(user)
        return None

    def on_refused(self, peer: str, cause: str) -> bool:
        """Count a refusal; True when it puts `peer` on the watch list."""
        if not self._habits.limit_discovered or cause not in VALIDATION:
            return False
        conduct = self._of(peer)
        conduct.undecided = False
        conduct.failures += 1
        if conduct.suspicious or conduct.failures < self._habits.suspicious_failures:
            return False
        conduct.suspicious = True
        return True

    def _of(self, peer: str) -> Conduct:
        return self._partners.setdefault(peer, Conduct())
