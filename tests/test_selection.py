"""What a catalogue holds, and which scenarios a selector names."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ConfigurationError
from simulator.scenarios import scenario
from simulator.scenarios.selection import BrokenModule, Catalogue, Scenario, collect

HEAD = "import pytest\nfrom simulator.scenarios import scenario\n"
SCENARIO = '@scenario(level="must", sources=("R1",))\ndef test_{}():\n    """It works."""\n'


def made_up(identifier: str) -> Scenario:
    area, _, name = identifier.partition("/")
    return Scenario(
        area, name, "must", ("R1",), (), "It works.", f"test_{area}.py::{name}", f"/c/test_{area}.py::{name}"
    )


CATALOGUE = Catalogue(
    Path("/c"),
    tuple(
        made_up(identifier)
        for identifier in (
            "trust/wildcard-refused",
            "trust/expired-refused",
            "trust-list/wildcard-kept",
            "names/rule[equal]",
            "names/rule[one-below]",
            "names/ruler",
            "discovery/no-srv",
        )
    ),
    (BrokenModule(Path("/c/test_presence.py"), "test_presence.py", "SyntaxError"),),
)


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ((), [scenario.name for scenario in CATALOGUE.scenarios]),
        (("trust",), ["wildcard-refused", "expired-refused"]),
        (("trust/wildcard-refused",), ["wildcard-refused"]),
        (("trust/*",), ["wildcard-refused", "expired-refused"]),
        (("*/wildcard*",), ["wildcard-refused", "wildcard-kept"]),
        (("trust*",), ["wildcard-refused", "expired-refused", "wildcard-kept"]),
        (("*/rule?",), ["ruler"]),
        (("names/rule",), ["rule[equal]", "rule[one-below]"]),
        (("names/rule[equal]",), ["rule[equal]"]),
        (("names/rule[*below]",), ["rule[one-below]"]),
        (("trust/expired-refused", "names/ruler", "*expired*"), ["expired-refused", "ruler"]),
        (("names/ruler", "trust/expired-refused"), ["expired-refused", "ruler"]),
    ],
)
def test_a_selector_names_areas_scenarios_cases_and_patterns(selectors: tuple[str, ...], expected: list[str]) -> None:
    assert [one.name for one in CATALOGUE.select(selectors).scenarios] == expected


def test_no_selector_keeps_the_broken_modules_and_another_area_leaves_them_out() -> None:
    assert CATALOGUE.select(()).broken == CATALOGUE.broken
    assert CATALOGUE.select(["trust"]).broken == ()


@pytest.mark.parametrize("selector", ["presence", "presence/anything", "pres*"])
def test_a_selector_of_a_broken_module_keeps_it_since_its_scenarios_are_unknown(selector: str) -> None:
    assert CATALOGUE.select([selector]).broken == CATALOGUE.broken


def test_pytest_is_given_what_is_selected_and_no_module_that_it_could_only_half_read() -> None:
    assert CATALOGUE.select(["presence", "names/ruler"]).arguments == ["/c/test_names.py::ruler"]


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("trsut", "Did you mean trust?"),
        ("trust/expired-refuse", "Did you mean trust/expired-refused"),
        ("Trust", "Did you mean trust"),
        ("no-srv", "Did you mean discovery/no-srv?"),
    ],
)
def test_an_unknown_selector_is_told_the_nearest_names(selector: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CATALOGUE.select([selector])
    assert hint in str(refused.value)
    assert "The areas are discovery, names, presence, trust, trust-list;" in str(refused.value)


def test_a_selector_that_is_near_to_nothing_gets_no_hint() -> None:
    with pytest.raises(ConfigurationError) as refused:
        CATALOGUE.select(["qqqqqq"])
    assert "Did you mean" not in str(refused.value)


def test_every_unknown_selector_is_named_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        CATALOGUE.select(["nope", "trust", "never", "nope"])
    assert [problem.place for problem in refused.value.problems] == ["selector 'nope'", "selector 'never'"]


def test_a_scenario_is_read_from_the_names_the_mark_and_the_docstring(pytester: pytest.Pytester) -> None:
    module = pytester.makepyfile(
        test_open_federation=HEAD
        + '''
@scenario(level="should", sources=("R40", "F1.22"), needs=("open-federation",))
@pytest.mark.parametrize("domain", ["a_b.example"])
def test_no_srv_record(domain):
    """Nothing is sent where there is no SRV record.

    More about it.
    """
'''
    )
    (item,), _recorder = pytester.inline_genitems(module)
    found = Scenario.from_item(item)
    assert found == Scenario(
        area="open-federation",
        name="no-srv-record[a_b.example]",
        level="should",
        sources=("R40", "F1.22"),
        needs=("open-federation",),
        sentence="Nothing is sent where there is no SRV record.",
        nodeid="test_open_federation.py::test_no_srv_record[a_b.example]",
        argument=f"{module}::test_no_srv_record[a_b.example]",
    )
    assert found.id == "open-federation/no-srv-record[a_b.example]"
    assert found.family == "open-federation/no-srv-record"


def test_several_modules_make_one_area(tmp_path: Path) -> None:
    for module, test in (("presence", "one"), ("presence__later", "two")):
        (tmp_path / f"test_{module}.py").write_text(HEAD + SCENARIO.format(test), encoding="utf-8")
    assert [one.id for one in collect(tmp_path).scenarios] == ["presence/one", "presence/two"]


def test_two_modules_of_an_area_may_not_have_a_scenario_of_one_name(tmp_path: Path) -> None:
    for module in ("chat", "chat__later"):
        (tmp_path / f"test_{module}.py").write_text(HEAD + SCENARIO.format("one"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        collect(tmp_path)
    assert [problem.place for problem in refused.value.problems] == ["chat/one"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('def test_it():\n    """It works."""\n', "is marked with @scenario"),
        ('@scenario(level="must", sources=("R1",))\ndef test_it():\n    pass\n', "docstring's first line"),
        ('@pytest.mark.scenario(sources=("R1",))\ndef test_it():\n    """It works."""\n', "None is no level"),
        (
            '@scenario(level="must", sources=("R1",), needs=("chta",))\ndef test_it():\n    """It works."""\n',
            "needs chta; the capabilities are .*chat, ",
        ),
        ('@scenario(level="must", sources=("R1", "R99"))\ndef test_it():\n    """It works."""\n', "cites R99, which"),
        ('@scenario(level="must", sources=("R1",))\ndef test_it():\n    """{It} works."""\n', "placeholder for It"),
    ],
)
def test_a_test_that_is_no_proper_scenario_is_refused(pytester: pytest.Pytester, source: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        Scenario.from_item(pytester.getitem(HEAD + source, "test_it"))


def test_the_decorator_refuses_a_level_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="'may' is no level of a scenario; the levels are must, should, info"):
        scenario(level="may", sources=("R1",))  # type: ignore[arg-type]  # the mistake is the point


def test_the_decorator_wants_a_source() -> None:
    with pytest.raises(ValueError, match="cites at least one source"):
        scenario(level="must", sources=())


def test_the_decorator_sees_a_forgotten_comma() -> None:
    with pytest.raises(ValueError, match="with the comma"):
        scenario(level="must", sources=("R40"))
