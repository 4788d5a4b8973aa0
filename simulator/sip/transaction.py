"""The four transaction machines as tables, read by one engine, over a reliable transport (RFC 3261 §17, RFC 6026)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from simulator.sip.fields import new_tag

if TYPE_CHECKING:
    from simulator.sip.message import Request, Response

MAGIC_COOKIE = "z9hG4bK"
"A branch that starts with it, and goes on, is unique (§8.1.1.7); any other, or none, is of the time of RFC 2543."


class State(IntEnum):
    """Where a transaction stands. Integers, because they are looked up once or twice for every message."""

    CALLING = 1
    TRYING = 2
    PROCEEDING = 3
    CANCELLING = 4
    "PROCEEDING, with a CANCEL sent: now it has an end (RFC 3261 §9.1, last paragraph)."
    COMPLETED = 5
    CONFIRMED = 6
    ACCEPTED = 7
    "A 2xx went by; kept so that its repetitions find their way (RFC 6026 §7)."
    TERMINATED = 8


class Input(IntEnum):
    """What may happen to a transaction: a client receives the responses, a server sends them."""

    PROVISIONAL = 1
    SUCCESS = 2
    FAILURE = 3
    "Status 300 to 699."
    REQUEST = 4
    "The request of a server transaction came once more."
    ACK = 5
    CANCEL = 6
    "We sent a CANCEL for this client transaction."
    TIMER = 7
    "The timer of the state ran out."
    LOST = 8
    "The connection went."


class Action(Enum):
    """What the connection has to do for a step."""

    DELIVER = "hand the message to the user"
    SEND = "put the response on the wire"
    RESEND = "put the last response on the wire again, if there is one"
    ACKNOWLEDGE = "send the ACK of a failed INVITE"
    TRY = "send 100 Trying"
    TIME_OUT = "tell the user that time ran out"
    LOSE = "tell the user that the connection went"


Row = tuple[State, tuple[Action, ...]]
TransitionTable = Mapping[tuple[State, Input], Row]


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """One of the four state machines."""

    name: str
    initial: State
    rows: TransitionTable
    "What has no row is refused with LocalProtocolError when we do it, and ignored when the peer does."
    timers: Mapping[State, str]
    """The timer that runs in a state, by its letter in RFC 3261 Table 4; one of no length ends the state at once.

    TRYING and LATE, the two moments at which a 100 is due, are names of our own; they run only where that was chosen.
    """

    def without(self, letters: frozenset[str]) -> Machine:
        """The same with no stay in the states whose timers, these, have no length: what leads there leads on."""
        return replace(self, rows={before: self._led_on(before[0], row, letters) for before, row in self.rows.items()})

    def _led_on(self, before: State, row: Row, letters: frozenset[str]) -> Row:
        after, actions = row
        if after is before or self.timers.get(after) not in letters:
            return row
        last, more = self._led_on(after, self.rows[after, Input.TIMER], letters)
        return last, actions + more


@dataclass(frozen=True, slots=True)
class Timers:
    """Lengths in seconds. Timers A, E and G repeat messages over UDP and do not exist on a stream."""

    t1: float = 0.5
    "Estimate of the round trip."
    t2: float = 4.0
    "Longest pause between repetitions; here only for a 2xx that waits for its ACK (RFC 3261 §13.3.1.4)."
    t4: float = 5.0
    "How long a message may stay in the network."
    d: float = 0.0
    "Client INVITE, after a failure response."
    i: float = 0.0
    "Server INVITE, after the ACK of a failure response."
    j: float = 0.0
    "Server non-INVITE, after the final response."
    k: float = 0.0
    "Client non-INVITE, after the final response."
    trying: float = 0.2
    "How long an INVITE may go unanswered before its 100, where the connection sends those; 0 for at once (§17.2.1)."

    @property
    def late(self) -> float:
        """The same for any other request: until a client's timer E reaches T2, 3.5 seconds (RFC 4320 §4.1)."""
        total, pause = 0.0, self.t1
        while pause < self.t2:
            total += pause
            pause *= 2
        return total

    @property
    def patience(self) -> float:
        """64*T1: how long a transaction waits for its peer (timers B, F, H, L, M, and N of RFC 6665)."""
        return 64 * self.t1

    def lengths(self) -> dict[str, float]:
        """Every timer of the machines by its letter."""
        own = {field.name.upper(): getattr(self, field.name) for field in fields(self) if len(field.name) == 1}
        return own | dict.fromkeys("BCFHLM", self.patience) | {"TRYING": self.trying, "LATE": self.late}


_S, _I, _A = State, Input, Action

