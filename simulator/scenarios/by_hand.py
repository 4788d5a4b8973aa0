"""Requests that a partner writes by hand, for scenarios that send what no product sends."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.partner.wire import Wire
    from simulator.sip.message import Response

_numbers = itertools.count(1)

TEXT = "text/plain;charset=UTF-8"


def by_hand(
    federation: Federation,
    partner: Partner,
    method: str = "OPTIONS",
    *,
    sender: str = "bob",
    to: str = "alice",
    instead: Mapping[str, str | None] | None = None,
    more: Sequence[str] = (),
    body: str | bytes = b"",
    content_type: str = TEXT,
) -> bytes:
    """A request of the partner's user to one of the server, in order but for what is asked for.

    `instead` replaces header fields by whole lines, or leaves them out where it says None; `Request-Line` stands for
    the first line. `more` are further lines. In all of them `{domain}` is the partner's domain, `{server}` that of the
    server, `{edge}` the partner's FQDN with its port, and `{number}` a number that no other request has.
    """
    data = body.encode("utf-8") if isinstance(body, str) else body
    number = next(_numbers)
    lines = {
        "Request-Line": f"{method} sip:{to}@{{server}} SIP/2.0",
        "Via": "Via: SIP/2.0/TLS {edge};branch=z9hG4bK-by-hand-{number}",
        "Max-Forwards": "Max-Forwards: 70",
        "From": f"From: <sip:{sender}@{{domain}}>;tag=hand{{number}}",
        "To": f"To: <sip:{to}@{{server}}>",
        "Call-ID": "Call-ID: by-hand-{number}@{edge}",
        "CSeq": f"CSeq: 1 {method}",
        "Contact": f"Contact: <sip:{sender}@{{edge}};transport=tls>",
    }
    if method == "MESSAGE":
        del lines["Contact"]
    if data:
        lines["Content-Type"] = f"Content-Type: {content_type}"
    lines["Content-Length"] = f"Content-Length: {len(data)}"
    changed = {name: (instead or {}).get(name, line) for name, line in lines.items()}
    words = {
        "domain": str(partner.domain),
        "server": str(federation.sut.domain),
        "edge": f"{partner.edge.fqdn}:{partner.edge.port}",
        "number": str(number),
    }
    head = "\r\n".join([line for line in changed.values() if line is not None] + list(more))
    filled = re.sub(r"\{(domain|server|edge|number)\}", lambda found: words[found[1]], head)
    return filled.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + data


def must_answer(wire: Wire, method: str, status: int = 200, *, what: str) -> Response:
    """The server's next final answer to a `method` written by hand, which must have this status; `what` was sent."""
    return must_be(wire.expect_answer(method), status, what=what)


def must_be(answer: Response, *statuses: int, what: str) -> Response:
    """An answer of the server, which must have one of these statuses; `what` was sent, in words."""
    if answer.status not in statuses:
        right = " or ".join(map(str, sorted(statuses)))
        raise ExpectationFailed(f"The server must answer {what} with {right}, but its answer was {said(answer)}.")
    return answer


def must_refuse(wire: Wire, method: str, *, what: str) -> Response:
    """The server's next final answer to a `method` written by hand, which must be a refusal."""
    answer = wire.expect_answer(method)
    if answer.status < 400:
        raise ExpectationFailed(f"The server must refuse {what}, but its answer was {said(answer)}.")
    return answer


def said(answer: Response) -> str:
    """An answer for a failure text, with what it gives as its reason."""
    fields = [
        f"{name}: {value}"
        for name in ("Reason", "Warning", "ms-diagnostics", "ms-diagnostics-public")
        for value in answer.headers.get_all(name)
    ]
    return " ".join((f"{answer.status} {answer.reason}".rstrip(), *(f"({field})" for field in fields)))
