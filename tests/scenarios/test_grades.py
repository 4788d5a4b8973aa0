"""Outcomes with grades: which are listed, which happened, and how good that is."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import ConfigurationError, ExpectationFailed
from simulator.outcome import Outcome
from simulator.scenarios.grades import Outcomes, graded, happened, watching, worst

TABLE: Outcomes = {
    "delivered": "ok",
    "failed 504": ("tolerable", "RFC 2782 forbids an alias."),
    "failed in tls": ("not ok", "The certificate is good."),
    "failed": ("tolerable", "Nobody says how."),
}


def attempt(delivered: bool, status: int | None, phase: str) -> Outcome:
    return Outcome(delivered, status, "", phase)


@pytest.mark.parametrize(
    ("outcome", "listed", "grade"),
    [
        (attempt(True, 200, "message"), "delivered", "ok"),
        (attempt(False, 504, "invite"), "failed 504", "tolerable"),
        (attempt(False, 403, "invite"), "failed", "tolerable"),
        ("delivered", "delivered", "ok"),
    ],
)
def test_an_outcome_is_found_by_the_nearest_name(outcome: Outcome | str, listed: str, grade: str) -> None:
    with watching("trust/it", graded(TABLE)) as seen:
        assert happened(outcome) == grade
    assert [one.outcome for one in seen] == [listed]


def test_an_outcome_that_is_not_ok_fails_with_its_reason() -> None:
    refused = pytest.raises(ExpectationFailed, match=r"Not acceptable, but it failed in phase 'tls'\. The certif")
    with watching("trust/it", graded(TABLE)) as seen, refused:
        happened(attempt(False, None, "tls"))
    assert [one.grade for one in seen] == ["not ok"]


def test_an_outcome_that_is_not_listed_fails_with_the_list() -> None:
    said = r"the outcome was 'lost'\. Listed: delivered \(ok\)\."
    with watching("trust/it", graded({"delivered": "ok"})) as seen:
        with pytest.raises(ExpectationFailed, match=said):
            happened("lost")
        happened("delivered")
    assert len(seen) == 1


def test_a_scenario_that_lists_outcomes_says_which_happened() -> None:
    with pytest.raises(ExpectationFailed, match="never said"), watching("trust/it", graded(TABLE)):
        pass


def test_a_scenario_without_outcomes_cannot_say_that_one_happened() -> None:
    with pytest.raises(ConfigurationError, match="trust/it: lists no outcomes"), watching("trust/it", ()):
        happened("delivered")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"delivered": "good"}, "'good' is no grade; the grades are ok, tolerable, not ok"),
        ({"delivered": "tolerable"}, "needs a reason"),
    ],
)
def test_a_table_with_a_mistake_is_refused_when_the_module_is_read(table: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        graded(table)


def test_the_worst_grade_counts() -> None:
    assert worst(["ok", "tolerable", "ok"]) == "tolerable"
    assert worst([]) == "ok"
