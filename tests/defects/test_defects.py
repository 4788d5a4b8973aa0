"""Every defect is caught by the scenarios about it, and makes no scenario about something else fail."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.defects.frame import TIME_LIMIT, Defect, all_defects, named, run_catalogue

Record = Callable[[str, object], None]


@pytest.mark.parametrize("defect", all_defects(), ids=lambda defect: defect.id)
def test_defect_is_caught_by_the_scenarios_about_it(defect: Defect, whole: bool, record_property: Record) -> None:
    failures = run_catalogue(defect, *(() if whole else defect.caught_by))
    unrelated = [scenario for scenario in failures if not defect.may_fail(scenario)]
    if unrelated:  # perhaps only too slow for the short waits
        sure = run_catalogue(defect, *unrelated, patient=True)
        failures = {one: text for one, text in failures.items() if one not in unrelated or one in sure}

    missed = [pattern for pattern in defect.caught_by if not any(named(one, (pattern,)) for one in failures)]
    assert not missed, f"{defect.sentence} No scenario of these fails: {', '.join(missed)}"
    assert not [one for one in unrelated if one in failures], "\n\n".join(failures[one] for one in unrelated)
    for words in defect.says:
        assert [text for text in failures.values() if words in text], "\n\n".join([words, *failures.values()])
    record_property("caught", json.dumps([defect.id, sorted(failures)]))


def test_the_sound_server_passes_everything_ten_times_in_random_order(whole: bool) -> None:
    if not whole:
        pytest.skip("with --whole-catalogue only")
    rounds = 10
    again = ("--repeat", str(rounds), "--random-order")
    assert run_catalogue(None, *again, patient=True, time_limit=rounds * TIME_LIMIT) == {}


def test_every_defect_has_a_name_of_its_own() -> None:
    names = [defect.id for defect in all_defects()]
    assert len(names) == len(set(names))


def test_the_scenarios_that_must_catch_a_defect_are_in_the_catalogue() -> None:
    from simulator.scenarios.selection import collect

    known = [scenario.id for scenario in collect().scenarios]
    areas = {scenario.partition("/")[0] for scenario in known}
    for defect in all_defects():
        assert defect.area in areas, defect.id
        assert any(pattern.partition("/")[0] in (defect.area, "*") for pattern in defect.caught_by), defect.id
        for pattern in (*defect.caught_by, *defect.also):
            assert any(named(one, (pattern,)) for one in known), (defect.id, pattern)
