"""What Skype for Business tells its own side of a failure: ms-diagnostics ([MS-OCER] §2.2.1; F1.22, F1.28)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.discovery import DiscoveryFailed, DiscoveryFailure

Inside = tuple[int, str]
"Id and text of an `ms-diagnostics` header."
NO_SRV: Final = (1008, "Unable to resolve DNS SRV record")
NO_MATCH: Final = (1009, "No match for domain in DNS SRV results")
"As an edge of 2015 writes it; [MS-OCER] says `Conflicting SRV and host domains in DNS`."
NO_TRUST: Final = (1010, "Certificate trust with another server could not be established")
"As an edge of 2015 writes it; [MS-OCER] says `Certificate trust with next-hop server could not be established`."
NO_ADDRESS: Final = (1014, "Unable to resolve DNS A record")
NO_REASON_GIVEN: Final = (1034, "Previous hop federated peer did not report diagnostic information")
NO_CONNECTION: Final = (1046, "Failed to connect to a federated peer server")
NO_TLS: Final = (1047, "Failed to complete TLS negotiation with a federated peer server")

_TEXTS: Final = dict((NO_SRV, NO_MATCH, NO_ADDRESS))


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One diagnostic, ready for a header; it never belongs into an answer to a partner as `ms-diagnostics` (F1.28)."""

    id: int
    "1000-1999 are those of the SIP stack."
    reason: str
    "The text that goes with the id."
    parameters: tuple[tuple[str, str], ...] = ()
    "Further parameters, name and value, in the order of writing: `domain`, `fqdn1`."

    def header(self, source: str) -> tuple[str, str]:
        """`ms-diagnostics` for one's own servers and clients; `source` is the FQDN of the server that writes it."""
        return "ms-diagnostics", self._value(*self.parameters, ("source", source))

    def public_header(self) -> tuple[str, str]:
        """`ms-diagnostics-public`, which may cross to a partner: the same without the source."""
        return "ms-diagnostics-public", self._value(*self.parameters)

    def _value(self, *parameters: tuple[str, str]) -> str:
        quoted = (f"{name}={_quoted(value)}" for name, value in (("reason", self.reason), *parameters))
        return ";".join((str(self.id), *quoted))


def diagnostic_of(failed: DiscoveryFailed) -> Diagnostic | None:
    """The diagnostic of a discovery that led nowhere; None for the failures that no source gives an id.

    That `domain` stands beside 1008 and 1014 as it does beside 1009 is inferred.
    """
    number = failed.failure.diagnostic
    if number is None:
        return None
    return Diagnostic(number, _TEXTS[number], parameters_of(failed))


def parameters_of(failed: DiscoveryFailed) -> tuple[tuple[str, str], ...]:
    """The domain, and what its SRV records lead to where that is the trouble (F1.13)."""
    parameters = [("domain", str(failed.domain))]
    if failed.failure is DiscoveryFailure.NO_MATCHING_SRV:
        parameters += [(f"fqdn{place}", target) for place, target in enumerate(failed.targets, 1)]
    return tuple(parameters)


def _quoted(text: str) -> str:
    """A quoted-string (RFC 3261 §25.1); control characters, which none may hold, become spaces."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(character if character.isprintable() else " " for character in escaped) + '"'
