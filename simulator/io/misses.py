"""How what came differs from what a test expected, in words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from simulator.io.account import PresenceSeen, TextMessage
from simulator.presence.state import PresenceState

SHOWN = 24
"Characters of a text around the first difference."
SHOWN_WHOLE = 80
"Characters of a text that is shown as it is."
COMPARED = 2000
"Characters of a text that decide which one is the nearest."


def text_difference(wanted: str, got: str) -> str:
    """Where two texts differ, in words that follow `it`; empty when they are the same."""
    if wanted == got:
        return ""
    for form in ("NFC", "NFKC"):
        if unicodedata.normalize(form, wanted) == unicodedata.normalize(form, got):
            return f"has the same characters, composed in another way (equal after {form})"
    if wanted.split() == got.split():
        return "differs only in blanks and line ends"
    if wanted.casefold() == got.casefold():
        return "differs only in capital letters"
    place = next((i for i, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), min(len(wanted), len(got)))
    if place == len(got):
        return f"ends after {place} characters, where {wanted[place : place + SHOWN]!r} is missing"
    if place == len(wanted):
        return f"goes on after {place} characters with {got[place : place + SHOWN]!r}"
    return f"has {got[place : place + SHOWN]!r} at character {place + 1} instead of {wanted[place : place + SHOWN]!r}"


def shortened(text: str) -> str:
    """A text in quotes; of a long one the beginning, and how long it is."""
    if len(text) <= SHOWN_WHOLE:
        return repr(text)
    return f"{text[:SHOWN] + '…'!r} ({len(text)} characters)"


def nearest_message(text: str | None, sender: str | None, came: Iterable[TextMessage]) -> str:
    """A sentence about the message that came nearest, and how it differs; empty when nothing came."""

    def nearness(message: TextMessage) -> float:
        alike = SequenceMatcher(None, text[:COMPARED], message.text[:COMPARED]).ratio() if text is not None else 1.0
        return alike + (0.5 if sender in (None, message.sender) else 0.0)

    nearest = max(came, key=nearness, default=None)
    if nearest is None:
        return ""
    differences = [text_difference(text, nearest.text)] if text is not None else []
    if sender not in (None, nearest.sender):
        differences.append(f"is from {nearest.sender} instead of {sender}")
    shown = nearest.text if len(nearest.text) <= SHOWN else nearest.text[:SHOWN] + "…"
    said = " and ".join(filter(None, differences))
    return f" The nearest, {shown!r}, {said}." if said else ""


def unlike(wanted: Mapping[str, object], state: PresenceState) -> list[str]:
    """The fields of a state that are not as wanted, a piece of a sentence each. An empty text wants none."""
    return [
        f"{name} {_shown(getattr(state, name))} instead of {_shown(value)}"
        for name, value in wanted.items()
        if (getattr(state, name) or "") != value
    ]


def nearest_state(wanted: Mapping[str, object], seen: Iterable[PresenceSeen]) -> str:
    """What was seen last, and what came nearest when that was something else, as the end of a sentence."""
    seen = list(seen)
    if not seen:
        return "it saw no notification at all"
    last = f"it saw last {describe(seen[-1])}"
    states = [one.state for one in seen if one.state is not None]
    if not states:
        return last
    nearest = min(reversed(states), key=lambda state: len(unlike(wanted, state)))
    differing = ", ".join(unlike(wanted, nearest))
    if not differing:
        return f"{last}; what was wanted had been taken before"
    return f"{last}; the nearest had {differing}"


def describe(seen: PresenceSeen) -> str:
    """A notification in a few words."""
    if seen.state is None:
        return f"a notification without a state ({seen.subscription})"
    state = seen.state
    said = [state.availability.value, state.activity, f"note {state.note!r}" if state.note else None]
    return ", ".join(filter(None, said)) + f" ({seen.content_type} by {seen.came_by})"


def _shown(value: object) -> str:
    return "none" if value in (None, "") else f"{str(value)!r}"
