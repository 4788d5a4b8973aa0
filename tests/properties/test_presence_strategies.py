"""The strategies for presence draw what they promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import find, given, settings

from simulator.markup import check_text
from simulator.presence import Activity, Availability, NoteType, PresenceState
from simulator.strategies import presence_states, presence_texts

LONG = settings(max_examples=5000)
"A corner that is rare is not missed by chance."

CORNERS: dict[str, Callable[[PresenceState], bool]] = {
    "a note with markup": lambda state: state.note is not None and "<" in state.note,
    "a note with a line end": lambda state: state.note is not None and "\r" in state.note,
    "a note that is blank": lambda state: state.note is not None and state.note != "" and not state.note.strip(),
    "a note beyond the basic plane": lambda state: any(ord(one) > 0xFFFF for one in state.note or ""),
    "no note": lambda state: state.note is None,
    "the note of an assistant": lambda state: state.note_type is NoteType.OOF,
    "a known activity": lambda state: state.activity in set(Activity),
    "an unknown activity": lambda state: state.activity not in {*Activity, None, ""},
    "a moment": lambda state: state.last_active is not None,
    "a name": lambda state: bool(state.display_name),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_presence_states_reach(corner: str) -> None:
    find(presence_states(), CORNERS[corner], settings=LONG)


@pytest.mark.parametrize("availability", Availability)
def test_presence_states_reach_each_availability(availability: Availability) -> None:
    find(presence_states(), lambda state: state.availability is availability, settings=LONG)


@given(presence_texts(max_size=5))
def test_presence_texts_are_as_short_as_asked_and_fit_into_xml(text: str) -> None:
    assert len(check_text(text)) <= 5


@given(presence_states(max_note=3))
def test_notes_are_as_short_as_asked(state: PresenceState) -> None:
    assert len(state.note or "") <= 3
