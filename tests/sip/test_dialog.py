"""Dialogs against RFC 3261 §12: identity, route set, remote target, CSeq, and bytes that come back as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.sip.dialog import Dialog, DialogState
from simulator.sip.fields import NameAddr
from simulator.sip.message import Request, Response

if TYPE_CHECKING:
    from tests.sip.wire import Calls

EDGE = f"<sip:sip.contoso.test:5061;transport=tls;lr;ms-key-info={'jACAAPo9w-' * 35};ms-route-sig=bkBv/+yzff_AA>"
POOL = (
    "<sip:pool.contoso.test:5061;transport=tls;ms-fe=FE01.corp;opaque=state:F:Ci.Rabf6d00;lr;ms-route-sig=fiow,AA>"
    ";ms-rrsig=fi6Z_AA;tag=A990A1D3"
)
STRICT = "<sip:strict.contoso.test;method=INVITE;x=1?Subject=hello>;own=1"
CONTACT = "<sip:bob@10.0.0.1:5061;transport=tls;gruu>"


@pytest.fixture
def called(calls: Calls) -> tuple[Request, Dialog]:
    """alice's INVITE, and her dialog from a 200 that came through edge and pool."""
    invite = calls.request("INVITE")
    return invite, Dialog.as_caller(invite, accepted(calls, invite, EDGE, POOL))


def accepted(calls: Calls, invite: Request, *routes: str, tag: str = "bobs", contact: str = CONTACT) -> Response:
    response = calls.respond(invite, 200, tag, Contact=contact)
    for route in routes:
        response.headers.add("Record-Route", route)
    return response


def received(calls: Calls, *routes: str) -> Request:
    """An INVITE as bob gets it."""
    invite = calls.request("INVITE")
    for route in reversed(routes):
        invite.headers.prepend("Record-Route", route)
    invite.headers.prepend("Via", "SIP/2.0/TLS alice.test;branch=z9hG4bK1")
    return invite


def test_caller_and_callee_see_the_same_dialog_from_their_ends(calls: Calls) -> None:
    invite = received(calls)
    response = accepted(calls, invite)
    caller, callee = Dialog.as_caller(invite, response), Dialog.as_callee(invite, response)
    call_id, local, remote = caller.id
    assert callee.id == (call_id, remote, local)
    assert (local, remote) == (invite.from_.tag, "bobs")
    assert callee.id == Dialog.id_of(caller.request("MESSAGE"))
    assert caller.id == Dialog.id_of(callee.request("MESSAGE"))
    assert caller.id == Dialog.id_of(response)


def test_the_caller_reverses_record_routes_and_gives_them_back_byte_for_byte(called: tuple[Request, Dialog]) -> None:
    _, dialog = called
    assert dialog.request("MESSAGE").headers.get_all("Route") == [POOL, EDGE]
    assert dialog.next_hop == POOL[1 : POOL.index(">")]


def test_the_callee_keeps_their_order_also_when_they_share_a_line(calls: Calls) -> None:
    invite = received(calls, f"{EDGE} , {POOL}")
    dialog = Dialog.as_callee(invite, calls.respond(invite, 200, Contact=CONTACT))
    assert dialog.request("BYE").headers.get_all("Route") == [EDGE, POOL]


def test_a_request_goes_to_the_remote_target_with_the_names_as_they_came(called: tuple[Request, Dialog]) -> None:
    invite, dialog = called
    request = dialog.request("MESSAGE", body=b"x", content_type="text/plain", headers=[("Supported", "timer")])
    assert request.uri == "sip:bob@10.0.0.1:5061;transport=tls;gruu"
    assert request.from_.raw == invite.from_.raw
    assert request.to.raw == "<sip:bob@bob.test>;tag=bobs"
    assert (request.call_id, request.cseq, request.max_forwards) == (invite.call_id, (2, "MESSAGE"), 70)
    assert (request.headers.get("Supported"), request.content_type, request.body) == ("timer", "text/plain", b"x")
    assert "Via" not in request.headers


def test_a_strict_router_gets_its_own_uri_and_the_target_goes_last(calls: Calls) -> None:
    """RFC 3261 §12.2.1.1, third paragraph."""
    invite = calls.request("INVITE")
    dialog = Dialog.as_caller(invite, accepted(calls, invite, EDGE, STRICT))
    request = dialog.request("BYE")
    assert request.uri == "sip:strict.contoso.test;x=1"
    assert request.routes == (EDGE, f"<{dialog.target}>")
    assert dialog.next_hop.startswith("sip:strict.contoso.test")


def test_lr_counts_as_a_parameter_of_the_uri_only(calls: Calls) -> None:
    invite = calls.request("INVITE")
    lookalike = "<sip:lr.contoso.test;xlr=1>;lr"
    dialog = Dialog.as_caller(invite, accepted(calls, invite, lookalike))
    assert dialog.request("BYE").uri == "sip:lr.contoso.test;xlr=1"


