"""The pytest plugin: the `federation` fixture, the `scenario` marker and the evidence under a failure.

Nothing heavy is imported before a test asks for a federation: a suite that has the plugin and does not use it pays
next to nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from simulator.federation import Engine, Federation
    from simulator.scenarios.marking import Terms

REQUIREMENT = "sipfed requirement"
"The title of the section with the sentence that a failed test stands for."
EVIDENCE = "sipfed evidence"
"The title of the section with the ladder."
SERVER_LOG = "log of the server under test"
"The title of the section with what a server elsewhere says it decided."
SERVER = "server under test"
"The property of a report that names the server."
TIER = "tier"
"The property of a report that says `slow` where time really passed, since no clock could be set."


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `sipfed run` has, too."""
    group = parser.getgroup("sipfed", "sipfed, for scenarios and tests with a federation")
    group.addoption(
        "--sut",
        type=Path,
        metavar="FILE",
        help="settings of the server under test (sut.toml); without, the embedded Connect Server",
    )
    group.addoption(
        "--sipfed-bind",
        metavar="ADDRESS",
        help="where partners and DNS stand, in place of loopback; of several or a range, one each",
    )
    group.addoption("--sipfed-public", metavar="ADDRESS", help="repeat --sipfed-bind to use a public address")
    group.addoption(
        "--sipfed-slow", action="store_true", help="let tests about time wait in real time where no clock can be set"
    )
    group.addoption(
        "--sipfed-strict-capabilities",
        action="store_true",
        help="fail instead of skipping where the server under test lacks a capability",
    )
    group.addoption("--sipfed-known", metavar="FILE", help="TOML file with failures that are known")
    group.addoption("--sipfed-repeat", metavar="N", type=int, default=1, help="run each N times")
    group.addoption(
        "--sipfed-random-order",
        metavar="SEED",
        nargs="?",
        const="",
        help="run them in the random order that SEED gives, or in a new one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the plugins behind the options that are given."""
    config.addinivalue_line(
        "markers", "scenario(level, sources, needs): a case of the catalogue; `needs` names capabilities of the server."
    )
    config.addinivalue_line("markers", "cites(*sources): the requirements that a test shows, by id.")
    if known := config.getoption("sipfed_known"):
        from simulator.errors import ConfigurationError
        from simulator.scenarios.known import KnownFailures, read_known

        try:
            config.pluginmanager.register(KnownFailures(read_known(Path(known))))
        except ConfigurationError as error:
            raise pytest.UsageError(f"--sipfed-known: {error}") from None
    rounds, seed = config.getoption("sipfed_repeat"), config.getoption("sipfed_random_order")
    if rounds < 1:
        raise pytest.UsageError("--sipfed-repeat: write a whole number above zero")
    if rounds > 1 or seed is not None:
        from simulator.scenarios.order import Order, new_seed

        # Kept in the options, which the processes of pytest-xdist are given.
        seed = config.option.sipfed_random_order = new_seed() if seed == "" else seed
        config.pluginmanager.register(Order(rounds, seed))


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say how to repeat the order."""
    seed = config.getoption("sipfed_random_order")
    return None if seed is None else f"sipfed: --sipfed-random-order {seed} repeats this order"


@pytest.fixture(scope="session")
def sipfed_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """What outlives a test: loop, clock, DNS, CA and the server under test, started at first use."""
    from simulator.errors import SipfedError
    from simulator.preflight.prepare import settings_for, started

    option = pytestconfig.getoption
    try:
        bind, public, slow = option("sipfed_bind"), option("sipfed_public"), option("sipfed_slow")
        engine = started(settings_for(option("sut"), bind=bind, public=public, slow=slow))
    except SipfedError as error:
        # Not one failure for each of hundreds of scenarios: without a server nothing can be run.
        pytest.exit(str(error), returncode=2)
    try:
        yield engine
    finally:
        errors = engine.close()
    if errors:
        pytest.fail("Errors in the background, after the last test:\n" + "\n".join(errors), pytrace=False)


@pytest.fixture
def federation(request: pytest.FixtureRequest, sipfed_engine: Engine) -> Iterator[Federation]:
    """A running federation: the server under test, and partners that live as long as the test.

    A test marked as a scenario is skipped when the server lacks a capability that it needs. Errors in the background
    fail the test that they happened in, and so does what reaches a user and no expectation takes.
    """
    from simulator.federation import Federation
    from simulator.sut.base import SaysWhatItLacks
    from simulator.sut.capabilities import explain_missing

    federation = Federation(sipfed_engine)
    terms = _terms(request.node)
    missing = set(terms.needs) - federation.sut.capabilities if terms else set()
    if sipfed_engine.settings.slow and "time" in missing:
        missing.discard("time")
        request.node.user_properties.append((TIER, "slow"))
    request.node.user_properties.append((SERVER, federation.sut.name))
    if missing:
        federation.close()
        give_up = pytest.fail if request.config.getoption("sipfed_strict_capabilities") else pytest.skip
        hints = federation.sut.hints if isinstance(federation.sut, SaysWhatItLacks) else None
        give_up(explain_missing(federation.sut.name, missing, hints))
    yield federation
    errors = federation.close()
    if errors:
        pytest.fail("Errors in the background of this test:\n" + "\n".join(errors), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test that passed although something arrived which it did not expect."""
    held = pyfuncitem.funcargs.get("federation")
    if held is None:
        return (yield)
    federation = cast("Federation", held)
    try:
        result = yield
    except BaseException:
        federation.take_surprises()  # it has failed already, and what it did not come to expect is no surprise
        raise
    surprises = federation.take_surprises()
    if surprises:
        from simulator.errors import ExpectationFailed

        raise ExpectationFailed("The test expected all it asked for, but more arrived:\n" + "\n".join(surprises))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Keep which of its outcomes a scenario says happened: as properties of its report, so JUnit has them, too."""
    terms = _terms(item)
    if terms is None:
        return (yield)
    from simulator.scenarios.grades import watching

    with watching(item.nodeid, terms.outcomes) as seen:
        try:
            return (yield)
        finally:
            for one in seen:
                item.user_properties += [("outcome", one.outcome), ("grade", one.grade), ("why", one.why)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the sentence of the case and the ladder under the failure of a test that used a federation."""
    report = yield
    federation = getattr(item, "funcargs", {}).get("federation")
    if report.failed and call.when == "call" and federation is not None:
        sentence = _sentence(item)
        if sentence:
            report.sections.append((REQUIREMENT, sentence))
        report.sections.append((EVIDENCE, federation.ladder()))
        if log := federation.read_log():
            report.sections.append((SERVER_LOG, "\n".join(log)))
    return report


def _terms(item: pytest.Item) -> Terms | None:
    if item.get_closest_marker("scenario") is None:  # and nothing is imported for other people's tests
        return None
    from simulator.scenarios.marking import Terms

    return Terms.of(item)


def _sentence(item: pytest.Item) -> str:
    """The first line of the test's docstring; for a scenario with its sources, and with what those say."""
    terms = _terms(item)
    if terms is None:
        return (getattr(getattr(item, "function", None), "__doc__", None) or "").strip().partition("\n")[0]
    if not terms.sentence:
        return ""
    from simulator.scenarios.sources import cited

    return "\n".join([f"{terms.sentence} [{', '.join(terms.sources)}]", *cited(terms.sources)])
