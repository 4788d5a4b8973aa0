"""What partners and the server under test said to each other, for scenarios that judge it by the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.federation import Federation
    from simulator.io.user import User
    from simulator.outcome import Outcome
    from simulator.partner import Partner
    from simulator.sip.message import Request, Response

SHOWN = 200
"Characters of a hint that a failure shows."


def requests_to(federation: Federation, partner: Partner, *methods: str) -> list[Request]:
    """The requests of these methods that the server has sent to the partner, in order."""
    from simulator.sip.message import Request

    found = _messages(federation, partner, "received")
    return [message for message in found if isinstance(message, Request) and message.method in methods]


def answers_to(federation: Federation, partner: Partner, *methods: str) -> list[Response]:
    """The server's final answers to the partner's requests of these methods, in order."""
    from simulator.sip.message import Response

    found = _messages(federation, partner, "received")
    return [
        message
        for message in found
        if isinstance(message, Response) and message.status >= 200 and message.cseq.method in methods
    ]


def answers_of(federation: Federation, partner: Partner, method: str) -> list[Response]:
    """The partner's final answers to the server's requests of this method, in order."""
    from simulator.sip.message import Response

    found = _messages(federation, partner, "sent")
    return [
        message
        for message in found
        if isinstance(message, Response) and message.status >= 200 and message.cseq.method == method
    ]


def must_be_told(outcome: Outcome, status: int | None = None) -> None:
    """The attempt failed, and the user of the server was told why: a status or a sentence."""
    outcome.must_fail(status)
    if outcome.status is None and not outcome.reason.strip():
        raise ExpectationFailed(
            f"The sender must be told why {outcome.subject} failed, but got neither status nor words."
        )


def must_have_got(reader: User, texts: Sequence[str]) -> None:
    """These messages reached the user, each once and in this order, and no others."""
    _compare(reader, list(texts), [message.text for message in reader.messages])


def must_have_got_in_any_order(reader: User, texts: Sequence[str]) -> None:
    """The same, in whatever order."""
    _compare(reader, sorted(texts), sorted(message.text for message in reader.messages))


def _compare(reader: User, wanted: list[str], got: list[str]) -> None:
    if got == wanted:
        return
    hints = [f"{text!r} never came" for text in dict.fromkeys(wanted) if text not in got]
    hints += [
        f"{one!r} came {got.count(one)} times" for one in dict.fromkeys(wanted) if got.count(one) > wanted.count(one)
    ]
    hints += [f"nobody was to get {text!r}" for text in dict.fromkeys(got) if text not in wanted]
    why = "; ".join(hint if len(hint) <= SHOWN else hint[:SHOWN] + "…" for hint in hints) or "the order is another"
    raise ExpectationFailed(f"{reader.uri} must have got {len(wanted)} in all and got {len(got)}: {why}.")


def must_not_hammer(federation: Federation, partner: Partner, *methods: str, at_most: int = 2) -> None:
    """A refusal is taken for an answer: no more than so many requests outside of dialogs came for the one attempt."""
    tries = [request for request in requests_to(federation, partner, *methods) if request.to.tag is None]
    if len(tries) > at_most:
        raise ExpectationFailed(
            f"The partner had refused, and still the server sent {len(tries)} requests ({', '.join(methods)}) to "
            f"{partner.domain} for one attempt of its user; at most {at_most} are in order."
        )


def _messages(federation: Federation, partner: Partner, what: str) -> Iterator[Request | Response]:
    from simulator.sip.message import parse

    for record in federation.records:
        if record.layer == "sip" and record.what == what and record.who == str(partner):
            yield parse(record.text.encode("utf-8", "surrogateescape"))
