"""Odd and broken SIP as data: what a server must take, and what it must turn away (RFC 4475; dialect facts §2.5)."""

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


def _wrong(id_: str, name: str, statuses: Sequence[int], *sources: str, **parts: object) -> Case:
    return Case(id_, Odd(name, statuses=frozenset(statuses), **parts), sources=sources)  # type: ignore[arg-type]


DIALOG_TO: Final = "To: <sip:alice@{server}>;tag=nobody-gave-this"

TURNED_AWAY: Final = (
    _wrong("unknown-method", "of a method that nobody knows", (405, 501), "RFC 3261 §8.2.1", method="GREET", body=""),
    _wrong("register", "that registers", (403, 404, 405, 501), "RFC 3261 §8.2.1", method="REGISTER", body=""),
    _wrong(
        "publish",
        "that publishes",
        (403, 404, 405, 489, 501),
        "RFC 3903 §6",
        method="PUBLISH",
        body="",
        more=["Event: presence"],
    ),
    _wrong(
        "refer",
        "that refers elsewhere",
        (403, 405, 420, 481, 501, 603),
        "RFC 3515 §2.4.2",
        method="REFER",
        body="",
        more=["Refer-To: <sip:eve@{domain}>"],
    ),
    _wrong(
        "unknown-option",
        "that requires an unknown option",
        (420,),
        "RFC 3261 §8.2.2.3",
        more=["Require: nothing-known"],
    ),
    _wrong(
        "unknown-content",
        "with content that nobody can show",
        (415,),
        "RFC 3261 §8.2.3",
        content_type="application/x-unheard-of",
    ),
    _wrong(
        "unknown-event",
        "that subscribes to an unknown event",
        (489,),
        "RFC 6665 §4.2.1.1",
        method="SUBSCRIBE",
        body="",
        more=["Event: weather", "Expires: 600"],
    ),
    _wrong(
        "no-event",
        "that subscribes to nothing",
        (400, 489),
        "RFC 6665 §7.2.1",
        method="SUBSCRIBE",
        body="",
        more=["Expires: 600"],
    ),
    _wrong(
        "no-session",
        "that invites to a session of nothing",
        (400, 415, 488, 606),
        "RFC 3261 §13.3.1",
        method="INVITE",
        body="v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n",
        content_type="application/sdp",
    ),
    _wrong(
        "unreadable-session",
        "that invites with a description that is none",
        (400, 415, 488, 606),
        "RFC 3261 §13.3.1",
        method="INVITE",
        body="no description",
        content_type="application/sdp",
    ),
    _wrong(
        "unknown-scheme",
        "to an address of an unknown scheme",
        (400, 404, 416),
        "RFC 3261 §8.2.2.1",
        instead={"Request-Line": "MESSAGE nobody-knows-it:alice SIP/2.0"},
    ),
    _wrong(
        "unknown-user",
        "to a user who is not there",
        (404, 480, 604),
        "RFC 3261 §8.2.2.1",
        instead={"Request-Line": "MESSAGE sip:nobody@{server} SIP/2.0", "To": "To: <sip:nobody@{server}>"},
    ),
    _wrong(
        "other-domain",
        "to a domain that is not the server's",
        (403, 404, 416, 480, 482, 483, 504, 604),
        "RFC 3261 §16.4",
        instead={"Request-Line": "MESSAGE sip:eve@{domain} SIP/2.0", "To": "To: <sip:eve@{domain}>"},
    ),
    _wrong(
        "stray-bye",
        "that ends a conversation which is none",
        (481,),
        "RFC 3261 §15.1.2",
        method="BYE",
        body="",
        instead={"To": DIALOG_TO},
    ),
    _wrong(
        "stray-info",
        "in a conversation which is none",
        (481,),
        "RFC 3261 §12.2.2",
        method="INFO",
        body="",
        instead={"To": DIALOG_TO},
    ),
    _wrong(
        "stray-reinvite",
        "that changes a conversation which is none",
        (481,),
        "RFC 3261 §14.2",
        method="INVITE",
        body="",
        instead={"To": DIALOG_TO},
    ),
    _wrong(
        "stray-message",
        "as a message of a conversation which is none",
        (481,),
        "RFC 3428 §7",
        instead={"To": DIALOG_TO},
    ),
    _wrong(
        "stray-refresh",
        "that prolongs a subscription which is none",
        (481,),
        "RFC 6665 §4.2.1.2",
        method="SUBSCRIBE",
        body="",
        instead={"To": DIALOG_TO},
        more=["Event: presence", "Expires: 600"],
    ),
    _wrong(
        "stray-notify",
        "that notifies of what nobody asked for",
        (400, 403, 405, 481, 489),
        "RFC 6665 §4.1.3",
        method="NOTIFY",
        body="",
        instead={"To": DIALOG_TO},
        more=["Event: presence", "Subscription-State: active"],
    ),
    _wrong("stray-cancel", "that cancels nothing", (481,), "RFC 3261 §9.2", method="CANCEL", body=""),
)
"Requests that are in order and that a server must refuse, each with the answers that are right."

