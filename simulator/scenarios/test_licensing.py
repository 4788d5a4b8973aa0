"""Who may federate at all: licences and the switches for locations and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.steps import must_be_turned_away, must_chat_both_ways, must_have_reached_nobody

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.federation import Federation
    from simulator.io.user import User
    from simulator.partner import Partner
    from simulator.sut import ServerUnderTest


NEEDS = ("chat", "open-federation", "licences", "observe-inbox")
INBOUND = ("receive", "open-federation", "licences", "observe-inbox")
GROUPS = ("chat", "open-federation", "groups", "observe-inbox")
EXCLUDED = (Case("no-licence-R4", "carol"), Case("switched-off-R5", "dave"))

KIEL, BREMEN = "Kiel", "Bremen"
Part = Literal["location", "group"]
PARTS = (Case("location", sources=("R5",)), Case("group", sources=("R6",)))


@scenario(level="must", sources=("R4", "R5", "R6"), needs=INBOUND)
@cases("name", *EXCLUDED)
def test_excluded_user_is_not_reachable(federation: Federation, name: str) -> None:
    """A user who may not federate is not reached by a partner, while another user is."""
    bob = federation.partner().user("bob")
    alice, excluded = federation.sut.user("alice"), federation.sut.user(name)

    must_be_turned_away(bob.chat_with(excluded).say("Hello?"))

    bob.chat_with(alice).say("Hello!").must_succeed()
    alice.expect_message("Hello!", from_=bob)
    excluded.must_have_no_message()


@scenario(level="must", sources=("R4", "R5", "R6"), needs=NEEDS)
@cases("name", *EXCLUDED)
def test_excluded_user_reaches_nobody(federation: Federation, name: str) -> None:
    """A user who may not federate cannot send to a partner, while another user can."""
    partner = federation.partner()

    federation.sut.user(name).chat_with(partner.user("bob")).say("Hello?").must_fail()

    partner.user("bob").must_have_no_message()
    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R1", "R4", "R5"), needs=("show-presence", "open-federation", "licences"))
@cases("name", *EXCLUDED)
def test_presence_of_an_excluded_user_is_not_shown(federation: Federation, name: str) -> None:
    """A partner cannot watch a user who may not federate."""
    bob = federation.partner().user("bob")

    bob.watch(federation.sut.user(name)).outcome.must_fail()


@scenario(level="must", sources=("R1", "R4", "R5"), needs=("presence", "open-federation", "licences"))
@cases("name", *EXCLUDED)
def test_excluded_user_watches_nobody(federation: Federation, name: str) -> None:
    """A user who may not federate cannot watch a partner's user."""
    partner = federation.partner()

    federation.sut.user(name).watch(partner.user("bob")).outcome.must_fail()

    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R3",), needs=GROUPS)
@cases(
    "take, give",
    Case("licence-R3", lambda sut: sut.license_server(licensed=False), lambda sut: sut.license_server(licensed=True)),
    Case(
        "switch",
        lambda sut: sut.switch_federation(enabled=False),
        lambda sut: sut.switch_federation(enabled=True),
        sources=("R5",),
    ),
)
def test_nobody_federates(
    federation: Federation, take: Callable[[ServerUnderTest], None], give: Callable[[ServerUnderTest], None]
) -> None:
    """Without the server's licence, or with federation switched off, no message passes; with it everything works."""
    partner = federation.partner()
    take(federation.sut)

    _must_be_apart(federation, partner, federation.sut.user("alice"))

    give(federation.sut)
    must_have_reached_nobody(federation, federation.sut.user("alice"))
    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R3",), needs=("show-presence", "open-federation", "groups"))
