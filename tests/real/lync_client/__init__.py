"""pidgin-sipe, a Lync client in other people's code, as one user of a domain with an edge of its own."""

from __future__ import annotations
