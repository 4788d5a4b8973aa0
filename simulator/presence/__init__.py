"""Presence: what is said, the formats that carry it, and the tables between them (dialect facts §3).

- `PresenceState(availability, activity, note, ...)` is what a person shows; `Availability` and `Activity` are the
  words. Text that XML cannot carry is refused here, with LocalProtocolError.
- `choose(accept, supported)` is the notifier's choice among the media types of an Accept header; None means 406.
- `FORMATS[content_type].write(Publication(...), Style(...))` is a document for one watcher. With `Publication.before`
  the enhanced format says only what has changed. `.as_seen(state, style)` is what the watcher makes of it.
- `read_documents(body, content_type)` is what a watcher calls with whatever arrived: a PresenceDocument for each
  person, none for an empty body. `document.onto(before)` is that person's new state; `.parts` says what it spoke of,
  `.subscription` what a list (RLMI) says of the subscription: active, pending, terminated, resubscribe (`.pool`).
- `Style` holds the layout of PIDF and a `PresenceMapping` (`GENERIC`, `SKYPE_FOR_BUSINESS`, `TEAMS`, `.but(...)`): all
  doubtful numbers and words are its values.
- `rlmi.write(ResourceList(...))` gives body and Content-Type of a batch notification; `batch.write/read` the body of a
  Microsoft SUBSCRIBE, `batch.single(watcher, presentity, action_id=...)` the one for a single contact.
- `teams.as_state("On a call")` is a state of Teams, `teams.as_teams(state)` the way back.
"""

from __future__ import annotations

from simulator.presence.formats import (
    FORMATS,
    PREFERENCE,
    READABLE,
    Format,
    Publication,
    Style,
    choose,
    read_documents,
)
from simulator.presence.mapping import GENERIC, SKYPE_FOR_BUSINESS, TEAMS, PresenceMapping
from simulator.presence.state import (
    ALL_PARTS,
    Activity,
    Availability,
    NoteType,
    Part,
    PresenceDocument,
    PresenceState,
)

__all__ = [
    "ALL_PARTS",
    "FORMATS",
    "GENERIC",
    "PREFERENCE",
    "READABLE",
    "SKYPE_FOR_BUSINESS",
    "TEAMS",
    "Activity",
    "Availability",
    "Format",
    "NoteType",
    "Part",
    "PresenceDocument",
    "PresenceMapping",
    "PresenceState",
    "Publication",
    "Style",
    "choose",
    "read_documents",
]
