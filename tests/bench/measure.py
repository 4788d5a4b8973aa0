"""What a bench is made of: measures, their rounds, and what the rounds of several measures say side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from statistics import median
from types import TracebackType
from typing import Literal

WARM_UPS = 2
"Rounds of each measure that are not counted: imports, caches and lazily made contexts."

Round = Callable[["Stopwatch"], object]
Progress = Callable[[int], object]
Of = Literal["wall", "cpu", "ratio"]


class Stopwatch:
    """Times one round: what runs inside `with watch:` counts, what is outside of it is clearing up.

    A round that does something many times sets `count`, and the result is for one of them. A round that measures
    something else than time (memory, messages a second) sets `value`, and no time is taken from it.
    """

    def __init__(self) -> None:
        self.count = 1
        self.value: float | None = None
        self._wall = self._cpu = 0.0

    def __enter__(self) -> None:
        self._cpu -= time.process_time()
        self._wall -= time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wall += time.perf_counter()
        self._cpu += time.process_time()

    @property
    def wall(self) -> float:
        """Milliseconds for one, or the value that the round gave."""
        return self._wall * 1000 / self.count if self.value is None else self.value

    @property
    def cpu(self) -> float | None:
        """Milliseconds of all threads of this process for one; None when the round measured something else."""
        return self._cpu * 1000 / self.count if self.value is None else None


@dataclass(frozen=True, slots=True)
class Target:
    """What is aimed at. A target that is missed is shown and fails nothing: machines differ, and are busy at times."""

    limit: float
    "In the unit of the measure; for `ratio` a plain number."
    of: Of = "wall"
    "Which median it is about; `ratio` is the median over the rounds of the ratio to the measure it is compared with."
    at_least: bool = False
    "Whether more is better."

    def __str__(self) -> str:
        sign, suffix = "≥" if self.at_least else "≤", {"wall": "", "cpu": " CPU", "ratio": " ×"}[self.of]
        return f"{sign} {self.limit:g}{suffix}"


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the table."""

    name: str
    "Short, and unlike every other one."
    about: str
    "What a round does, in a sentence."
    setup: Callable[[], AbstractContextManager[Round]]
    "Makes what all rounds share and gives the function that does one round; left again after the last one."
    unit: str = "ms"
    "Of the value."
    against: str | None = None
    "Name of the measure that it is shown as a ratio to, from the same run."
    target: Target | None = None
    "What is aimed at, if anything."
    most: int | None = None
    "Rounds at most, without warm-ups, for one whose rounds take seconds; that of what it is compared with is the same."


@dataclass(slots=True)
class Series:
    """What the rounds of one measure gave."""

    measure: Measure
    "What was measured."
    wall: list[float] = field(default_factory=list)
    "Milliseconds of real time, or values in the measure's own unit; one a round."
    cpu: list[float] = field(default_factory=list)
    "Milliseconds of processor time of all threads; empty for a measure with values of its own."
    peer: Series | None = None
    "The series it is compared with."

    @property
    def ratio_of_medians(self) -> float | None:
        """This median over the peer's."""
        return None if self.peer is None else median(self.wall) / median(self.peer.wall)

    @property
    def median_ratio(self) -> float | None:
        """The median of the rounds' ratios: a machine that slows down for a while slows both halves of a round."""
        if self.peer is None:
            return None
        return median(own / other for own, other in zip(self.wall, self.peer.wall, strict=True))

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None when there is none, or nothing to compare it with."""
        target = self.measure.target
        if target is None:
            return None
        value = {"wall": median(self.wall), "cpu": median(self.cpu) if self.cpu else None, "ratio": self.median_ratio}
        measured = value[target.of]
        if measured is None:
            return None
        return measured >= target.limit if target.at_least else measured <= target.limit


def chosen(measures: Sequence[Measure], pattern: str | None) -> list[Measure]:
    """The measures with `pattern` in their names, in their order, and those that they are compared with."""
    wanted = {measure.name for measure in measures if pattern is None or pattern.lower() in measure.name.lower()}
    wanted |= {measure.against for measure in measures if measure.name in wanted and measure.against is not None}
    return [measure for measure in measures if measure.name in wanted]


def run(measures: Sequence[Measure], rounds: int, progress: Progress = lambda _done: None) -> list[Series]:
    """Do `rounds` rounds of every measure, one of each in turn (A B C A B C …), so that all meet the same machine."""
    with ExitStack() as stack:
        prepared = [(Series(measure), stack.enter_context(measure.setup())) for measure in measures]
        for _ in range(WARM_UPS):
            for series, one_round in prepared:
                if series.measure.most is None:
                    one_round(Stopwatch())
        for done in range(rounds):
            progress(done)
            for series, one_round in prepared:
                if series.measure.most is not None and done >= series.measure.most:
                    continue
                watch = Stopwatch()
                one_round(watch)
                series.wall.append(watch.wall)
                if watch.cpu is not None:
                    series.cpu.append(watch.cpu)
    by_name = {series.measure.name: series for series, _ in prepared}
    for series in by_name.values():
        series.peer = by_name.get(series.measure.against or "")
    return list(by_name.values())


HEADINGS = ("measure", "unit", "median", "lowest", "CPU", "compared with", "ratio", "by round", "target", "")


def table(results: Sequence[Series]) -> Iterator[str]:
    """The results as lines of text: numbers to the right, the two ratios side by side, target and whether it is met."""
    rows = [HEADINGS, *(_row(series) for series in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    numbers = {"median", "lowest", "CPU", "ratio", "by round"}
    for index, row in enumerate(rows):
        cells = (
            cell.rjust(width) if heading in numbers else cell.ljust(width)
            for heading, cell, width in zip(HEADINGS, row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()
        if index == 0:
            yield "  ".join("-" * width for width in widths).rstrip()


def _row(series: Series) -> tuple[str, ...]:
    measure = series.measure
    return (
        measure.name,
        measure.unit,
        f"{median(series.wall):.2f}",
        f"{min(series.wall):.2f}",
        f"{median(series.cpu):.2f}" if series.cpu else "",
        series.peer.measure.name if series.peer else "",
        _times(series.ratio_of_medians),
        _times(series.median_ratio),
        str(measure.target or ""),
        {True: "met", False: "MISSED", None: ""}[series.met],
    )


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f} ×"


def as_json(results: Sequence[Series]) -> list[dict[str, object]]:
    """The results for a machine: every round's figure beside the medians."""
    return [
        {
            "name": series.measure.name,
            "about": series.measure.about,
            "unit": series.measure.unit,
            "median": median(series.wall),
            "median_cpu": median(series.cpu) if series.cpu else None,
            "against": series.peer.measure.name if series.peer else None,
            "ratio_of_medians": series.ratio_of_medians,
            "median_ratio": series.median_ratio,
            "target": str(series.measure.target) if series.measure.target else None,
            "met": series.met,
            "rounds": series.wall,
            "rounds_cpu": series.cpu,
        }
        for series in results
    ]
