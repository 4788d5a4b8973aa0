"""The fuzzers by name: `tox -e fuzz -- 100000` for SIP, `tox -e fuzz -- dns 5000000` for the DNS server.

`--help` behind the name shows the options of each. Without a name it is SIP, without a number as much as each does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main(arguments: Sequence[str]) -> int:
    """Run the fuzzer that the first argument names; 0 when nothing was found."""
    if arguments[:1] == ["dns"]:
        from tests.fuzz import dns_listener

        return dns_listener.main(arguments[1:])
    from tests.fuzz import sip_messages

    return sip_messages.main(arguments[1:] if arguments[:1] == ["sip"] else arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
