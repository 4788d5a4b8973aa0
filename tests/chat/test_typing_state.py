"""The timers of both sides of a typing indication (RFC 3994 §3.2, §3.3)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.composing import Composing
from simulator.chat.typing_state import TRANSITIONS, Composer, Key, TypingTimers, TypingWatcher

ACTIVE = Composing(True, "text/plain", 120)
IDLE = Composing(False, "text/plain")


class TestTheComposer:
    def test_tells_the_first_key_and_no_other(self) -> None:
        composer = Composer()

        assert composer.next_timeout() is None
        assert composer.key_pressed(100.0) == ACTIVE
        assert composer.key_pressed(101.0) is None
        assert composer.active

    def test_is_idle_when_no_key_came_for_15_seconds(self) -> None:
        composer = Composer()
        composer.key_pressed(100.0)
        composer.key_pressed(110.0)

        assert composer.next_timeout() == 125.0
        assert composer.handle_timeout(124.9) is None
        assert composer.handle_timeout(125.0) == IDLE
        assert composer.next_timeout() is None
        assert composer.key_pressed(126.0) == ACTIVE

    def test_says_it_again_after_120_seconds_of_typing(self) -> None:
        composer = Composer()
        for second in range(0, 120, 10):
            composer.key_pressed(float(second))

        assert composer.next_timeout() == 120.0
        assert composer.handle_timeout(120.0) == ACTIVE
        composer.key_pressed(121.0)
        assert composer.next_timeout() == 136.0

    def test_ends_with_its_message_and_needs_no_notice(self) -> None:
        composer = Composer()
        composer.key_pressed(100.0)
        composer.message_sent(101.0)

        assert not composer.active
        assert composer.next_timeout() is None
        assert composer.handle_timeout(200.0) is None
        assert composer.key_pressed(201.0) == ACTIVE

    def test_may_send_without_typing(self) -> None:
        composer = Composer()
        composer.message_sent(1.0)

        assert not composer.active

    def test_has_other_timers_where_its_rules_say_so(self) -> None:
        composer = Composer(TypingTimers(idle=5.0, refresh=60), content_type=None)

        assert composer.key_pressed(0.0) == Composing(True, None, 60)
        assert composer.next_timeout() == 5.0

    def test_idles_rather_than_refreshes_when_both_are_due(self) -> None:
        composer = Composer(TypingTimers(idle=60.0, refresh=60))
        composer.key_pressed(0.0)

        assert composer.handle_timeout(60.0) == IDLE


class TestTheWatcher:
    def test_shows_the_peer_typing_until_its_refresh_is_due(self) -> None:
        watcher = TypingWatcher()

        assert watcher.receive(Composing(True, refresh=60), 100.0)
        assert not watcher.receive(Composing(True, refresh=60), 150.0)
        assert watcher.next_timeout() == 210.0
        assert not watcher.handle_timeout(209.9)
        assert watcher.handle_timeout(210.0)
        assert not watcher.active
        assert not watcher.handle_timeout(300.0)

    def test_waits_120_seconds_where_the_peer_does_not_say(self) -> None:
        watcher = TypingWatcher()
        watcher.receive(Composing(True), 100.0)

        assert watcher.next_timeout() == 220.0

    def test_believes_the_peer_that_it_is_idle(self) -> None:
        watcher = TypingWatcher()

        assert not watcher.receive(Composing(False), 1.0)
        watcher.receive(Composing(True), 2.0)
        assert watcher.receive(Composing(False), 3.0)
        assert watcher.next_timeout() is None

    def test_takes_the_message_as_the_end_of_typing(self) -> None:
        watcher = TypingWatcher()

        assert not watcher.message_received()
        watcher.receive(Composing(True), 1.0)
        assert watcher.message_received()
        assert not watcher.active


EVENTS = st.lists(
    st.tuples(st.sampled_from(["press", "send", "wait"]), st.floats(0.0, 200.0, allow_nan=False)), max_size=40
)


@given(EVENTS)
def test_a_watcher_never_shows_a_typist_who_has_stopped_nor_misses_one(events: list[tuple[str, float]]) -> None:
    """Both sides joined by a lossless line, every timer handled in time."""
    composer, watcher, now = Composer(), TypingWatcher(), 0.0
    for what, seconds in events:
        until = now + seconds
        while (due := composer.next_timeout()) is not None and due <= until:
            notice = composer.handle_timeout(due)
            assert notice is not None
            watcher.handle_timeout(due - 0.001)
            watcher.receive(notice, due)
        now = until
        if what == "press":
            notice = composer.key_pressed(now)
            if notice is not None:
                watcher.receive(notice, now)
        elif what == "send":
            composer.message_sent(now)
            watcher.message_received()
        assert watcher.active == composer.active


def test_the_table_has_a_row_for_whatever_can_happen() -> None:
    impossible = {(False, Key.IDLE), (False, Key.REFRESH)}

    assert set(TRANSITIONS) == {(active, what) for active in (True, False) for what in Key} - impossible
