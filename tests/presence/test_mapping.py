"""The tables between what a person shows and the numbers of Microsoft's formats."""

from __future__ import annotations

import pytest
from hypothesis import given

from simulator.errors import ConfigurationError
from simulator.presence import GENERIC, SKYPE_FOR_BUSINESS, TEAMS, Availability, PresenceMapping, PresenceState
from simulator.presence.scale import AVAILABILITY_SCALE, Row, family
from simulator.strategies import presence_states

A = Availability

RANGES = {
    A.UNKNOWN: range(0, 3000),
    A.AVAILABLE: range(3000, 4500),
    A.AVAILABLE_IDLE: range(4500, 6000),
    A.BUSY: range(6000, 7500),
    A.BUSY_IDLE: range(7500, 9000),
    A.DO_NOT_DISTURB: range(9000, 12000),
    A.BE_RIGHT_BACK: range(12000, 15000),
    A.AWAY: range(15000, 18000),
    A.OFFLINE: range(18000, 20001),
}
"Dialect facts §3.5."


def test_every_number_means_exactly_one_state() -> None:
    expected = {number: state for state, numbers in RANGES.items() for number in numbers}

    assert {number: GENERIC.availability_of(number) for number in range(20001)} == expected


@pytest.mark.parametrize(("number", "state"), [(-1, A.UNKNOWN), (999_999_999, A.OFFLINE)])
def test_numbers_beyond_the_scale_mean_something_too(number: int, state: Availability) -> None:
    assert GENERIC.availability_of(number) is state


@pytest.mark.parametrize("mapping", [GENERIC, SKYPE_FOR_BUSINESS, TEAMS])
@given(state=presence_states())
def test_a_published_number_is_read_as_the_state_it_was_published_for(
    mapping: PresenceMapping, state: PresenceState
) -> None:
    assert mapping.availability_of(mapping.number_of(state)) is state.availability


@pytest.mark.parametrize(
    ("state", "number"),
    [
        (PresenceState(A.AVAILABLE), 3500),
        (PresenceState(A.AVAILABLE_IDLE), 5000),
        (PresenceState(A.BUSY), 6500),
        (PresenceState(A.BUSY_IDLE), 7500),
        (PresenceState(A.DO_NOT_DISTURB), 9500),
        (PresenceState(A.BE_RIGHT_BACK), 12500),
        (PresenceState(A.AWAY), 15500),
        (PresenceState(A.OFFLINE), 18500),
        (PresenceState(A.UNKNOWN), 0),
        (PresenceState(A.BUSY, "on-the-phone"), 6500),
        (PresenceState(A.BUSY, "in-a-conference"), 7000),
        (PresenceState(A.DO_NOT_DISTURB, "in-presentation"), 9000),
        (PresenceState(A.AWAY, "in-presentation"), 15500),
        (PresenceState(A.BUSY_IDLE, "in-a-conference"), 7500),
    ],
)
def test_a_state_is_published_as_the_number_that_traces_show(state: PresenceState, number: int) -> None:
    assert SKYPE_FOR_BUSINESS.number_of(state) == number


def test_teams_presents_with_another_number() -> None:
    assert TEAMS.number_of(PresenceState(A.DO_NOT_DISTURB, "in-presentation")) == 9500


@pytest.mark.parametrize(
    ("state", "classes"),
    [
        (PresenceState(A.AVAILABLE), (300, 400)),
        (PresenceState(A.AVAILABLE_IDLE), (300, 200)),
        (PresenceState(A.BUSY), (300, 600)),
        (PresenceState(A.BUSY_IDLE), (300, 600)),
        (PresenceState(A.DO_NOT_DISTURB), (300, 600)),
        (PresenceState(A.BUSY, "on-the-phone"), (300, 500)),
        (PresenceState(A.DO_NOT_DISTURB, "on-the-phone"), (300, 600)),
        (PresenceState(A.BE_RIGHT_BACK), (300, 300)),
        (PresenceState(A.AWAY), (300, 100)),
        (PresenceState(A.AWAY, "lunch"), (300, 150)),
        (PresenceState(A.OFFLINE), (0, 100)),
        (PresenceState(A.OFFLINE, "on-the-phone"), (0, 100)),
        (PresenceState(A.UNKNOWN), (0, 0)),
    ],
)
def test_a_state_is_published_as_the_classes_that_old_clients_know(
    state: PresenceState, classes: tuple[int, int]
) -> None:
    assert GENERIC.classes_of(state) == classes


