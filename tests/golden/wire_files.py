"""Golden wire files: the kind of a message, and its text with all that differs from run to run replaced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from simulator.evidence.recorder import Record
from simulator.sip.message import Request, Response, parse

MESSAGE_KINDS = {
    "text/plain": "plain",
    "text/html": "html",
    "text/rtf": "rtf",
    "multipart/alternative": "alternatives",
    "application/im-iscomposing+xml": "iscomposing",
    "application/xml": "keyboard",
}

RANDOM: tuple[tuple[str, str], ...] = (
    (r"(?m)^ms-subnet: 127\.\d+\.\d+\.0", "ms-subnet: 192.0.2.0"),
    (r"127\.\d+\.\d+\.\d+", "192.0.2.1"),
    (r"(?m)^NEGOTIATE sip:192\.0\.2\.1:\d+", "NEGOTIATE sip:192.0.2.1:5061"),
    (r"192\.0\.2\.1:(?!5061)\d+", "192.0.2.1:49152"),
    (r"[a-z]+\d+-[0-9a-f]{4}\.test", "northwind.test"),
    (r"(\.test):\d+", r"\1:5061"),
    (r";tag=[\w.~-]+", ";tag=TAG"),
    (r"branch=z9hG4bK[\w.~-]+", "branch=z9hG4bK-BRANCH"),
    (r"(?m)^(Call-ID|CALL-ID): .*?(\r?)$", r"\1: CALL-ID\2"),
    (r"(?m)^(Ms-Conversation-ID): .*?(\r?)$", r"\1: CONVERSATION\2"),
    (r";ms-received-port=\d+;ms-received-cid=[0-9A-F]+", ";ms-received-port=49152;ms-received-cid=C00000"),
    (r"(ms-key-info|ms-route-sig)=[\w-]+", r"\1=OPAQUE"),
    (r"epid:[0-9a-f]{10}", "epid:EPID"),
    (r'epid="?[0-9a-f]{10}"?', "epid=EPID"),
    (r'(publishTime|lastActive)="[^"]*"', r'\1="TIME"'),
    (r'(<action name="subscribe" id)="\d+"', r'\1="NUMBER"'),
    (r"(?m)^((?:subscription-state|Subscription-State): .*expires)=\d+", r"\1=SECONDS"),
)
"What is random or depends on the clock, and what stands in its place."


def kind_of(message: Request | Response) -> str:
    """The name of the file for messages like this one."""
    method = message.cseq.method.lower()
    if isinstance(message, Response):
        carries = "-with-state" if message.body and method == "subscribe" else ""
        return f"{message.status}-{method}{carries}"
    in_dialog = message.to.tag is not None
    match message.method:
        case "MESSAGE" | "INFO":
            return f"{method}-{MESSAGE_KINDS[message.content_type or '']}" + ("" if in_dialog else "-page")
        case "SUBSCRIBE" if in_dialog:
            return "subscribe-end" if message.expires == 0 else "subscribe-refresh"
        case "SUBSCRIBE" if message.require:
            return "subscribe-list"
        case "SUBSCRIBE":
            return "subscribe-fetch" if message.expires == 0 else "subscribe"
        case "NOTIFY" | "BENOTIFY":
            said = message.subscription_state
            form = (message.content_type or "no-body").rpartition("/")[2].removesuffix("+xml")
            return f"{method}-{said.state if said else 'stateless'}-{form}"
        case "INVITE":
            return "invite-with-text" if "ms-text-format" in message.headers else "invite"
        case _:
            return method


def golden_files(records: Iterable[Record], sender: str, names: Mapping[str, str]) -> dict[str, str]:
    """The first message of every kind that `sender` sent, by kind; `names` are replaced by others."""
    files: dict[str, str] = {}
    for record in records:
        if record.layer == "sip" and record.what == "sent" and record.who == sender:
            message = parse(record.text.encode("utf-8", "surrogateescape"))
            files.setdefault(kind_of(message), _normalised(message, names))
    return files


def _normalised(message: Request | Response, names: Mapping[str, str]) -> str:
    head, _, body = bytes(message).decode("utf-8", "surrogateescape").partition("\r\n\r\n")
    head, body = _replaced(head, names), _replaced(body, names)
    boundary = re.search(r'boundary="?([\w.=-]+)', head)
    if boundary is not None:
        head, body = head.replace(boundary[1], "BOUNDARY"), body.replace(boundary[1], "BOUNDARY")
    length = len(body.encode("utf-8", "surrogateescape"))
    head = re.sub(r"(?mi)^(content-length): \d+", rf"\1: {length}", head)
    return f"{head}\r\n\r\n{body}"


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    for pattern, instead in RANDOM:
        text = re.sub(pattern, instead, text)
    return text
