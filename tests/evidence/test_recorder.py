"""The recorder keeps the newest records, gives them by mark and writes them as JSON lines."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator

import pytest

from simulator.clock import SystemClock
from simulator.evidence import Recorder


def test_a_record_has_the_time_of_the_clock() -> None:
    clock = SystemClock()
    clock.advance(100)
    before = clock.now()

    record = Recorder(clock).log("acme", "started")

    assert before <= record.at <= clock.now()


def test_a_record_of_the_past_keeps_its_own_time() -> None:
    assert Recorder(SystemClock()).record("dns", "dns", "question", at=1.5).at == 1.5


def test_since_gives_what_was_written_after_the_mark() -> None:
    recorder = Recorder(SystemClock())
    recorder.log("acme", "before")
    mark = recorder.mark()
    after = [recorder.log("acme", "first"), recorder.log("acme", "second")]

    assert recorder.since(mark) == after
    assert len(recorder.since(0)) == 3
    assert recorder.since(recorder.mark()) == []


def test_only_the_newest_records_are_kept_and_the_others_are_counted() -> None:
    recorder = Recorder(SystemClock(), capacity=3)
    mark = recorder.mark()
    for number in range(5):
        recorder.log("acme", str(number))

    assert [record.text for record in recorder.since(mark)] == ["2", "3", "4"]
    assert recorder.lost_since(mark) == 2
    assert [record.text for record in recorder.since(4)] == ["4"]
    assert recorder.lost_since(4) == 0


def test_a_recorder_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Recorder(SystemClock(), capacity=0)


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_a_reader_may_read_while_another_thread_writes() -> None:
    recorder = Recorder(SystemClock(), capacity=50)
    written = 5000

    def write() -> None:
        for number in range(written):
            recorder.log("acme", str(number))

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        mark = max(0, recorder.mark() - 20)
        numbers = [int(record.text) for record in recorder.since(mark)]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else mark == 0
        assert not numbers or numbers[0] == max(mark, numbers[-1] - 49)
    writer.join()
    assert recorder.mark() == written


def test_json_lines_hold_everything_even_bytes_that_are_no_text() -> None:
    recorder = Recorder(SystemClock())
    recorder.sip_sent("acme", "fabrikam", b"MESSAGE sip:b\xff@x SIP/2.0\r\n\r\n\xc3\xa4")
    recorder.dns_answer("dns", "acme", "fabrikam.test", "A", "NOERROR", ["127.0.0.1"])

    lines = Recorder.to_json_lines(recorder.since(0))

    assert lines.isascii()
    sip, dns = (json.loads(line) for line in lines.splitlines())
    assert sip["text"].encode("utf-8", "surrogateescape") == b"MESSAGE sip:b\xff@x SIP/2.0\r\n\r\n\xc3\xa4"
    assert (sip["who"], sip["peer"], sip["layer"], sip["what"]) == ("acme", "fabrikam", "sip", "sent")
    assert dns["data"] == {"name": "fabrikam.test", "type": "A", "rcode": "NOERROR", "answers": ["127.0.0.1"]}


def test_data_that_json_does_not_know_is_written_as_its_text() -> None:
    recorder = Recorder(SystemClock())
    recorder.log("acme", "why", error=ValueError("no"))

    assert json.loads(Recorder.to_json_lines(recorder.since()))["data"] == {"error": "no"}
