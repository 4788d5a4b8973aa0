"""The first text of a chat inside its INVITE, and what the answer says of it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.first_message import (
    Confirmation,
    FirstMessageOutcome,
    confirming_options,
    first_message_headers,
    first_message_outcome,
    has_first_message,
    read_first_message,
)
from simulator.chat.formats import ALTERNATIVES, HTML_TEXT, PLAIN_TEXT, RTF_TEXT, TEXTS
from simulator.chat.html import with_line_feeds
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.message import Request, parse
from simulator.strategies import chat_texts
from tests.chat.messages import invite, response

DELIVERED, SEND_AGAIN, REFUSED = FirstMessageOutcome


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@given(chat_texts(), st.permutations(TEXTS))
def test_what_we_write_is_what_we_read_in_each_form(text: str, order: list[str]) -> None:
    request = invite(*first_message_headers(text, [PLAIN_TEXT, HTML_TEXT, RTF_TEXT]))

    read = read_first_message(request, prefer=order)
    assert read is not None
    assert read.text == (text if order[0] == "text/plain" else with_line_feeds(text))
    assert (read.media_type, set(read.offered)) == (order[0], set(TEXTS))


def test_plain_text_has_a_header_of_its_own_and_the_others_a_line_each() -> None:
    headers = first_message_headers("qwe", [ALTERNATIVES])

    assert [name for name, _ in headers] == ["ms-text-format", "ms-im-format", "ms-im-format"]
    assert headers[0][1] == "text/plain; charset=UTF-8; ms-body=cXdl"
    assert headers[1][1].startswith("text/rtf; charset=UTF-8; ms-body=e1xydGYx")
    assert headers[2][1].startswith("text/html; charset=UTF-8; ms-body=PFNQQU4g")


def test_a_text_in_html_alone_is_read() -> None:
    read = read_first_message(invite(*first_message_headers("qwe", [HTML_TEXT])))

    assert read is not None
    assert (read.text, read.media_type, read.offered) == ("qwe", "text/html", ("text/html",))


def test_a_broken_form_does_not_hide_another() -> None:
    """As in the captured INVITE, whose HTML and RTF were replaced by what is no base64."""
    captured = parse((Path(__file__).parent.parent / "corpus" / "sip" / "invite-im.sip").read_bytes())
    assert isinstance(captured, Request)

    read = read_first_message(captured, prefer=["text/html", "text/rtf", "text/plain"])
    assert read is not None
    assert (read.text, read.media_type) == ("qwe", "text/plain")
    assert read.offered == ("text/plain", "text/html", "text/rtf")


def test_an_invite_without_a_text_has_none() -> None:
    assert not has_first_message(invite())
    assert read_first_message(invite()) is None


def test_half_a_surrogate_pair_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        first_message_headers("\ud83d")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (("ms-text-format", "text/plain"), 400),
        (("ms-text-format", "text/plain; ms-body=c"), 400),
        (("ms-text-format", "text/plain; ms-body=cX!dl"), 400),
        (("ms-text-format", f"text/plain; charset=UTF-8; ms-body={in_base64(bytes([255]))}"), 400),
        (("ms-text-format", "text/plain; charset=klingon; ms-body=cXdl"), 415),
        (("ms-im-format", f"text/rtf; ms-body={in_base64(b'plain')}"), 400),
        (("ms-im-format", "image/gif; ms-body=cXdl"), 415),
        (("ms-text-format", "nonsense"), 400),
    ],
)
def test_a_text_that_cannot_be_read_is_an_error_of_the_peer(header: tuple[str, str], status: int) -> None:
    request = invite(header)

    assert has_first_message(request)
    with pytest.raises(RemoteProtocolError) as caught:
        read_first_message(request)
    assert caught.value.status_hint == status


@pytest.mark.parametrize(
    ("status", "supported", "confirmation", "outcome"),
    [
        (200, "ms-text-format", "ms-text-format", DELIVERED),
        (200, "Ms-Text-Format", "ms-text-format", DELIVERED),
        (200, "timer, ms-text-format", "ms-text-format", DELIVERED),
        (200, "ms-embedded-first-message", "ms-text-format", SEND_AGAIN),
        (200, "timer", "ms-text-format", SEND_AGAIN),
        (200, "", "ms-text-format", SEND_AGAIN),
        (200, "ms-embedded-first-message", "ms-embedded-first-message", DELIVERED),
        (200, "ms-text-format", "ms-embedded-first-message", SEND_AGAIN),
        (200, "ms-text-format", "either", DELIVERED),
        (200, "ms-embedded-first-message", "either", DELIVERED),
        (200, "ms-text-format, ms-embedded-first-message", "never", SEND_AGAIN),
        (299, "ms-text-format", "ms-text-format", DELIVERED),
        (302, "ms-text-format", "ms-text-format", REFUSED),
        (488, "ms-text-format", "ms-text-format", REFUSED),
        (606, "", "never", REFUSED),
    ],
)
def test_the_answer_tells_what_became_of_the_text(
    status: int, supported: str, confirmation: Confirmation, outcome: FirstMessageOutcome
) -> None:
    answer = response(status, *([("Supported", supported)] if supported else []))

    assert first_message_outcome(answer, confirmation) is outcome


@pytest.mark.parametrize("confirmation", get_args(Confirmation))
def test_what_we_confirm_is_taken_as_confirmed_by_a_caller_of_the_same_habit(confirmation: Confirmation) -> None:
    answer = response(200, *(("Supported", option) for option in confirming_options(confirmation)))

    expected = SEND_AGAIN if confirmation == "never" else DELIVERED
    assert first_message_outcome(answer, confirmation) is expected


@given(st.binary(max_size=100), st.sampled_from(["text/plain", "text/html", "text/rtf", "text/plain; charset=utf-16"]))
def test_no_body_makes_the_reader_fall_over(body: bytes, content_type: str) -> None:
    try:
        read_first_message(invite(("ms-text-format", f"{content_type}; ms-body={in_base64(body)}")))
    except RemoteProtocolError as error:
        assert error.status_hint in (400, 415)
