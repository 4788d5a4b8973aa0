"""The states of Teams on the scale of Skype for Business."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.presence import TEAMS, Availability, PresenceState
from simulator.presence.teams import STATES, TeamsState, as_state, as_teams
from simulator.strategies import presence_states

MERGED = {
    TeamsState.ON_A_CALL_OOO: TeamsState.ON_A_CALL,
    TeamsState.FOCUSING: TeamsState.DO_NOT_DISTURB,
    TeamsState.BLOCKED: TeamsState.UNKNOWN,
}
"States for which the older scale has no place of their own."


@pytest.mark.parametrize(
    ("teams", "number", "activity"),
    [
        ("Available", 3500, None),
        ("Busy", 6500, None),
        ("On a call", 6500, "on-the-phone"),
        ("In a meeting", 6500, "in-a-meeting"),
        ("Presenting", 9500, "in-presentation"),
        ("Focusing", 9500, None),
        ("Do not disturb", 9500, None),
        ("Be right back", 12500, None),
        ("Away", 15500, None),
        ("Off work", 15500, "off-work"),
        ("Offline", 18500, None),
    ],
)
def test_older_clients_see_a_number_and_a_token(teams: str, number: int, activity: str | None) -> None:
    state = as_state(teams, note="Hello")

    assert (TEAMS.number_of(state), state.activity, state.note) == (number, activity, "Hello")


@given(st.sampled_from(TeamsState))
def test_every_state_comes_back_as_itself_or_as_the_one_it_is_merged_with(teams: TeamsState) -> None:
    assert as_teams(as_state(teams)) is MERGED.get(teams, teams)


@given(presence_states())
def test_teams_has_a_name_for_everything(state: PresenceState) -> None:
    shown = as_teams(state)

    assert as_teams(as_state(shown)) is shown


@pytest.mark.parametrize(
    ("state", "teams"),
    [
        (PresenceState(Availability.AVAILABLE_IDLE), "Away"),
        (PresenceState(Availability.BUSY_IDLE, "on-the-phone"), "On a call"),
        (PresenceState(Availability.BUSY, "in-a-conference"), "Busy"),
        (PresenceState(Availability.AWAY, "out-of-office"), "Out of office"),
        (PresenceState(Availability.AVAILABLE, "out-of-office"), "Available, out of office"),
    ],
)
def test_a_state_without_a_name_of_its_own_is_shown_as_the_next_best(state: PresenceState, teams: str) -> None:
    assert as_teams(state).value == teams


def test_the_table_is_a_switch() -> None:
    table = {**STATES, TeamsState.PRESENTING: (Availability.DO_NOT_DISTURB, "urgent-interruptions-only")}

    state = as_state("Presenting", table=table)

    assert state.activity == "urgent-interruptions-only"
    assert as_teams(state, table=table) is TeamsState.PRESENTING


def test_a_name_that_teams_does_not_have_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="Juggling"):
        as_state("Juggling")
