"""A report for people and for programs (F6.3, F6.5); the JSON is described by `schema.json` beside this module."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from simulator.doctor.steps import Report, Result, Step
from simulator.evidence.visible import escape

VERSION: Final = 1
"""Of the JSON: goes up when something is removed or changes its meaning; new members may come at any time."""
SCHEMA: Final = Path(__file__).with_name("schema.json")
"The JSON Schema (2020-12) of what `as_json` gives."
MAX_LINE: Final = 600
"Characters of one sentence on a terminal; what peers send can be long."

_VERDICTS: Final = {
    "good": "{domain}: everything is in order.",
    "incomplete": "{domain}: no fault was found, but {unchecked} could not be checked.",
    "bad": "{domain}: {failed} went wrong.",
}


def as_json(report: Report) -> str:
    """The report for programs, in ASCII."""
    return json.dumps(
        {
            "version": VERSION,
            "domain": report.domain,
            "mode": report.mode,
            "side": report.side,
            "from": report.sender,
            "at": report.at.isoformat(timespec="seconds"),
            "verdict": report.verdict,
            "steps": [_step_as_data(step) for step in report.steps],
            "notes": list(report.notes),
        },
        indent=2,
    )


def verdict(report: Report) -> str:
    """One sentence, warnings included."""
    failed = _titles(report, Result.FAILED)
    sentence = _VERDICTS[report.verdict].format(
        domain=report.domain, failed=failed, unchecked=_titles(report, Result.NOT_CHECKED)
    )
    warnings = _titles(report, Result.WARNING)
    return f"{sentence} Worth a look: {warnings}." if warnings else sentence


def lines_of(step: Step) -> Iterator[str]:
    """One step as plain lines; nothing in them moves a cursor."""
    yield f"{step.result.value:<12} {step.title:<18} {duration(step)}".rstrip()
    for sentence in step.seen:
        yield f"{'':13}{shown(sentence)}"
    if step.change:
        yield f"{'':13}To change: {shown(step.change)}"


def closing(report: Report) -> Iterator[str]:
    """The notes and the verdict as plain lines."""
    yield ""
    for note in report.notes:
        yield shown(note)
    yield shown(verdict(report))


def shown(text: str) -> str:
    """Text of strangers, made safe for a terminal and not too long."""
    safe = escape(text)
    return safe if len(safe) <= MAX_LINE else f"{safe[: MAX_LINE - 1]}…"


def _titles(report: Report, result: Result) -> str:
    titles = list(dict.fromkeys(step.title for step in report.steps if step.result is result))
    return _listed(titles)


def _listed(words: Iterable[str]) -> str:
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def duration(step: Step) -> str:
    """How long it took; empty for a step that did not run."""
    return f"{step.seconds:.3f} s" if step.seconds else ""


def _step_as_data(step: Step) -> dict[str, object]:
    return {
        "id": step.id,
        "title": step.title,
        "where": step.where or None,
        "result": step.result.value,
        "seconds": round(step.seconds, 6),
        "seen": list(step.seen),
        "change": step.change or None,
        "data": dict(step.data),
    }
