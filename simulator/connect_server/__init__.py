"""The embedded Connect Server: the default server under test and the model of correct behaviour (R1-R81).

Settings are one frozen tree (`settings.ServerSettings`), from Python or from TOML (`settings.load`):

- `licences.server`, each user's `office_plus`, and the switches `federation.enabled`, `locations`, `groups` and users:
  `entitlement.entitlement(settings, user)` says whether a user federates and what decides it.
- `static_routes`, `open_federation`: `ways.way_to(settings, domain)` says how a domain is reached, if at all.
- `certificate`: two files (`CertificateFiles`) or a store (`CertificateFolder`), judged by `certificate_rules`.
- `partner_certificates`, `trusted_roots`, `dns`, `listen`.

To change a running server (`server.ConnectServer`, on the loop's thread):

- `operations.switch_route(server.settings, domain, enabled=False)` and its siblings give new settings, and
  `server.apply(settings)` puts them into force without dropping what they still allow. It returns the changes, and
  raises ConfigurationError for what is wrong or needs a restart (`changes.RESTART`): then nothing has changed.
- `server.reload(path)` does the same with the settings file; its `Reload` says what changed, or why nothing did.
- `server.store` lists, adds and removes certificates (`certificates.CertificateStore`), of which
  `certificate_list.describe` gives every field as data; adding never activates (R68). `server.activate(name)` presents
  another one from the next connection on. `server.certificate` is the one in use.
- `server.warnings()` is what an administrator should know.

Where the requirements contradict each other, `contradictions.CONTRADICTIONS` says what was decided and what chooses.
"""
