"""Odd SIP that is legal, as data: what a server must take (RFC 4475; dialect facts §2.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulator.scenarios import Case
from simulator.scenarios.by_hand import TEXT

LONG: Final = "bkBvoYzffAAEC" * 40
"As long as the opaque parameters of a Microsoft edge, and longer."


@dataclass(frozen=True, slots=True)
class Odd:
    """One way to write a request; the parts are those of `by_hand`."""

    name: str
    "As it stands in a sentence: `with header names in capitals`."
    instead: Mapping[str, str | None] = field(default_factory=dict)
    more: Sequence[str] = ()
    method: str = "MESSAGE"
    body: bytes | str = "Hello"
    content_type: str = TEXT
    statuses: frozenset[int] = frozenset({200})
    "The answers that are right; empty where the connection may also just end."
    may_end: bool = False
    "Whether the server may end the connection, with an answer or without."

    def parts(self) -> dict[str, object]:
        """For `by_hand`."""
        return {
            "method": self.method,
            "instead": self.instead,
            "more": self.more,
            "body": self.body,
            "content_type": self.content_type,
        }


def _legal(id_: str, name: str, *sources: str, **parts: object) -> Case:
    return Case(id_, Odd(name, **parts), sources=sources)  # type: ignore[arg-type]


VIA = "SIP/2.0/TLS {edge};branch=z9hG4bK-odd-{number}"

LEGAL: Final = (
    _legal(
        "names-in-capitals",
        "with header names in capitals",
        "dialect §2.5",
        instead={
            "Via": f"VIA: {VIA}",
            "Max-Forwards": "MAX-FORWARDS: 70",
            "From": "FROM: <sip:bob@{domain}>;tag={number}",
            "To": "TO: <sip:alice@{server}>",
            "Call-ID": "CALL-ID: odd-{number}",
            "CSeq": "CSEQ: 1 MESSAGE",
        },
    ),
    _legal(
        "names-in-lower-case",
        "with header names in lower case",
        "dialect §2.5",
        instead={
            "Via": f"via: {VIA}",
            "From": "from: <sip:bob@{domain}>;tag={number}",
            "To": "to: <sip:alice@{server}>",
            "Call-ID": "call-id: odd-{number}",
            "CSeq": "cseq: 1 MESSAGE",
        },
    ),
    _legal(
        "compact-names",
        "with compact header names",
        "RFC 3261 §7.3.3",
        instead={
            "Via": f"v: {VIA}",
            "From": "f: <sip:bob@{domain}>;tag={number}",
            "To": "t: <sip:alice@{server}>",
            "Call-ID": "i: odd-{number}",
            "Content-Type": "c: text/plain",
        },
    ),
    _legal(
        "folded-lines",
        "with header values folded over lines",
        "RFC 3261 §7.3.1",
        instead={
            "From": "From:\r\n  <sip:bob@{domain}>\r\n\t;tag={number}",
            "To": "To: <sip:alice@{server}\r\n >".replace("\r\n >", ">\r\n  "),
        },
    ),
    _legal(
        "blanks-around-colons",
        "with blanks around colons and at the ends of lines",
        "RFC 3261 §7.3.1",
        instead={"To": "To  :   <sip:alice@{server}>   ", "Call-ID": "Call-ID\t:odd-{number}"},
    ),
    _legal(
        "no-blank-before-bracket",
        "without a blank between name and address",
        "dialect §2.1",
        instead={"From": 'From: "User One"<sip:bob@{domain}>;tag={number};epid=b84a59c035'},
    ),
    _legal(
        "name-in-cyrillic",
        "with a Cyrillic display name and Subject",
        "dialect §2.5",
        instead={"From": 'From: "Борис Годунов" <sip:bob@{domain}>;tag={number}'},
        more=["Subject: Привет, мир"],
    ),
    _legal(
        "name-with-escapes",
        "with quotes, brackets and backslashes in the display name",
        "RFC 4475 §3.1.1.1",
        instead={"From": 'From: "A \\"B\\" <c@d> ; \\\\ e" <sip:bob@{domain}>;tag={number}'},
    ),
    _legal(
        "no-brackets",
        "with addresses that stand in no brackets",
        "RFC 3261 §20.10",
        instead={"From": "From: sip:bob@{domain};tag={number}", "To": "To: sip:alice@{server}"},
    ),
    _legal(
        "via-without-branch",
        "with a Via that has no branch",
        "dialect §2.5",
        instead={"Via": "Via: SIP/2.0/TLS {edge}"},
    ),
    _legal(
        "lower-via-without-branch",
        "with the client's Via below, as Microsoft writes it",
        "dialect §2.1",
        instead={
            "Via": f'Via: {VIA};branched=FALSE;ms-internal-info="dhlAywQAA"\r\n'
            "Via: SIP/2.0/TLS 192.0.2.195:50092;ms-received-port=50092;ms-received-cid=5C3600"
        },
    ),
    _legal(
        "free-order",
        "with Content-Length in the middle and Via at the end",
        "dialect §2.1",
        instead={
            "Via": None,
            "From": "Content-Length: 5\r\nFrom: <sip:bob@{domain}>;tag={number}",
            "Content-Length": None,
        },
        more=[f"Via: {VIA}"],
    ),
    _legal(
        "unknown-headers",
        "with headers that nobody knows",
        "dialect §2.4",
        more=[
            "ms-subnet: 192.0.2.0",
            "ms-keep-alive: UAC;hop-hop=yes",
            "ms-telemetry-id: 2F1A4B1C-0000-4000-8000-000000000000",
            "ms-user-logon-data: RemoteUser",
            "history-info: <sip:alice@{server}>;index=1",
            "X-Nobody-Knows: ;;;===,,,<<<",
        ],
    ),
    _legal(
        "many-supported-lines",
        "with one Supported line for each option",
        "dialect §2.1",
        more=[f"Supported: {tag}" for tag in ("timer", "histinfo", "ms-sender", "ms-early-media", "100rel")],
    ),
    _legal("long-header", "with a header of eight kilobytes", "dialect §2.5", more=[f"ms-im-format: {'x' * 8000}"]),
    _legal(
        "unknown-uri-parameters",
        "with unknown parameters in the addresses",
        "dialect §2.1",
        instead={
            "Request-Line": "MESSAGE sip:alice@{server};transport=tls;ms-opaque=d8a1;ms-role-rs-to SIP/2.0",
            "From": "From: <sip:bob@{domain};opaque=user:epid:hYnsEUpJ;gruu>;tag={number};epid=b84a59c035",
        },
    ),
    _legal(
        "domains-in-capitals",
        "with the domains in capitals",
        "RFC 3261 §19.1.4",
        instead={"Request-Line": "MESSAGE SIP:alice@{server} SIP/2.0", "To": "To: <SIP:alice@{server}>"},
    ),
    _legal(
        "escaped-user",
        "with an escaped letter in the user's name",
        "RFC 3261 §19.1.4",
        instead={"Request-Line": "MESSAGE sip:%61lice@{server} SIP/2.0", "To": "To: <sip:%61lice@{server}>"},
    ),
    _legal(
        "asserted-identity",
        "with P-Asserted-Identity that names a telephone, too",
        "dialect §2.1",
        more=['P-Asserted-Identity: "Bob"<sip:bob@{domain}>,<tel:+15551234>'],
    ),
    _legal(
        "content-type-spelling",
        "with blanks, capitals and a quoted charset in Content-Type",
        "RFC 3261 §7.3.1",
        content_type='TEXT/PLAIN ; CHARSET="utf-8"',
    ),
    _legal(
        "max-forwards-1",
        "with Max-Forwards at its end",
        "RFC 3261 §8.1.1.6",
        instead={"Max-Forwards": "Max-Forwards: 1"},
    ),
    _legal("high-cseq", "with the highest CSeq", "RFC 3261 §8.1.1.5", instead={"CSeq": "CSeq: 2147483647 MESSAGE"}),
    _legal(
        "odd-call-id",
        "with a Call-ID of all characters that it may have",
        "RFC 4475 §3.1.1.2",
        instead={"Call-ID": "Call-ID: a-.!%*_+`'~()<>:\\\"/[]?{{}}{number}"},
    ),
    _legal(
        "empty-header",
        "with headers that are empty",
        "RFC 4475 §3.1.1.1",
        more=["Subject:", "Supported: ", "Organization:"],
    ),
    _legal("broken-date", "with a Date that is none", "RFC 4475 §3.1.2.12", more=["Date: yesterday, or so"]),
    _legal(
        "crlf-before",
        "behind empty lines",
        "RFC 3261 §7.5",
        instead={"Request-Line": "\r\n\r\nMESSAGE sip:alice@{server} SIP/2.0"},
    ),
)
"Requests that a server must take: what they show is legal, or seen in the field."
