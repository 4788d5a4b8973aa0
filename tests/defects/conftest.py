"""Options of the runs with seeded defects, and the table of what caught them."""

from __future__ import annotations

import json

import pytest

from tests.defects.frame import Defect
from tests.defects.table import FILE, page


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("defects")
    group.addoption("--all-defects", action="store_true", help="all of them, not one of each area")
    group.addoption("--whole-catalogue", action="store_true", help="run all scenarios on every defect")
    group.addoption("--write-table", action="store_true", help=f"write {FILE.name} instead of comparing it")


class Table:
    """Gathers what caught which defect, also from the processes of pytest-xdist, and prints it at the end."""

    def __init__(self) -> None:
        self.caught: dict[str, list[str]] = {}
        self.difference = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for name, value in report.user_properties:
                if name == "caught":
                    defect, scenarios = json.loads(str(value))
                    self.caught[defect] = scenarios

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        config = session.config
        if session.exitstatus != pytest.ExitCode.OK:
            return
        text = page(self.caught)
        if config.getoption("write_table", False):
            FILE.write_text(text, encoding="utf-8", newline="\n")
        elif not config.getoption("whole_catalogue", False):
            return
        elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            self.difference = f"{FILE} is not what was found; `pytest tests/defects --write-table` writes it."
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for defect, scenarios in sorted(self.caught.items()):
            terminalreporter.write_line(f"{defect}  <-  {', '.join(scenarios)}")
        if self.difference:
            terminalreporter.write_line(self.difference, red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the first defect of each area, unless more is asked for: all of them take a quarter of an hour."""
    wanted = ("all_defects", "whole_catalogue", "write_table", "keyword")
    if any(config.getoption(name, None) for name in wanted) or any("::" in argument for argument in config.args):
        return
    areas: set[str] = set()
    left = []
    for item in items:
        callspec = getattr(item, "callspec", None)
        defect = callspec.params.get("defect") if callspec is not None else None
        if isinstance(defect, Defect):
            if defect.area in areas:
                left.append(item)
            areas.add(defect.area)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the reports of pytest-xdist's processes come to the one that started them
        config.pluginmanager.register(Table(), "defects-table")


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether the whole catalogue runs on every defect."""
    return bool(request.config.getoption("--whole-catalogue", False))
