"""The transactions of one connection: found by key, moved by their tables, ended by their timers (RFC 3261 §17)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache

from simulator.sip.merging import RequestRegister
from simulator.sip.message import Request
from simulator.sip.transaction import (
    CLIENT_INVITE,
    CLIENT_NON_INVITE,
    SERVER_INVITE,
    SERVER_NON_INVITE,
    Action,
    ClientTransaction,
    Input,
    Machine,
    ServerTransaction,
    State,
    Timers,
    Transaction,
)

Actions = tuple[Action, ...]


class TransactionLayer:
    """Keeps the transactions that have not ended, and the one timer that each may run.

    What is to be done about a step is returned, as the actions of the table; doing it is `SipConnection`'s part.
    """

    __slots__ = ("_alarms", "_machines", "_register", "_trying", "clients", "lengths", "servers")

    def __init__(self, timers: Timers, register: RequestRegister, *, trying: bool) -> None:
        """With `trying` the timers run that tell when a 100 is due."""
        self.lengths, self._machines = _prepared(timers)
        self.clients: dict[tuple[object, ...], ClientTransaction] = {}
        self.servers: dict[tuple[object, ...], ServerTransaction] = {}
        self._register = register
        self._trying = trying
        self._alarms = Alarms()

    def __len__(self) -> int:
        return len(self.clients) + len(self.servers)

    def new_client(self, request: Request, branch: str) -> ClientTransaction:
        """A client transaction that `start_client` is still to enter."""
        return ClientTransaction(request, branch, self._machines[ClientTransaction, request.method == "INVITE"])

    def start_client(self, transaction: ClientTransaction, now: float) -> None:
        """Enter it, and run its timer."""
        self.clients[transaction.key] = transaction
        self._run(transaction, now)

    def start_server(self, request: Request, key: tuple[object, ...], now: float) -> ServerTransaction | None:
        """A transaction for a new request; None where it is a merged one (RFC 3261 §8.2.2.2)."""
        transaction = ServerTransaction(request, key, self._machines[ServerTransaction, request.method == "INVITE"])
        if not self._register.admit(transaction):
            return None
        self.servers[key] = transaction
        if self._trying:
            self._run(transaction, now)
        return transaction

    def add_server(self, request: Request, key: tuple[object, ...]) -> ServerTransaction:
        """A transaction for a request that is answered at once."""
        machine = self._machines[ServerTransaction, request.method == "INVITE"]
        transaction = self.servers[key] = ServerTransaction(request, key, machine)
        return transaction

    def step(self, transaction: Transaction, given: Input, now: float) -> Actions | None:
        """Move by the table; None, and no move, where the table has no row."""
        before = transaction.state
        actions = transaction.step(given)
        if transaction.state is not before:
            self._entered(transaction, now)
        return actions

    def lose(self, now: float) -> Iterator[tuple[Transaction, Actions]]:
        """End them all, since the connection is gone."""
        for transaction in [*self.clients.values(), *self.servers.values()]:
            yield transaction, self.step(transaction, Input.LOST, now) or ()

    def next_timeout(self) -> float | None:
        """When the next timer runs out; None while none runs."""
        return self._alarms.next()

    def due(self, now: float) -> Iterator[tuple[Transaction, str, Actions]]:
        """Let every timer run out that is due; which it was, and what is to be done."""
        for transaction in self._alarms.due(now):
            letter, transaction.timer = transaction.timer, None
            yield transaction, letter or "", self.step(transaction, Input.TIMER, now) or ()

    def forget(self, transaction: ServerTransaction) -> None:
        """End it without a word."""
        transaction.state = State.TERMINATED
        self._entered(transaction, 0.0)

    def _entered(self, transaction: Transaction, now: float) -> None:
        """Run the timer of the state that was just entered, and no other; an ended transaction is kept no longer."""
        if transaction.state is State.TERMINATED:
            self._stop(transaction)
            if isinstance(transaction, ServerTransaction):
                self.servers.pop(transaction.key, None)
                self._register.drop(transaction)
            else:
                self.clients.pop(transaction.key, None)
        elif transaction.machine.timers.get(transaction.state) != transaction.timer:
            self._stop(transaction)
            self._run(transaction, now)

    def _run(self, transaction: Transaction, now: float) -> None:
        letter = transaction.timer = transaction.machine.timers.get(transaction.state)
        if letter is not None:
            self._alarms.set(transaction, self.lengths[letter], now)

    def _stop(self, transaction: Transaction) -> None:
        if transaction.timer is not None:
            self._alarms.cancel(transaction, self.lengths[transaction.timer])
            transaction.timer = None


Machines = dict[tuple[type[Transaction], bool], Machine]
"By the side of the transaction, and whether it is an INVITE's."


@lru_cache
def _prepared(timers: Timers) -> tuple[dict[str, float], Machines]:
    """The seconds of every timer by its letter, and the machines, once for all connections with the same timers.

    States in which nothing is waited for but the end, and that for no time, are left out of the machines.
    """
    lengths = timers.lengths()
    unused = frozenset(letter for letter in "DIJK" if lengths[letter] <= 0)
    return lengths, {
        (ClientTransaction, True): CLIENT_INVITE.without(unused),
        (ClientTransaction, False): CLIENT_NON_INVITE.without(unused),
        (ServerTransaction, True): SERVER_INVITE.without(unused),
        (ServerTransaction, False): SERVER_NON_INVITE.without(unused),
    }


class Alarms:
    """The deadlines of all transactions of a connection.

    Every timer of one length is set in the order in which it ends, so a queue per length is sorted by itself: setting,
    cancelling and finding the next are all of constant cost, and an answered request leaves nothing behind.
    """

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: dict[float, OrderedDict[Transaction, float]] = {}

    def set(self, transaction: Transaction, length: float, now: float) -> None:
        """Wake `transaction` at `now + length`; `now` must not go backwards from call to call."""
        queue = self._queues.get(length)
        if queue is None:
            queue = self._queues[length] = OrderedDict()
        queue[transaction] = now + length

    def cancel(self, transaction: Transaction, length: float) -> None:
        self._queues[length].pop(transaction, None)

    def next(self) -> float | None:
        """The earliest deadline."""
        return min((next(iter(queue.values())) for queue in self._queues.values() if queue), default=None)

    def due(self, now: float) -> Iterator[Transaction]:
        """Take out, queue by queue, whatever has a deadline of `now` or before."""
        for queue in list(self._queues.values()):
            while queue:
                transaction, deadline = next(iter(queue.items()))
                if deadline > now:
                    break
                del queue[transaction]
                yield transaction

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))
