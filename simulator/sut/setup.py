"""What `sipfed init` writes: a commented sut.toml, and what is to be done at the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.connect_server.control.contract import OPERATIONS
from simulator.sut.settings import SutSettings

DRIVERS: Final[dict[str, str]] = {
    "http": "the server has sipfed's control API, or something that translates it",
    "command": "a program of yours for each action",
    "manual": "somebody at the terminal does what is asked",
    "wire-only": "nothing but the server's address; only what partners can judge alone is run",
    "kamailio": "a Kamailio that sipfed starts itself",
    "embedded-process": "sipfed's own server in a process of its own",
}
"""What can be chosen, and when."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked."""

    driver: str
    "One of DRIVERS."
    domain: str
    "The SIP domain of the server's users."
    fqdn: str
    "The server's public name."
    address: str
    "address:port where partners reach it."
    bind: str = ""
    "The address of this machine that the server reaches; empty for loopback."
    dns_port: int = 53
    "Where our DNS listens."
    url: str = "http://127.0.0.1:8061"
    "The base URL of the control API, for the driver http."
    public: str = ""
    "The same as `bind`, where that is a public address and is meant."


def sut_toml(answers: Answers) -> str:
    """The settings file, with every setting explained."""
    ours = answers.driver in ("kamailio", "embedded-process")
    parts = [
        "# The server under test. `sipfed run --sut sut.toml` runs the catalogue against it, `pytest --sut sut.toml`",
        "# your own tests, and `sipfed probe --sut sut.toml` finds out what it can be told to do.",
        "",
        "[sut]",
        f'driver = "{answers.driver}"'.ljust(36) + f"# {DRIVERS[answers.driver]}",
        '# name = "Connect 9.0.123"          # for reports; the driver may know it',
        f'domain = "{answers.domain}"'.ljust(36) + "# users appear to partners as user@domain",
        f'fqdn = "{answers.fqdn}"'.ljust(36) + "# in its certificate and in its SRV record",
        ("# " if ours else "") + f'address = "{answers.address}"'.ljust(36) + "# where partners reach it",
        "open_federation = true".ljust(36) + "# it finds partners by DNS, and that is switched on",
        '# capabilities = ["chat"]            # what it has beyond what the driver finds; `sipfed probe` has the words',
        '# without = ["typing"]               # what it has not',
        '# trusted_roots = "roots.pem"        # authorities that partners trust beside ca/root.crt',
        '# profile = "sut.profile.toml"       # from `sipfed probe`: a run that finds less than that fails',
        "# preflight = false                  # do not check the way before the first scenario",
        "# slow = true                        # where its clock cannot be set, let scenarios about time wait for hours",
        "",
        "# Scenarios know four users. alice and anna may federate; carol has no licence for it, and dave's location",
        "# has federation switched off. A server without such users leaves carol and dave out.",
        "[sut.users.alice]",
        'name = "alice"                      # what stands before the @ on the server',
        "[sut.users.anna]",
        'name = "anna"',
        "# [sut.users.carol]",
        '# name = "carol"',
        "# federation = false",
        "# [sut.users.dave]",
        '# name = "dave"',
        "# federation = false",
        "",
        *_network(answers),
        *_driver_table(answers),
    ]
    return "\n".join(parts) + "\n"


def _network(answers: Answers) -> list[str]:
    lines = ["[network]"]
    if answers.bind:
        lines += [
            f'bind = "{answers.bind}"'.ljust(36)
            + "# where partners and DNS listen; of several addresses, one for each",
            *([f'public = "{answers.public}"'.ljust(36) + "# everybody may reach them"] if answers.public else []),
            'ports = "5100-5199"                 # of a single address, one for each partner, by its SRV record',
        ]
    lines += [
        f"dns_port = {answers.dns_port}".ljust(36) + "# the server's resolver forwards the zone test to it",
        'ca = "ca"                           # the folder of the CA; root.crt in it is for import, root.key for nobody',
        "",
    ]
    return lines


