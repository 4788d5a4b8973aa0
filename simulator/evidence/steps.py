"""What each record means on a ladder: from whom to whom, in which few words, and whether it is bad news."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from simulator.evidence.recorder import Layer, Record

_LONGEST = 4000
"Characters of a record's text that are looked at; labels are far shorter."
_SHOWN_BODY = 30
"Characters of a chat text in a label."


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a ladder: an arrow, or a note where there is no target."""

    at: float
    "Seconds on the federation's clock."
    source: str
    "The participant that the arrow leaves, or the one who makes the note."
    target: str
    "The participant that the arrow reaches; empty for a note."
    layer: Layer
    "What it is drawn like."
    label: str
    "A few words; untrusted."
    detail: str = ""
    "A sentence of why, as a note of the source; untrusted."
    failed: bool = False
    "Whether this is where something went wrong."


def steps(records: Iterable[Record]) -> list[Step]:
    """The rows for these records by time; what both ends recorded of one event becomes one row."""
    found: list[Step] = []
    waiting: dict[tuple[object, ...], deque[int]] = {}
    for record in sorted(records, key=lambda record: record.at):
        step, is_witness = _step(record)
        if not record.peer:
            step = replace(step, source=record.who, target="")
        if not step.target or is_witness is None:
            found.append(step)
            continue
        event = (step.layer, step.source, step.target, step.label, record.text if record.layer == "sip" else "")
        others = waiting.get((event, not is_witness))
        if others:
            index = others.popleft()
            found[index] = replace(found[index], detail=found[index].detail or step.detail)
        else:
            waiting.setdefault((event, is_witness), deque()).append(len(found))
            found.append(step)
    return found


def _step(record: Record) -> tuple[Step, bool | None]:
    """The row of one record, and whether `who` was the other side's witness (None: nobody else would record it)."""
    at, who, peer, layer, data = record.at, record.who, record.peer, record.layer, record.data
    text = record.text[:_LONGEST]
    match layer, record.what:
        case "dns", "question":
            return Step(at, who, peer, layer, f"{_fact(data, 'type')} {_fact(data, 'name')} ?"), None
        case "dns", "answer":
            answers = _facts(data, "answers")
            rcode = _fact(data, "rcode")
            label = ("; ".join(answers) or "no such record") if rcode == "NOERROR" else rcode
            return Step(at, who, peer, layer, label, failed=not answers), None
        case "tcp", what:
            is_witness = what == "accepted"
            source, target = (peer, who) if is_witness else (who, peer)
            failed = what in ("refused", "timeout", "lost")
            label = f"TCP {'connected' if is_witness else what}"
            return Step(at, source, target, layer, label, text, failed), is_witness
        case "tls", "established":
            names = ", ".join(_facts(data, "names")) or "none"
            return Step(at, peer, who, layer, f"{_fact(data, 'version')}, certificate: {names}"), None
        case "tls", "presented":
            names = ", ".join(_facts(data, "names")) or "none"
            return Step(at, who, peer, layer, f"TLS, certificate: {names}"), None
        case "tls", "refused":
            names = ", ".join(_facts(data, "names"))
            detail = f"certificate for {names}: {text}" if names and text else text or names
            return Step(at, who, peer, layer, f"TLS refused: {_fact(data, 'alert')}", detail, failed=True), False
        case "tls", "refused-by":
            return Step(at, peer, who, layer, f"TLS refused: {_fact(data, 'alert')}", text, failed=True), True
        case "tls", "failed":
            return Step(at, who, peer, layer, "TLS failed", text, failed=True), None
        case "sip", "sent" | "received" as what:
            source, target = (who, peer) if what == "sent" else (peer, who)
            label, failed = sip_label(text)
            return Step(at, source, target, layer, label, failed=failed), what == "received"
        case "log", _:
            return Step(at, who, "", layer, text), None
        case _, what:
            return Step(at, who, peer, layer, f"{layer.upper()} {what} {text}".strip()), None


_RESPONSE = re.compile(r"SIP/2\.0 +([1-6][0-9]{2}) *(.*)", re.ASCII)
_REQUEST = re.compile(r"([^\s]+) +([^\s]+) +SIP/2\.0", re.ASCII)
_REDUNDANT_PARAMETERS = re.compile(r";(?:transport|lr|ms-[^=;]*|maddr|opaque|gruu)(?:=[^;]*)?", re.IGNORECASE)

_USER = re.compile(r"sips?:([^@;>\s]{1,30})@", re.IGNORECASE)
_PRESENCE = re.compile(
    r"<(?:\w+:)?(?:basic|availability)>\s*(\w+)\s*<"  # PIDF and the enhanced formats
    r"|<(?:\w+:)?activities[^<>]*>\s*<(?:\w+:)?([\w-]+)"  # RPID
    r"|<availability aggregate=\"(\d+)\""  # MSRTC
)


def sip_label(message: str) -> tuple[str, bool]:
    """The essentials of a SIP message, and whether it is a refusal; any text gets a label."""
    start, _, body = message.lstrip("\r\n").partition("\r\n\r\n")
    head = start.split("\r\n")
    headers: dict[str, str] = {}
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    method = headers.get("cseq", "").rpartition(" ")[2]
    if response := _RESPONSE.fullmatch(head[0]):
        label = f"{response[1]} {response[2]}".strip() + (f" ({method})" if method else "")
        diagnostics = headers.get("ms-diagnostics") or headers.get("ms-diagnostics-public")
        label += f", ms-diagnostics {diagnostics.partition(';')[0]}" if diagnostics else ""
        return label + (_presence_of("", body) if method == "SUBSCRIBE" else ""), response[1] >= "400"
    if request := _REQUEST.fullmatch(head[0]):
        label = f"{request[1]} {_REDUNDANT_PARAMETERS.sub('', request[2])}"
        label += f", CSeq says {method}" if method and method != request[1] else ""
        state = headers.get("subscription-state", "").partition(";")[0].strip()
        label += f" ({state})" if state else ""
        if request[1] in ("NOTIFY", "BENOTIFY"):
            label += _presence_of(headers.get("from", ""), body)
        is_text = request[1] == "MESSAGE" and headers.get("content-type", "").lower().startswith("text/plain")
        return label + (f' "{_shortened(body)}"' if is_text else ""), False
    return head[0] or "(no start line)", False


def _presence_of(whose: str, body: str) -> str:
    """The words and classes of a presence document, whatever its format, in quotes, and whose they are."""
    told = dict.fromkeys(next(filter(None, groups)) for groups in _PRESENCE.findall(body))
    user = _USER.search(whose)
    return (f" {user[1]}:" if user else "") + f' "{_shortened(", ".join(told))}"' if told else ""


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_BODY else text[: _SHOWN_BODY - 1] + "…"


def _fact(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    return "?" if value is None else str(value)


def _facts(data: Mapping[str, object], name: str) -> list[str]:
    value = data.get(name)
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []
