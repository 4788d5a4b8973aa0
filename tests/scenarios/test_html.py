"""The HTML report: everything in one file, and nothing that a server sent is more than text in it."""

from __future__ import annotations

from pathlib import Path

import lxml.html
import pytest
from lxml.html import HtmlElement

from simulator.scenarios.grades import Graded
from simulator.scenarios.html import html_page
from simulator.scenarios.results import Attempt, Fault, Outcome, Result, Run
from simulator.scenarios.selection import Scenario

EVIL = "</pre><script>alert('x')</script>\x1b[2J & <b>"


def result(
    name: str, outcome: Outcome, reason: str = "", *, details: tuple[str, ...] = (), slow: bool = False
) -> Result:
    sources = ("R57", "RFC 5922 §7.2")
    scenario = Scenario("trust", name, "must", sources, (), f"A {name} certificate is refused.", name, name)
    found = Result(scenario)
    happened = [Graded("refused", "tolerable", "It is late.")] if outcome is Outcome.PASSED else []
    found.add(Attempt(outcome, reason, list(details), happened, slow))
    return found


@pytest.fixture
def page() -> HtmlElement:
    results = (
        result("wildcard", Outcome.FAILED, f"It said {EVIL}", details=(f"sipfed evidence:\n{EVIL}", "traceback:\nx")),
        result("expired", Outcome.PASSED),
        result("late", Outcome.NOT_RUN, "it lacks the capability time"),
        result("slow", Outcome.PASSED, slow=True),
    )
    run = Run(results, (Fault("area names", EVIL),), False, 1.25, f"Connect {EVIL}")
    tree: HtmlElement = lxml.html.document_fromstring(html_page(run))
    return tree


def texts(page: HtmlElement, path: str) -> list[str]:
    return ["".join(str(text) for text in found.itertext()) for found in page.iterfind(path)]


def test_what_a_server_sent_is_text_and_no_markup(page: HtmlElement) -> None:
    assert not list(page.iter("script"))
    assert not list(page.iter("b"))
    shown = "</pre><script>alert('x')</script>\\x1b[2J & <b>"
    assert texts(page, ".//h1") == [f"Federation of Connect {shown}"]
    assert texts(page, ".//article//pre") == [shown, "x", shown]


def test_a_failure_says_what_was_expected_what_happened_and_what_the_source_says(page: HtmlElement) -> None:
    assert texts(page, ".//article//dd") == [
        "A wildcard certificate is refused.",
        "It said </pre><script>alert('x')</script>\\x1b[2J & <b>",
        "R57: The certificate must not be a wildcard certificate (S4B rejects those).",
    ]
    assert page.find(".//article[@id='trust/wildcard']") is not None
    assert texts(page, ".//a[@href='#trust/wildcard']") == ["trust/wildcard"]


def test_every_scenario_has_its_verdict_and_the_reason_of_what_is_not_simply_passed(page: HtmlElement) -> None:
    *_, table = page.iterfind(".//tbody")
    rows = [[" ".join("".join(map(str, cell.itertext())).split()) for cell in row] for row in table]
    assert [row[2] for row in rows] == ["failed", "tolerable", "not run", "tolerable"]
    assert "refused (tolerable) It is late." in rows[1][3]
    assert "because it lacks the capability time" in rows[2][3]
    assert ["slow tier" in row[3] for row in rows] == [False, False, False, True]


def test_the_page_loads_nothing(page: HtmlElement) -> None:
    assert [meta.get("content") for meta in page.iter("meta") if meta.get("http-equiv")] == [
        "default-src 'none'; style-src 'unsafe-inline'"
    ]
    assert not [element for element in page.iter() if element.get("src") or element.tag == "link"]


def test_the_closing_sentence_stands_on_top(page: HtmlElement) -> None:
    assert texts(page, ".//body/p") == [
        "Finished after 1.2 s: of 4 scenarios 2 passed (2 tolerably), 1 failed, 1 not run; area names could not be run."
    ]


def test_the_command_writes_it(tmp_path: Path) -> None:
    from tests.made_up import FAILING, Sipfed

    sipfed = Sipfed(tmp_path)
    sipfed.add(test_trust=FAILING)
    assert sipfed("run", "--html", "out/report.html").returncode == 1
    assert "FAILED" not in (sipfed.cwd / "out" / "report.html").read_text(encoding="utf-8")
    assert "The edge accepted *.fabrikam.test." in (sipfed.cwd / "out" / "report.html").read_text(encoding="utf-8")
