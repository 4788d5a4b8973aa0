"""Infrastructure that a real network would have: an authoritative DNS server and a throwaway CA.

Usable without `simulator`, knows nothing of SIP. Import `fakes.dns` or `fakes.ca`; this module imports neither.
"""

from __future__ import annotations

from fakes.errors import FakeError

__all__ = ["FakeError"]
