"""Presence: what is said (`state`), and the formats that carry it (`pidf`)."""

from __future__ import annotations

from simulator.presence.state import Availability, PresenceState

__all__ = ["Availability", "PresenceState"]
