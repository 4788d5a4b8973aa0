"""The conformance statement: stable between two runs, and what two of them say about two builds."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from simulator.errors import ConfigurationError
from simulator.scenarios.grades import Graded
from simulator.scenarios.results import Attempt, Outcome, Result, Run
from simulator.scenarios.selection import Catalogue, Scenario
from simulator.scenarios.statement import (
    SCHEMA,
    Statement,
    compare,
    lasting,
    read_statement,
    schema,
    statement_of,
)


def result(name: str, outcome: Outcome, reason: str = "", happened: tuple[Graded, ...] = ()) -> Result:
    scenario = Scenario("trust", name, "must", ("R57",), (), f"{name} works.", f"{name}", f"{name}")
    found = Result(scenario)
    found.add(Attempt(outcome, reason, [], list(happened)))
    return found


def stated(*results: Result) -> Statement:
    run = Run(results, (), False, 1.0, "Connect 9.1")
    return statement_of(run, Catalogue(Path(), tuple(one.scenario for one in results)), profile="sut.toml", seed="7")


OK = Graded("delivered", "ok")
TOLERABLE = Graded("failed", "tolerable", "RFC 2782 forbids it.")


def test_a_statement_says_what_was_tested_and_a_verdict_and_grade_for_each_scenario() -> None:
    document = json.loads(
        stated(
            result("b", Outcome.PASSED, happened=(TOLERABLE, OK)),
            result("a", Outcome.FAILED, "It was delivered to sip:bob@fabrikam12-7f2a.test at 127.0.3.4:40123."),
            result("c", Outcome.NOT_RUN, "it lacks the capability chat"),
            result("d", Outcome.KNOWN, "ticket 7"),
        ).as_json()
    )

    assert document["server"] == {"name": "Connect 9.1", "profile": "sut.toml"}
    assert (document["seed"], document["repeat"], document["catalogue"]["scenarios"]) == ("7", 1, 4)
    assert list(document["scenarios"]) == ["trust/a", "trust/b", "trust/c", "trust/d"]
    assert document["scenarios"]["trust/a"] == {
        "verdict": "failed",
        "grade": "not ok",
        "outcomes": [],
        "reason": "It was delivered to sip:bob@fabrikam.test at 127.x.x.x:port.",
        "tier": "usual",
    }
    assert document["scenarios"]["trust/b"]["grade"] == "tolerable"
    assert document["scenarios"]["trust/b"]["outcomes"] == ["delivered", "failed"]
    assert document["scenarios"]["trust/c"]["grade"] is None


def test_the_schema_that_is_shipped_is_that_of_the_statement_and_fits_one() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema()
    jsonschema.validate(json.loads(stated(result("a", Outcome.PASSED)).as_json()), json.loads(schema()))


def test_the_digest_tells_catalogues_apart() -> None:
    one, other = stated(result("a", Outcome.PASSED)), stated(result("b", Outcome.PASSED))
    assert one.catalogue.digest != other.catalogue.digest
    assert one.catalogue == stated(result("a", Outcome.FAILED)).catalogue


def test_what_differs_in_every_run_is_taken_out_of_a_reason() -> None:
    assert lasting("acme.test: bob@fabrikam3-0a1f.test:40123 said 200 OK at 10:23") == (
        "acme.test: bob@fabrikam.test:port said 200 OK at 10:23"
    )


@pytest.mark.parametrize(
    ("before", "after", "section"),
    [
        (result("a", Outcome.PASSED), result("a", Outcome.FAILED, "no"), "worse"),
        (result("a", Outcome.PASSED), result("a", Outcome.KNOWN, "no"), "worse"),
        (result("a", Outcome.PASSED), result("a", Outcome.NOT_RUN, "no"), "worse"),
        (result("a", Outcome.PASSED), result("a", Outcome.PASSED, happened=(TOLERABLE,)), "worse"),
        (result("a", Outcome.NOT_RUN), result("a", Outcome.FAILED, "no"), "worse"),
        (result("a", Outcome.FAILED), result("a", Outcome.NOT_RUN, "no"), "worse"),
        (result("a", Outcome.FAILED), result("a", Outcome.PASSED), "better"),
        (result("a", Outcome.NOT_RUN), result("a", Outcome.PASSED), "better"),
        (result("a", Outcome.PASSED, happened=(TOLERABLE,)), result("a", Outcome.PASSED), "better"),
    ],
)
def test_a_change_is_better_or_worse(before: Result, after: Result, section: str) -> None:
    found = dict(compare(stated(before), stated(after)).sections())
    assert [name for name, changes in found.items() if changes] == [section]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (result("a", Outcome.FAILED, "no"), result("a", Outcome.KNOWN, "ticket 7")),
        (result("a", Outcome.PASSED, happened=(OK,)), result("a", Outcome.PASSED)),
    ],
)
def test_a_failure_that_is_listed_now_is_neither(before: Result, after: Result) -> None:
    assert all(not changes for _, changes in compare(stated(before), stated(after)).sections())


def test_scenarios_of_one_statement_only_appeared_or_vanished() -> None:
    comparison = compare(stated(result("a", Outcome.PASSED)), stated(result("b", Outcome.FAILED, "no")))
    assert [str(change) for change in comparison.appeared] == ["trust/b: failed (no)"]
    assert [str(change) for change in comparison.vanished] == ["trust/a: passed"]
    assert not comparison.worse


def test_a_file_that_is_no_statement_is_refused_with_its_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text('{"format": 2, "scenarios": {"trust/a": {"verdict": "good"}}}', encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_statement(file)
    assert {problem.place.partition(": ")[2] for problem in refused.value.problems} >= {
        "format",
        "catalogue",
        "scenarios.trust/a.verdict",
    }
