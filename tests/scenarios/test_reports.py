"""What is said of a failure, from pytest's report of it."""

from __future__ import annotations

import pytest

from simulator.scenarios.reports import details_of, reason_of


def report_of(pytester: pytest.Pytester, source: str, when: str = "call") -> pytest.TestReport:
    recorder = pytester.inline_runsource(source)
    return next(one for one in recorder.getreports("pytest_runtest_logreport") if one.failed and one.when == when)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("raise ExpectationFailed('It was delivered.\\nmore')", "It was delivered."),
        ("raise ValueError('It was delivered.')", "ValueError: It was delivered."),
        ("assert 1 == 2, 'It came twice.'", "It came twice."),
        ("pytest.fail('More arrived:\\n  a\\n\\n  b', pytrace=False)", "More arrived: a; b"),
        ("pytest.fail('More:\\n' + '\\n'.join('abcde'), pytrace=False)", "More: a; b; c; and 2 more"),
        ("pytest.fail('Nothing follows:', pytrace=False)", "Nothing follows:"),
    ],
)
def test_the_reason_is_a_sentence_with_the_list_that_it_announces(
    pytester: pytest.Pytester, statement: str, reason: str
) -> None:
    head = "import pytest\nfrom simulator.errors import ExpectationFailed\n"
    assert reason_of(report_of(pytester, f"{head}def test_it():\n    {statement}\n")) == reason


def test_a_failure_outside_of_the_test_itself_says_where(pytester: pytest.Pytester) -> None:
    source = "import pytest\n@pytest.fixture\ndef it():\n    raise OSError('no')\ndef test_it(it): pass\n"
    assert reason_of(report_of(pytester, source, "setup")) == "OSError: no (in setup)"


def test_a_sentence_without_traceback_is_not_repeated_as_one(pytester: pytest.Pytester) -> None:
    source = "import pytest\ndef test_it():\n    pytest.fail('It was delivered.', pytrace=False)\n"
    assert details_of(report_of(pytester, source)) == []
