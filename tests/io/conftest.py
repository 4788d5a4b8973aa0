"""What the tests of the user agent look at: messages of the evidence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.federation import Federation

Wire = Callable[[str], list[str]]
"Gives the messages whose first line begins with a text, each message once."


@pytest.fixture
def wire(federation: Federation) -> Wire:
    """The SIP messages of the test so far, by how they begin; between two partners each of them counts once."""

    def messages(start: str) -> list[str]:
        found = [
            record.text for record in federation.records if record.layer == "sip" and record.text.startswith(start)
        ]
        return list(dict.fromkeys(found))

    return messages
