"""Generate topologies, try each on the server, and shrink the first that disagrees with the requirements."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from simulator.errors import ConfigurationError, Problem
from simulator.exploration.building import CAPABILITY, out_of_reach
from simulator.exploration.history import NEEDS, History, HistoryFailed, machine
from simulator.exploration.trying import NEEDS as ACTION_NEEDS
from simulator.exploration.trying import Disagreement, Trial, check
from simulator.federation import Engine
from simulator.io.garbage import rare_collections
from simulator.oracle import Action, Topology, predict, topologies
from simulator.oracle.strategies import ALL_FIELDS, PERSONAS
from simulator.sut import CapabilityMissing

DIRECTIONS: tuple[Action, Action] = ("message to the partner", "message from the partner")


@dataclass
class Report:
    """What was explored."""

    seed: int
    "Repeats it."
    tried: int = 0
    "How many topologies were built."
    seconds: float = 0.0
    "Real time."
    cpu: float = 0.0
    "CPU time of this process."
    classes: Counter[tuple[Action, str, str]] = field(default_factory=Counter)
    "How often each class was met: the action, what happened, and the reason that the oracle gives."
    left_out: tuple[str, ...] = ()
    "The capabilities that the server lacks; what takes them was not tried."
    disagreement: Disagreement | None = None
    "The smallest topology in which server and requirements disagree; None when there is none."
    flaky: bool = False
    "Whether the disagreement did not come back when the same topology was tried again."
    out_of_time: bool = False
    "Whether the time limit ended it."

    def count(self, trial: Trial) -> None:
        """Count a topology and what happened in it."""
        self.tried += 1
        reasons = predict(trial.topology).actions  # with names that are the same each time
        for action in DIRECTIONS:
            if action in trial.outcomes:
                what = "delivered" if trial.outcomes[action].delivered else "failed"
                self.classes[action, what, reasons[action].reason] += 1


@dataclass
class HistoryReport:
    """What was explored of histories."""

    seed: int
    "Repeats it."
    tried: int = 0
    "How many histories."
    seconds: float = 0.0
    "Real time."
    steps: Counter[str] = field(default_factory=Counter)
    "How often each kind of step was done."
    failure: HistoryFailed | None = None
    "The smallest history that goes wrong; None when there is none."
    flaky: bool = False
    "Whether it did not go wrong when it was tried again."
    out_of_time: bool = False
    "Whether the time limit ended it."


class _TimeIsUp(BaseException):
    """Not an Exception, which hypothesis would take for a failure of the example."""


def check_personas(names: Collection[str]) -> None:
    """ConfigurationError with those that the oracle knows, for a name that is none of them."""
    unknown = [name for name in names if name not in PERSONAS]
    if unknown:
        known = ", ".join(PERSONAS)
        message = f"nobody can say what must happen with {', '.join(unknown)}; there are {known}"
        raise ConfigurationError([Problem("--persona", message)])


def explore(
    engine: Engine,
    *,
    examples: int = 100,
    seed: int = 0,
    time_limit: float | None = None,
    personas: Collection[str] | None = None,
    fields: Collection[str] = ALL_FIELDS,
    on_trial: Callable[[Trial], None] = lambda _trial: None,
) -> Report:
    """Try up to `examples` topologies on the server of the engine, for at most `time_limit` seconds.

    The first disagreement is shrunk, which the time limit does not cut short. The same seed tries the same topologies,
    as long as the versions of this package and of hypothesis are the same. `fields` are those of a topology that may
    differ from the plain one. CapabilityMissing for a server with which nobody can federate by the DNS.
    """
    assert engine.sut is not None
    if "open-federation" not in engine.sut.capabilities:
        raise CapabilityMissing(engine.sut.name, "open-federation")
    report = Report(seed, left_out=lacking(engine.sut.capabilities))
    began, cpu = time.monotonic(), time.process_time()
    fixed = {*ALL_FIELDS} - {*fields} | {*out_of_reach(engine.sut.capabilities)}
    drawn = topologies(without=fixed, **({"personas": personas} if personas else {}))

    @hypothesis.seed(seed)
    @_settings(examples)
    @given(drawn)
    def one(topology: Topology) -> None:
        late = time_limit is not None and time.monotonic() - began > time_limit
        if late and report.disagreement is None:
            raise _TimeIsUp
        try:
            trial = check(engine, topology)
        except Disagreement as disagreement:
            report.disagreement = disagreement
            report.count(disagreement.trial)
            raise
        report.count(trial)
        on_trial(trial)

    try:
        with rare_collections():
            one()
    except Disagreement as disagreement:
        report.disagreement = disagreement
    except Flaky:
        report.flaky = True
    except _TimeIsUp:
        report.out_of_time = True
    report.seconds, report.cpu = time.monotonic() - began, time.process_time() - cpu
    return report


def explore_histories(
    engine: Engine, *, examples: int = 20, steps: int = 25, seed: int = 0, time_limit: float | None = None
) -> HistoryReport:
    """Try up to `examples` histories of up to `steps` steps; as `explore` otherwise.

    CapabilityMissing for a server that cannot be told what a history consists of.
    """
    assert engine.sut is not None
    for capability in NEEDS:
        if capability not in engine.sut.capabilities:
            raise CapabilityMissing(engine.sut.name, capability)
    report = HistoryReport(seed)
    began = time.monotonic()

    def count(history: History) -> None:
        report.failure = history.failure or report.failure
        if time_limit is not None and time.monotonic() - began > time_limit and report.failure is None:
            raise _TimeIsUp
        report.tried += 1
        report.steps.update(history.done)

    found = hypothesis.seed(seed)(machine(engine, on_end=count))
    try:
        with rare_collections():
            run_state_machine_as_test(found, settings=_settings(examples, stateful_step_count=steps))
    except HistoryFailed as failure:
        report.failure = failure
    except Flaky:
        report.flaky = True
    except _TimeIsUp:
        report.out_of_time = True
    report.seconds = time.monotonic() - began
    return report


def lacking(capabilities: Collection[str]) -> tuple[str, ...]:
    """What a server with these capabilities would need besides, to have all of it explored."""
    wanted = (*ACTION_NEEDS.values(), "observe-inbox", *CAPABILITY.values(), "licences")
    return tuple(capability for capability in dict.fromkeys(wanted) if capability not in capabilities)


def _settings(examples: int, **others: Any) -> settings:
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        **others,
    )
