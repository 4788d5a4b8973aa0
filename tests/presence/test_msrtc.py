"""The presence format of Live Communications Server."""

from __future__ import annotations

import pytest

from simulator.errors import RemoteProtocolError
from simulator.presence import Availability, PresenceState
from simulator.presence.msrtc import read, write

NAMESPACE = "http://schemas.microsoft.com/2002/09/sip/presence"


def document(inside: str, uri: str = "bob@fabrikam.test") -> bytes:
    return f"<presentity uri='{uri}' xmlns='{NAMESPACE}'>{inside}</presentity>".encode()


def classes(availability: object, activity: object, more: str = "") -> str:
    return f"<availability aggregate='{availability}'/><activity aggregate='{activity}' {more}/>"


def device(inside: str) -> str:
    return f"<devices><devicePresence epid='01'>{inside}</devicePresence></devices>"


def test_the_uri_is_written_without_its_scheme_and_read_with_it() -> None:
    body = write(PresenceState(Availability.BUSY), "sip:bob@fabrikam.test", epid="03640fc59f", age=30)

    assert b'uri="bob@fabrikam.test"' in body
    assert b'epid="03640fc59f" ageOfPresence="30"' in body
    assert read(body).entity == "sip:bob@fabrikam.test"


def test_line_ends_of_a_note_survive_in_an_attribute() -> None:
    state = PresenceState(Availability.BUSY, note='a\r\nb\t"c"', display_name="Bob & Co")

    assert read(write(state, "sip:bob@fabrikam.test")).state == state


@pytest.mark.parametrize(
    ("inside", "state"),
    [
        ("", PresenceState(Availability.UNKNOWN)),
        ("<availability aggregate='300'/>", PresenceState(Availability.AVAILABLE)),
        (classes(200, 250), PresenceState(Availability.AVAILABLE_IDLE)),
        (device(classes(300, 620, "note='On the road'")), PresenceState(Availability.BUSY, note="On the road")),
        (classes(300, 400) + device(classes(0, 0, "note=' x '")), PresenceState(Availability.AVAILABLE, note="x")),
        (
            classes(300, 400) + "<displayName displayName=' Bob '/>",
            PresenceState(Availability.AVAILABLE, display_name="Bob"),
        ),
        (classes(300, 400) + "<displayName/><userInfo/>", PresenceState(Availability.AVAILABLE)),
    ],
)
def test_documents_of_others_are_read_leniently(inside: str, state: PresenceState) -> None:
    found = read(document(inside))

    assert found.state == state
    assert found.entity == "sip:bob@fabrikam.test"


@pytest.mark.parametrize("broken", [classes("", 400), classes(300, "x"), classes(300, "4e2"), "<availability/>"])
def test_a_class_that_is_no_number_is_refused(broken: str) -> None:
    with pytest.raises(RemoteProtocolError, match=r"class is .* not a whole number"):
        read(document(broken))


def test_nobody_is_named_by_an_empty_uri() -> None:
    assert read(document("", uri="")).entity is None
