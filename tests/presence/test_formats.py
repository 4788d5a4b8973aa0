"""Every format of presence: what one side writes, the other side reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.presence import (
    ALL_PARTS,
    FORMATS,
    GENERIC,
    PREFERENCE,
    READABLE,
    SKYPE_FOR_BUSINESS,
    TEAMS,
    Availability,
    PresenceState,
    Publication,
    Style,
    choose,
    read_documents,
    xpidf,
)
from simulator.presence.pidf import Layout
from simulator.strategies import presence_states
from tests.presence.judge import mistakes

BOB = "sip:bob@fabrikam.test"
NOW = datetime(2024, 1, 22, 23, 41, 5, 450_000, UTC)
STYLES = st.builds(
    Style,
    layout=st.sampled_from(get_args(Layout)),
    mapping=st.sampled_from((GENERIC, SKYPE_FOR_BUSINESS, TEAMS)),
)
CONTENT_TYPES = st.sampled_from(list(FORMATS))


def written(content_type: str, state: PresenceState, style: Style, before: PresenceState | None = None) -> bytes:
    said = Publication(state=state, entity=BOB, published=NOW, before=before, epid="03640fc59f")
    return FORMATS[content_type].write(said, style)


@given(CONTENT_TYPES, presence_states(), STYLES)
def test_a_watcher_reads_what_the_format_can_carry(content_type: str, state: PresenceState, style: Style) -> None:
    (document,) = read_documents(written(content_type, state, style), content_type, style.mapping)

    assert document.entity == BOB
    assert document.parts == ALL_PARTS
    assert document.state == FORMATS[content_type].as_seen(state, style)


@given(CONTENT_TYPES, presence_states(), st.none() | presence_states(), STYLES)
def test_every_document_is_valid(
    content_type: str, state: PresenceState, before: PresenceState | None, style: Style
) -> None:
    assert mistakes(content_type, written(content_type, state, style, before)) == ""


@given(CONTENT_TYPES, presence_states(), STYLES)
def test_what_was_seen_once_is_seen_the_same_when_it_is_told_on(
    content_type: str, state: PresenceState, style: Style
) -> None:
    as_seen = FORMATS[content_type].as_seen
    seen = as_seen(state, style)

    assert as_seen(seen, style) == seen


@pytest.mark.parametrize(
    "note", ["a\r\nb", "a\rb", "a\nb\tc", "]]> & <b>", "e\u0301 é 😀 \u200fשלום\u200e", "a\x85b\u2028c"]
)
@pytest.mark.parametrize("content_type", [one for one in FORMATS if one != xpidf.CONTENT_TYPE])
def test_a_note_arrives_character_by_character(content_type: str, note: str) -> None:
    state = PresenceState(Availability.BUSY, note=note)

    (document,) = read_documents(written(content_type, state, Style()), content_type)

    assert document.state.note == note


@given(presence_states(), presence_states(), STYLES)
def test_updates_of_what_has_changed_add_up_to_the_whole(
    before: PresenceState, after: PresenceState, style: Style
) -> None:
    enhanced = PREFERENCE[0]
    known = FORMATS[enhanced].as_seen(before, style)

    (document,) = read_documents(written(enhanced, after, style, before), enhanced, style.mapping)

    assert document.onto(known) == FORMATS[enhanced].as_seen(after, style)


@pytest.mark.parametrize(
    ("accept", "supported", "chosen"),
    [
        (["application/pidf+xml", "text/xml+msrtc.pidf"], PREFERENCE, "text/xml+msrtc.pidf"),
        (["application/xpidf+xml", "text/xml+msrtc.pidf", "application/pidf+xml"], PREFERENCE, "text/xml+msrtc.pidf"),
        (READABLE, PREFERENCE, "application/msrtc-event-categories+xml"),
        (READABLE, ["application/pidf+xml"], "application/pidf+xml"),
        ([], PREFERENCE, "application/pidf+xml"),
        ([], ["text/xml+msrtc.pidf"], None),
        (["application/*"], ["text/xml+msrtc.pidf", "application/pidf+xml"], "application/pidf+xml"),
        (["*/*;q=0.1"], PREFERENCE, "application/msrtc-event-categories+xml"),
        (["*/*", "application/msrtc-event-categories+xml;q=0.0"], PREFERENCE, "text/xml+msrtc.pidf"),
        (["application/msrtc-event-categories+xml", "multipart/related"], ["application/pidf+xml"], None),
        (["APPLICATION/PIDF+XML"], PREFERENCE, "application/pidf+xml"),
    ],
)
def test_the_notifier_chooses_by_its_own_preference(
    accept: list[str], supported: list[str], chosen: str | None
) -> None:
    assert choose(accept, supported) == chosen