def test_a_route_that_cannot_be_read_goes_back_as_it_came(calls: Calls) -> None:
    invite = calls.request("INVITE")
    odd = '<sip:sip.contoso.test;transport="tcp";lr>junk'
    dialog = Dialog.as_caller(invite, accepted(calls, invite, odd))
    assert dialog.request("BYE").routes == (odd,)


def test_numbers_go_up_by_one_and_the_ack_repeats_that_of_its_invite(called: tuple[Request, Dialog]) -> None:
    _, dialog = called
    assert [dialog.request(method).cseq.number for method in ("MESSAGE", "INVITE", "INFO")] == [2, 3, 4]
    ack = dialog.ack(3)
    assert (ack.cseq, ack.routes, ack.uri) == ((3, "ACK"), (POOL, EDGE), dialog.target)
    assert dialog.request("BYE").cseq.number == 5


def test_the_callee_counts_for_itself_from_1(calls: Calls) -> None:
    invite = received(calls)
    invite.headers.set("CSeq", "4711 INVITE")
    dialog = Dialog.as_callee(invite, calls.respond(invite, 200, Contact=CONTACT))
    assert dialog.request("BYE").cseq.number == 1
    assert dialog.receive(calls.peer_request(dialog, "MESSAGE", 4712)) is None


def test_our_contact_goes_with_a_refresh_unless_another_is_given(called: tuple[Request, Dialog]) -> None:
    invite, dialog = called
    assert dialog.request("MESSAGE").contact is None
    assert dialog.request("UPDATE").headers.get_all("Contact") == invite.headers.get_all("Contact")
    assert dialog.request("INVITE", headers=[("m", "<sip:new@alice.test>")]).headers.get_all("Contact") == [
        "<sip:new@alice.test>"
    ]


@pytest.mark.parametrize(
    ("cseq", "status"), [(4, 500), (5, 500), (6, None), (600, None)], ids=["lower", "equal", "next", "gap"]
)
def test_a_number_must_rise_but_may_leap(
    called: tuple[Request, Dialog], calls: Calls, cseq: int, status: int | None
) -> None:
    _, dialog = called
    assert dialog.receive(calls.peer_request(dialog, "MESSAGE", 5)) is None
    response = dialog.receive(calls.peer_request(dialog, "MESSAGE", cseq))
    assert (response.status if response else None) == status


def test_an_old_invite_is_told_when_to_come_again(called: tuple[Request, Dialog], calls: Calls) -> None:
    _, dialog = called
    dialog.receive(calls.peer_request(dialog, "MESSAGE", 5))
    response = dialog.receive(calls.peer_request(dialog, "INVITE", 4))
    assert response is not None
    assert 0 <= int(response.headers.get("Retry-After") or "-1") <= 10


def test_a_refused_number_moves_nothing(called: tuple[Request, Dialog], calls: Calls) -> None:
    _, dialog = called
    dialog.receive(calls.peer_request(dialog, "MESSAGE", 5))
    dialog.receive(calls.peer_request(dialog, "UPDATE", 4, Contact="<sip:old@bob.test>"))
    assert dialog.target.startswith("sip:bob@10.0.0.1")
    assert dialog.remote_cseq == 5


def test_an_ack_is_not_judged_by_its_number(called: tuple[Request, Dialog], calls: Calls) -> None:
    _, dialog = called
    dialog.receive(calls.peer_request(dialog, "MESSAGE", 5))
    assert dialog.receive(calls.peer_request(dialog, "ACK", 4)) is None
    assert dialog.remote_cseq == 5


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY"])
def test_a_refresh_of_the_peer_moves_the_target(called: tuple[Request, Dialog], calls: Calls, method: str) -> None:
    _, dialog = called
    dialog.receive(calls.peer_request(dialog, method, 1, Contact="<sip:new@bob.test>"))
    assert dialog.request("MESSAGE").uri == "sip:new@bob.test"


def test_a_message_with_a_contact_does_not_move_it_nor_does_a_refresh_without_one(
    called: tuple[Request, Dialog], calls: Calls
) -> None:
    _, dialog = called
    before = dialog.target
    dialog.receive(calls.peer_request(dialog, "MESSAGE", 1, Contact="<sip:new@bob.test>"))
    dialog.receive(calls.peer_request(dialog, "UPDATE", 2))
    assert dialog.target == before


def test_a_2xx_to_our_refresh_moves_the_target_and_a_refusal_does_not(
    called: tuple[Request, Dialog], calls: Calls
) -> None:
    _, dialog = called
    update = dialog.request("UPDATE")
    dialog.update(calls.respond(update, 488, Contact="<sip:refused@bob.test>"))
    assert dialog.target.startswith("sip:bob@10.0.0.1")
    dialog.update(calls.respond(update, 200, Contact="<sip:new@bob.test>"))
    assert dialog.target == "sip:new@bob.test"


