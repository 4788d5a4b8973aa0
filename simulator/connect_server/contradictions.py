"""What was decided where the requirements contradict each other or say nothing: C1-C21, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Decision:
    """One contradiction or gap of the requirements, and how it is resolved here."""

    id: str
    "`C1` to `C21`."
    requirements: tuple[str, ...]
    "The requirements that it is about."
    question: str
    "The two readings, or what is not said."
    decision: str
    "What the Connect Server does."
    reason: str
    "Why."
    setting: str = ""
    "The place in the settings file that chooses the reading; empty where only one is legitimate."
    values: tuple[str | bool, ...] = ()
    "What can be written there, the default first."
    warning: str = ""
    "The place of the warning that says why, when the chosen reading breaks with some partners."


CONTRADICTIONS: Final = (
    Decision(
        "C1",
        ("R9", "R52"),
        "Must the FQDN lie in the server's domain, or need it have no relation to it?",
        "Any FQDN is allowed, and one that breaks the name rule is warned of; `refuse` does not start with it.",
        "Both are true, each for one way: partners on open federation apply the rule to our SRV record, partners with "
        "a static route to us do not (F1.15).",
        "open_federation.name_rule",
        ("warn", "refuse"),
        "fqdn",
    ),
    Decision(
        "C2",
        ("R9", "R20", "R23"),
        "The sample configuration (acme.de, connect.acme.com) breaks the rule of R9.",
        "It starts, with the warning of C1.",
        "It works with static routes only; Skype for Business on open federation answers 504 (1009).",
        "open_federation.name_rule",
        ("warn", "refuse"),
        "fqdn",
    ),
    Decision(
        "C3",
        ("R23", "R24"),
        "The SRV record is given for ergos.de, the query for acme.de.",
        "The record belongs to the server's own domain.",
        "R15 says so; the other name is left over from another example.",
    ),
    Decision(
        "C4",
        ("R25", "R58"),
        "Is a certificate for server authentication enough, or must it be for client authentication too?",
        "Server authentication is enough, and a warning says who will refuse it; `both` refuses it.",
        "Skype for Business needs server authentication only (F2.3), stock TLS stacks both (F2.17).",
        "certificate_rules.usage",
        ("server", "both"),
        "certificate",
    ),
    Decision(
        "C5",
        ("R26", "R53", "R54", "R55"),
        "Must the certificate be in the machine's store, or may it be in the user's?",
        "Both scopes count, the user's for its own account only; `machine` takes none of the user's.",
        "R54 and R55 say when the user's store works; the others leave it out.",
        "certificate_rules.scopes",
        ("both", "machine"),
    ),
    Decision(
        "C6",
        ("R60", "R66"),
        "Is a certificate of a recognised authority recommended or required?",
        "Self-signed is refused; an authority that is not in trusted_roots is warned of, and `recognised` refuses it.",
        "Partners decide whom they trust: for static routes a private authority that both know is enough (F2.24).",
        "certificate_rules.authority",
        ("any", "recognised"),
        "certificate",
    ),
    Decision(
        "C7",
        ("R58", "R60", "R67"),
        "The recommended authority, Let's Encrypt, certifies client authentication no more.",
        "Its certificates are taken, with the warning of C4.",
        "Since 2026-07-08 none of its profiles has it (F2.4); to insist on it would rule the recommendation out.",
        "certificate_rules.usage",
        ("server", "both"),
        "certificate",
    ),
    Decision(
        "C8",
        ("R67", "R68"),
        "A renewed certificate must be chosen by hand, and lifetimes shrink to 45 days and 6 days.",
        "Renewing never activates. A warning comes in the last quarter of the lifetime, another when the store holds a "
        "certificate that is valid for longer. The active one goes on being presented when it ends.",
        "R68 is explicit; an outage by a forgotten choice is what is to be seen (F2.23). Who wants none puts `sipfed "
        "certificates activate` into the hook of the ACME client.",
        warning="certificate",
    ),
    Decision(
        "C9",
        ("R9", "R79"),
        "The SRV target of every Teams tenant lies outside of its domain.",
        "Partners' targets are not held to the name rule.",
        "R9 is about our own record; to apply it to partners would lose every Teams tenant (R76).",
    ),
    Decision(
        "C10",
        ("R18", "R43", "R46"),
        "May the port be chosen, or must it be 5061?",
        "Any port; another than 5061 is warned of.",
        "The firewall may forward 5061 to another port, but partners outside use 5061 (F1.16).",
        warning="listen.port",
    ),
    Decision(
        "C11",
        ("R35",),
        "The port of an outgoing route is called one for incoming connections.",
        "It is the port that the partner's server listens on.",
        "A route leads to that server; the name is from the server's point of view.",
    ),
    Decision(
        "C12",
        ("R33", "R34"),
        "A route to an IP address is allowed and can lead to problems.",
        "It is allowed and warned of; the partner's certificate must hold the address.",
        "Certificates with addresses exist (F2.20); Skype for Business itself takes none (F1.8).",
        warning="static_routes.routes[0].host",
    ),
    Decision(
        "C13",
        ("R8", "R41"),
        "An ALIAS is no record type, and RFC 2782 forbids that an SRV target is a CNAME.",
        "An SRV target that is an alias is followed, and the certificate must hold the target's name; false leaves it "
        "out.",
        "Providers turn ALIAS into A before it is seen; what partners publish beyond that is theirs.",
        "open_federation.aliases",
        (True, False),
    ),
    Decision(
        "C14",
        ("R10", "R20"),
        "connect.acme.com is a domain in one example and an FQDN in another.",
        "Each example is read with its own role; domain and FQDN are two settings.",
        "The role decides which rule applies.",
    ),
    Decision(
        "C15",
        ("R10",),
        "Only this product says that the FQDN may equal the domain.",
        "It is allowed without a warning.",
        "R10 is explicit. Partners that read it otherwise are simulated: `DiscoveryRules.equal_ok` of a persona.",
    ),
    Decision(
        "C16",
        ("R9",),
        "`Direct` subdomain is stated, but no example is two labels below the domain.",
        "Two labels below is warned of like any other name that breaks the rule.",
        "Skype for Business refuses it (F1.12).",
        "open_federation.name_rule",
        ("warn", "refuse"),
        "fqdn",
    ),
    Decision(
        "C17",
        ("R22", "R24", "R28", "R29", "R42"),
        "Does the public view of the DNS count, or that of the server's resolver?",
        "The server asks the name server of its settings, else the system's; partners ask theirs.",
        "A server can only act on what it is answered; `sipfed doctor` compares.",
        "dns.server",
    ),
    Decision(
        "C18",
        ("R80", "R81"),
        "The menu path is outdated, and the effect of the lists is described elsewhere.",
        "The effect counts, not the path: partners of the Teams kind carry the tenant's switch and lists.",
        "Microsoft documents the effect (F3.5, F3.6).",
    ),
    Decision(
        "C19",
        ("R28", "R39", "R56", "R60"),
        "SRV priorities, other ports, IPv6, TLS versions, SNI, revocation and the name that is checked are not said.",
        "RFC 2782 order with failover, the record's port, IPv4 before IPv6, TLS 1.2 and 1.3, SNI and certificate by "
        "the SRV target. Revocation is not looked up; `soft` refuses what is revoked, `hard` what is not known, too.",
        "The strictest reading of each RFC that keeps real partners reachable; an unreachable CRL must not end chat "
        "unless the administrator wants it.",
        "partner_certificates.revocation",
        ("off", "soft", "hard"),
    ),
    Decision(
        "C20",
        ("R17", "R21", "R22"),
        "The public address of the examples belongs to a third party.",
        "Everything shipped uses loopback, the ranges of RFC 5737 and names below `.test`.",
        "No test may reach somebody's server.",
    ),
    Decision(
        "C21",
        ("R18", "R47"),
        "May anybody connect, or only the federated servers?",
        "Anybody may connect; the certificate and the sender's domain decide. A filter by address is the firewall's.",
        "Open federation needs it, and the requirements leave the rest to the deployment.",
    ),
)
"All of them, in their order."
