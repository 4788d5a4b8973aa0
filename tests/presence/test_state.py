"""The six states and Microsoft's number scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.presence.state import MICROSOFT_SCALE, Availability, from_microsoft, to_microsoft


@pytest.mark.parametrize(
    ("number", "availability"),
    [
        (0, Availability.OFFLINE),
        (2999, Availability.OFFLINE),
        (3000, Availability.AVAILABLE),
        (3500, Availability.AVAILABLE),
        (5000, Availability.AVAILABLE),
        (5999, Availability.AVAILABLE),
        (6000, Availability.BUSY),
        (7000, Availability.BUSY),
        (8999, Availability.BUSY),
        (9000, Availability.DO_NOT_DISTURB),
        (11999, Availability.DO_NOT_DISTURB),
        (12000, Availability.BE_RIGHT_BACK),
        (14999, Availability.BE_RIGHT_BACK),
        (15000, Availability.AWAY),
        (17999, Availability.AWAY),
        (18000, Availability.OFFLINE),
        (99999, Availability.OFFLINE),
        (-1, Availability.OFFLINE),
    ],
)
def test_a_number_means_the_state_of_its_row(number: int, availability: Availability) -> None:
    assert from_microsoft(number) is availability


@pytest.mark.parametrize(
    ("availability", "number"),
    [
        (Availability.AVAILABLE, 3500),
        (Availability.BUSY, 6500),
        (Availability.DO_NOT_DISTURB, 9500),
        (Availability.BE_RIGHT_BACK, 12500),
        (Availability.AWAY, 15500),
        (Availability.OFFLINE, 18500),
    ],
)
def test_a_state_is_published_as_the_number_that_traces_show(availability: Availability, number: int) -> None:
    assert to_microsoft(availability) == number


@given(st.sampled_from(Availability))
def test_a_published_state_is_read_as_itself(availability: Availability) -> None:
    assert from_microsoft(to_microsoft(availability)) is availability


def test_the_rows_of_the_scale_ascend_and_hold_their_own_numbers() -> None:
    lowest = [row.lowest for row in MICROSOFT_SCALE]
    assert lowest == sorted(set(lowest))
    for row, following in zip(MICROSOFT_SCALE, [*lowest[1:], 10**6], strict=True):
        assert row.published is None or row.lowest <= row.published < following
