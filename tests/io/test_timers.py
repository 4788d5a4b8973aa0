"""Timers on a clock that a test may push ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from simulator.clock import SystemClock
from simulator.io.loop import LoopThread
from simulator.io.timers import Alarm, Timers

HOUR = 3600.0


class Rig:
    """Timers, their clock and what has fired."""

    def __init__(self, loop: LoopThread) -> None:
        self.loop = loop
        self.clock = SystemClock()
        self.timers = loop.call(Timers, self.clock)
        self.fired: list[str] = []
        self.done = threading.Event()

    def plan(self, name: str, after: float) -> None:
        self.loop.call(self.timers.call_at, self.clock.now() + after, lambda: self.fire(name))

    def fire(self, name: str) -> None:
        self.fired.append(name)
        if name == "last":
            self.done.set()


@pytest.fixture
def rig() -> Iterator[Rig]:
    loop = LoopThread()
    loop.start()
    made = Rig(loop)
    yield made
    loop.call(made.timers.close)
    loop.close()


def test_advance_fires_what_became_due_in_order(rig: Rig) -> None:
    rig.plan("last", 3 * HOUR)
    rig.plan("first", HOUR)
    rig.plan("much later", 9 * HOUR)

    rig.clock.advance(4 * HOUR)

    assert rig.done.wait(5)
    assert rig.fired == ["first", "last"]


def test_a_cancelled_timer_does_not_fire(rig: Rig) -> None:
    timer = rig.loop.call(rig.timers.call_at, rig.clock.now() + HOUR, lambda: rig.fire("cancelled"))
    rig.plan("last", 2 * HOUR)

    rig.loop.call(timer.cancel)
    rig.clock.advance(3 * HOUR)

    assert rig.done.wait(5)
    assert rig.fired == ["last"]


def test_an_earlier_timer_overtakes_a_planned_one(rig: Rig) -> None:
    rig.plan("in an hour", HOUR)

    rig.plan("last", 0.001)

    assert rig.done.wait(5)
    assert rig.fired == ["last"]


def test_an_error_in_one_timer_does_not_stop_the_others(rig: Rig) -> None:
    def fail() -> None:
        raise LookupError("a timer failed")

    rig.loop.call(rig.timers.call_at, rig.clock.now() + HOUR, fail)
    rig.plan("last", 2 * HOUR)

    rig.clock.advance(3 * HOUR)

    assert rig.done.wait(5)
    assert ["a timer failed" in error for error in rig.loop.take_errors()] == [True]


def test_the_clock_only_goes_forward(rig: Rig) -> None:
    with pytest.raises(ValueError, match="forward"):
        rig.clock.advance(-1)


def test_an_alarm_is_put_off_moved_and_switched_off(rig: Rig) -> None:
    def use() -> None:
        alarm = Alarm(rig.timers, lambda: rig.fire("alarm"))
        alarm.set(rig.clock.now() + HOUR)
        alarm.set(rig.clock.now() + 3 * HOUR)

    def off() -> None:
        alarm = Alarm(rig.timers, lambda: rig.fire("never"))
        alarm.set(rig.clock.now() + HOUR)
        alarm.set(None)

    rig.loop.call(use)
    rig.loop.call(off)
    rig.clock.advance(2 * HOUR)
    rig.plan("last", 0)
    assert rig.done.wait(5)
    assert rig.fired == ["last"]

    rig.done.clear()
    rig.clock.advance(2 * HOUR)
    rig.plan("last", 0)
    assert rig.done.wait(5)
    assert rig.fired == ["last", "alarm", "last"]


def test_an_alarm_can_be_moved_ahead(rig: Rig) -> None:
    def use() -> None:
        alarm = Alarm(rig.timers, lambda: rig.fire("last"))
        alarm.set(rig.clock.now() + 3 * HOUR)
        alarm.set(rig.clock.now() + HOUR)

    rig.loop.call(use)
    rig.clock.advance(HOUR + 1)

    assert rig.done.wait(5)
