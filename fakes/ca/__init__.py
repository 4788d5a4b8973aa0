"""A throwaway certification authority: one root and one intermediate per run, certificates by profile (RFC 5280)."""

from __future__ import annotations

from fakes.ca.authority import Authority, Issued
from fakes.ca.profiles import PROFILES, Profile

__all__ = ["PROFILES", "Authority", "Issued", "Profile"]
