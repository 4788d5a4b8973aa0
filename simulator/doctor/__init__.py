"""What an administrator runs before federation: all steps from DNS to SIP, and what to change (F6.1-F6.5).

    report = await examine(Checkup(SipDomain.parse("fabrikam.test"), dns=("127.0.0.1", 5353)))
    report.verdict, report.exit_code

The JSON of a report (`report.as_json`) is described by `schema.json` in this package. It has a `version`, which goes up
when a member is removed or changes its meaning, and these members:

`domain`, `mode` (`open`, `static`), `side` (`partner`, `ours`), `from` (the domain in the SIP request), `at` (ISO
8601), `verdict` (`good`, `incomplete`, `bad`), `notes` (sentences), and `steps`: a list of objects with `id`, `title`,
`where` (null, or the address), `result` (`ok`, `warning`, `failed`, `not-checked`), `seconds`, `seen` (sentences),
`change` (null or a sentence), and `data` (what was seen as values, by `id`).
"""

from __future__ import annotations

from simulator.doctor.checkup import Checkup, HostPort
from simulator.doctor.examination import examine
from simulator.doctor.steps import Report, Result, Step

__all__ = ["Checkup", "HostPort", "Report", "Result", "Step", "examine"]
