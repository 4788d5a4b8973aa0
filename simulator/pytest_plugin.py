"""The pytest plugin: the `federation` fixture, the `scenario` marker and the evidence under a failure.

Nothing heavy is imported before a test asks for a federation: a suite that has the plugin and does not use it pays
next to nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from simulator.federation import Engine, Federation

EVIDENCE = "sipfed evidence"
"The title of the section that a failed test gets."


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of the catalogue."""
    config.addinivalue_line(
        "markers", "scenario(level, sources, needs): a case of the catalogue; `needs` names capabilities of the server."
    )


@pytest.fixture(scope="session")
def sipfed_engine() -> Iterator[Engine]:
    """What outlives a test: loop, clock, DNS, CA and the server under test, started at first use."""
    from simulator.federation import Engine

    engine = Engine()
    try:
        engine.start_embedded()
        yield engine
    finally:
        errors = engine.close()
    if errors:
        pytest.fail("Errors in the background, after the last test:\n" + "\n".join(errors), pytrace=False)


@pytest.fixture
def federation(request: pytest.FixtureRequest, sipfed_engine: Engine) -> Iterator[Federation]:
    """A running federation: the server under test, and partners that live as long as the test.

    A test marked as a scenario is skipped when the server lacks a capability that it needs. Errors in the background
    fail the test that they happened in.
    """
    from simulator.federation import Federation

    federation = Federation(sipfed_engine)
    mark = request.node.get_closest_marker("scenario")
    missing = sorted(set(mark.kwargs.get("needs", ())) - federation.sut.capabilities) if mark else []
    if missing:
        federation.close()
        pytest.skip(f"{federation.sut.name} lacks the capability {', '.join(missing)}")
    yield federation
    errors = federation.close()
    if errors:
        pytest.fail("Errors in the background of this test:\n" + "\n".join(errors), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the sentence of the case and the ladder under the failure of a test that used a federation."""
    report = yield
    federation = getattr(item, "funcargs", {}).get("federation")
    if report.failed and call.when == "call" and federation is not None:
        report.sections.append((EVIDENCE, _evidence(item, call, federation)))
    return report


def _evidence(item: pytest.Item, call: pytest.CallInfo[None], federation: Federation) -> str:
    lines = []
    sentence = ((getattr(item, "function", None) and item.function.__doc__) or "").strip().partition("\n")[0]  # type: ignore[attr-defined]
    mark = item.get_closest_marker("scenario")
    if sentence:
        sources = f" [{', '.join(mark.kwargs['sources'])}]" if mark else ""
        lines.append(f"Must be true: {sentence}{sources}")
    if call.excinfo is not None:
        lines.append(f"But it was so: {call.excinfo.value}".partition("\n")[0])
    return "\n".join([*lines, "", federation.ladder()])
