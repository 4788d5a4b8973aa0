"""Property tests are not timed: on a busy machine the default deadline of an example would fail at random."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
