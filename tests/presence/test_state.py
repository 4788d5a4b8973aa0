"""What a person shows, and how one document after the other changes it."""

from __future__ import annotations

from datetime import datetime

import pytest

from simulator.errors import LocalProtocolError
from simulator.presence import Availability, NoteType, Part, PresenceDocument, PresenceState

BUSY = PresenceState(Availability.BUSY, "on-the-phone", "In the lab", display_name="User Two", device="computer")


@pytest.mark.parametrize(
    ("text", "named"),
    [("a\x00b", "character 2 is U+0000"), ("\x1b[31m", "U+001B"), ("\ud83d", "U+D83D"), ("\ufffe", "U+FFFE")],
)
@pytest.mark.parametrize("field", ["activity", "note", "display_name", "device"])
def test_text_that_xml_cannot_carry_is_refused_where_it_is_said(field: str, text: str, named: str) -> None:
    with pytest.raises(LocalProtocolError) as refused:
        PresenceState(Availability.BUSY, **{field: text})  # type: ignore[arg-type]

    assert named in str(refused.value)
    assert "leave it out" in str(refused.value)


@pytest.mark.parametrize("text", ["😀 e\u0301 é", "שלום", "]]>", "a\tb\r\nc", "\x85\u2028", "\U0010ffff"])
def test_text_that_xml_can_carry_is_taken(text: str) -> None:
    assert PresenceState(Availability.BUSY, note=text).note == text


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="no time zone"):
        PresenceState(Availability.AWAY, last_active=datetime(2024, 1, 22))


def test_blank_texts_are_none() -> None:
    blank = PresenceState(Availability.BUSY, " ", "\n", NoteType.OOF, "\t", "  ")

    assert blank.trimmed() == PresenceState(Availability.BUSY)
    assert PresenceState(Availability.BUSY, note=" a ").trimmed() == PresenceState(Availability.BUSY, note="a")
    assert BUSY.trimmed() is BUSY


@pytest.mark.parametrize(
    ("parts", "after"),
    [
        (set(), BUSY),
        ({Part.STATE}, PresenceState(Availability.AWAY, None, "In the lab", display_name="User Two")),
        ({Part.NOTE}, PresenceState(Availability.BUSY, "on-the-phone", "Gone", NoteType.OOF, "User Two", "computer")),
        ({Part.CARD}, PresenceState(Availability.BUSY, "on-the-phone", "In the lab", device="computer")),
        ({Part.STATE, Part.NOTE, Part.CARD}, PresenceState(Availability.AWAY, None, "Gone", NoteType.OOF)),
    ],
)
def test_a_document_changes_what_it_speaks_of(parts: set[Part], after: PresenceState) -> None:
    said = PresenceState(Availability.AWAY, None, "Gone", NoteType.OOF)

    assert PresenceDocument("sip:user2@fabrikam.com", said, frozenset(parts)).onto(BUSY) == after


def test_a_document_about_the_note_alone_leaves_a_stranger_unknown() -> None:
    document = PresenceDocument(None, PresenceState(Availability.AWAY, note="Hello"), frozenset({Part.NOTE}))

    assert document.onto(None) == PresenceState(Availability.UNKNOWN, note="Hello")


def test_idle_is_a_form_of_the_state_below() -> None:
    assert Availability.BUSY_IDLE.without_idle is Availability.BUSY
    assert Availability.AVAILABLE_IDLE.without_idle is Availability.AVAILABLE
    assert Availability.AWAY.without_idle is Availability.AWAY