@pytest.mark.parametrize(
    ("lowest", "highest", "state"),
    [
        (0, 99, PresenceState(A.AVAILABLE)),
        (100, 149, PresenceState(A.AWAY)),
        (150, 199, PresenceState(A.AWAY, "lunch")),
        (200, 299, PresenceState(A.AVAILABLE_IDLE)),
        (300, 399, PresenceState(A.BE_RIGHT_BACK)),
        (400, 499, PresenceState(A.AVAILABLE)),
        (500, 599, PresenceState(A.BUSY, "on-the-phone")),
        (600, 699, PresenceState(A.BUSY)),
        (700, 799, PresenceState(A.AWAY)),
        (800, 999, PresenceState(A.AVAILABLE)),
    ],
)
def test_an_activity_class_means_one_state_for_whoever_can_be_called(
    lowest: int, highest: int, state: PresenceState
) -> None:
    assert {GENERIC.state_of(300, activity) for activity in range(lowest, highest + 1)} == {state}
    assert GENERIC.state_of(100, lowest) == state


def test_whoever_cannot_be_called_is_offline_or_unknown() -> None:
    assert {GENERIC.state_of(availability, 400) for availability in range(100)} == {PresenceState(A.OFFLINE)}
    assert {GENERIC.state_of(99, activity) for activity in range(100)} == {PresenceState(A.UNKNOWN)}


def test_a_mapping_is_changed_value_by_value() -> None:
    later = GENERIC.but(numbers={A.BUSY_IDLE: 8000}, below_scale=A.OFFLINE, without_activity=A.AWAY)

    assert later.number_of(PresenceState(A.BUSY_IDLE)) == 8000
    assert later.number_of(PresenceState(A.BUSY)) == 6500
    assert later.availability_of(2999) is A.OFFLINE
    assert later.state_of(300, 0) == PresenceState(A.AWAY)
    assert GENERIC.number_of(PresenceState(A.BUSY_IDLE)) == 7500


def test_a_mapping_can_be_a_key_and_knows_its_equals() -> None:
    assert hash(GENERIC.but()) == hash(GENERIC)
    assert GENERIC.but() == GENERIC != SKYPE_FOR_BUSINESS


def test_a_number_of_another_range_is_a_mistake_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"numbers\[busy\]: 9500 is read as do-not-disturb"):
        GENERIC.but(numbers={A.BUSY: 9500})


def test_a_table_without_a_state_is_a_mistake_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match="classes: it has no value for away"):
        PresenceMapping(classes={state: (0, 0) for state in Availability if state is not A.AWAY})


def test_the_rows_of_the_scale_ascend() -> None:
    lowest = [row.lowest for row in AVAILABILITY_SCALE]

    assert lowest == sorted(set(lowest))
    assert AVAILABILITY_SCALE[0] == Row(3000, A.AVAILABLE)


@pytest.mark.parametrize(
    ("state", "first_and_last"),
    [(A.BUSY, (6000, 8999)), (A.BUSY_IDLE, (6000, 8999)), (A.AWAY, (15000, 17999)), (A.OFFLINE, (18000, None))],
)
def test_a_state_and_its_idle_form_are_neighbours(state: Availability, first_and_last: tuple[int, int | None]) -> None:
    assert family(state) == first_and_last


def test_there_is_no_range_for_the_unknown() -> None:
    with pytest.raises(KeyError):
        family(A.UNKNOWN)
