"""What a person's presence says, apart from any format that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Availability(StrEnum):
    """The six states that both Skype for Business and Teams show; formats on the wire know fewer or more."""

    AVAILABLE = "available"
    BUSY = "busy"
    DO_NOT_DISTURB = "do-not-disturb"
    BE_RIGHT_BACK = "be-right-back"
    AWAY = "away"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class PresenceState:
    """One person's presence at one moment."""

    availability: Availability
    "The state that a contact list shows as a colour."
    activity: str | None = None
    "A token in the field's words that says more, such as `on-the-phone` or `in-a-meeting`."
    note: str | None = None
    "The text that the person wrote; untrusted when it came from a peer."


@dataclass(frozen=True, slots=True)
class MicrosoftRange:
    """One row of the number scale of `application/msrtc-event-categories+xml` (MS-PRES 3.7.5.5)."""

    lowest: int
    "The first number of the row; it ends where the next row begins."
    availability: Availability
    "What a watcher shows for it."
    published: int | None
    "The number that a client publishes for this state; None where no trace shows one."
    idle: bool = False
    "True where the state was entered because nobody touched the device."


MICROSOFT_SCALE: tuple[MicrosoftRange, ...] = (
    MicrosoftRange(0, Availability.OFFLINE, None),
    MicrosoftRange(3000, Availability.AVAILABLE, 3500),
    MicrosoftRange(4500, Availability.AVAILABLE, None, idle=True),
    MicrosoftRange(6000, Availability.BUSY, 6500),
    MicrosoftRange(7500, Availability.BUSY, None, idle=True),
    MicrosoftRange(9000, Availability.DO_NOT_DISTURB, 9500),
    MicrosoftRange(12000, Availability.BE_RIGHT_BACK, 12500),
    MicrosoftRange(15000, Availability.AWAY, 15500),
    MicrosoftRange(18000, Availability.OFFLINE, 18500),
)
"Ascending. Below 3000 Microsoft's clients say `unknown`, which contact lists show as offline."


def from_microsoft(number: int) -> Availability:
    """The state that a watcher shows for a published number; negative numbers are unknown, so offline."""
    row = MICROSOFT_SCALE[0]
    for candidate in MICROSOFT_SCALE:
        if number >= candidate.lowest:
            row = candidate
    return row.availability


def to_microsoft(availability: Availability) -> int:
    """The number that a Microsoft client publishes for a state that its user chose."""
    return next(r.published for r in MICROSOFT_SCALE if r.availability is availability and r.published is not None)
