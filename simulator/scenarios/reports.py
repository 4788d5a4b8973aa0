"""What pytest's reports say, in words for somebody who tests a server."""

from __future__ import annotations

import pytest

from simulator.pytest_plugin import REQUIREMENT
from simulator.scenarios.grades import GRADES, Graded

KNOWN_FAILURE = "known failure"
"The property of a report whose failure is a known one; its value says why."

_LISTED = 3
"So many items of a list are told in the sentence; all of them stand below it."


def reason_of(report: pytest.TestReport) -> str:
    """One sentence of why it failed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash is not None else str(report.longrepr)).strip().splitlines()
    first = _opening(lines) if lines else "no reason was given"
    name, colon, sentence = first.partition(": ")
    # Errors of ours, and what a test gave to `assert` or pytest.fail, are sentences; their class says nothing to
    # somebody who tests a server.
    told = name.startswith("simulator.") or name in ("AssertionError", "Failed")
    reason: str = sentence if colon and told else first
    return f"{reason} (in {report.when})" if _has_traceback(report) and report.when in ("setup", "teardown") else reason


def _has_traceback(report: pytest.TestReport) -> bool:
    traceback = getattr(report.longrepr, "reprtraceback", None)
    return any(getattr(entry, "reprfileloc", None) is not None for entry in getattr(traceback, "reprentries", ()))


def _opening(lines: list[str]) -> str:
    """The first line, and where it announces a list, the list."""
    first, *rest = lines
    items = [line.strip() for line in rest if line.strip()]
    if not first.endswith(":") or not items:
        return first
    more = f"; and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return f"{first} {'; '.join(items[:_LISTED])}{more}"


def details_of(report: pytest.TestReport) -> list[str]:
    """Evidence, captured output and traceback of a failure."""
    # The requirement stands above already, as the scenario's sentence.
    sections = [(title, text.rstrip()) for title, text in report.sections if title != REQUIREMENT]
    evidence = [f"{title}:\n{text}" for title, text in sections if text]
    text = report.longreprtext.strip()
    if _has_traceback(report):
        return [*evidence, f"traceback:\n{text}"]
    return [*evidence, f"in full:\n{text}"] if "\n" in text else evidence  # a single line is the reason itself


def skip_reason_of(report: pytest.TestReport) -> str:
    """One sentence of why it did not run."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ") or "no reason was given"


def property_of(report: pytest.TestReport, name: str) -> str | None:
    """The last value of a property that a plugin gave to a report; None when there is none."""
    return next((str(value) for key, value in reversed(report.user_properties) if key == name), None)


def happened_in(report: pytest.TestReport) -> list[Graded]:
    """The graded outcomes that the scenario said had happened."""
    properties = [(name, str(value)) for name, value in report.user_properties if name in ("outcome", "grade", "why")]
    found = []
    for (_, outcome), (_, grade), (_, why) in zip(properties[::3], properties[1::3], properties[2::3], strict=False):
        found += [Graded(outcome, known, why) for known in GRADES if known == grade]
    return found
