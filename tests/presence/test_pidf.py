"""Presence documents: what goes out in each layout, what comes in from anybody."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.presence import Availability, PresenceState
from simulator.presence.pidf import MAX_BYTES, Layout, as_seen, read, write

XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]) | st.sampled_from("\n\t<>&\"'"), max_size=60)
TOKENS = st.sampled_from(
    ["on-the-phone", "in-a-meeting", "off-work", "out-of-office", "meeting", "busy", "away", "other", "<odd> & more"]
)
STATES = st.builds(
    PresenceState,
    st.sampled_from(Availability),
    st.none() | TOKENS,
    st.none() | XML_TEXT,
    display_name=st.none() | XML_TEXT,
)


def document(inside: str, *, namespaces: str = "") -> bytes:
    return (
        f"<presence xmlns='urn:ietf:params:xml:ns:pidf' {namespaces} entity='sip:bob@fabrikam.test'>{inside}</presence>"
    ).encode()


@given(STATES, st.sampled_from(get_args(Layout)))
@example(PresenceState(Availability.BUSY, "busy", " "), "rfc4480")
@example(PresenceState(Availability.OFFLINE, "away", None), "rpid-status")
def test_a_document_is_read_as_what_its_layout_can_carry(state: PresenceState, layout: Layout) -> None:
    assert read(write(state, "sip:bob@fabrikam.test", layout=layout)) == as_seen(state, layout)


@pytest.mark.parametrize("layout", get_args(Layout))
@pytest.mark.parametrize("availability", [Availability.AVAILABLE, Availability.OFFLINE])
def test_who_is_there_and_who_is_not_survives_every_layout(availability: Availability, layout: Layout) -> None:
    assert read(write(PresenceState(availability), "sip:b@x.test", layout=layout)) == PresenceState(availability)


@pytest.mark.parametrize("layout", ["rpid-status", "rfc4480"])
@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (PresenceState(Availability.BUSY), PresenceState(Availability.BUSY)),
        (PresenceState(Availability.AWAY), PresenceState(Availability.AWAY)),
        (PresenceState(Availability.DO_NOT_DISTURB), PresenceState(Availability.BUSY)),
        (PresenceState(Availability.BE_RIGHT_BACK), PresenceState(Availability.AWAY)),
        (PresenceState(Availability.BUSY, "on-the-phone"), PresenceState(Availability.BUSY, "on-the-phone")),
        (PresenceState(Availability.AWAY, None, " gone \n"), PresenceState(Availability.AWAY, None, "gone")),
    ],
)
def test_a_watcher_of_pidf_sees_microsofts_coarse_states(
    state: PresenceState, seen: PresenceState, layout: Layout
) -> None:
    assert read(write(state, "sip:b@x.test", layout=layout)) == seen


def test_microsofts_layout_has_the_activity_as_text_inside_the_status() -> None:
    body = write(
        PresenceState(Availability.DO_NOT_DISTURB, "in-presentation", "Quiet & calm", display_name="Bob"),
        "sip:bob@fabrikam.test",
    ).decode()

    assert body.startswith("<?xml version=")
    assert 'xmlns:ep="urn:ietf:params:xml:ns:pidf:status:rpid-status"' in body
    assert 'entity="sip:bob@fabrikam.test"' in body
    assert (
        "<status><basic>open</basic><ep:activities><ep:activity>busy</ep:activity>"
        "<ep:activity>in-presentation</ep:activity></ep:activities></status></tuple>"
    ) in body
    assert "<note>Quiet &amp; calm</note>" in body
    assert "<ci:display-name>Bob</ci:display-name>" in body


def test_the_layout_of_rfc_4480_has_the_activity_as_an_element_of_the_person() -> None:
    body = write(PresenceState(Availability.BUSY, "off-work"), "sip:b@x.test", layout="rfc4480").decode()

    assert "<status><basic>open</basic></status>" in body
    assert "<rpid:activities><rpid:busy/><rpid:other>off-work</rpid:other></rpid:activities></dm:person>" in body


def test_the_plain_layout_says_open_or_closed_and_no_more() -> None:
    body = write(PresenceState(Availability.BUSY, "on-the-phone"), "sip:b@x.test", layout="plain")

    assert b"activit" not in body
    assert read(body) == PresenceState(Availability.AVAILABLE)


@pytest.mark.parametrize(
    ("inside", "state"),
    [
        ("", PresenceState(Availability.OFFLINE)),
        ("<tuple id='a'><status><basic> OPEN </basic></status></tuple>", PresenceState(Availability.AVAILABLE)),
        (
            "<tuple id='a'><status><basic>closed</basic></status></tuple>"
            "<tuple id='b'><status><basic>open</basic></status></tuple>",
            PresenceState(Availability.AVAILABLE),
        ),
        (
            "<tuple id='a'><status><basic>open</basic><activities><on-the-phone/></activities></status></tuple>",
            PresenceState(Availability.BUSY, "on-the-phone"),
        ),
        (
            "<tuple id='a'><status><basic>open</basic><activities><activity>juggling</activity></activities></status>"
            "<note>Hello</note></tuple><note>Second</note>",
            PresenceState(Availability.AVAILABLE, "juggling", "Hello"),
        ),
        (
            "<tuple id='a'><status><basic>open</basic><activities><note>not this</note><away/></activities></status>"
            "</tuple>",
            PresenceState(Availability.AWAY),
        ),
        (
            "<tuple id='a'><status><basic>op<!-- -> -->e<?x y?>n</basic></status></tuple>",
            PresenceState(Availability.AVAILABLE),
        ),
        (
            "<!-- a comment --><?target data?><tuple id='a'><status><basic>open</basic><x:unknown xmlns:x='urn:x'/>"
            "</status></tuple>",
            PresenceState(Availability.AVAILABLE),
        ),
    ],
)
def test_documents_of_others_are_read_leniently(inside: str, state: PresenceState) -> None:
    assert read(document(inside)) == state


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not well-formed"),
        (b"<presence", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        (document("&undefined;"), "not well-formed"),
        (b"<list xmlns='urn:ietf:params:xml:ns:rlmi'/>", "begins with <list>"),
        (b"<!DOCTYPE presence><presence xmlns='urn:ietf:params:xml:ns:pidf'/>", "DTD"),
        (b"<!DOCTYPE p [<!ENTITY e 'x'>]><presence xmlns='urn:ietf:params:xml:ns:pidf'>&e;</presence>", "DTD"),
        (
            b"<!DOCTYPE p [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>"
            b"<presence xmlns='urn:ietf:params:xml:ns:pidf'><note>&e;</note></presence>",
            "DTD",
        ),
        ("<!DOCTYPE presence><presence xmlns='urn:ietf:params:xml:ns:pidf'/>".encode("utf-16"), "DTD"),
        (b"<a>" * 2000, "not well-formed"),
    ],
)
def test_what_is_no_presence_document_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        read(body)
    assert caught.value.status_hint == 400


def test_entities_in_attributes_do_not_multiply() -> None:
    entities = "<!ENTITY e0 'lollollol'>" + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))
    body = f"<!DOCTYPE p [{entities}]><presence xmlns='urn:ietf:params:xml:ns:pidf' entity='&e11;'/>"

    with pytest.raises(RemoteProtocolError):
        read(body.encode())


def test_a_document_over_the_limit_is_refused_unread() -> None:
    largest = document("<note>" + "x" * (MAX_BYTES - len(document("<note></note>"))) + "</note>")
    assert len(largest) == MAX_BYTES
    assert read(largest).note

    with pytest.raises(RemoteProtocolError, match="over the limit") as caught:
        read(largest + b" ")
    assert caught.value.status_hint == 413


def test_text_that_no_document_can_hold_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="does not fit into XML"):
        write(PresenceState(Availability.BUSY, note="\x00"), "sip:b@x.test")


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: document(text)))
def test_no_bytes_make_the_reader_fall_over(body: bytes) -> None:
    try:
        state = read(body)
    except RemoteProtocolError:
        return
    assert isinstance(state, PresenceState)
