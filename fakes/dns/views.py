"""Split view: who asks decides what there is, as with a company's inner and outer DNS."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Mapping

from fakes.dns.zoneset import ZoneSet
from fakes.errors import FakeError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_KNOWN = 1000
"Clients whose view is known without looking."


class Views:
    """Zones by client network; the smallest network that holds the client counts."""

    def __init__(self, views: Mapping[str, ZoneSet]) -> None:
        self._lock = threading.Lock()
        self._views: dict[Network, ZoneSet] = {}
        self._known: dict[str, ZoneSet | None] = {}
        self.any = False
        "Whether there are views at all."
        for network, zones in views.items():
            self.set(network, zones)

    def set(self, network: str, zones: ZoneSet | None) -> None:
        """Show these zones to a network or an address; None takes the view away. Raises FakeError for what is none."""
        try:
            key = ipaddress.ip_network(network)
        except ValueError as error:
            raise FakeError(f"A view is for an IP network such as 127.0.9.0/24, or an address: {error}.") from error
        with self._lock:
            views = {**self._views}
            if zones is None:
                views.pop(key, None)
            else:
                views[key] = zones
            self._views = dict(sorted(views.items(), key=lambda item: -item[0].prefixlen))
            self._known = {}
            self.any = bool(views)

    def of(self, client: str, default: ZoneSet) -> ZoneSet:
        """Return what a client sees, by its address."""
        known = self._known
        if client not in known:
            if len(known) >= MAX_KNOWN:
                known.clear()
            address = ipaddress.ip_address(client.partition("%")[0])
            # Networks of the other IP version hold no address of this one, and say so.
            known[client] = next((zones for network, zones in self._views.items() if address in network), None)
        return known[client] or default
