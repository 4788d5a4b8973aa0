"""Event loops of other systems."""

from __future__ import annotations

import asyncio
from typing import Any


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that watches no sockets for others, like the Proactor loop of Windows."""

    def add_reader(self, *_: Any) -> None:  # type: ignore[override] # whatever it is called with
        raise NotImplementedError
