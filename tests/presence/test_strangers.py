"""Bodies of strangers: whatever comes, a watcher gets a document or one clear sentence."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.errors import RemoteProtocolError
from simulator.markup import MAX_BYTES, parse
from simulator.presence import FORMATS, READABLE, PresenceDocument, batch, read_documents
from simulator.presence.values import uri_of

ROOTS = {
    "application/pidf+xml": "presence",
    "application/msrtc-event-categories+xml": "categories",
    "text/xml+msrtc.pidf": "presentity",
    "application/xpidf+xml": "presence",
    "application/rlmi+xml": "list",
}
NAMES = (
    *("tuple", "status", "basic", "activities", "activity", "note", "display-name", "person", "category", "state"),
    *("availability", "custom", "device", "body", "displayName", "devices", "devicePresence", "atom", "address"),
    *("msnsubstatus", "presentity", "resource", "instance"),
)
ATTRIBUTES = (
    *("entity", "uri", "name", "aggregate", "note", "displayName", "token", "minAvailability", "maxAvailability"),
    *("lastActive", "publishTime", "type", "status", "substatus", "id", "cid", "state", "version"),
)
VALUES = st.sampled_from(
    [
        "",
        "open",
        "closed",
        "state",
        "note",
        "contactCard",
        "6500",
        "-1",
        "99999999999",
        "active",
        "sip:b@x.test",
        "٣",
        "0",
    ]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
CONTENT_TYPES = st.sampled_from([*READABLE, "multipart/related; boundary=b"])


def escaped(text: str) -> str:
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace('"', "&quot;")
        .replace("\ufffe", "")
        .replace("\uffff", "")
    )


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    """Elements that mean something to some format, in no sensible order."""
    name = draw(st.sampled_from(NAMES))
    attributes = draw(st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES, max_size=3))
    inside = draw(st.lists(elements(depth - 1), max_size=2)) if depth else []
    written = "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{escaped(draw(VALUES))}{''.join(inside)}</{name}>"


@given(st.binary(max_size=300), CONTENT_TYPES)
@example(b"--b\r\n\r\n\r\n--b--", "multipart/related; boundary=b")
def test_no_bytes_make_a_reader_fall_over(body: bytes, content_type: str) -> None:
    judge(body, content_type)


@given(st.data())
def test_no_markup_makes_a_reader_fall_over(data: st.DataObject) -> None:
    content_type = data.draw(st.sampled_from(list(ROOTS)))
    inside = "".join(data.draw(st.lists(elements(), max_size=3)))
    root = ROOTS[content_type]

    judge(f"<{root}>{inside}</{root}>".encode(), content_type)


@given(elements(), st.binary(max_size=100))
def test_no_request_makes_its_reader_fall_over(inside: str, garbage: bytes) -> None:
    for body in (f"<batchSub><action>{inside}</action></batchSub>".encode(), garbage):
        try:
            batch.read(body)
        except RemoteProtocolError as error:
            assert str(error)


def judge(body: bytes, content_type: str) -> None:
    try:
        documents = read_documents(body, content_type)
    except RemoteProtocolError as error:
        assert str(error)
        assert error.status_hint in (400, 413, 415)
    else:
        assert all(isinstance(document, PresenceDocument) for document in documents)


def test_an_empty_notification_says_nothing_of_anybody() -> None:
    assert read_documents(b"", None) == ()
    assert read_documents(b"", "text/plain") == ()


@pytest.mark.parametrize(
    ("content_type", "words", "status"),
    [
        (None, "no Content-Type", 400),
        ("text/plain", "came as text/plain; what is understood is application/", 415),
        ("nonsense", "no media type", 400),
    ],
)
def test_a_body_of_no_known_type_is_refused(content_type: str | None, words: str, status: int) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as refused:
        read_documents(b"x", content_type)
    assert refused.value.status_hint == status


@pytest.mark.parametrize("content_type", list(FORMATS))
def test_entities_are_never_expanded(content_type: str) -> None:
    entities = "<!ENTITY e0 'lollollol'>" + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))
    root = ROOTS[content_type]
    for inside in (f"<{root} uri='&e11;' entity='&e11;'/>", f"<{root}>&e11;</{root}>", f"<{root}/>"):
        with pytest.raises(RemoteProtocolError):
            read_documents(f"<!DOCTYPE p [{entities}]>{inside}".encode(), content_type)


@pytest.mark.parametrize("content_type", list(FORMATS))
def test_a_document_over_the_limit_is_refused_unread(content_type: str) -> None:
    with pytest.raises(RemoteProtocolError, match="over the limit") as refused:
        read_documents(b"<" * (MAX_BYTES + 1), content_type)
    assert refused.value.status_hint == 413


@pytest.mark.parametrize(
    ("written", "uri"),
    [
        ("bob@x.test", "sip:bob@x.test"),
        (" sip:bob@x.test ", "sip:bob@x.test"),
        ("pres:bob@x.test", "pres:bob@x.test"),
        ("bob@x.test:5061", "sip:bob@x.test:5061"),
        ("", None),
        (None, None),
    ],
)
def test_a_uri_without_scheme_is_one_of_sip(written: str | None, uri: str | None) -> None:
    assert uri_of(written) == uri


def test_deep_documents_are_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="not well-formed"):
        parse(b"<a>" * 5000 + b"</a>" * 5000, "a")
