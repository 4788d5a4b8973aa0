"""The OPTIONS that `Test-CsFederatedPartner` sends (F6.2; dialect facts §1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.names import SipDomain
from simulator.sip.fields import new_branch, new_call_id, new_tag
from simulator.sip.message import Request, parse

USER = "Options_User"
"The user of a domain that Microsoft's probe asks for; nobody has to have that name."


@dataclass(frozen=True, slots=True)
class Probe:
    """How the request is written."""

    name: str
    "The word for `--probe`."
    about: str
    "One line for the help."
    capitals: bool
    "Whether header names are in capitals."
    user_agent: str
    "User-Agent."
    route: bool = False
    "Whether it carries the Route that `-ProxyFqdn` adds."


S4B: Final = Probe("s4b", "as Test-CsFederatedPartner's request leaves the edge", True, "RTCC/4.0.0.0")
PROBES: Final = {
    probe.name: probe
    for probe in (
        S4B,
        # Its own edge takes the Route off; an edge that gets it from a stranger refuses it (0xC3E93C5E).
        Probe("s4b-route", "the same with the Route of -ProxyFqdn, which edges refuse", True, "RTCC/4.0.0.0", True),
        Probe("plain", "plain RFC 3261", False, "sipfed"),
    )
}
"The shapes by name."


def build(
    probe: Probe, domain: SipDomain, sender: SipDomain, *, server: str, own_host: str, local: tuple[str, int]
) -> Request:
    """The request with its Via, the fields in the order of Microsoft's trace (MS article on Test-CsFederatedPartner).

    `server` is the peer's FQDN for the Route, `own_host` ours for the Contact, `local` our end of the connection. The
    place and spelling of From, To, CSeq and Call-ID are inferred: the trace shows those four in the log's own words.
    """
    address, port = local
    via = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    fields = [
        ("From", f"<sip:{USER}@{sender}>;tag={new_tag()}"),
        ("To", f"<sip:{USER}@{domain}>"),
        ("CSeq", "1 OPTIONS"),
        ("Call-ID", new_call_id()),
        ("Max-Forwards", "70"),
        ("Via", f"SIP/2.0/TLS {via};branch={new_branch()}"),
        *([("Route", f"<sip:{server};transport=tls;lr>;ms-edge-route")] if probe.route else []),
        ("Contact", f"<sip:{own_host};transport=Tls>"),
        ("Content-Length", "0"),
        ("User-Agent", probe.user_agent),
    ]
    lines = [f"{name.upper() if probe.capitals else name}: {value}" for name, value in fields]
    request = parse("\r\n".join([f"OPTIONS sip:{USER}@{domain} SIP/2.0", *lines, "", ""]).encode())
    assert isinstance(request, Request)
    return request
