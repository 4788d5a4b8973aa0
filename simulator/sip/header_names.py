"""The names of header fields, full and compact, in every spelling (RFC 3261 §7.3.1, §7.3.3)."""

from __future__ import annotations

COMPACT_FORMS = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"One-letter names and what they stand for (IANA SIP header fields: RFC 3261, 3515, 3841, 3892, 4028, 6665, 8224)."

_USUAL_NAMES = (
    "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
    "Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Compression", "Contact", "Content-Disposition",
    "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Error-Info",
    "EndPoints", "Event", "Expires", "From", "History-Info", "Identity", "In-Reply-To", "Max-Forwards",
    "Message-Id", "MIME-Version", "Min-Expires", "Min-SE", "Ms-Conversation-ID", "ms-asserted-verification-level",
    "ms-diagnostics", "ms-diagnostics-public", "ms-edge-proxy-message-trust", "ms-im-format", "ms-keep-alive",
    "ms-piggyback-cseq", "ms-split-domain-info", "ms-subnet", "ms-telemetry-id", "ms-text-format",
    "ms-user-logon-data", "Organization", "P-Asserted-Identity", "P-Preferred-Identity", "Priority", "Privacy",
    "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "Reason", "Record-Route", "Refer-To",
    "Referred-By", "Replaces", "Reply-To", "Require", "Retry-After", "Roster-Manager", "Route", "Server",
    "Session-Expires", "SIP-ETag", "SIP-If-Match", "Subject", "Subscription-State", "Supported", "Timestamp", "To",
    "TriggeredInvite", "Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate",
)  # fmt: skip


def _spellings() -> dict[str, str]:
    """`Via:`, `via:`, `VIA:`, `v:`, `V:` and so on, with the key each stands for; the colon proves there was one."""
    table: dict[str, str] = {}
    for name in _USUAL_NAMES:
        key = name.lower()
        table.update(dict.fromkeys((f"{name}:", f"{key}:", f"{name.upper()}:"), key))
    for letter, key in COMPACT_FORMS.items():
        table.update(dict.fromkeys((f"{letter}:", f"{letter.upper()}:"), key))
    return table


KEY_OF_SPELLING = _spellings()
"The keys of usual names that end with their colon."
KEY_OF_NAME = {spelling[:-1]: key for spelling, key in KEY_OF_SPELLING.items()}
"The same without the colon."


def key_of(name: str) -> str:
    """The lower-case full name by which a header is looked up: `v`, `VIA` and `Via` all give `via`."""
    key = KEY_OF_NAME.get(name)
    if key is not None:
        return key
    lowered = name.lower()
    return COMPACT_FORMS.get(lowered, lowered)