def test_presence_without_the_servers_licence(federation: Federation) -> None:
    """Without the server's licence no presence is shown; with it again, a new subscription gets it."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    federation.sut.license_server(licensed=False)

    bob.watch(alice).outcome.must_fail()

    federation.sut.license_server(licensed=True)
    bob.watch(alice).expect("available")


@scenario(level="must", sources=("R3", "R4"), needs=GROUPS)
@cases(
    "take",
    Case("server", lambda sut: sut.license_server(licensed=False), sources=("R3",)),
    Case("user", lambda sut: sut.license_user("alice", office_plus=False), sources=("R4",)),
)
def test_licence_taken_away_in_a_conversation(federation: Federation, take: Callable[[ServerUnderTest], None]) -> None:
    """When the licence goes, no further message passes in a conversation that is under way."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    to_bob, to_alice = alice.chat_with(bob), bob.chat_with(alice)
    to_bob.say("before").must_succeed()
    bob.expect_message("before", from_=alice)

    take(federation.sut)

    to_bob.say("after").must_fail()
    to_alice.say("after").must_fail()
    bob.must_have_no_message()
    alice.must_have_no_message()


@scenario(level="must", sources=("R4",), needs=(*GROUPS, "licences"))
def test_office_plus_pack_is_given(federation: Federation) -> None:
    """A user who gets the Office Plus Pack federates from then on."""
    carol, bob = federation.sut.user("carol"), federation.partner().user("bob")
    must_be_turned_away(bob.chat_with(carol).say("too early"))

    federation.sut.license_user("carol", office_plus=True)

    _must_be_together(carol, bob)


@scenario(level="must", sources=("R4",), needs=GROUPS)
def test_office_plus_pack_counts_for_one_user(federation: Federation) -> None:
    """Without the Office Plus Pack one user is cut off, and another one's conversation goes on."""
    partner = federation.partner()
    alice, anna, bob = federation.sut.user("alice"), federation.sut.user("anna"), partner.user("bob")
    chat = anna.chat_with(bob)
    chat.say("before").must_succeed()
    bob.expect_message("before", from_=anna)

    federation.sut.license_user("alice", office_plus=False)

    _must_be_apart(federation, partner, alice)
    chat.say("after").must_succeed()
    bob.expect_message("after", from_=anna)


@scenario(level="must", sources=("R5", "R6"), needs=GROUPS)
@cases("part", *PARTS)
def test_switched_off_for_a_part(federation: Federation, part: Part) -> None:
    """Federation switched off for a {part} cuts off the users in it, and nobody else."""
    sut, partner = federation.sut, federation.partner()
    _switch(sut, part, None)
    _put(sut, "alice", part)

    _switch(sut, part, False)

    _must_be_apart(federation, partner, sut.user("alice"))
    _must_be_together(sut.user("anna"), partner.user("bob"))


@scenario(level="must", sources=("R5", "R6"), needs=GROUPS)
@cases("part", *PARTS)
def test_switched_on_again_for_a_part(federation: Federation, part: Part) -> None:
    """Federation switched off and on again for a {part} works as before."""
    sut, partner = federation.sut, federation.partner()
    _switch(sut, part, False)
    _put(sut, "alice", part)

    _switch(sut, part, True)

    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R5", "R6"), needs=GROUPS)
@cases("part", *PARTS)
def test_moved_to_another_part(federation: Federation, part: Part) -> None:
    """A user who moves to a {part} with federation switched on federates there; who moves out of it does not."""
    sut, partner = federation.sut, federation.partner()
    _switch(sut, part, False)
    _switch(sut, part, True, BREMEN)
    _put(sut, "alice", part)
    _put(sut, "anna", part, BREMEN)

    _put(sut, "alice", part, BREMEN)
    _put(sut, "anna", part)

    _must_be_together(sut.user("alice"), partner.user("bob"))
    _must_be_apart(federation, partner, sut.user("anna"))


@scenario(level="must", sources=("R1", "R5", "R6"), needs=("show-presence", "open-federation", "groups"))
@cases("part", *PARTS)
def test_watched_when_a_part_is_switched_off(federation: Federation, part: Part) -> None:
    """Who watches a user for whose {part} federation is switched off sees no change any more, and cannot ask anew."""
    sut, bob = federation.sut, federation.partner().user("bob")
    _switch(sut, part, True)
    _put(sut, "alice", part)
    watch = bob.watch(sut.user("alice"))
    watch.expect("available")

    _switch(sut, part, False)

    watch.expect_state("terminated")
    bob.watch(sut.user("alice")).outcome.must_fail()


