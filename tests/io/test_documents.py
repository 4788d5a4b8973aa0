"""Whom a notification is about."""

from __future__ import annotations

from simulator.io.documents import documents_in
from simulator.presence import GENERIC, Availability, PresenceState, pidf, rlmi
from simulator.sip.message import Request


def notify(body: bytes, content_type: str | None) -> Request:
    return Request.build("NOTIFY", "sip:alice@acme.test", [], body, content_type)


def document(entity: str) -> bytes:
    return pidf.write(PresenceState(Availability.BUSY), entity)


def test_a_document_about_one_person_is_about_whom_was_subscribed_to() -> None:
    """AOL leaves `sip:` out, others write `pres:` (dialect facts §3.4 d)."""
    for entity in ("bob@fabrikam.test", "pres:bob@fabrikam.test", "sip:somebody@else.test"):
        ((about, said),) = documents_in(notify(document(entity), "application/pidf+xml"), "sip:bob@x.test", GENERIC)

        assert about == "sip:bob@x.test"
        assert said is not None
        assert said.state.availability is Availability.BUSY


def test_a_list_says_itself_whom_it_is_about() -> None:
    people = (
        rlmi.Resource("sip:Bob@Fabrikam.test", "active", document("sip:bob@fabrikam.test"), "application/pidf+xml"),
        rlmi.Resource("sip:carl@fabrikam.test", "pending"),
    )
    body, content_type = rlmi.write(rlmi.ResourceList("sip:alice@acme.test", people))

    found = documents_in(notify(body, content_type), "sip:x@y.test", GENERIC)

    assert [about for about, _ in found] == ["sip:Bob@fabrikam.test", "sip:carl@fabrikam.test"]


def test_a_notification_without_a_body_is_about_whom_was_subscribed_to() -> None:
    assert documents_in(notify(b"", None), "sip:bob@x.test", GENERIC) == [("sip:bob@x.test", None)]
