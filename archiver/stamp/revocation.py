"""Fetching revocation data: a list by GET (RFC 5280, 4.2.1.13), an OCSP response by POST (RFC 6960, A.1).

What comes is not judged here; ``archiver.evidence.revocation`` does that. The addresses stand in certificates that
chain to a pinned root, and still decide nothing: whoever calls says how connections are made, and so which addresses
may be asked.
"""

from __future__ import annotations

from archiver.errors import SettingsError
from archiver.evidence.revocation import CEILING, Source
from archiver.stamp.interface import StampFailure
from archiver.stamp.posting import Connect, address_of


def fetch(
    source: Source, url: str, request: bytes, *, timeout_s: float, user_agent: str, connect: Connect
) -> bytes | StampFailure:
    """Return what lies at the address, or what it answers to the OCSP request, within ``timeout_s`` and the ceiling.

    Unverified, never empty, never decompressed. What the network does raises nothing.
    """
    try:
        address = address_of("revocation data", url, timeout_s=timeout_s, user_agent=user_agent, connect=connect)
    except SettingsError as error:
        return StampFailure("malformed", error.what, retryable=False)
    if source == "crl":
        answer = address.get({"Accept": "application/pkix-crl"}, most=CEILING[source])
    else:
        headers = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
        answer = address.post(request, headers, most=CEILING[source])
    if isinstance(answer, StampFailure):
        return answer
    if answer.status != 200:
        return answer.refused()
    return answer.body or StampFailure("empty", "HTTP status 200 with an empty body", retryable=True)
