"""The report of a run as one HTML file that needs nothing else: no script, no font, no network.

It is built as a tree of elements, so that every text is escaped where it is written out: what a server under test sent
can say anything, and is only ever text.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from simulator.scenarios.results import Outcome, Result, Run, Tally
from simulator.scenarios.sources import cited
from simulator.scenarios.text import printable

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load for the page: nothing."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
:root { color-scheme: light dark }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } th { text-align: left }
th, td { border-bottom: 1px solid #8884; padding: .2rem .6rem .2rem 0; vertical-align: top }
td.number, th.number { text-align: right }
code, pre { font: 13px/1.35 ui-monospace, monospace } pre { overflow-x: auto; padding: .6rem; background: #8881 }
.failed { color: #d33 } .passed { color: #2a7d2a } .known, .tolerable, .not-run { color: #b26a00 }
article { border-left: 4px solid #d33; padding-left: 1rem; margin: 1.5rem 0 }
dt { font-weight: 600 } dd { margin: 0 0 .4rem 1rem }
"""


def html_page(run: Run) -> str:
    """The whole report as a page."""
    root = Element("html", lang="en")
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": POLICY})
    SubElement(head, "meta", name="viewport", content="width=device-width")
    _add(head, "title", f"sipfed: {run.server or 'no server'}")
    SubElement(head, "style").text = STYLE
    body = SubElement(root, "body")
    _add(body, "h1", f"Federation of {run.server or 'a server that was never reached'}")
    _add(body, "p", run.closing_sentence(), "failed" if run.exit_code else "passed")
    _areas(body, run)
    _failures(body, [result for result in run.results if result.outcome is Outcome.FAILED])
    for fault in run.faults:
        _fault(body, fault.title, fault.text)
    _all(body, run)
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def _add(parent: Element, tag: str, text: str, style: str = "") -> Element:
    element = SubElement(parent, tag, {"class": style} if style else {})
    element.text = printable(text)
    return element


def _table(parent: Element, columns: Iterable[str]) -> Element:
    table = SubElement(parent, "table")
    head = SubElement(SubElement(table, "thead"), "tr")
    for column in columns:
        _add(head, "th", column)
    return SubElement(table, "tbody")


def _areas(body: Element, run: Run) -> None:
    rows = _table(body, ("area", "passed", "tolerable", "failed", "known to fail", "not run", "time"))
    tallies = {area: Tally.of(results) for area, results in run.by_area().items()}
    for area, tally in {**tallies, "total": Tally.of(run.results)}.items():
        row = SubElement(rows, "tr")
        _add(row, "td", area)
        for count in (tally.passed, tally.tolerable, tally.failed, tally.known, tally.not_run):
            _add(row, "td", str(count), "number")
        _add(row, "td", f"{tally.seconds:.2f} s", "number")


def _failures(body: Element, results: list[Result]) -> None:
    if results:
        _add(body, "h2", "Failures")
    for result in results:
        scenario = result.scenario
        article = SubElement(body, "article", id=scenario.id)
        _add(_add(article, "h3", ""), "code", scenario.id)
        terms = SubElement(article, "dl")
        for title, text in (("Expected", scenario.sentence), ("But", result.reason)):
            _add(terms, "dt", title)
            _add(terms, "dd", text)
        _add(terms, "dt", f"Sources ({scenario.level})")
        for line in cited(scenario.sources) or [", ".join(scenario.sources)]:
            _add(terms, "dd", line)
        for detail in result.details:
            title, _, text = detail.partition(":\n")
            folded = SubElement(article, "details", {} if title == "traceback" else {"open": "open"})
            _add(folded, "summary", title)
            _add(folded, "pre", text)


def _fault(body: Element, title: str, text: str) -> None:
    article = SubElement(body, "article")
    _add(article, "h3", title)
    _add(article, "pre", text)


def _all(body: Element, run: Run) -> None:
    _add(body, "h2", "All scenarios")
    rows = _table(body, ("scenario", "level", "verdict", "what it shows", "sources"))
    for result in run.results:
        scenario = result.scenario
        row = SubElement(rows, "tr")
        name = SubElement(row, "td")
        failed = result.outcome is Outcome.FAILED
        _add(SubElement(name, "a", href=f"#{scenario.id}") if failed else name, "code", scenario.id)
        _add(row, "td", scenario.level)
        verdict = "tolerable" if result.tolerable else result.outcome.value
        _add(row, "td", verdict, verdict.replace(" ", "-"))
        shown = _add(row, "td", scenario.sentence)
        for one in result.happened:
            _add(shown, "div", f"{one.outcome} ({one.grade}) {one.why}")
        if result.slow:
            _add(shown, "div", "slow tier: time really passed, since the server's clock cannot be set")
        if result.outcome in (Outcome.KNOWN, Outcome.NOT_RUN):
            _add(shown, "div", f"because {result.reason}")
        _add(row, "td", ", ".join(scenario.sources))