def _driver_table(answers: Answers) -> list[str]:
    if answers.driver == "http":
        return [
            "[http]",
            f'url = "{answers.url}"'.ljust(36) + "# `sipfed connect-server --openapi` prints the contract",
            'token = "write the token here"      # or token_file = "control.token"',
            "# timeout = 60                       # seconds for an answer",
        ]
    if answers.driver == "command":
        lines = [
            "[command]",
            "# timeout = 60                       # seconds for a program",
            "# shell = false                      # true: each command is one line for the shell",
            "",
            "# Each prints as JSON what the contract says (`sipfed connect-server --openapi`).",
            "[command.actions]",
        ]
        for operation in OPERATIONS:
            if operation.capability in ("chat", "observe-inbox", "presence", "static-routes", "switch-open-federation"):
                words = ", ".join(f'"{{{name}}}"' for name in operation.arguments)
                lines.append(f'# {operation.action} = ["connectctl", "{operation.action.replace("_", "-")}", {words}]')
        return lines
    return []


def instructions(answers: Answers, settings: SutSettings) -> str:
    """What to do at the server, step by step."""
    address, port = settings.network.dns
    first, last = settings.network.ports
    forwarder = f"Add-DnsServerConditionalForwarderZone -Name test -MasterServers {address}"
    return _INSTRUCTIONS.format(
        domain=answers.domain,
        fqdn=answers.fqdn,
        listens=answers.address,
        root=(settings.network.ca or Path("ca")) / "root.crt",
        bind=f" and {answers.bind}" if answers.bind else "",
        address=address,
        port=port,
        local="" if answers.bind else "            do-not-query-localhost: no\n",
        windows=forwarder if port == 53 else "(it forwards to port 53 only: write dns_port = 53 into sut.toml)",
        ports=f"{first} to {last}" if settings.network.bind and len(settings.network.bind.addresses) == 1 else "5061",
    )


_INSTRUCTIONS: Final = """\
# What to do at {fqdn}

1. **Trust the CA of the partners.** Import `{root}` as a trusted root authority
   (Windows: `certlm.msc`, Trusted Root Certification Authorities, of the local computer). It can only speak for names
   below `test`, `{domain}` and `{fqdn}`, and for loopback{bind}. Keep `root.key` beside it to
   yourself, and remove the root from the server after the tests.

2. **Forward the zone `test`** from the resolver that the server asks to {address} port {port}, without DNSSEC.

   unbound:

        server:
            domain-insecure: "test."
            local-zone: "test." nodefault
{local}        forward-zone:
            name: "test."
            forward-addr: {address}@{port}

   BIND:

        options {{ validate-except {{ "test"; }}; }};
        zone "test" {{ type forward; forward only; forwarders {{ {address} port {port}; }}; }};

   Windows DNS Server (PowerShell):

        {windows}

   Whether it works shows, on the server and while `sipfed run` is under way:
   `nslookup -type=SRV _sipfederationtls._tcp.{domain}`

3. **Give the server a certificate** for {fqdn} that is no wildcard: `server.chain.pem` with `server.key.pem`
   is one of the same CA. For one of another authority, write that authority into `trusted_roots` of `sut.toml`.
   In a Connect Server: *Certificates*, choose it, set it active, save.

4. **Switch federation on.** In a Connect Server: *Federation*, the connection types *Open federation* and
   *Static routes*; the interface {listens}; federation for the location and the configuration group of alice and anna,
   and the Office Plus Pack for both. carol gets no licence; dave's location has federation switched off.

5. **Open the firewall.** Partners reach {listens}; the server reaches {address} port {port} (DNS, UDP and TCP)
   and the partners' TCP {ports}.

6. `sipfed probe --sut sut.toml` checks all this and names what is wrong; then `sipfed run --sut sut.toml`.
"""
