"""Who is typing, in the words of Microsoft's clients and in those of RFC 3994."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from simulator.chat.composing import Composing, is_composing_type, read_composing, write_composing
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.markup import MAX_BYTES

INFO, RFC = "application/xml", "application/im-iscomposing+xml"
MOMENTS = st.datetimes(
    datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])
).map(lambda moment: moment.replace(microsecond=0))
SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:ietf:params:xml:ns:im-iscomposing"
           targetNamespace="urn:ietf:params:xml:ns:im-iscomposing" elementFormDefault="qualified">
  <xs:element name="isComposing"><xs:complexType><xs:sequence>
    <xs:element name="state" type="xs:string"/>
    <xs:element name="lastactive" type="xs:dateTime" minOccurs="0"/>
    <xs:element name="contenttype" type="xs:string" minOccurs="0"/>
    <xs:element name="refresh" type="xs:positiveInteger" minOccurs="0"/>
    <xs:any namespace="##other" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
"RFC 3994 §4."
STATES = st.builds(
    Composing,
    st.booleans(),
    st.none() | st.sampled_from(["text/plain", "video/*", 'a/b;c="<&>"']),
    st.none() | st.integers(1, 10**9),
    st.none() | MOMENTS,
)


def is_composing(*children: str) -> bytes:
    return f'<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">{"".join(children)}</isComposing>'.encode()


@given(STATES)
def test_what_we_write_by_rfc_3994_is_what_we_read(state: Composing) -> None:
    method, content_type, body = write_composing(state, "iscomposing")

    assert method == "MESSAGE"
    assert read_composing(content_type, body) == state


@given(STATES)
def test_keyboard_activity_carries_whether_somebody_types_and_nothing_else(state: Composing) -> None:
    method, content_type, body = write_composing(state, "info")

    assert method == "INFO"
    assert read_composing(content_type, body) == Composing(state.active)


def test_keyboard_activity_is_written_as_microsofts_clients_write_it() -> None:
    assert write_composing(Composing(True), "info")[2] == (
        b'<?xml version="1.0"?><KeyboardActivity><status status="type"/></KeyboardActivity>'
    )
    assert b'status="idle"' in write_composing(Composing(False), "info")[2]


@given(STATES)
def test_our_document_is_valid_by_the_schema_of_rfc_3994(state: Composing) -> None:
    etree.XMLSchema(etree.fromstring(SCHEMA)).assertValid(etree.fromstring(write_composing(state, "iscomposing")[2]))


@pytest.mark.parametrize(
    ("content_type", "body", "state"),
    [
        (INFO, b'<KeyboardActivity><status status="TYPE" /></KeyboardActivity>', Composing(True)),
        (INFO, b'<KeyboardActivity>\r\n <status status="idle"/>\r\n</KeyboardActivity>', Composing(False)),
        (INFO, b'<KeyboardActivity><status status="paused"/></KeyboardActivity>', Composing(False)),
        (INFO, b'<k:KeyboardActivity xmlns:k="x"><k:status status="type"/></k:KeyboardActivity>', Composing(True)),
        ("application/xml; charset=utf-8", b'<KeyboardActivity><status status="type"/></KeyboardActivity>',
         Composing(True)),
        (RFC, is_composing("<state>active</state>"), Composing(True)),
        (RFC, is_composing("<state> idle </state>"), Composing(False)),
        (RFC, is_composing("<state>x-thinking</state>"), Composing(False)),
        (RFC, is_composing("<state>active</state><more xmlns='x'/><refresh>060</refresh>"), Composing(True, None, 60)),
        (RFC, b"<isComposing><state>active</state></isComposing>", Composing(True)),
        (RFC, is_composing("<state>idle</state><lastactive>2003-01-27T10:43:00+01:00</lastactive>"),
         Composing(False, None, None, datetime(2003, 1, 27, 9, 43, tzinfo=UTC))),
        (RFC, is_composing("<!-- a --><state>act<!-- b -->ive</state>"), Composing(True)),
    ],
)  # fmt: skip
def test_what_peers_write_is_read(content_type: str, body: bytes, state: Composing) -> None:
    assert read_composing(content_type, body) == state


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (INFO, b"", 400),
        (INFO, b"typing", 400),
        (INFO, b"<KeyboardActivity/>", 400),
        (INFO, b"<KeyboardActivity><status/></KeyboardActivity>", 400),
        (INFO, b"<action name='stop'/>", 415),
        (INFO, is_composing("<state>active</state>"), 415),
        (RFC, b"<KeyboardActivity><status status='type'/></KeyboardActivity>", 400),
        (RFC, is_composing(), 400),
        (RFC, is_composing("<state>active</state><refresh>soon</refresh>"), 400),
        (RFC, is_composing("<state>active</state><refresh>0</refresh>"), 400),
        (RFC, is_composing("<state>active</state><refresh>-1</refresh>"), 400),
        (RFC, is_composing("<state>active</state><refresh>" + "9" * 5000 + "</refresh>"), 400),
        (RFC, is_composing("<state>idle</state><lastactive>yesterday</lastactive>"), 400),
        (RFC, is_composing("<state>idle</state><lastactive>0001-01-01T00:00:00+05:00</lastactive>"), 400),
        ("text/plain", b"typing", 415),
        ("nonsense", b"", 400),
    ],
)
def test_what_says_nothing_of_typing_is_an_error_of_the_peer(content_type: str, body: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_composing(content_type, body)
    assert caught.value.status_hint == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hosts">]><isComposing><state>&e;</state></isComposing>', "DTD"),
        (b'<!DOCTYPE a [<!ENTITY e "active">]><isComposing><state>&e;</state></isComposing>', "DTD"),
        (b'<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd"><isComposing><state>active</state></isComposing>', "DTD"),
        (b"<isComposing>" + b"<a>" * 10_000, "not well-formed"),
    ],
)
def test_no_document_reaches_beyond_itself(body: bytes, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        read_composing(RFC, body)
    assert caught.value.status_hint == 400


def test_a_document_over_the_limit_is_refused_unread() -> None:
    largest = is_composing("<state>active</state>").ljust(MAX_BYTES)
    assert read_composing(RFC, largest) == Composing(True)

    with pytest.raises(RemoteProtocolError, match="over the limit") as caught:
        read_composing(RFC, largest + b" ")
    assert caught.value.status_hint == 413


@pytest.mark.parametrize(
    "state",
    [Composing(True, "a\0b"), Composing(True, refresh=0), Composing(False, last_active=datetime(2003, 1, 27))],
)
def test_what_the_document_cannot_hold_is_our_own_mistake(state: Composing) -> None:
    with pytest.raises(LocalProtocolError):
        write_composing(state, "iscomposing")


@pytest.mark.parametrize(("content_type", "yes"), [(INFO, True), (RFC, True), ("text/plain", False), (None, False)])
def test_a_type_tells_whether_a_body_is_of_typing(content_type: str | None, yes: bool) -> None:
    assert is_composing_type(content_type) is yes


@given(
    st.lists(st.sampled_from(["<isComposing>", "<state>", "active", "</state>", "<refresh>", "9", "</refresh>", "&"])),
    st.sampled_from([INFO, RFC]),
)
def test_no_document_makes_the_reader_fall_over(pieces: list[str], content_type: str) -> None:
    try:
        read_composing(content_type, "".join(pieces).encode())
    except RemoteProtocolError as error:
        assert error.status_hint in (400, 415)
