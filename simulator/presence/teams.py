"""The states that Teams shows, and what S4B watchers see of each (dialect facts §3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from simulator.presence.state import Activity, Availability, PresenceState

A = Availability


class TeamsState(StrEnum):
    """Teams' own names for its states."""

    AVAILABLE = "Available"
    AVAILABLE_OOO = "Available, out of office"
    BUSY = "Busy"
    ON_A_CALL = "On a call"
    ON_A_CALL_OOO = "On a call, out of office"
    IN_A_MEETING = "In a meeting"
    DO_NOT_DISTURB = "Do not disturb"
    PRESENTING = "Presenting"
    FOCUSING = "Focusing"
    AWAY = "Away"
    BE_RIGHT_BACK = "Be right back"
    OFF_WORK = "Off work"
    OFFLINE = "Offline"
    UNKNOWN = "Status unknown"
    BLOCKED = "Blocked"
    OUT_OF_OFFICE = "Out of office"


IDLE_SECONDS = 15 * 60
"After this time without a touch Teams shows `Away` (documented)."

Table = Mapping[TeamsState, tuple[Availability, str | None]]

STATES: Table = {
    TeamsState.AVAILABLE: (A.AVAILABLE, None),
    TeamsState.AVAILABLE_OOO: (A.AVAILABLE, Activity.OUT_OF_OFFICE),
    TeamsState.BUSY: (A.BUSY, None),
    TeamsState.ON_A_CALL: (A.BUSY, Activity.ON_THE_PHONE),
    TeamsState.ON_A_CALL_OOO: (A.BUSY, Activity.ON_THE_PHONE),
    TeamsState.IN_A_MEETING: (A.BUSY, Activity.IN_A_MEETING),
    TeamsState.DO_NOT_DISTURB: (A.DO_NOT_DISTURB, None),
    TeamsState.PRESENTING: (A.DO_NOT_DISTURB, Activity.IN_PRESENTATION),
    TeamsState.FOCUSING: (A.DO_NOT_DISTURB, None),
    TeamsState.AWAY: (A.AWAY, None),
    TeamsState.BE_RIGHT_BACK: (A.BE_RIGHT_BACK, None),
    TeamsState.OFF_WORK: (A.AWAY, Activity.OFF_WORK),
    TeamsState.OFFLINE: (A.OFFLINE, None),
    TeamsState.UNKNOWN: (A.UNKNOWN, None),
    TeamsState.BLOCKED: (A.UNKNOWN, None),
    TeamsState.OUT_OF_OFFICE: (A.AWAY, Activity.OUT_OF_OFFICE),
}
"""What S4B watchers see of each: from memory, so give `as_state` another table where you know better. The states that
the facts do not map (out of office, blocked) are inferred."""


def as_state(teams: TeamsState | str, *, table: Table = STATES, note: str | None = None) -> PresenceState:
    """A state of Teams on the S4B scale. Raises ValueError for a name that Teams does not have."""
    return PresenceState(*table[TeamsState(teams)], note=note)


def as_teams(state: PresenceState, *, table: Table = STATES) -> TeamsState:
    """What Teams shows for a state of the S4B scale: the first name that fits with its activity, else without it."""
    if state.availability is not A.AVAILABLE_IDLE:
        state = replace(state, availability=state.availability.without_idle)
        for wanted in ((state.availability, state.activity), (state.availability, None)):
            for teams, shown in table.items():
                if shown == wanted:
                    return teams
    return TeamsState.AWAY