CLIENT_INVITE = Machine(
    "client INVITE",
    _S.CALLING,
    {
        (_S.CALLING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.CALLING, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.CALLING, _I.FAILURE): (_S.COMPLETED, (_A.ACKNOWLEDGE, _A.DELIVER)),
        (_S.CALLING, _I.TIMER): (_S.TERMINATED, (_A.TIME_OUT,)),
        (_S.CALLING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.PROCEEDING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.FAILURE): (_S.COMPLETED, (_A.ACKNOWLEDGE, _A.DELIVER)),
        (_S.PROCEEDING, _I.CANCEL): (_S.CANCELLING, ()),
        (_S.PROCEEDING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.CANCELLING, _I.PROVISIONAL): (_S.CANCELLING, (_A.DELIVER,)),
        (_S.CANCELLING, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.CANCELLING, _I.FAILURE): (_S.COMPLETED, (_A.ACKNOWLEDGE, _A.DELIVER)),
        (_S.CANCELLING, _I.TIMER): (_S.TERMINATED, (_A.TIME_OUT,)),
        (_S.CANCELLING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.COMPLETED, _I.FAILURE): (_S.COMPLETED, (_A.ACKNOWLEDGE,)),
        (_S.COMPLETED, _I.TIMER): (_S.TERMINATED, ()),
        (_S.COMPLETED, _I.LOST): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.ACCEPTED, _I.TIMER): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _I.LOST): (_S.TERMINATED, ()),
    },
    {_S.CALLING: "B", _S.CANCELLING: "C", _S.COMPLETED: "D", _S.ACCEPTED: "M"},
)
"RFC 3261 §17.1.1 with RFC 6026 §7.2. Timer C here is the end that §9.1 sets after a CANCEL, not a proxy's."

CLIENT_NON_INVITE = Machine(
    "client non-INVITE",
    _S.TRYING,
    {
        (_S.TRYING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.TRYING, _I.SUCCESS): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.TRYING, _I.FAILURE): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.TRYING, _I.TIMER): (_S.TERMINATED, (_A.TIME_OUT,)),
        (_S.TRYING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.PROCEEDING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.SUCCESS): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.FAILURE): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.TIMER): (_S.TERMINATED, (_A.TIME_OUT,)),
        (_S.PROCEEDING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.COMPLETED, _I.SUCCESS): (_S.COMPLETED, ()),
        (_S.COMPLETED, _I.FAILURE): (_S.COMPLETED, ()),
        (_S.COMPLETED, _I.TIMER): (_S.TERMINATED, ()),
        (_S.COMPLETED, _I.LOST): (_S.TERMINATED, ()),
    },
    {_S.TRYING: "F", _S.PROCEEDING: "F", _S.COMPLETED: "K"},
)
"RFC 3261 §17.1.2."

SERVER_INVITE = Machine(
    "server INVITE",
    _S.TRYING,
    {
        (_S.TRYING, _I.REQUEST): (_S.TRYING, ()),
        (_S.TRYING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.TRYING, _I.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
        (_S.TRYING, _I.FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.TRYING, _I.TIMER): (_S.PROCEEDING, (_A.TRY,)),
        (_S.TRYING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.PROCEEDING, _I.REQUEST): (_S.PROCEEDING, (_A.RESEND,)),
        (_S.PROCEEDING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _I.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
        (_S.PROCEEDING, _I.FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.COMPLETED, _I.REQUEST): (_S.COMPLETED, (_A.RESEND,)),
        (_S.COMPLETED, _I.ACK): (_S.CONFIRMED, ()),
        (_S.COMPLETED, _I.TIMER): (_S.TERMINATED, (_A.TIME_OUT,)),
        (_S.COMPLETED, _I.LOST): (_S.TERMINATED, ()),
        (_S.CONFIRMED, _I.REQUEST): (_S.CONFIRMED, ()),
        (_S.CONFIRMED, _I.ACK): (_S.CONFIRMED, ()),
        (_S.CONFIRMED, _I.TIMER): (_S.TERMINATED, ()),
        (_S.CONFIRMED, _I.LOST): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _I.REQUEST): (_S.ACCEPTED, ()),
        (_S.ACCEPTED, _I.SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
        (_S.ACCEPTED, _I.ACK): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.ACCEPTED, _I.TIMER): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _I.LOST): (_S.TERMINATED, ()),
    },
    {_S.TRYING: "TRYING", _S.COMPLETED: "H", _S.CONFIRMED: "I", _S.ACCEPTED: "L"},
)
"RFC 3261 §17.2.1 with RFC 6026 §7.1. Its Proceeding before anything was sent is TRYING here, where the 100 is due."

