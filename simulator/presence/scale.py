"""The number scales of Microsoft's formats as tables: what each number means (dialect facts §3.4 c, §3.5)."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from simulator.presence.state import Availability


class Row(NamedTuple):
    """One range of a scale."""

    lowest: int
    "The first number; the range ends where the next row begins."
    availability: Availability
    "What a watcher shows for it."
    activity: str | None = None
    "The activity that goes with it."


AVAILABILITY_SCALE: tuple[Row, ...] = (
    Row(3000, Availability.AVAILABLE),
    Row(4500, Availability.AVAILABLE_IDLE),
    Row(6000, Availability.BUSY),
    Row(7500, Availability.BUSY_IDLE),
    Row(9000, Availability.DO_NOT_DISTURB),
    Row(12000, Availability.BE_RIGHT_BACK),
    Row(15000, Availability.AWAY),
    Row(18000, Availability.OFFLINE),
)
"Of `application/msrtc-event-categories+xml` (MS-PRES 3.7.5.5), ascending. What is below is a mapping's `below_scale`."

ACTIVITY_CLASSES: tuple[Row, ...] = (
    Row(0, Availability.UNKNOWN),
    Row(100, Availability.AWAY),
    Row(150, Availability.AWAY, "lunch"),
    Row(200, Availability.AVAILABLE_IDLE),
    Row(300, Availability.BE_RIGHT_BACK),
    Row(400, Availability.AVAILABLE),
    Row(500, Availability.BUSY, "on-the-phone"),
    Row(600, Availability.BUSY),
    Row(700, Availability.AWAY),
    Row(800, Availability.AVAILABLE),
)
"Of `text/xml+msrtc.pidf` (MS-SIP 2.2.1), for somebody who can be called at all. The first row says nothing."

CALLABLE = 100
"From this availability class on somebody may be called; below it they are offline (MS-SIP 2.2.1)."


def row_of(number: int, scale: tuple[Row, ...]) -> Row | None:
    """The row that holds a number; None below the first one."""
    at = bisect_right(scale, number, key=lambda row: row.lowest)
    return scale[at - 1] if at else None


def family(availability: Availability) -> tuple[int, int | None]:
    """The first and the last number of a state together with its idle form; the last is None where there is no end.

    Raises KeyError for `unknown`, which has no row.
    """
    rows = [row.lowest for row in AVAILABILITY_SCALE if row.availability.without_idle is availability.without_idle]
    if not rows:
        raise KeyError(availability)
    after = [row.lowest for row in AVAILABILITY_SCALE if row.lowest > rows[-1]]
    return rows[0], after[0] - 1 if after else None
