"""The presence of the first RTC clients, whose own specification shows a malformed example."""

from __future__ import annotations

import pytest

from simulator.errors import RemoteProtocolError
from simulator.presence import Availability, PresenceState
from simulator.presence.xpidf import DOCTYPE, read, write

BOB = "sip:bob@fabrikam.test"


def document(*addresses: str, doctype: str = DOCTYPE) -> bytes:
    atoms = "".join(
        f"<atom id='{n}'><address uri='{BOB}'>{inside}</address></atom>" for n, inside in enumerate(addresses)
    )
    return (
        f"<?xml version='1.0'?>{doctype}<presence><presentity uri='{BOB};method=SUBSCRIBE'/>{atoms}</presence>"
    ).encode()


def status(word: str, substatus: str | None = None) -> str:
    more = f"<msnsubstatus substatus='{substatus}'/>" if substatus is not None else ""
    return f"<status status='{word}'/>{more}"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (PresenceState(Availability.AVAILABLE), ("open", "online")),
        (PresenceState(Availability.AVAILABLE_IDLE), ("open", "idle")),
        (PresenceState(Availability.BUSY), ("inuse", "busy")),
        (PresenceState(Availability.BUSY_IDLE), ("inuse", "busy")),
        (PresenceState(Availability.BUSY, "on-the-phone"), ("inuse", "onthephone")),
        (PresenceState(Availability.DO_NOT_DISTURB, "on-the-phone"), ("inuse", "busy")),
        (PresenceState(Availability.BE_RIGHT_BACK), ("inuse", "berightback")),
        (PresenceState(Availability.AWAY), ("inuse", "away")),
        (PresenceState(Availability.AWAY, "lunch"), ("inuse", "outtolunch")),
        (PresenceState(Availability.OFFLINE), ("closed", "away")),
        (PresenceState(Availability.UNKNOWN), ("closed", "unknown")),
    ],
)
def test_a_state_is_written_in_two_words(state: PresenceState, words: tuple[str, str]) -> None:
    body = write(state, BOB).decode()

    assert f'<status status="{words[0]}"/><msnsubstatus substatus="{words[1]}"/>' in body


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (document(), PresenceState(Availability.OFFLINE)),
        (document(""), PresenceState(Availability.UNKNOWN)),
        (document(status("open")), PresenceState(Availability.AVAILABLE)),
        (document(status(" OPEN ", " Online ")), PresenceState(Availability.AVAILABLE)),
        (document(status("inuse")), PresenceState(Availability.BUSY)),
        (document(status("inuse", "unknown")), PresenceState(Availability.BUSY)),
        (document(status("open", "juggling")), PresenceState(Availability.AVAILABLE)),
        (document(status("closed", "online")), PresenceState(Availability.OFFLINE)),
        (document(status("closed", "unknown")), PresenceState(Availability.UNKNOWN)),
        (document(status("closed"), status("open", "away")), PresenceState(Availability.AWAY)),
        (document("<status>open</status>"), PresenceState(Availability.AVAILABLE)),
        (document("<status status='open'/><msnsubstatus msnstatus='busy'/>"), PresenceState(Availability.BUSY)),
        (document("<status status='open'/><msnstatus substatus='busy'/>"), PresenceState(Availability.BUSY)),
        (document(status("open"), doctype=""), PresenceState(Availability.AVAILABLE)),
        (document(status("open"), doctype="<!DOCTYPE presence>"), PresenceState(Availability.AVAILABLE)),
    ],
)
def test_documents_of_others_are_read_leniently(body: bytes, state: PresenceState) -> None:
    found = read(body)

    assert found.state == state
    assert found.entity == BOB


def test_a_document_without_presentity_names_nobody() -> None:
    assert read(b"<presence/>").entity is None


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE presence [<!ENTITY e 'x'>]>",
        "<!DOCTYPE presence [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>",
        "<!DOCTYPE presence [<!ELEMENT presence ANY>]>",
    ],
)
def test_a_doctype_that_declares_anything_is_refused(doctype: str) -> None:
    with pytest.raises(RemoteProtocolError, match="declares something"):
        read(document(status("open"), doctype=doctype))


def test_a_missing_quote_as_in_the_specification_is_refused_cleanly() -> None:
    body = document(status("open")).replace(b"status='open'", b"status='open")

    with pytest.raises(RemoteProtocolError, match="not well-formed XML"):
        read(body)