BROKEN: Final = (
    _wrong(
        "version",
        "of SIP/7.0",
        (400, 505),
        "RFC 4475 §3.1.2.16",
        instead={"Request-Line": "MESSAGE sip:alice@{server} SIP/7.0"},
        may_end=True,
    ),
    _wrong(
        "cseq-of-another-method",
        "whose CSeq names another method",
        (400,),
        "RFC 4475 §3.1.2.17",
        instead={"CSeq": "CSeq: 1 INVITE"},
        may_end=True,
    ),
    _wrong(
        "cseq-too-high",
        "whose CSeq is past the highest",
        (400,),
        "RFC 4475 §3.1.2.4",
        instead={"CSeq": "CSeq: 36893488147419103232 MESSAGE"},
        may_end=True,
    ),
    _wrong("no-cseq", "without CSeq", (400,), "RFC 4475 §3.3.1", instead={"CSeq": None}, may_end=True),
    _wrong("no-from", "without From", (400,), "RFC 4475 §3.3.1", instead={"From": None}, may_end=True),
    _wrong("no-to", "without To", (400,), "RFC 4475 §3.3.1", instead={"To": None}, may_end=True),
    _wrong("no-call-id", "without Call-ID", (400,), "RFC 4475 §3.3.1", instead={"Call-ID": None}, may_end=True),
    _wrong("no-via", "without Via", (400,), "RFC 3261 §8.1.1.7", instead={"Via": None}, may_end=True),
    _wrong(
        "open-quote",
        "with a quote that never ends",
        (400,),
        "RFC 4475 §3.1.2.6",
        instead={"From": 'From: "Bob <sip:bob@{domain}>;tag={number}'},
        may_end=True,
    ),
    _wrong(
        "open-bracket",
        "with a bracket that never ends",
        (400,),
        "RFC 4475 §3.1.2.7",
        instead={"From": "From: <sip:bob@{domain};tag={number}"},
        may_end=True,
    ),
    _wrong(
        "two-froms",
        "with two senders",
        (400,),
        "RFC 4475 §3.3.8",
        more=["From: <sip:eve@{domain}>;tag=eve"],
        may_end=True,
    ),
    _wrong(
        "negative-length",
        "with a negative Content-Length",
        (400,),
        "RFC 4475 §3.1.2.3",
        instead={"Content-Length": "Content-Length: -999"},
        may_end=True,
    ),
    _wrong(
        "two-lengths",
        "with two Content-Lengths that differ",
        (400,),
        "RFC 3261 §7.3",
        more=["Content-Length: 3"],
        may_end=True,
    ),
    _wrong(
        "no-length",
        "without Content-Length",
        (400, 411),
        "RFC 3261 §18.3",
        instead={"Content-Length": None},
        may_end=True,
    ),
    _wrong(
        "blanks-in-request-line",
        "with blanks inside the address",
        (400, 404),
        "RFC 4475 §3.1.2.8",
        instead={"Request-Line": "MESSAGE sip:alice @{server} SIP/2.0"},
        may_end=True,
    ),
    _wrong(
        "no-colon",
        "with a header line that is none",
        (400,),
        "RFC 3261 §7.3.1",
        more=["this is no header"],
        may_end=True,
    ),
    _wrong(
        "long-address",
        "to an address of ten kilobytes",
        (400, 404, 413, 414, 513),
        "RFC 3261 §21.4.12",
        instead={"Request-Line": "MESSAGE sip:alice@{server};x=" + "y" * 10_000 + " SIP/2.0"},
        may_end=True,
    ),
    _wrong(
        "endless-header",
        "with a header of a hundred kilobytes",
        (400, 413, 431, 513),
        "RFC 3261 §21.5.7",
        more=["X-Endless: " + "z" * 100_000],
        may_end=True,
    ),
    _wrong(
        "thousand-headers",
        "with a thousand headers",
        (200, 400, 413, 431, 513),
        "RFC 3261 §21.5.7",
        more=[f"X-Header-{number}: x" for number in range(1000)],
        may_end=True,
    ),
    _wrong(
        "huge-body",
        "that announces a body of two gigabytes",
        (400, 413),
        "RFC 3261 §21.4.11",
        instead={"Content-Length": "Content-Length: 2000000000"},
        may_end=True,
    ),
)
"Requests that are malformed or too large: refused, or the connection ends; never delivered, and others never suffer."

GARBAGE: Final = (
    Case("text", b"What is this, and who are you?\r\n\r\n", words="a sentence"),
    Case("http", b"GET / HTTP/1.1\r\nHost: connect.example\r\n\r\n", words="a request of HTTP"),
    Case("zeros", b"\0" * 512 + b"\r\n\r\n", words="zeros"),
    Case("bytes", bytes(range(256)) + b"\r\n\r\n", words="all kinds of bytes"),
    Case("no-utf-8", b"MESSAGE sip:\xff\xfe@\x80 SIP/2.0\r\nVia: \xc3\x28\r\n\r\n", words="bytes that are no UTF-8"),
    Case("endless-line", b"A" * 200_000, words="a line without an end"),
)
"""What is no SIP at all, each as {garbage} in the scenario's sentence."""
