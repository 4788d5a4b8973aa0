"""The error that the fakes raise on purpose; its text is a sentence for the person who reads it."""

from __future__ import annotations


class FakeError(Exception):
    """A fake was asked for what cannot be: `str(error)` says what is wrong and, where possible, what to do."""
