"""Answers of the DNS that are kept for their TTL, negative ones too (RFC 1034 §4.3.4, RFC 2308; F1.6)."""

from __future__ import annotations

from dataclasses import replace

from simulator.discovery.records import CONCLUSIVE, Answer, Question
from simulator.discovery.rules import CacheRules


class AnswerCache:
    """What one resolver remembers; time is the caller's, in seconds on any clock that does not go back.

    When it is full, the answer that would be forgotten next makes room.
    """

    def __init__(self, rules: CacheRules | None = None) -> None:
        self.rules = rules if rules is not None else CacheRules()
        self._kept: dict[Question, tuple[float, Answer]] = {}

    def get(self, question: Question, now: float) -> Answer | None:
        """The answer that is kept, its TTL less the time it has been; None when it is to be asked for."""
        key = _key(question)
        found = self._kept.get(key)
        if found is None:
            return None
        expires, answer = found
        if expires <= now:
            del self._kept[key]
            return None
        return replace(answer, ttl=expires - now)

    def put(self, question: Question, answer: Answer, now: float) -> None:
        """Keep an answer that the DNS has given for as long as the rules and its TTL say, which may be not at all."""
        key = _key(question)
        self._kept.pop(key, None)
        seconds = self._seconds(answer)
        if seconds <= 0:
            return
        if len(self._kept) >= self.rules.capacity:
            del self._kept[min(self._kept, key=lambda kept: self._kept[kept][0])]
        self._kept[key] = (now + seconds, answer)

    def clear(self) -> None:
        """Forget everything, as a restart does."""
        self._kept.clear()

    def __len__(self) -> int:
        """How many answers are held, those among them that nobody has asked for since they expired."""
        return len(self._kept)

    def _seconds(self, answer: Answer) -> float:
        if answer.status not in CONCLUSIVE:
            return self.rules.failures
        ttl = answer.ttl or 0.0
        if answer.records:
            return min(max(ttl, self.rules.shortest), self.rules.longest)
        return min(ttl, self.rules.longest_negative)


def _key(question: Question) -> Question:
    """DNS names are the same in either case (RFC 4343)."""
    return Question(question.name.lower().removesuffix("."), question.type)
