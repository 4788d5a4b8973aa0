"""Whether a message arrived: by the answer to it, and by a report that follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.delivery import (
    MAX_RECIPIENTS,
    Delivery,
    DeliveryReport,
    DeliveryState,
    Recipient,
    delivery,
    read_imdn,
    write_imdn,
)
from simulator.errors import LocalProtocolError, RemoteProtocolError
from tests.chat.messages import response

DELIVERED, PENDING, FAILED = DeliveryState
SEEN = (
    b'<imdn xmlns="http://schemas.microsoft.com/rtc/2005/08/imdn"><message-id>2</message-id>'
    b'<recipient uri="sip:bob@contoso.com"><status>408</status><entry><key>ms-diagnostics</key>'
    b'<value>6001;source="mcu.contoso.com";reason="Request Timeout";component="ImMcu"</value></entry></recipient>'
    b"</imdn>"
)
REPORT = DeliveryReport(
    2,
    (
        Recipient(
            "sip:bob@contoso.com",
            408,
            (("ms-diagnostics", '6001;source="mcu.contoso.com";reason="Request Timeout";component="ImMcu"'),),
        ),
    ),
)
"What [MS-CONFIM] shows (dialect facts §4.5)."

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]) | st.sampled_from("\r\n\t<&>\"'"), max_size=20)
RECIPIENTS = st.builds(
    Recipient, TEXTS, st.integers(100, 699), st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple)
)


@given(st.integers(0, 10**10 - 1), st.lists(RECIPIENTS, max_size=4))
def test_what_we_write_is_what_we_read(message_id: int, recipients: list[Recipient]) -> None:
    assert read_imdn(write_imdn(message_id, recipients)) == DeliveryReport(message_id, tuple(recipients))


def test_line_ends_and_quotes_survive_where_xml_would_change_them() -> None:
    awkward = Recipient("a\r\n\t\"'b", 200, (("\r\n\tk", " <v>&\r"),))

    assert read_imdn(write_imdn(2, [awkward])).recipients == (awkward,)


def test_a_report_is_written_and_read_as_microsofts_servers_do() -> None:
    assert write_imdn(REPORT.message_id, REPORT.recipients) == SEEN
    assert read_imdn(SEEN) == REPORT


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, (), Delivery(DELIVERED)),
        (202, (("Message-Id", "2"),), Delivery(PENDING, 2)),
        (202, (), Delivery(PENDING)),
        (202, (("Message-Id", "two"),), Delivery(PENDING)),
        (202, (("Message-Id", "9" * 5000),), Delivery(PENDING)),
        (200, (("Message-Id", "2"),), Delivery(DELIVERED)),
        (204, (), Delivery(DELIVERED)),
        (302, (), Delivery(FAILED)),
        (480, (), Delivery(FAILED)),
        (606, (), Delivery(FAILED)),
    ],
)
def test_the_final_answer_is_the_report_unless_it_is_202(
    status: int, headers: tuple[tuple[str, str], ...], expected: Delivery
) -> None:
    assert delivery(response(status, *headers)) == expected


def imdn(inside: str) -> bytes:
    return f"<imdn>{inside}</imdn>".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<report/>",
        imdn(""),
        imdn("<message-id>two</message-id>"),
        imdn("<message-id>2</message-id><recipient><status>200</status></recipient>"),
        imdn("<message-id>2</message-id><recipient uri='a'/>"),
        imdn("<message-id>2</message-id><recipient uri='a'><status>20</status></recipient>"),
        imdn("<message-id>2</message-id><recipient uri='a'><status>700</status></recipient>"),
        b"<!DOCTYPE a [<!ENTITY e '2'>]><imdn><message-id>&e;</message-id></imdn>",
        imdn("<message-id>2</message-id>" + "<recipient/>" * (MAX_RECIPIENTS + 1)),
    ],
)
def test_what_is_no_report_is_an_error_of_the_peer(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_imdn(body)
    assert caught.value.status_hint == 400


def test_a_report_may_lack_recipients_and_have_more_than_is_known() -> None:
    assert read_imdn(imdn("<message-id> 2 </message-id><other/>")) == DeliveryReport(2, ())


@pytest.mark.parametrize(
    ("message_id", "recipients"),
    [(-1, []), (10**10, []), (1, [Recipient("a", 99)]), (1, [Recipient("a\0", 200)]),
     (1, [Recipient("a", 200, (("k", "\x01"),))])],
)  # fmt: skip
def test_what_a_report_cannot_hold_is_our_own_mistake(message_id: int, recipients: list[Recipient]) -> None:
    with pytest.raises(LocalProtocolError):
        write_imdn(message_id, recipients)


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: SEEN[:120] + tail))
def test_no_bytes_make_the_reader_fall_over(body: bytes) -> None:
    try:
        read_imdn(body)
    except RemoteProtocolError as error:
        assert error.status_hint == 400