@scenario(level="must", sources=("R5", "R6"), needs=GROUPS)
def test_off_at_every_level(federation: Federation) -> None:
    """A user whose location and group both have federation switched off does not federate."""
    sut, partner = federation.sut, federation.partner()
    for part in ("location", "group"):
        _switch(sut, part, False)
        _put(sut, "alice", part)

    _must_be_apart(federation, partner, sut.user("alice"))


@scenario(level="must", sources=("R5", "R6"), needs=GROUPS)
def test_on_at_every_level(federation: Federation) -> None:
    """A user whose location and group both have federation switched on federates."""
    for part in ("location", "group"):
        _switch(federation.sut, part, True)
        _put(federation.sut, "alice", part)

    must_chat_both_ways(federation, federation.partner())


@scenario(
    level="info",
    sources=("R5", "R6"),
    needs=GROUPS,
    outcomes={"delivered": "ok", "failed": "ok"},
)
@cases(
    "off, on", Case("location-off-group-on", "location", "group"), Case("group-off-location-on", "group", "location")
)
def test_location_and_group_disagree(federation: Federation, off: Part, on: Part) -> None:
    """Where location and group disagree, the requirements name no order; what is decided holds in both directions."""
    sut, bob = federation.sut, federation.partner().user("bob")
    for part in (off, on):
        _switch(sut, part, part == on)
        _put(sut, "alice", part)
    alice = sut.user("alice")

    outbound = alice.chat_with(bob).say("Hello")
    inbound = bob.chat_with(alice).say("Hello")

    assert outbound.delivered == inbound.delivered, f"out: {outbound}; in: {inbound}"
    happened(outbound)
    for user in (alice, bob):
        user.ignores_messages()


@scenario(level="must", sources=("R4", "R5", "R6"), needs=(*GROUPS, "licences"))
@cases("part", *PARTS)
def test_no_switch_stands_for_the_licence(federation: Federation, part: Part) -> None:
    """A user without the Office Plus Pack does not federate, although it is switched on for the {part}."""
    _switch(federation.sut, part, True)

    _put(federation.sut, "carol", part)

    _must_be_apart(federation, federation.partner(), federation.sut.user("carol"))


@scenario(level="must", sources=("R5", "R6"), needs=GROUPS)
def test_switched_off_for_one_user(federation: Federation) -> None:
    """A user who has federation switched off does not federate, whatever is switched on around them."""
    sut, partner = federation.sut, federation.partner()
    for part in ("location", "group"):
        _switch(sut, part, True)
        _put(sut, "alice", part)

    sut.switch_user("alice", enabled=False)

    _must_be_apart(federation, partner, sut.user("alice"))
    _must_be_together(sut.user("anna"), partner.user("bob"))


def _put(sut: ServerUnderTest, name: str, part: str, where: str = KIEL) -> None:
    """Put a user into a location or group that is there."""
    if part == "location":
        sut.put_user(name, location=where)
    else:
        sut.put_user(name, group=where)


def _switch(sut: ServerUnderTest, part: str, enabled: bool | None, where: str = KIEL) -> None:
    """Switch a location or group, and make it where there is none."""
    if part == "location":
        sut.switch_location(where, enabled=enabled)
    else:
        sut.switch_group(where, enabled=enabled)


def _must_be_together(user: User, other: User) -> None:
    """A message of each reaches the other."""
    user.chat_with(other).say("Hello out there").must_succeed()
    other.expect_message("Hello out there", from_=user)
    other.chat_with(user).say("Hello in there").must_succeed()
    user.expect_message("Hello in there", from_=other)


def _must_be_apart(federation: Federation, partner: Partner, user: User) -> None:
    """No message of either reaches the other, and both are told so."""
    bob = partner.user("bob")
    user.chat_with(bob).say("Anybody out there?").must_fail()
    must_be_turned_away(bob.chat_with(user).say("Anybody in there?"))
    bob.must_have_no_message()
    user.must_have_no_message()
