"""Property tests are not timed: on a busy machine the default deadline of an example would fail at random.

`SIPFED_HYPOTHESIS_PROFILE=deep` looks longer: for a quiet hour, or when a machine or parser has changed.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("untimed", deadline=None, stateful_step_count=25)
settings.register_profile("deep", deadline=None, stateful_step_count=80, max_examples=3_000)
settings.load_profile(os.environ.get("SIPFED_HYPOTHESIS_PROFILE", "untimed"))
