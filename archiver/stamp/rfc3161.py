"""RFC 3161 over HTTP (section 3.4): one POST of a query, one reply.

The reply is not judged here; ``archiver.evidence.timestamp.verify_token`` does that. Most public authorities are asked
without TLS, which is fine: the token carries its own signature and the nonce.
"""

from __future__ import annotations

from dataclasses import dataclass

from archiver.evidence.timestamp import MAX_REPLY
from archiver.stamp.interface import Authority, AuthorityKind, Reply, StampFailure
from archiver.stamp.posting import MAX_REDIRECTS as MAX_REDIRECTS
from archiver.stamp.posting import Address, address_of

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


@dataclass(frozen=True, slots=True)
class HttpAuthority:
    """An authority that is asked by HTTP POST; satisfies ``Authority``."""

    name: str
    min_interval_s: int
    address: Address

    @property
    def url(self) -> str:
        """Where it is asked, without any user name or password."""
        return self.address.url

    def ask(self, request: bytes) -> Reply | StampFailure:
        """Post the query and return the body of a 200 answer, at most ``MAX_REPLY`` bytes, within the time-out."""
        answer = self.address.post(request, _HEADERS, most=MAX_REPLY)
        if isinstance(answer, StampFailure):
            return answer
        if answer.status != 200:
            return answer.refused()
        if not answer.body:
            return StampFailure("empty", "HTTP status 200 with an empty body", retryable=True)
        return Reply(answer.body, answer.content_type)


@dataclass(frozen=True, slots=True)
class HttpAuthorityKind:
    """Makes authorities that speak RFC 3161 over HTTP; satisfies ``AuthorityKind``."""

    name: str = "rfc3161"

    def open(self, name: str, url: str, *, min_interval_s: int, timeout_s: float, user_agent: str) -> Authority:
        """Return the authority without contacting it; ``SettingsError`` unless the URL is http or https.

        A user name and password in the URL are sent as basic authentication and appear nowhere else.
        """
        address = address_of(f"authority {name}", url, timeout_s=timeout_s, user_agent=user_agent)
        return HttpAuthority(name, min_interval_s, address)


PLUGIN: AuthorityKind = HttpAuthorityKind()