def test_the_route_set_stays_whatever_a_refresh_brings(called: tuple[Request, Dialog], calls: Calls) -> None:
    _, dialog = called
    dialog.update(accepted(calls, dialog.request("INVITE"), "<sip:other.test;lr>"))
    assert dialog.routes == (POOL, EDGE)


def test_the_200_recomputes_what_the_180_said(calls: Calls) -> None:
    """RFC 3261 §13.2.2.4."""
    invite = calls.request("INVITE")
    ringing = calls.respond(invite, 180, Contact="<sip:early@bob.test>")
    ringing.headers.add("Record-Route", f"{STRICT}, {EDGE}")
    dialog = Dialog.as_caller(invite, ringing)
    early = dialog.state, list(dialog.routes), dialog.target
    assert early == (DialogState.EARLY, [EDGE, STRICT], "sip:early@bob.test")
    dialog.update(calls.respond(invite, 183))
    assert list(dialog.routes) == [EDGE, STRICT]
    dialog.update(accepted(calls, invite, EDGE, POOL))
    confirmed = dialog.state, list(dialog.routes)
    assert confirmed == (DialogState.CONFIRMED, [POOL, EDGE])
    assert dialog.target == "sip:bob@10.0.0.1:5061;transport=tls;gruu"


def test_a_refusal_ends_an_early_dialog(calls: Calls) -> None:
    invite = calls.request("INVITE")
    dialog = Dialog.as_caller(invite, calls.respond(invite, 180))
    dialog.update(calls.respond(invite, 486))
    assert dialog.state is DialogState.TERMINATED


@pytest.mark.parametrize(("status", "ends"), [(408, True), (481, True), (500, False), (403, False)])
def test_only_481_and_408_say_that_the_dialog_is_gone(
    called: tuple[Request, Dialog], calls: Calls, status: int, ends: bool
) -> None:
    _, dialog = called
    dialog.update(calls.respond(dialog.request("MESSAGE"), status))
    assert (dialog.state is DialogState.TERMINATED) == ends


def test_another_dialog_and_an_ended_one_get_481(called: tuple[Request, Dialog], calls: Calls) -> None:
    _, dialog = called
    request = calls.peer_request(dialog, "MESSAGE", 1)
    request.headers.set("From", "<sip:bob@bob.test>;tag=other")
    refusal = dialog.receive(request)
    assert refusal is not None
    assert refusal.status == 481
    dialog.terminate()
    refusal = dialog.receive(calls.peer_request(dialog, "MESSAGE", 1))
    assert refusal is not None
    assert refusal.status == 481


def test_a_200_without_contact_and_tag_is_a_flaw_but_can_be_acknowledged(calls: Calls) -> None:
    invite = calls.request("INVITE")
    dialog = Dialog.as_caller(invite, calls.respond(invite, 200, None))
    assert len(dialog.flaws) == 2
    assert dialog.ack(1).uri == invite.uri
    assert dialog.id[2] == ""


def test_a_contact_without_brackets_is_a_target_too(calls: Calls) -> None:
    """MS-SIP 4.3 shows one."""
    invite = calls.request("INVITE")
    dialog = Dialog.as_caller(invite, accepted(calls, invite, contact="sip:server.contoso.test"))
    assert (dialog.target, dialog.flaws) == ("sip:server.contoso.test", [])


def test_a_notify_that_comes_before_its_200_makes_the_dialog(calls: Calls) -> None:
    subscribe = calls.request("SUBSCRIBE", Event="presence")
    headers = [
        ("Via", "SIP/2.0/TLS bob.test;branch=z9hG4bKn"), ("Record-Route", EDGE), ("Record-Route", POOL),
        ("From", "<sip:bob@bob.test>;tag=notifiers"), ("To", subscribe.from_.raw), ("Call-ID", subscribe.call_id),
        ("CSeq", "7 NOTIFY"), ("Contact", CONTACT),
    ]  # fmt: skip
    notify = Request.build("NOTIFY", "sip:alice@alice.test", headers)
    dialog = Dialog.as_subscriber(subscribe, notify)
    assert dialog.id == Dialog.id_of(notify)
    refresh = dialog.request("SUBSCRIBE")
    assert refresh.routes == (EDGE, POOL)
    assert refresh.to == NameAddr.parse("<sip:bob@bob.test>;tag=notifiers")
    assert refresh.cseq == (2, "SUBSCRIBE")
    stale = dialog.receive(calls.peer_request(dialog, "NOTIFY", 7))
    assert stale is not None
    assert stale.status == 500
