"""A throwaway certification authority: certificates by profile, CRLs and OCSP over HTTP (RFC 5280, RFC 6960)."""

from __future__ import annotations

from fakes.ca.authority import Authority, Issued
from fakes.ca.profiles import PROFILES, Profile
from fakes.ca.publisher import Fetch, Publisher

__all__ = ["PROFILES", "Authority", "Fetch", "Issued", "Profile", "Publisher"]
