"""Option tags, and the Microsoft extensions of subscriptions that go by them (RFC 3261 §19.2, MS-SIP 3.4 to 3.6)."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from simulator.sip.fields import new_tag
from simulator.sip.message import Message, Request, Response

BENOTIFY = "ms-benotify"
PIGGYBACK = "ms-piggyback-first-notify"
AUTOEXTEND = "com.microsoft.autoextend"
PIGGYBACK_CSEQ = "ms-piggyback-cseq"
"The header that tells a 2xx with the first notification in it from any other."


def bad_extension(request: Request, known: Container[str], *, as_proxy: bool = False) -> Response | None:
    """The 420 to a request that requires what is not `known` (lower case), each such tag in Unsupported (§8.2.2.3).

    None for any other request, and for ACK and CANCEL. A proxy, which an edge is, looks at Proxy-Require as well:
    without `ms-benotify` among the known, that refuses the SUBSCRIBE of a Microsoft watcher, which then does without.
    Raises RemoteProtocolError on a broken list.
    """
    if request.method in ("ACK", "CANCEL"):
        return None
    required = (*request.require, *(request.proxy_require if as_proxy else ()))
    unknown = [tag for tag in required if tag.lower() not in known]
    if not unknown:
        return None
    return request.respond(420, to_tag=new_tag(), headers=[("Unsupported", tag) for tag in unknown])


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """Which Microsoft extensions one side of a subscription knows; none of them is plain RFC 6665."""

    autoextend: bool = False
    "Each notification starts the expiry anew, on both sides (MS-SIP 3.6)."
    piggyback: bool = False
    "The 2xx carries the first notification (MS-SIP 3.4.5.1)."
    benotify: bool = False
    "Notifications after the first come as BENOTIFY, which nobody answers (MS-SIP 3.5.5)."

    @property
    def tags(self) -> tuple[str, ...]:
        """In the order of a Microsoft client."""
        known = ((AUTOEXTEND, self.autoextend), (PIGGYBACK, self.piggyback), (BENOTIFY, self.benotify))
        return tuple(tag for tag, on in known if on)

    def headers(self) -> list[tuple[str, str]]:
        """What a SUBSCRIBE says of them."""
        required = [("Proxy-Require", BENOTIFY)] if self.benotify else []
        return [*(("Supported", tag) for tag in self.tags), *required]

    def shared_with(self, message: Message) -> SubscriptionOptions:
        """Those that the sender of the message supports too. Raises RemoteProtocolError on a broken list."""
        theirs = {tag.lower() for tag in message.supported} if self.tags else set()
        return SubscriptionOptions(
            autoextend=self.autoextend and AUTOEXTEND in theirs,
            piggyback=self.piggyback and PIGGYBACK in theirs,
            benotify=self.benotify and BENOTIFY in theirs,
        )

    def without(self, refused: Iterable[str]) -> SubscriptionOptions:
        """All but these tags (lower case)."""
        gone = set(refused)
        return replace(
            self,
            autoextend=self.autoextend and AUTOEXTEND not in gone,
            piggyback=self.piggyback and PIGGYBACK not in gone,
            benotify=self.benotify and BENOTIFY not in gone,
        )


NO_OPTIONS = SubscriptionOptions()
