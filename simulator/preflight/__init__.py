"""Before the first scenario: is the way between partners and server open, and what can the server do?"""

from __future__ import annotations

from simulator.preflight.check import check
from simulator.preflight.profile import compare, read_profile, write_profile

__all__ = ["check", "compare", "read_profile", "write_profile"]
