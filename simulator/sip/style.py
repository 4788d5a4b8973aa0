"""In which order and spelling a product writes its header fields, both free in RFC 3261 §7.3.1; and its own Via."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.sip.header_names import key_of
from simulator.sip.headers import Headers
from simulator.sip.message import Request, Response

REST: Final = "*"
"The place of the headers that an order does not name."

VIA: Final = key_of("Via")


class HeaderStyle:
    """Puts the header fields of a message in order and spells their names; values stay as they are, but for the topmost
    Via of a request, which is ours."""

    def __init__(
        self, order: Sequence[str] = (), names: Sequence[str] = (), via_parameters: Sequence[str] = ()
    ) -> None:
        """`order` names headers from top to bottom, `*` stands for all others, which keep their order among each other;
        without one they come last. `names` are spellings that differ from the usual ones, such as `history-info`.
        `via_parameters` come behind the others of the topmost Via of a request, such as `branched=FALSE`."""
        self._via_parameters = "".join(f";{parameter}" for parameter in via_parameters)
        self._ranks = {key_of(name): rank for rank, name in enumerate(order)}
        self._rest = self._ranks.get(REST, len(order))
        self._names = {key_of(name): name for name in names}

    def __call__(self, message: Request | Response) -> Request | Response:
        """The same message in this style."""
        keyed = [(key_of(line.partition(":")[0].rstrip()), line) for line in message.headers.lines]
        if self._via_parameters and isinstance(message, Request):
            ours = next(place for place, (key, _) in enumerate(keyed) if key == VIA)
            keyed[ours] = VIA, keyed[ours][1] + self._via_parameters
        keyed.sort(key=lambda pair: self._ranks.get(pair[0], self._rest))
        headers = Headers.unchecked(self._spelled(key, line) for key, line in keyed)
        if isinstance(message, Request):
            return Request(message.method, message.uri, headers, message.body, version=message.version)
        return Response(message.status, message.reason, headers, message.body, version=message.version)

    def _spelled(self, key: str, line: str) -> str:
        name = self._names.get(key)
        return line if name is None else name + line[line.index(":") :]
