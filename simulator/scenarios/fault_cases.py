"""Faults of a partner as data, by the phase in which they meet a message on its way there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulator.scenarios import Case

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.partner.breakdown import Breakdown
    from simulator.partner.mishaps import Mishap

Undo = Callable[[], None]
"Lets all be right again."


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    name: str
    "What, as it stands in a sentence: `the partner refuses TCP`."
    begin: Callable[[Federation, Partner], Undo]
    "Makes it so, until what comes back is called."
    waits: float = 0.0
    "Seconds of the federation's clock after which nobody need wait any more; 0: it shows at once."
    met: Callable[[Federation, Partner], object] = lambda _federation, _partner: None
    "Waits until the message has met the fault, where that takes time."


def _lookup(kind: str, *, address: bool = False, delay: float = 1.0) -> Callable[[Federation, Partner], Undo]:
    def begin(federation: Federation, partner: Partner) -> Undo:
        name = str(partner.edge.fqdn) if address else partner.domain.srv_name
        return federation.dns.fault(name, kind, delay=delay).remove

    return begin


def _broken(how: Breakdown) -> Callable[[Federation, Partner], Undo]:
    def begin(_federation: Federation, partner: Partner) -> Undo:
        partner.edge.breaks_down(how)
        return partner.edge.recovers

    return begin


def _mishap(make: Callable[[Partner], Mishap]) -> Callable[[Federation, Partner], Undo]:
    def begin(_federation: Federation, partner: Partner) -> Undo:
        return make(partner).end

    return begin


def _asked(federation: Federation, partner: Partner) -> object:
    return federation.wait_for_query(partner.domain.srv_name, "SRV")


def _asked_for_address(federation: Federation, partner: Partner) -> object:
    return federation.wait_for_query(str(partner.edge.fqdn), "A")


def _dialled(_federation: Federation, partner: Partner) -> object:
    return partner.edge.must_have_been_dialled()


def _case(id_: str, fault: Fault, *needs: str) -> Case:
    return Case(id_, fault, needs=needs)


AT_ONCE: Final = (
    _case("lookup-servfail", Fault("the DNS fails on the SRV record", _lookup("servfail"))),
    _case("lookup-address-servfail", Fault("the DNS fails on the address", _lookup("servfail", address=True))),
    _case("connect-refused", Fault("the partner refuses TCP", _broken("refuses"))),
    _case("connect-closed", Fault("the partner ends TCP at once", _broken("closes"))),
    _case("handshake-closed", Fault("the partner ends the handshake in the middle", _broken("closes-in-handshake"))),
    _case("handshake-garbage", Fault("the partner speaks no TLS", _broken("garbage"))),
    _case(
        "request-closed",
        Fault("the partner ends the connection at the request", _mishap(lambda one: one.edge.closes_on())),
    ),
    _case(
        "answer-lost",
        Fault(
            "the partner takes the request and ends the connection instead of answering",
            _mishap(lambda one: one.edge.closes_on(taken=True)),
        ),
    ),
    _case("answered-500", Fault("the partner answers 500", _mishap(lambda one: one.edge.answers(None, 500)))),
    _case("answered-503", Fault("the partner answers 503", _mishap(lambda one: one.edge.answers(None, 503)))),
    _case("answered-504", Fault("the partner answers 504", _mishap(lambda one: one.edge.answers(None, 504)))),
)
"Faults that show at once."

IN_TIME: Final = (
    _case(
        "lookup-no-answer",
        Fault("the DNS does not answer for the SRV record", _lookup("no-answer"), 40, _asked),
        "time",
    ),
    _case(
        "lookup-address-no-answer",
        Fault("the DNS does not answer for the address", _lookup("no-answer", address=True), 40, _asked_for_address),
        "time",
    ),
    _case(
        "handshake-silent",
        Fault("the partner takes TCP and never speaks", _broken("silent"), 40, _dialled),
        "time",
    ),
)
"Faults that show only after a time, before any request has gone out."
