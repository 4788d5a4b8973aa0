"""The plugin in somebody else's test suite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

OPTIONS = ("-p", "simulator.pytest_plugin", "-p", "no:cacheprovider")
"The plugin by name: it need not be installed for these tests."
FAILING = '''
def test_it(federation):
    """A message arrives."""
    partner = federation.partner()
    federation.sut.user("alice").chat_with(partner.user("bob")).say("Hello").must_fail()
'''


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages of this checkout, installed or not."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_a_failure_shows_the_sentence_and_the_ladder(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILING)

    result = pytester.runpytest_subprocess(*OPTIONS)

    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [
            r".*Expected a failure, but the message 'Hello' from sip:alice@acme\.test to .* was delivered .*200 OK\.",
            r"-+ sipfed requirement -+",
            r"A message arrives\.",
            r"-+ sipfed evidence -+",
            r".*dns .*acme\.test .*fabrikam.*",
            r".*SRV _sipfederationtls\._tcp\.fabrikam.*",
            r".*INVITE sip:bob@fabrikam.*",
            r".*200 OK \(MESSAGE\).*",
        ]
    )


def test_a_missing_capability_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from simulator.scenarios import scenario

        @scenario(level="must", sources=("R1",), needs=("chat", "telepathy"))
        def test_it(federation):
            '''Never runs.'''
        """
    )

    result = pytester.runpytest_subprocess(*OPTIONS, "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*embedded Connect Server lacks the capability telepathy*"])


def test_a_missing_capability_fails_where_all_are_wanted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from simulator.scenarios import scenario

        @scenario(level="must", sources=("R1",), needs=("chat", "telepathy"))
        def test_it(federation):
            '''Never runs.'''
        """
    )

    result = pytester.runpytest_subprocess(*OPTIONS, "--sipfed-strict-capabilities")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*embedded Connect Server lacks the capability telepathy*"])


def test_known_failures_are_expected_ones_in_any_suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_trust="def test_wildcard():\n    raise ValueError('it was delivered')\n")
    entry = '[[failing]]\nscenario = "trust/wildcard"\nsays = "delivered"\nbecause = "ticket 7"\n'
    (pytester.path / "known.toml").write_text(entry, encoding="utf-8")

    result = pytester.runpytest_subprocess(*OPTIONS, "-rx", "--sipfed-known=known.toml")

    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL test_trust.py::test_wildcard - ticket 7*"])


def test_a_list_of_known_failures_that_is_not_there_is_a_sentence(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*OPTIONS, "--sipfed-known=known.toml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --sipfed-known: known.toml: The file cannot be read: *"])
    assert "Traceback" not in result.stderr.str()


def test_tests_with_a_federation_are_shuffled_and_repeated_and_no_others(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(9))
        def test_own(n): pass

        @pytest.mark.parametrize("n", range(9))
        def test_federated(n, federation): pass
        """
    )

    result = pytester.runpytest_subprocess(*OPTIONS, "-v", "--sipfed-random-order", "--sipfed-repeat=2")

    result.assert_outcomes(passed=27)
    result.stdout.fnmatch_lines(["sipfed: --sipfed-random-order * repeats this order"])
    order = [line.partition("::")[2].partition(" ")[0] for line in result.outlines if " PASSED" in line]
    assert order[:9] == [f"test_own[{n}]" for n in range(9)]
    assert sorted(order[9:18]) == sorted(order[18:]) == [f"test_federated[{n}]" for n in range(9)]
    assert order[9:18] != order[18:]


def test_an_error_in_the_background_fails_the_test_it_happened_in(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import simulator.io.watches

        def test_it(federation):
            partner = federation.partner()
            simulator.io.watches.choose_form = None
            partner.user("bob").set_presence("busy")
            watch = federation.sut.user("alice").watch(partner.user("bob"))

        def test_next(federation):
            pass
        """
    )

    result = pytester.runpytest_subprocess(*OPTIONS)

    assert result.parseoutcomes()["errors"] == 1
    result.stdout.fnmatch_lines(["*Errors in the background of this test:*", "*TypeError*watches.py*"])


def test_a_surprise_fails_the_test_that_it_came_in_and_no_other(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        '''
        def say(federation):
            """Nothing reaches bob."""
            bob = federation.partner().user("bob")
            federation.sut.user("alice").chat_with(bob).say("Hello").must_succeed()

        def test_passes_but_for_a_surprise(federation):
            """Nothing reaches bob."""
            say(federation)

        def test_fails_of_its_own(federation):
            say(federation)
            assert 1 == 2

        def test_expects_nothing(federation):
            pass
        '''
    )

    result = pytester.runpytest_subprocess(*OPTIONS)

    result.assert_outcomes(failed=2, passed=1)
    result.stdout.re_match_lines(
        [
            r".*The test expected all it asked for, but more arrived:",
            r".*sip:bob@fabrikam.* got the message 'Hello' from sip:alice@acme\.test, which nothing expected\.",
            r"-+ sipfed requirement -+",
            r"Nothing reaches bob\.",
            r"-+ sipfed evidence -+",
        ]
    )
    assert result.stdout.str().count("but more arrived:") <= 2, "a test that fails of its own is told nothing else"
    assert "assert 1 == 2" in result.stdout.str()


@pytest.mark.parametrize("module", ["trustme", "dnslib", "dns", "lxml", "pydantic", "OpenSSL", "rich", "hypothesis"])
def test_a_suite_that_does_not_use_it_pays_for_no_import(module: str) -> None:
    code = f"import sys, simulator.pytest_plugin; sys.exit({module!r} in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=False)

    assert result.returncode == 0


def test_the_outcome_that_happened_is_in_the_junit_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from simulator.scenarios import happened, scenario

        @scenario(level="should", sources=("R8",), outcomes={"followed": ("tolerable", "RFC 2782 forbids it.")})
        def test_it():
            '''An alias is followed.'''
            happened("followed")
        """
    )

    result = pytester.runpytest_subprocess(*OPTIONS, "--junitxml=junit.xml")

    result.assert_outcomes(passed=1)
    junit = (pytester.path / "junit.xml").read_text(encoding="utf-8")
    for name, value in (("outcome", "followed"), ("grade", "tolerable"), ("why", "RFC 2782 forbids it.")):
        assert f'<property name="{name}" value="{value}" />' in junit
