"""Requests that reach one user agent twice, by two ways: merged requests (RFC 3261 §8.2.2.2)."""

from __future__ import annotations

from simulator.sip.transaction import ServerTransaction


class RequestRegister:
    """The requests outside of dialogs that a user agent is working on, whatever connection brought them.

    A request that was forked and came together again has another branch, but the From tag, Call-ID and CSeq of one that
    is being worked on: it gets 482, so that nothing is done twice. Give one register to every `SipConnection` of a user
    agent. A transaction stays in it until it ends; `SipConnection` takes care of that.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[tuple[object, ...], ServerTransaction] = {}

    def admit(self, transaction: ServerTransaction) -> bool:
        """Enter a new transaction; False, and nothing entered, for a request that is worked on already.

        A request inside a dialog is never merged. Raises RemoteProtocolError where From, To, Call-ID or CSeq cannot be
        read.
        """
        _, from_, to, call_id, cseq, _ = transaction.request.essentials
        if to.tag is not None:
            return True
        key = (from_.tag, call_id, cseq)
        if self._open.setdefault(key, transaction) is not transaction:
            return False
        transaction.merge_key = key
        return True

    def drop(self, transaction: ServerTransaction) -> None:
        """Forget a transaction that has ended; any other than an entered one is ignored."""
        if transaction.merge_key is not None:
            self._open.pop(transaction.merge_key, None)
            transaction.merge_key = None

    def __len__(self) -> int:
        return len(self._open)
