"""What a person's presence says, apart from any format that carries it (dialect facts §3.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum

from simulator.errors import LocalProtocolError
from simulator.markup import check_text


class Availability(StrEnum):
    """The states of Microsoft's scale; formats other than `application/msrtc-event-categories+xml` know fewer."""

    AVAILABLE = "available"
    AVAILABLE_IDLE = "available-idle"
    "There, but nobody touched the device for a while; shown as `Inactive`."
    BUSY = "busy"
    BUSY_IDLE = "busy-idle"
    DO_NOT_DISTURB = "do-not-disturb"
    BE_RIGHT_BACK = "be-right-back"
    AWAY = "away"
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    "Nothing is known: no permission yet, or a number below the scale."

    @property
    def without_idle(self) -> Availability:
        """The state that the user chose or the calendar set, before nobody touched the device."""
        return _WITHOUT_IDLE.get(self, self)


_WITHOUT_IDLE = {
    Availability.AVAILABLE_IDLE: Availability.AVAILABLE,
    Availability.BUSY_IDLE: Availability.BUSY,
}


class Activity(StrEnum):
    """Tokens that say more than the availability does; a peer may send any other one (Lync schema, RFC 4480 §3.2)."""

    ON_THE_PHONE = "on-the-phone"
    IN_A_CONFERENCE = "in-a-conference"
    IN_A_MEETING = "in-a-meeting"
    URGENT_INTERRUPTIONS_ONLY = "urgent-interruptions-only"
    IN_PRESENTATION = "in-presentation"
    OFF_WORK = "off-work"
    OUT_OF_OFFICE = "out-of-office"
    LUNCH = "lunch"


class NoteType(StrEnum):
    """Who made a note: the user, or the out-of-office assistant (dialect facts §3.4 a)."""

    PERSONAL = "personal"
    OOF = "OOF"


@dataclass(frozen=True, slots=True)
class PresenceState:
    """One person's presence at one moment.

    Raises LocalProtocolError for text that no XML document can hold (control characters, half surrogate pairs) and for
    a moment without time zone.
    """

    availability: Availability
    "The state that a contact list shows as a colour."
    activity: str | None = None
    "A token in the field's words that says more, such as `on-the-phone`; see `Activity`."
    note: str | None = None
    "The text that the person wrote; untrusted when it came from a peer."
    note_type: NoteType = NoteType.PERSONAL
    "Personal, or what the out-of-office assistant shows; only the enhanced format carries it."
    display_name: str | None = None
    "The name that a contact list shows; untrusted when it came from a peer."
    device: str | None = None
    "What the person sits at, such as `computer`; only the enhanced format carries it."
    last_active: datetime | None = None
    "When the person last touched the device, with its time zone; only the enhanced format carries it, in seconds."

    def __post_init__(self) -> None:
        for text in (self.activity, self.note, self.display_name, self.device):
            if text is not None:
                check_text(text)
        if self.last_active is not None and self.last_active.tzinfo is None:
            raise LocalProtocolError(
                f"The moment {self.last_active} of a presence state has no time zone; give it one."
            )

    def trimmed(self) -> PresenceState:
        """The state without blanks around its texts, as every format carries it; a blank text is none."""
        activity, note = trim(self.activity), trim(self.note)
        name, device = trim(self.display_name), trim(self.device)
        if (activity, note, name, device) == (self.activity, self.note, self.display_name, self.device):
            return self if note is not None or self.note_type is NoteType.PERSONAL else self._without_note()
        trimmed = replace(self, activity=activity, note=note, display_name=name, device=device)
        return trimmed if note is not None else trimmed._without_note()

    def _without_note(self) -> PresenceState:
        return replace(self, note=None, note_type=NoteType.PERSONAL)


class Part(Enum):
    """What a document may speak of by itself; a part that it leaves out is unchanged (dialect facts §3.4 a)."""

    STATE = ("availability", "activity", "device", "last_active")
    NOTE = ("note", "note_type")
    CARD = ("display_name",)


ALL_PARTS = frozenset(Part)


@dataclass(frozen=True, slots=True)
class PresenceDocument:
    """What one document, or one part of a batch, says about one person."""

    entity: str | None
    "The URI of the person, with its scheme; None where the document names nobody."
    state: PresenceState
    "What it says; only the `parts` count."
    parts: frozenset[Part] = ALL_PARTS
    "What it speaks of. A format that always says everything names all parts."
    subscription: str | None = None
    "In a batch (RLMI) the state of this person's subscription: `active`, `pending`, `terminated`, `resubscribe`."
    reason: str | None = None
    "Why a subscription in a batch ended (RFC 4662 §5.3)."
    pool: str | None = None
    "With `resubscribe`: the pool to ask next; None means to ask the person's own URI."

    def onto(self, before: PresenceState | None) -> PresenceState:
        """The state after this document, given the one before it; None where nothing was known yet."""
        if self.parts == ALL_PARTS:
            return self.state
        known = before if before is not None else PresenceState(Availability.UNKNOWN)
        said = {name: getattr(self.state, name) for part in self.parts for name in part.value}
        return replace(known, **said)


def trim(text: str | None) -> str | None:
    """The text without blanks around it, None where nothing is left."""
    return (text.strip() or None) if text else None
