"""The bench itself: what it counts, what it compares, and that its measures run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.bench import run as bench
from tests.bench.measure import Measure, Round, Series, Stopwatch, Target, chosen, run, table

Counting = Callable[[], AbstractContextManager[Round]]


def counting(log: list[str], name: str, values: Iterator[float]) -> Counting:
    """A measure's setup that notes its rounds and gives these values."""

    @contextmanager
    def setup() -> Iterator[Round]:
        def one_round(watch: Stopwatch) -> None:
            log.append(name)
            watch.value = next(values)

        yield one_round
        log.append(f"{name} is left")

    return setup


def series(target: Target, own: list[float], peer: list[float] | None = None) -> Series:
    measure = Measure("own", "", counting([], "own", iter(())), target=target)
    yardstick = Series(Measure("peer", "", counting([], "peer", iter(()))), peer or [])
    return Series(measure, own, peer=yardstick if peer else None)


def test_rounds_of_all_measures_alternate_and_the_warm_ups_do_not_count() -> None:
    log: list[str] = []
    measures = [Measure(name, "", counting(log, name, count(1.0))) for name in ("a", "b")]

    a, b = run(measures, 2)

    assert log == ["a", "b"] * 4 + ["b is left", "a is left"]
    assert a.wall == b.wall == [3.0, 4.0]


def test_only_what_runs_under_the_watch_is_timed_and_shared_among_the_count() -> None:
    watch = Stopwatch()
    sum(range(1000))
    assert watch.wall == 0
    with watch:
        sum(range(100_000))
    whole = watch.wall
    watch.count = 4
    assert 0 < watch.wall == whole / 4


def test_the_ratio_by_round_is_not_moved_by_a_machine_that_slows_down_for_a_while() -> None:
    slowed = series(Target(2, "ratio"), [20, 200, 20, 600], [10, 100, 10, 10])
    assert slowed.median_ratio == 2
    assert slowed.ratio_of_medians == 11


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(30), True),
        (Target(29), False),
        (Target(30, at_least=True), True),
        (Target(31, at_least=True), False),
        (Target(3, "ratio"), True),
        (Target(2.9, "ratio"), False),
        (Target(30, "cpu"), None),
    ],
)
def test_a_target_is_met_up_to_its_limit(target: Target, met: bool | None) -> None:
    assert series(target, [30, 30], [10, 10]).met is met


def test_a_ratio_to_nothing_is_neither_met_nor_missed() -> None:
    assert series(Target(3, "ratio"), [30]).met is None


def test_a_missed_target_stands_in_the_table() -> None:
    line = list(table([series(Target(29), [30, 30], [10, 10])]))[-1]
    assert line.split()[-3:] == ["≤", "29", "MISSED"]
    assert line.count("3.00 ×") == 2


def test_a_chosen_measure_brings_what_it_is_compared_with() -> None:
    assert [measure.name for measure in chosen(bench.MEASURES, "CHAT")] == [
        "bare handshake + echo",
        "new partner, chat each way",
    ]
    assert len(chosen(bench.MEASURES, None)) == len(bench.MEASURES)


def test_names_are_unlike_and_comparisons_lead_somewhere() -> None:
    names = [measure.name for measure in bench.MEASURES]
    assert len(set(names)) == len(names)
    assert {measure.against for measure in bench.MEASURES} <= {*names, None}


def test_every_measure_runs_and_is_written_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bench.json"

    assert bench.main(["--rounds", "1", "--small", "--json", str(file)]) == 0

    written = json.loads(file.read_text(encoding="utf-8"))
    assert [measure["name"] for measure in written["measures"]] == [measure.name for measure in bench.MEASURES]
    assert all(len(measure["rounds"]) == 1 and measure["rounds"][0] > 0 for measure in written["measures"])
    shown = capsys.readouterr().out
    assert all(f"\n{measure.name}" in shown for measure in bench.MEASURES)


def test_a_name_that_no_measure_has_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--only", "nonsense"]) == 2
    assert "bare handshake + echo" in capsys.readouterr().out


def test_no_rounds_at_all_are_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--rounds", "0"])
    assert "a whole number from 1" in capsys.readouterr().err
