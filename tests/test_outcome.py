"""What a test says about an attempt, and the sentence it gets when that is not what happened."""

from __future__ import annotations

import pytest

from simulator.errors import ExpectationFailed
from simulator.outcome import Outcome

DELIVERED = Outcome(True, 200, "OK", "message")
NOT_FOUND = Outcome(False, 404, "Not Found", "invite")
REFUSED = Outcome(False, None, "The certificate holds only a wildcard name.", "tls")


def test_a_delivered_attempt_succeeds() -> None:
    assert DELIVERED.must_succeed() is DELIVERED


@pytest.mark.parametrize("expected", [{}, {"status": 404}, {"phase": "invite"}, {"status": 404, "phase": "invite"}])
def test_a_failed_attempt_fails_as_it_did(expected: dict[str, object]) -> None:
    assert NOT_FOUND.must_fail(**expected) is NOT_FOUND  # type: ignore[arg-type]


def test_an_attempt_that_ended_before_sip_has_a_phase_and_no_status() -> None:
    assert REFUSED.must_fail(phase="tls") is REFUSED
    with pytest.raises(ExpectationFailed):
        REFUSED.must_fail(status=404)


def test_a_failure_where_delivery_was_expected_is_told_in_one_sentence() -> None:
    with pytest.raises(ExpectationFailed) as caught:
        REFUSED.must_succeed()
    assert str(caught.value) == (
        "Expected delivery, but it failed in phase 'tls': The certificate holds only a wildcard name."
    )


def test_a_delivery_is_never_a_failure() -> None:
    for expected in ({}, {"status": 200}, {"phase": "message"}):
        with pytest.raises(ExpectationFailed, match="but it was delivered"):
            DELIVERED.must_fail(**expected)


def test_a_delivery_where_failure_was_expected_is_told_in_one_sentence() -> None:
    with pytest.raises(ExpectationFailed) as caught:
        DELIVERED.must_fail(status=403)
    assert str(caught.value) == (
        "Expected a failure with status 403, but it was delivered in phase 'message' with 200 OK."
    )


@pytest.mark.parametrize("wrong", [{"status": 403}, {"phase": "tls"}, {"status": 404, "phase": "tls"}])
def test_another_failure_than_the_expected_one_is_no_success(wrong: dict[str, object]) -> None:
    with pytest.raises(ExpectationFailed, match="but it failed in phase 'invite' with 404 Not Found"):
        NOT_FOUND.must_fail(**wrong)  # type: ignore[arg-type]


def test_a_failure_text_is_an_assertion_for_pytest() -> None:
    assert issubclass(ExpectationFailed, AssertionError)
