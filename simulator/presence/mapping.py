"""How one product maps its presence onto numbers and words; every doubtful value is a switch (dialect facts §3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from simulator.errors import ConfigurationError, Problem
from simulator.presence.scale import ACTIVITY_CLASSES, AVAILABILITY_SCALE, CALLABLE, row_of
from simulator.presence.state import Availability, PresenceState
from simulator.presence.words import PIDF_IMPLIED, PIDF_WORDS, RPID_WORDS, XPIDF_STATES, XPIDF_WORDS

A = Availability

NUMBERS: Mapping[Availability, int] = {
    A.AVAILABLE: 3500,
    A.AVAILABLE_IDLE: 5000,
    A.BUSY: 6500,
    A.BUSY_IDLE: 7500,
    A.DO_NOT_DISTURB: 9500,
    A.BE_RIGHT_BACK: 12500,
    A.AWAY: 15500,
    A.OFFLINE: 18500,
    A.UNKNOWN: 0,
}

TOKEN_NUMBERS: Mapping[str, int] = {"on-the-phone": 6500, "in-a-conference": 7000, "in-presentation": 9000}

CLASSES: Mapping[Availability, tuple[int, int]] = {
    A.AVAILABLE: (300, 400),
    A.AVAILABLE_IDLE: (300, 200),
    A.BUSY: (300, 600),
    A.BUSY_IDLE: (300, 600),
    A.DO_NOT_DISTURB: (300, 600),
    A.BE_RIGHT_BACK: (300, 300),
    A.AWAY: (300, 100),
    A.OFFLINE: (0, 100),
    A.UNKNOWN: (0, 0),
}

TOKEN_CLASSES: Mapping[str, int] = {"on-the-phone": 500, "lunch": 150}


@dataclass(frozen=True, slots=True)
class PresenceMapping:
    """The tables of one product, in both directions; a persona holds one and derives others with `but`.

    Raises ConfigurationError where a number would be read as another state than the one it is published for.
    """

    numbers: Mapping[Availability, int] = field(default_factory=lambda: NUMBERS, hash=False)
    "Published in `application/msrtc-event-categories+xml`. 5000 and 7500 for the idle states are from memory."
    token_numbers: Mapping[str, int] = field(default_factory=lambda: TOKEN_NUMBERS, hash=False)
    "Published instead, while the activity fits the state: 7000 in a conference, 9000 while presenting (sipe)."
    below_scale: Availability = A.UNKNOWN
    "What a number below 3000 means: the facts say `unknown/offline`, contact lists show it as offline."
    classes: Mapping[Availability, tuple[int, int]] = field(default_factory=lambda: CLASSES, hash=False)
    "Availability and activity class of `text/xml+msrtc.pidf`; 200 for idle, and 0/0 for unknown, are inferred."
    token_classes: Mapping[str, int] = field(default_factory=lambda: TOKEN_CLASSES, hash=False)
    "Activity class published instead, while the activity fits the state."
    without_activity: Availability = A.AVAILABLE
    "What an activity class below 100 means of somebody who can be called (inferred)."
    pidf_words: Mapping[Availability, str | None] = field(default_factory=lambda: PIDF_WORDS, hash=False)
    "The activity that carries each state in `application/pidf+xml` (inferred)."
    pidf_implied: Mapping[str, Availability] = field(default_factory=lambda: PIDF_IMPLIED, hash=False)
    "What an activity says of somebody whose basic status is open (inferred)."
    pidf_closed: frozenset[Availability] = frozenset((A.OFFLINE, A.UNKNOWN))
    "The states whose basic status is closed; that of `unknown` is inferred."
    rpid_words: Mapping[str, str] = field(default_factory=lambda: RPID_WORDS, hash=False)
    "The RFC 4480 element for a token of Microsoft's; read back as that token."
    pidf_note: bool = True
    "Whether PIDF carries the note: Microsoft's servers write only status, activity and name (MS-PRES 1.3.3)."
    xpidf_words: Mapping[Availability, tuple[str, str]] = field(default_factory=lambda: XPIDF_WORDS, hash=False)
    "Status and substatus of `application/xpidf+xml` (from memory: the specification only names the words)."

    def __post_init__(self) -> None:
        problems = [
            *(self._misplaced(f"numbers[{state}]", state, number) for state, number in self.numbers.items()),
            *self._gaps(),
        ]
        if found := [problem for problem in problems if problem is not None]:
            raise ConfigurationError(found)

    def but(self, **changes: Any) -> PresenceMapping:
        """The same mapping with some values changed; a table that is given is laid over the one that is there:
        `GENERIC.but(numbers={Availability.BUSY_IDLE: 8000})`.
        """
        laid: dict[str, Any] = {
            name: {**getattr(self, name), **value} if isinstance(value, Mapping) else value
            for name, value in changes.items()
        }
        return replace(self, **laid)

    def number_of(self, state: PresenceState) -> int:
        """The number that is published for a state."""
        token = self.token_numbers.get(state.activity or "")
        fits = token is not None and self.availability_of(token) is state.availability
        return token if fits and token is not None else self.numbers[state.availability]

    def availability_of(self, number: int) -> Availability:
        """What a watcher shows for a published number, whatever it is."""
        row = row_of(number, AVAILABILITY_SCALE)
        return self.below_scale if row is None else row.availability

    def classes_of(self, state: PresenceState) -> tuple[int, int]:
        """Availability and activity class of the older format."""
        availability, activity = self.classes[state.availability]
        token = self.token_classes.get(state.activity or "")
        if token is not None and availability >= CALLABLE:
            fits = self.state_of(availability, token).availability is state.availability.without_idle
            activity = token if fits else activity
        return availability, activity

    def state_of(self, availability: int, activity: int) -> PresenceState:
        """What a watcher of the older format shows for two classes."""
        row = row_of(activity, ACTIVITY_CLASSES)
        silent = row is None or row.availability is A.UNKNOWN
        if availability < CALLABLE:
            return PresenceState(A.UNKNOWN if silent else A.OFFLINE)
        if row is None or silent:
            return PresenceState(self.without_activity)
        return PresenceState(row.availability, row.activity)

    def xpidf_of(self, state: PresenceState) -> tuple[str, str]:
        """Status and substatus of XPIDF."""
        status, substatus = self.xpidf_words[state.availability]
        if state.activity is not None:
            said = (state.availability.without_idle, state.activity)
            substatus = next((word for word, meaning in XPIDF_STATES.items() if meaning == said), substatus)
        return status, substatus

    def state_of_xpidf(self, status: str, substatus: str) -> PresenceState:
        """What a watcher of XPIDF shows; words that nobody knows say nothing."""
        if status == "closed":
            return PresenceState(A.UNKNOWN if substatus == "unknown" else A.OFFLINE)
        if substatus in XPIDF_STATES:
            return PresenceState(*XPIDF_STATES[substatus])
        return PresenceState({"open": A.AVAILABLE, "inuse": A.BUSY}.get(status, A.UNKNOWN))

    def __str__(self) -> str:
        """The tables that differ from those of `GENERIC`, by name."""
        own = [table.name for table in fields(self) if getattr(self, table.name) != getattr(GENERIC, table.name)]
        return f"the common tables, and its own {', '.join(own)}" if own else "the common tables"

    def _misplaced(self, place: str, state: Availability, number: int) -> Problem | None:
        seen = self.availability_of(number)
        if seen is state or (state is A.UNKNOWN and row_of(number, AVAILABILITY_SCALE) is None):
            return None
        return Problem(place, f"{number} is read as {seen}; publish a number of the range of {state}")

    def _gaps(self) -> list[Problem | None]:
        tables = {
            "numbers": self.numbers,
            "classes": self.classes,
            "pidf_words": self.pidf_words,
            "xpidf_words": self.xpidf_words,
        }
        return [
            Problem(name, f"it has no value for {state}; give it one")
            for name, table in tables.items()
            for state in Availability
            if state not in table
        ]


GENERIC: PresenceMapping = PresenceMapping()
"For whoever follows the RFCs, and the tables as the facts have them."

SKYPE_FOR_BUSINESS: PresenceMapping = GENERIC.but(pidf_note=False)
"Skype for Business Server: PIDF without a note (MS-PRES 1.3.3)."

TEAMS: PresenceMapping = SKYPE_FOR_BUSINESS.but(
    token_numbers={"in-a-conference": 6500, "in-a-meeting": 6500, "in-presentation": 9500}
)
"Teams: presenting is 9500; that it has no number of its own for conferences is inferred (dialect facts §3.6)."
