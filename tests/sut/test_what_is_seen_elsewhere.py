"""Servers elsewhere: what reaches their users unasked fails a test as well, and what they lack is said as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from simulator.errors import SipfedError
from simulator.federation import Engine, Federation
from simulator.sut.base import CapabilityMissing
from simulator.sut.capabilities import CAPABILITIES, explain_missing
from simulator.sut.kamailio.driver import HINTS, KamailioServer
from simulator.sut.settings import load
from simulator.sut.wire import WireServer
from tests.sut.foreign import Foreign


@pytest.fixture(params=["http", "wire-only"])
def elsewhere(request: pytest.FixtureRequest, foreign: Foreign) -> Iterator[Federation]:
    foreign.start()
    engine = Engine(settings=load(foreign.sut_toml(request.param, "open_federation = true")))
    try:
        engine.start_sut()
        yield Federation(engine)
    finally:
        engine.close()


def test_a_message_that_nothing_expected_is_a_surprise(elsewhere: Federation) -> None:
    alice, bob = elsewhere.sut.user("alice"), elsewhere.partner().user("bob")
    bob.chat_with(alice).say("expected").must_succeed()
    bob.chat_with(alice).say("left").must_succeed()
    alice.expect_message("expected")

    assert elsewhere.close() == [f"{alice.uri} got the message 'left' from {bob.uri}, which nothing expected."]


def test_a_user_who_may_get_anything_is_not_surprised(elsewhere: Federation) -> None:
    alice, bob = elsewhere.sut.user("alice"), elsewhere.partner().user("bob")
    alice.ignores_messages()
    bob.chat_with(alice).say("whatever").must_succeed()

    assert elsewhere.close() == []


def test_a_server_that_cannot_be_asked_any_more_is_a_sentence_and_no_traceback(foreign: Foreign) -> None:
    foreign.start()
    engine = Engine(settings=load(foreign.sut_toml("http", "open_federation = true")))
    try:
        engine.start_sut()
        federation = Federation(engine)
        federation.sut.user("alice")
        assert foreign.process is not None
        foreign.process.close()

        (sentence,) = federation.take_surprises()

        assert "http://127.0.0.1" in sentence
        federation.end_partners()
    finally:
        with suppress(SipfedError):  # it has gone, as it was to
            engine.close()


@pytest.mark.parametrize("capability", sorted(HINTS))
def test_what_a_kamailio_lacks_is_not_explained_by_the_control_api(capability: str) -> None:
    said = explain_missing("kamailio", [capability], KamailioServer.hints)

    assert said == f"kamailio lacks the capability {capability} ({HINTS[capability]})"
    assert "control API" not in said
    assert "command" not in said


def test_kamailio_says_something_of_all_that_it_lacks() -> None:
    assert set(HINTS) == set(CAPABILITIES) - KamailioServer.capabilities


def test_where_nobody_can_tell_the_server_anything_another_driver_is_the_hint() -> None:
    assert "choose a driver that can" in explain_missing("the server", ["chat"], WireServer.hints)
    assert "name two such users" in explain_missing("the server", ["licences"], WireServer.hints)
    assert "with --slow" in explain_missing("the server", ["time"], WireServer.hints)


def test_the_hint_of_the_driver_is_what_a_test_of_ones_own_is_told(foreign: Foreign) -> None:
    foreign.start()
    engine = Engine(settings=load(foreign.sut_toml("wire-only")))
    try:
        engine.start_sut()
        with pytest.raises(CapabilityMissing, match="lacks the capability identity; nobody can tell this server"):
            Federation(engine).server("other.test", "connect.other.test")
    finally:
        engine.close()
