"""Every case that the facts on discovery, certificates and policy suggest (§8) is in the catalogue."""

from __future__ import annotations

import pytest

from simulator.scenarios.selection import Catalogue, collect, fits

DNS = {
    "ok-equal": "discovery/reached-by-its-records[target-is-the-domain]",
    "ok-direct": "discovery/reached-by-its-records[target-directly-below]",
    "deep-2": "names/name-rule[two-labels-below]",
    "sibling": "discovery/reached-by-its-records[target-is-a-sibling]",
    "parent": "names/fqdn-of-the-domain-connect-acme[R13-parent]",
    "foreign-domain": "discovery/own-target-outside-the-domain-is-refused-by-sfb",
    "teams-target": "discovery/many-tenants-of-one-provider",
    "no-srv": "discovery/no-srv",
    "srv-dot": "discovery/not-reached-without-its-record[target-dot]",
    "srv-no-a": "discovery/srv-without-address",
    "a-only": "discovery/not-reached-without-its-record[address-only]",
    "aaaa-only": "discovery/address-of-ipv6-only",
    "cname-target": "discovery/alias-target-outbound",
    "wildcard-a": "discovery/not-reached-without-its-record[wildcard-address-only]",
    "two-srv-one-good": "discovery/own-target-beside-one-outside-the-domain",
    "prio-failover": "discovery/dead-server-beside-a-living-one[next-priority]",
    "prio-failover: a dialect with it": "discovery/own-dead-server-beside-the-living-one[by-priority]",
    "prio-failover: a dialect without": "discovery/own-dead-server-beside-the-living-one[never]",
    "port-5062": "discovery/port-of-the-record",
    "mixed-case": "discovery/reached-by-its-records[target-in-capitals]",
    "trailing-dot": "names/dot-at-the-end-of-the-address",
    "idn": "discovery/reached-by-its-records[domain-with-umlaut]",
    "timeout": "discovery/lookup-without-an-answer[no-answer]",
    "timeout: of the address": "discovery/address-lookup-without-an-answer[no-answer]",
    "timeout: inbound": "discovery/sender-without-an-answer[no-answer]",
    "servfail": "discovery/broken-lookup-outbound[servfail]",
    "truncated, then TCP": "discovery/reached-by-its-records[answer-over-tcp]",
    "TTL 0": "discovery/partner-that-moved",
    "stale cache": "discovery/partner-that-moved-two-minutes-ago",
    "stale cache: negative": "discovery/record-that-was-missing-two-minutes-ago",
    "split view": "discovery/the-servers-own-view-counts",
    "split view: only outside": "discovery/partner-that-only-others-see",
    "split view: of the server itself": "discovery/own-name-leads-elsewhere-inside",
}
CERTIFICATES = {
    "dual": "trust/own-certificate-is-accepted[dual-*]",
    "server-only as client": "trust/partner-with-lets-encrypt-of-2026[*]",
    "server-only as client, ours": "trust/own-certificate-is-accepted[lets-encrypt-2026-*]",
    "client-only as server": "trust/client-only-as-the-dialled-server",
    "no EKU": "trust/accepted-as-the-dialling-client[no-eku]",
    "any EKU": "trust/doubtful-as-the-dialling-client[any-eku]",
    "server-only intermediate": "trust/accepted-as-the-dialling-client[server-only-intermediate]",
    "wildcard": "trust/refused-as-the-dialled-server[wildcard]",
    "wildcard, ours": "trust/own-certificate-is-refused[wildcard-*]",
    "wrong name": "trust/refused-as-the-dialled-server[wrong-name]",
    "cn-only": "trust/doubtful-as-the-dialled-server[cn-only]",
    "no-cn": "trust/accepted-as-the-dialled-server[no-cn]",
    "LE tlsserver": "trust/accepted-as-the-dialled-server[lets-encrypt-tlsserver]",
    "san-second-entry": "trust/accepted-as-the-dialled-server[san-second-entry]",
    "expired": "trust/refused-as-the-dialled-server[expired]",
    "not yet valid": "trust/refused-as-the-dialled-server[not-yet-valid]",
    "6-day": "trust/accepted-as-the-dialled-server[lets-encrypt-shortlived]",
    "47-day": "trust/accepted-as-the-dialled-server[47-day]",
    "100-day": "trust/accepted-as-the-dialled-server[100-day]",
    "200-day": "trust/accepted-as-the-dialled-server[200-day]",
    "398-day": "trust/accepted-as-the-dialled-server[398-day]",
    "self-signed": "trust/refused-as-the-dialled-server[self-signed]",
    "private CA": "trust/refused-as-the-dialled-server[untrusted]",
    "private CA, ours": "trust/own-certificate[untrusted-teams]",
    "missing intermediate": "trust/refused-as-the-dialled-server[missing-intermediate]",
    "revoked": "trust/doubtful-as-the-dialled-server[revoked]",
    "CRL unreachable": "trust/doubtful-as-the-dialled-server[crl-unreachable]",
    "no CDP": "trust/accepted-as-the-dialled-server[no-crl]",
    "no CDP, before an edge that wants one": "trust/own-certificate-before-a-strict-edge[no-crl]",
    "rsa1024": "trust/refused-as-the-dialled-server[rsa-1024]",
    "sha1": "trust/refused-as-the-dialled-server[sha1]",
    "rsa-pss": "trust/own-certificate[rsa-pss]",
    "ecdsa": "trust/accepted-as-the-dialled-server[p-384]",
    "ecdsa, ours": "trust/own-certificate[p-384]",
    "ed25519, ours": "trust/own-certificate-before-an-edge-of-rsa[ed25519]",
    "TLS 1.0": "trust/outdated-tls-of-the-dialled-server[TLSv1]",
    "TLS 1.1": "trust/outdated-tls-of-the-dialling-client[TLSv1.1]",
    "TLS 1.2": "trust/version-of-tls[TLSv1.2]",
    "TLS 1.3": "trust/version-of-tls[TLSv1.3]",
    "no client certificate": "trust/no-client-certificate[*]",
    "SNI absent": "trust/server-name-in-tls[absent]",
    "SNI other": "trust/server-name-in-tls[other]",
    "inbound name other than the SRV target": "trust/sender-of-another-domain",
    "inbound name other than the SRV target, ours": "trust/own-certificate[wrong-name]",
}
POLICY = {
    "discovery off": "policy/lists-that-refuse[not-allowed]",
    "allow": "policy/lists-that-admit[allowed-*]",
    "allow with ProxyFqdn": "policy/lists-that-admit[allowed-with-proxy-*]",
    "block": "policy/lists-that-refuse[blocked]",
    "block with subdomains": "policy/block-list-and-subdomains[subdomain-with-all]",
    "subcontoso": "policy/block-list-and-subdomains[no-label-boundary-with-all]",
    "allow list hides block list": "policy/tenant-that-admits[allow-list-hides-block-list-*]",
    "master switch off": "policy/tenant-that-refuses[master-switch-off]",
    "user policy off": "policy/user-without-federation[*]",
    "trial tenant": "policy/tenant-that-refuses[trial]",
    "unverified sender not on the contact list": "policy/verification-level[unverifiable]",
    "20 messages a second": "policy/more-messages-than-a-discovered-partner-may-send",
    "more than 1000 URIs": "policy/more-people-than-a-discovered-partner-may-ask-for",
    "pending presence consent": "presence/user-is-asked-for-consent[*]",
    "pending presence consent of a partner": "presence/partners-user-is-asked-for-consent[*]",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return collect()


@pytest.mark.parametrize(("item", "scenario"), [*DNS.items(), *CERTIFICATES.items(), *POLICY.items()])
def test_what_the_facts_suggest_is_in_the_catalogue(catalogue: Catalogue, item: str, scenario: str) -> None:
    assert any(fits(scenario, one.id) for one in catalogue.scenarios), item
