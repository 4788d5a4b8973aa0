"""Where nobody can tell users to write, the NOTIFYs that a server owes are judged, and its defects are still seen."""

from __future__ import annotations

import pytest

from tests.defects.frame import all_defects, run_catalogue

SEEN_BY_A_NOTIFY = (
    ("trust/accepts-wildcard", "trust/refused-as-the-dialled-server[wildcard]"),
    ("trust/accepts-expired", "trust/refused-as-the-dialled-server[expired]"),
    ("trust/knows-no-rsa", "trust/accepted-as-the-dialled-server[rsa-2048]"),
    ("discovery/ignores-the-srv-port", "discovery/port-of-the-record"),
    ("discovery/guesses-the-server", "discovery/not-reached-without-its-record[address-only]"),
    ("discovery/tries-one-address-only", "discovery/reached-by-its-records[second-address-answers]"),
    ("discovery/keeps-answers-for-ever", "discovery/partner-that-moved"),
    ("policy/ignores-the-master-switch", "policy/tenant-that-refuses[master-switch-off]"),
    ("policy/ignores-the-users-policy", "policy/lists-of-a-user[none]"),
    ("dialogs/repeats-refused-notifications", "policy/lists-that-refuse[blocked]"),
    ("resilience/gives-a-partner-up-for-ever", "resilience/first-message[connect-refused]"),
    ("resilience/keeps-a-dead-connection", "resilience/connection-that-ended-between-two-messages"),
    ("resilience/ends-dialogs-with-their-connection", "resilience/change-after-the-connection-ended"),
    ("presence/sends-benotify-unasked", "presence/updates-come-as-the-200-promised[without-extensions]"),
)


@pytest.mark.parametrize(("name", "scenario"), SEEN_BY_A_NOTIFY, ids=[name for name, _ in SEEN_BY_A_NOTIFY])
def test_a_defect_in_dialling_shows_in_the_notify_that_is_owed(name: str, scenario: str) -> None:
    defect = next(one for one in all_defects() if one.id == name)

    found = run_catalogue(defect, scenario, mute=True)

    assert list(found) == [scenario]
    assert not found[scenario].startswith("not run"), found[scenario]


def test_the_sound_server_passes_what_a_notify_can_show() -> None:
    found = run_catalogue(None, *(scenario for _, scenario in SEEN_BY_A_NOTIFY), mute=True)

    assert found == {}
