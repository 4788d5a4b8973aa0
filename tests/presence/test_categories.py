"""Microsoft's enhanced presence: categories, and updates that say only what has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.presence import ALL_PARTS, GENERIC, Availability, NoteType, Part, PresenceState
from simulator.presence.categories import CONTENT_TYPE, Envelope, read, write
from tests.presence.judge import mistakes

BOB = "sip:bob@fabrikam.test"
ENVELOPE = Envelope(datetime(2024, 1, 22, 23, 41, 5, 450_000, UTC))
AVAILABLE = PresenceState(Availability.AVAILABLE, note="Here", display_name="Bob")
STATE = "http://schemas.microsoft.com/2006/09/sip/state"


def document(inside: str) -> bytes:
    return (
        f"<categories xmlns='http://schemas.microsoft.com/2006/09/sip/categories' uri='{BOB}'>{inside}</categories>"
    ).encode()


def state(availability: str, more: str = "", *, attributes: str = "", when: str = "2024-01-01T00:00:00") -> str:
    return (
        f"<category name='state' publishTime='{when}'><state xmlns='{STATE}' {attributes}>"
        f"<availability>{availability}</availability>{more}</state></category>"
    )


def note(text: str, kind: str = "personal", when: str = "2024-01-01T00:00:00") -> str:
    return (
        f"<category name='note' publishTime='{when}'><note xmlns='http://schemas.microsoft.com/2006/09/sip/note'>"
        f"<body type='{kind}' uri=''>{text}</body></note></category>"
    )


@pytest.mark.parametrize(
    ("after", "parts"),
    [
        (PresenceState(Availability.BUSY, note="Here", display_name="Bob"), {Part.STATE}),
        (PresenceState(Availability.AVAILABLE, "out-of-office", "Here", display_name="Bob"), {Part.STATE}),
        (PresenceState(Availability.AVAILABLE, note="Gone", display_name="Bob"), {Part.NOTE}),
        (PresenceState(Availability.AVAILABLE, None, "Here", NoteType.OOF, display_name="Bob"), {Part.NOTE}),
        (PresenceState(Availability.AVAILABLE, note="Here", display_name="Robert"), {Part.CARD}),
        (PresenceState(Availability.BUSY, display_name="Bob"), {Part.STATE, Part.NOTE}),
        (AVAILABLE, ALL_PARTS),
    ],
)
def test_an_update_holds_the_categories_that_have_changed(after: PresenceState, parts: set[Part]) -> None:
    assert read(write(after, BOB, ENVELOPE, before=AVAILABLE)).parts == parts


def test_a_note_is_cleared_by_an_empty_category() -> None:
    body = write(PresenceState(Availability.AVAILABLE, display_name="Bob"), BOB, ENVELOPE, before=AVAILABLE)

    assert b'<category name="note"/>' in body
    assert read(body).onto(AVAILABLE) == PresenceState(Availability.AVAILABLE, display_name="Bob")


def test_only_categories_that_the_watcher_asked_for_are_written() -> None:
    body = write(AVAILABLE, BOB, ENVELOPE, names=("calendarData", "note", "state"))

    assert b"contactCard" not in body
    assert read(body).parts == {Part.STATE, Part.NOTE}


def test_a_watcher_of_other_categories_is_told_nothing() -> None:
    body = write(AVAILABLE, BOB, ENVELOPE, names=("calendarData",))

    assert read(body).parts == set()
    assert mistakes(CONTENT_TYPE, body) == ""


def test_the_envelope_is_written_in_utc() -> None:
    published = datetime(2024, 1, 23, 1, 41, 5, tzinfo=timezone(timedelta(hours=2)))

    body = write(AVAILABLE, BOB, Envelope(published, version=7, container=400))

    assert body.count(b'publishTime="2024-01-22T23:41:05.000" container="400" version="7"') == 3


def test_a_publication_without_time_zone_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="no time zone"):
        write(AVAILABLE, BOB, Envelope(datetime(2024, 1, 22)))


@pytest.mark.parametrize(
    ("more", "activity"),
    [
        ("<activity token='on-the-phone' minAvailability='6500' maxAvailability='8999'/>", "on-the-phone"),
        ("<activity token='on-the-phone' minAvailability='6501' maxAvailability='8999'/>", None),
        ("<activity token='on-the-phone' minAvailability='6000' maxAvailability='6499'/>", None),
        ("<activity token='on-the-phone'/>", "on-the-phone"),
        ("<activity><custom LCID='1031'>Beim Zahnarzt</custom></activity>", "Beim Zahnarzt"),
        ("<activity token=' '/>", None),
        ("<activity/>", None),
        ("", None),
    ],
)
def test_an_activity_holds_for_the_numbers_it_names(more: str, activity: str | None) -> None:
    assert read(document(state("6500", more))).state == PresenceState(Availability.BUSY, activity)


def test_the_activity_of_somebody_idle_still_holds() -> None:
    body = write(PresenceState(Availability.BUSY_IDLE, "on-the-phone"), BOB, ENVELOPE)

    assert b"<availability>7500</availability>" in body
    assert b'minAvailability="6500" maxAvailability="8999"' in body


def test_free_text_as_activity_travels_as_custom() -> None:
    body = write(PresenceState(Availability.AWAY, "At the <dentist>"), BOB, ENVELOPE)

    assert b'<custom LCID="1033">At the &lt;dentist&gt;</custom>' in body
    assert read(body).state.activity == "At the <dentist>"


def test_the_aggregate_state_counts_before_the_newest() -> None:
    xsi = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"
    aggregate = state("9500", attributes=f"{xsi} xsi:type='aggregateState'")
    machine = state("3500", attributes=f"{xsi} xsi:type='machineState'", when="2030-01-01T00:00:00")

    assert read(document(aggregate + machine)).state.availability is Availability.DO_NOT_DISTURB
    assert read(document(machine + aggregate)).state.availability is Availability.DO_NOT_DISTURB


def test_the_newest_note_counts() -> None:
    old, new = note("old"), note("new", "OOF", "2025-01-01T00:00:00")

    for inside in (old + new, new + old):
        found = read(document(inside))
        assert found.parts == {Part.NOTE}
        assert (found.state.note, found.state.note_type) == ("new", NoteType.OOF)


def test_of_two_publications_of_one_moment_the_later_in_the_document_counts() -> None:
    assert read(document(state("3500") + state("6500"))).state.availability is Availability.BUSY
    assert read(document(state("6500") + state("3500"))).state.availability is Availability.AVAILABLE


@pytest.mark.parametrize(
    ("when", "moment"),
    [
        ("2024-01-22T23:40:00Z", datetime(2024, 1, 22, 23, 40, tzinfo=UTC)),
        ("2024-01-22T23:40:00", datetime(2024, 1, 22, 23, 40, tzinfo=UTC)),
        ("2024-01-22T23:40:00+02:00", datetime(2024, 1, 22, 21, 40, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
    ],
)
def test_the_last_touch_is_read_where_it_is_a_moment(when: str, moment: datetime | None) -> None:
    assert read(document(state("5000", attributes=f"lastActive='{when}'"))).state.last_active == moment


@pytest.mark.parametrize(
    ("inside", "parts", "seen"),
    [
        ("", set(), PresenceState(Availability.UNKNOWN)),
        ("<category name='calendarData'/>", set(), PresenceState(Availability.UNKNOWN)),
        ("<category/><x/>", set(), PresenceState(Availability.UNKNOWN)),
        ("<category name='state'/>", {Part.STATE}, PresenceState(Availability.UNKNOWN)),
        ("<category name='contactCard'/>", {Part.CARD}, PresenceState(Availability.UNKNOWN)),
        (state(" 18500 "), {Part.STATE}, PresenceState(Availability.OFFLINE)),
        (state("6500", "<device> </device>"), {Part.STATE}, PresenceState(Availability.BUSY)),
        (note(" "), {Part.NOTE}, PresenceState(Availability.UNKNOWN)),
    ],
)
def test_documents_of_others_are_read_leniently(inside: str, parts: set[Part], seen: PresenceState) -> None:
    found = read(document(inside))

    assert found.parts == parts
    assert (found.entity, found.state) == (BOB, seen)


@pytest.mark.parametrize("number", ["", "busy", "6500.5", "1234567890", "٦٥٠٠"])
def test_an_availability_that_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(RemoteProtocolError, match="The availability is"):
        read(document(state(number)))


def test_what_is_below_the_scale_is_a_switch() -> None:
    body = document(state("2999"))

    assert read(body).state.availability is Availability.UNKNOWN
    assert read(body, GENERIC.but(below_scale=Availability.OFFLINE)).state.availability is Availability.OFFLINE
