"""The presence of several people in one body."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.presence import FORMATS, Availability, PresenceState, Publication, Style, multipart, read_documents, rlmi
from simulator.presence.rlmi import Resource, ResourceList
from simulator.strategies import presence_states
from tests.presence.judge import mistakes

WATCHER = "sip:user1@contoso.com"
STYLE = Style(layout="rpid-status")


def resource(name: str, state: PresenceState, content_type: str) -> Resource:
    uri = f"sip:{name}@fabrikam.test"
    said = Publication(state=state, entity=uri, published=datetime(2024, 1, 22, tzinfo=UTC))
    return Resource(uri, body=FORMATS[content_type].write(said, STYLE), content_type=content_type)


ACTIVE = st.builds(resource, st.sampled_from(["bob", "berta"]), presence_states(), st.sampled_from(list(FORMATS)))
SILENT = st.builds(
    Resource,
    st.sampled_from(["sip:carl@fabrikam.test", "sip:dora@fabrikam.test"]),
    st.sampled_from(["pending", "terminated", "resubscribe", None]),
)
LISTS = st.builds(
    ResourceList,
    st.just(WATCHER),
    st.lists(ACTIVE | SILENT, max_size=4, unique_by=lambda one: one.uri).map(tuple),
    st.integers(0, 99),
    st.booleans(),
)


def parts_of(body: bytes, content_type: str) -> list[Message]:
    """The parts as Python's own mail parser sees them."""
    parsed = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    assert not parsed.defects
    return [part for part in parsed.walk() if not part.is_multipart()]


@given(LISTS)
def test_a_list_is_read_as_it_was_written(listed: ResourceList) -> None:
    assert rlmi.read(*rlmi.write(listed)) == listed


@given(LISTS)
def test_strangers_find_a_valid_list_and_the_documents_it_names(listed: ResourceList) -> None:
    root, *parts = parts_of(*rlmi.write(listed))

    assert root["Content-ID"] == "resourceList"
    content = root.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert mistakes(rlmi.CONTENT_TYPE, content) == ""
    assert [(part["Content-ID"], part.get_payload(decode=True)) for part in parts] == [
        (one.uri.removeprefix("sip:"), one.body) for one in listed.resources if one.body
    ]


@given(LISTS)
def test_a_watcher_learns_the_state_of_each(listed: ResourceList) -> None:
    body, content_type = rlmi.write(listed)

    documents = read_documents(body, content_type)

    assert [(one.entity, one.subscription) for one in documents] == [(one.uri, one.state) for one in listed.resources]
    for document, one in zip(documents, listed.resources, strict=True):
        if one.content_type is not None:
            (alone,) = read_documents(one.body, one.content_type)
            assert (document.state, document.parts) == (alone.state, alone.parts)
        else:
            assert not document.parts


def test_identifiers_have_no_brackets_and_start_has_no_quotes() -> None:
    body, content_type = rlmi.write(
        ResourceList(WATCHER, (resource("bob", PresenceState(Availability.BUSY), "application/pidf+xml"),)),
        boundary="50UBfW7LSCVLtggUPe5z",
    )

    assert content_type == (
        'multipart/related; type="application/rlmi+xml"; start=resourceList; boundary=50UBfW7LSCVLtggUPe5z'
    )
    assert b"\r\nContent-ID: bob@fabrikam.test\r\n" in body
    assert b'cid="bob@fabrikam.test"' in body


def test_resubscribe_names_the_pool_where_there_is_one() -> None:
    listed = ResourceList(
        WATCHER,
        (
            Resource("sip:a@x.test", "resubscribe", pool="pool01.x.test"),
            Resource("sip:b@x.test", "resubscribe"),
            Resource("sip:c@x.test", "terminated", reason="rejected"),
        ),
    )

    a, b, c = read_documents(*rlmi.write(listed))

    assert (a.pool, b.pool, c.reason) == ("pool01.x.test", None, "rejected")


def test_brackets_quotes_and_another_order_are_understood_too() -> None:
    listed = (
        b'<list uri="" xmlns="urn:ietf:params:xml:ns:rlmi"><resource uri="b@x.test">'
        b'<instance id="0" state="Active" cid="1"/></resource></list>'
    )
    body = (
        b"preamble\n--b\nContent-ID: <1>\ncontent-type: application/pidf+xml;\n charset=utf-8\n\n"
        b"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:b@x.test'>"
        b"<tuple id='a'><status><basic>open</basic></status></tuple></presence>"
        b"\n--b  \nContent-ID: <2>\nContent-Type: application/rlmi+xml\n\n" + listed + b"\n--b--\nepilogue"
    )

    (document,) = read_documents(body, 'Multipart/Related; boundary="b"; start="<2>"')

    assert document.entity == "sip:b@x.test"
    assert document.state == PresenceState(Availability.AVAILABLE)
    assert document.subscription == "active"


def test_a_list_may_come_alone() -> None:
    body = b'<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:u@x.test"><resource uri="sip:b@x.test"/></list>'

    (document,) = read_documents(body, "application/rlmi+xml")

    assert (document.entity, document.subscription, document.parts) == ("sip:b@x.test", None, frozenset())


HEAD = b"--b\r\nContent-Type: application/rlmi+xml\r\n\r\n"
LIST = b'<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:u@x.test"/>'


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (HEAD + LIST + b"\r\n--b--", "multipart/related", "needs a boundary"),
        (HEAD + LIST + b"\r\n--b--", "multipart/related; boundary=c", "at least one"),
        (b"--b--", "multipart/related; boundary=b", "at least one"),
        (b"--b\r\n\r\n\r\n" * 1002, "multipart/related; boundary=b", "1001 parts at most"),
        (b"--b\r\nContent-ID: 1", "multipart/related; boundary=b", "no blank line"),
        (b"--b\r\n\r\nhello\r\n--b--", "multipart/related; boundary=b", "begins with 'text/plain'"),
        (HEAD + b"<list/\r\n--b--", "multipart/related; boundary=b", "not well-formed"),
        (HEAD + b"<list><resource/></list>\r\n--b--", "multipart/related; boundary=b", "has no uri"),
        (HEAD + b"<list version='x'/>\r\n--b--", "multipart/related; boundary=b", "version of the list"),
        (b"x" * (multipart.MAX_BYTES + 1), "multipart/related; boundary=b", "over the limit"),
        (b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n--b--", "multipart/related; boundary=b", "base64"),
    ],
)
def test_what_is_no_list_is_refused(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        read_documents(body, content_type)


def test_a_document_of_an_unknown_type_in_a_list_is_refused() -> None:
    body, content_type = rlmi.write(
        ResourceList(WATCHER, (Resource("sip:b@x.test", body=b"hello", content_type="text/plain"),))
    )

    with pytest.raises(RemoteProtocolError, match="came as text/plain") as refused:
        read_documents(body, content_type)
    assert refused.value.status_hint == 415


def test_the_same_parts_always_get_the_same_boundary_and_others_another() -> None:
    part = multipart.Part("x", "text/plain", b"one")

    assert multipart.boundary_for([part]) == multipart.boundary_for([part])
    assert multipart.boundary_for([part]) != multipart.boundary_for([part._replace(content=b"two")])


def test_a_boundary_that_occurs_in_a_part_is_our_own_mistake() -> None:
    part = multipart.Part("x", "text/plain", b"the border")

    with pytest.raises(LocalProtocolError, match="occurs in a part"):
        multipart.write([part], root_type="text/plain", boundary="border")
    with pytest.raises(LocalProtocolError, match="line end"):
        multipart.write([part._replace(content_id="a\r\nb")], root_type="text/plain")
