"""Who federates: licences and the switches on four levels, against a table that was written by hand."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.connect_server.entitlement import entitlement
from simulator.connect_server.settings import (
    CertificateFolder,
    FederationSwitch,
    Group,
    Licences,
    Listen,
    Location,
    ServerSettings,
    User,
)
from simulator.names import Fqdn, SipDomain

BARE = ServerSettings(
    domain=SipDomain.parse("acme.test"),
    fqdn=Fqdn.parse("connect.acme.test"),
    listen=Listen(ip_address("127.0.0.1")),
    certificate=CertificateFolder(Path("certificates")),
    trusted_roots=Path("roots.pem"),
)
ON, OFF, OPEN = "on", "off", "-"
TABLE = """
    user   group  location   nearest  every
    -      -      -          on       on
    -      -      on         on       on
    -      -      off        off      off
    -      on     -          on       on
    -      on     on         on       on
    -      on     off        on       off
    -      off    -          off      off
    -      off    on         off      off
    -      off    off        off      off
    on     -      -          on       on
    on     -      on         on       on
    on     -      off        on       off
    on     on     -          on       on
    on     on     on         on       on
    on     on     off        on       off
    on     off    -          on       off
    on     off    on         on       off
    on     off    off        on       off
    off    -      -          off      off
    off    -      on         off      off
    off    -      off        off      off
    off    on     -          off      off
    off    on     on         off      off
    off    on     off        off      off
    off    off    -          off      off
    off    off    on         off      off
    off    off    off        off      off
"""
"R5, R6: all that the three switches can be, and who federates under each reading."
ROWS = [line.split() for line in TABLE.strip().splitlines()[1:]]
SWITCH = {ON: True, OFF: False, OPEN: None}


def with_switches(user: str, group: str, location: str, precedence: Literal["nearest", "every"]) -> ServerSettings:
    return replace(
        BARE,
        users=(User("alice", federation=SWITCH[user], group="Sales", location="Munich"),),
        groups=(Group("Other", federation=False), Group("sales", SWITCH[group])),
        locations=(Location("Other", federation=False), Location("MUNICH", SWITCH[location])),
        federation=FederationSwitch(True, precedence),
    )


def test_the_table_is_complete() -> None:
    assert len({tuple(row[:3]) for row in ROWS}) == 27


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "/".join(row[:3]))
def test_the_switches_count_in_their_order(row: list[str]) -> None:
    user, group, location, nearest, every = row
    alice = User("alice", federation=SWITCH[user], group="Sales", location="Munich")

    for precedence, expected in (("nearest", nearest), ("every", every)):
        told = entitlement(with_switches(user, group, location, precedence), alice)  # type: ignore[arg-type]

        assert told.allowed is (expected == ON), precedence


@given(
    switches=st.tuples(*[st.sampled_from([ON, OFF, OPEN])] * 3),
    precedence=st.sampled_from(["nearest", "every"]),
    server=st.booleans(),
    enabled=st.booleans(),
    office_plus=st.booleans(),
)
@pytest.mark.cites("R3", "R4")
def test_licences_and_the_switch_of_the_server_come_first(
    switches: tuple[str, str, str],
    precedence: Literal["nearest", "every"],
    server: bool,
    enabled: bool,
    office_plus: bool,
) -> None:
    settings = with_switches(*switches, precedence)
    settings = replace(settings, licences=Licences(server), federation=FederationSwitch(enabled, precedence))
    user = replace(settings.users[0], office_plus=office_plus)
    row = next(row for row in ROWS if row[:3] == list(switches))
    by_switches = row[3 if precedence == "nearest" else 4] == ON

    told = entitlement(settings, user)

    assert told.allowed is (server and enabled and office_plus and by_switches)
    first = [
        level
        for level, stops in (("server licence", not server), ("server", not enabled), ("user licence", not office_plus))
        if stops
    ]
    if first:
        assert told.decided_by == first[0]
    else:
        assert told.decided_by in ("user", "group", "location", "default")


@pytest.mark.parametrize(
    ("user", "group", "location", "decided_by", "words"),
    [
        (OPEN, OPEN, OPEN, "default", "No switch is set for alice."),
        (OPEN, OPEN, OFF, "location", "off for the location MUNICH of alice (R5)"),
        (OPEN, ON, OFF, "group", "on for the group sales of alice (R6)"),
        (OFF, ON, ON, "user", "off for alice."),
    ],
)
def test_it_says_what_decided(user: str, group: str, location: str, decided_by: str, words: str) -> None:
    settings = with_switches(user, group, location, "nearest")

    told = entitlement(settings, settings.users[0])

    assert told.decided_by == decided_by
    assert words in told.sentence


def test_a_user_of_no_location_and_no_group_federates() -> None:
    settings = with_switches(OPEN, OFF, OFF, "every")

    assert entitlement(settings, User("bob")).allowed
