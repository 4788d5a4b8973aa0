"""Tables of cases as data, and what a scenario's marks say together."""

from __future__ import annotations

import pytest

from simulator.scenarios import Case, cases
from simulator.scenarios.grades import Graded
from simulator.scenarios.marking import Terms

HEAD = """
import pytest
from simulator.scenarios import Case, cases, scenario
"""
TABLE = (
    HEAD
    + '''
@scenario(level="must", sources=("R57", "F2.2"), needs=("chat",))
@cases(
    "certificate",
    "expired",
    Case("wildcard", level="should", sources=("R58", "F2.2"), needs=("time",), words="a wildcard certificate"),
    Case("cn", "cn-only", sentence="A name in the CN alone does not count."),
    Case("late", "not-yet", outcomes={"delivered": ("tolerable", "Clocks differ.")}),
)
@pytest.mark.parametrize("persona", ["teams"])
def test_refused(certificate, persona):
    """A partner of {persona} that shows {certificate} is refused."""
'''
)


def terms_of(pytester: pytest.Pytester, source: str) -> dict[str, Terms]:
    items, _recorder = pytester.inline_genitems(pytester.makepyfile(source))
    found = {item.name: Terms.of(item) for item in items}
    assert all(found.values())
    return {name.partition("[")[2].rstrip("]"): terms for name, terms in found.items() if terms}


def test_a_case_adds_sources_and_needs_and_replaces_level_and_sentence(pytester: pytest.Pytester) -> None:
    terms = terms_of(pytester, TABLE)

    assert terms["teams-wildcard"] == Terms(
        level="should",
        sources=("R57", "F2.2", "R58"),
        needs=("chat", "time"),
        outcomes=(),
        persona="teams",
        sentence="A partner of teams that shows a wildcard certificate is refused.",
    )
    assert terms["teams-expired"].level == "must"
    assert terms["teams-expired"].sentence == "A partner of teams that shows expired is refused."
    assert terms["teams-cn"].sentence == "A name in the CN alone does not count."
    assert terms["teams-late"].outcomes == (Graded("delivered", "tolerable", "Clocks differ."),)


def test_two_tables_make_their_product(pytester: pytest.Pytester) -> None:
    source = '''
@scenario(level="must", sources=("R57",))
@cases("role", Case("client", sources=("R58",)), "server")
@cases("certificate, accepted", Case("dual", "dual", True, sources=("F2.3",)))
def test_it(certificate, accepted, role):
    """{certificate} as {role}: {accepted}."""
'''
    terms = terms_of(pytester, HEAD + source)

    assert list(terms) == ["dual-client", "dual-server"]
    assert terms["dual-client"].sources == ("R57", "F2.3", "R58")
    assert terms["dual-server"].sources == ("R57", "F2.3")
    assert terms["dual-client"].sentence == "dual as client: True."


def test_a_placeholder_that_names_no_argument_is_a_mistake(pytester: pytest.Pytester) -> None:
    source = '@scenario(level="must", sources=("R57",))\ndef test_it():\n    """It is {shown}."""\n'

    assert terms_of(pytester, HEAD + source)[""].unfilled == ("shown",)


def test_a_persona_can_be_named_without_a_parameter(pytester: pytest.Pytester) -> None:
    source = '@scenario(level="must", sources=("R57",), persona="teams")\ndef test_it():\n    """It works."""\n'

    assert terms_of(pytester, HEAD + source)[""].persona == "teams"


def test_a_test_without_the_mark_is_no_scenario(pytester: pytest.Pytester) -> None:
    assert Terms.of(pytester.getitem("def test_it(): pass", "test_it")) is None


def test_a_row_with_too_few_values_is_refused_when_the_module_is_read() -> None:
    with pytest.raises(ValueError, match=r"case 'dual' has 1 values for 2 arguments: certificate, role"):
        cases("certificate, role", Case("dual", "dual"))


def test_a_level_that_there_is_not_is_refused_in_a_case_too() -> None:
    with pytest.raises(ValueError, match="'may' is no level"):
        Case("dual", level="may")  # type: ignore[arg-type]  # the mistake is the point