SERVER_NON_INVITE = Machine(
    "server non-INVITE",
    _S.TRYING,
    {
        (_S.TRYING, _I.REQUEST): (_S.TRYING, ()),
        (_S.TRYING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.TRYING, _I.SUCCESS): (_S.COMPLETED, (_A.SEND,)),
        (_S.TRYING, _I.FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.TRYING, _I.TIMER): (_S.PROCEEDING, (_A.TRY,)),
        (_S.TRYING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.PROCEEDING, _I.REQUEST): (_S.PROCEEDING, (_A.RESEND,)),
        (_S.PROCEEDING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _I.SUCCESS): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.LOST): (_S.TERMINATED, (_A.LOSE,)),
        (_S.COMPLETED, _I.REQUEST): (_S.COMPLETED, (_A.RESEND,)),
        (_S.COMPLETED, _I.TIMER): (_S.TERMINATED, ()),
        (_S.COMPLETED, _I.LOST): (_S.TERMINATED, ()),
    },
    {_S.TRYING: "LATE", _S.COMPLETED: "J"},
)
"RFC 3261 §17.2.2. Unanswered it never ends by time: RFC 4320 §4.2 forbids a 408 here, so silence is the only end."


def kind_of_status(status: int) -> Input:
    """The input that a response of this status is."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


class Transaction:
    """A state, and a table that says what comes next. Compares and hashes by identity."""

    __slots__ = ("key", "machine", "request", "state", "timer")

    def __init__(self, machine: Machine, request: Request, key: tuple[object, ...]) -> None:
        self.machine = machine
        self.request = request
        "The request as it is on the wire, with its Via."
        self.key = key
        self.state = machine.initial
        self.timer: str | None = None
        "The letter of the timer that runs; `TransactionLayer` moves it, and the state."

    def step(self, given: Input) -> tuple[Action, ...] | None:
        """Move by the table; the actions to take, or None (and no move) where the table has no row."""
        row = self.machine.rows.get((self.state, given))
        if row is None:
            return None
        self.state, actions = row
        return actions

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def finished(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state is State.TERMINATED

    def __repr__(self) -> str:
        return f"<{self.machine.name} transaction {self.method} {self.state.name}>"


class ClientTransaction(Transaction):
    """A request that we sent."""

    __slots__ = ("cancel_wanted", "cancels", "response")

    def __init__(self, request: Request, branch: str, machine: Machine | None = None) -> None:
        if machine is None:
            machine = CLIENT_INVITE if request.method == "INVITE" else CLIENT_NON_INVITE
        super().__init__(machine, request, (branch, request.method))
        self.response: Response | None = None
        "The last response that came."
        self.cancels: ClientTransaction | None = None
        "For a CANCEL: the transaction of the INVITE that it cancels."
        self.cancel_wanted = False
        "A CANCEL is due as soon as a provisional response allows it (RFC 3261 §9.1)."


class ServerTransaction(Transaction):
    """A request that we received."""

    __slots__ = ("_to_tag", "last_response", "merge_key", "ours")

    def __init__(self, request: Request, key: tuple[object, ...], machine: Machine | None = None) -> None:
        if machine is None:
            machine = SERVER_INVITE if request.method == "INVITE" else SERVER_NON_INVITE
        super().__init__(machine, request, key)
        self.last_response: Response | None = None
        "The last response that we sent."
        self.merge_key: tuple[object, ...] | None = None
        "Under which a register of requests knows it, for those that come a second time by another way."
        self.ours = False
        "The connection answered by itself, and its user has never seen the request."
        self._to_tag: str | None = None

    @property
    def responded(self) -> bool:
        """Whether a final response was sent."""
        return self.last_response is not None and self.last_response.status >= 200

    @property
    def to_tag(self) -> str:
        """The To tag of all our responses: that of the request, else one made on first use (RFC 3261 §8.2.6.2)."""
        if self._to_tag is None:
            self._to_tag = self.request.to.tag or new_tag()
        return self._to_tag

    @to_tag.setter
    def to_tag(self, tag: str) -> None:
        self._to_tag = tag


def server_key(request: Request, method: str) -> tuple[object, ...]:
    """What a request of `method` must have in common with `request` to belong to its transaction (RFC 3261 §17.2.3).

    Raises RemoteProtocolError where what is needed of Via, From, Call-ID and CSeq cannot be read.
    """
    via = request.top_via
    branch = via.branch
    if branch is not None and branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE:
        return (branch, via.sent_by, method)
    return (via.raw, request.call_id, request.from_.tag, request.cseq.number, request.uri, method)
