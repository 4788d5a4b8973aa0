"""Certificate shapes as data: the names, usages, validity and signer of each kind of leaf (RFC 5280 §4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Usage = Literal["server", "client"]
Signer = Literal["ours", "stranger"]


@dataclass(frozen=True, slots=True)
class Profile:
    """One shape of a leaf certificate. Apart from what `about` says, each shape is without fault."""

    name: str
    "The word that a test writes, for instance `server-only`."
    about: str
    "One line for a list or a report."
    names: tuple[str, ...] = ("{fqdn}",)
    "Subject alternative names; `{fqdn}` is the name asked for and `{parent}` that name without its first label."
    usages: tuple[Usage, ...] = ("server", "client")
    "Extended key usages in this order; none at all leaves the extension out."
    ended: timedelta = timedelta(0)
    "How long ago the validity ended; zero for a certificate that is valid now."
    signer: Signer = "ours"
    "`stranger` is a complete chain, intermediate included, under a root that nobody was given."


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("dual", "For server and client authentication, names exactly the FQDN."),
        Profile("server-only", "For server authentication only, as public CAs issue since 2026.", usages=("server",)),
        Profile("client-only", "For client authentication only.", usages=("client",)),
        Profile("wildcard", "Names *.<parent domain> and nothing else.", names=("*.{parent}",)),
        Profile("wrong-name", "Names another host of the same parent domain.", names=("wrong-name.{parent}",)),
        Profile("expired", "Ended a day ago.", ended=timedelta(days=1)),
        Profile("untrusted", "Signed by a complete chain under a root that nobody trusts.", signer="stranger"),
    )
}
"The shipped shapes by name. A test may pass a `Profile` of its own to `Authority.issue` just as well."
