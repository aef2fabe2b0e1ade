"""Capture over HTTP/1.1: what is asked next, hop by hop; the recorder and our parser say what was answered."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from archiver.capture.connections import Connections
from archiver.capture.cookies import Cookies
from archiver.capture.interface import Limits, Spool
from archiver.capture.policy import AddressPolicy, Resolver
from archiver.capture.robots import MAX_BODY, MAX_REDIRECTS, RobotsCache, RobotsText, judge, robots_url
from archiver.capture.target import BadTarget, Target, locate, redirect, shown
from archiver.capture.tls import Trust
from archiver.capture.transport import Allowance, Answer, Fields, Transport
from archiver.errors import ArchiverError, SettingsError, UsageError
from archiver.evidence.exchange import Exchange, Failure, RobotsDecision, Visit

ROBOTS_CONTENT = 4 * 1024 * 1024
"""Decoded bytes of a robots.txt that are digested; only the first ``MAX_BODY`` are read as rules."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_JUDGED = 4096
"""Decisions remembered; a robots.txt is parsed once for a URL that is watched."""

_USER_AGENT = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)


class _HostUnreachable(ArchiverError):
    """No connection for robots.txt, so none for the page: the visit fails for that very reason."""

    def __init__(self, exchange: Exchange, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.exchange = exchange
        self.failure = failure


_Judged = tuple[str, int | None, str | None, int | None, str]
"""A robots.txt (its URL, status, digest and statement) and the URL that it was asked about."""


@dataclass(slots=True)
class _Trail:
    """What a visit has gathered so far."""

    exchanges: list[Exchange] = field(default_factory=list)
    robots: dict[tuple[str, str, int], RobotsDecision] = field(default_factory=dict)
    final_url: str = ""


class HttpCapturer:
    """``Capturer`` for http and https URLs; safe for use by many threads, which share idle connections."""

    name = "http"

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        trust: Trust,
        limits: Limits,
        user_agent: str,
        robots: Literal["obey", "record"],
        resolver: Resolver,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        if not _USER_AGENT.fullmatch(user_agent):
            raise SettingsError("network.user_agent is not one line of printable ASCII")
        self._limits = limits
        self._message_limits = limits.message()
        self._user_agent = user_agent
        self._fields = Fields.of(
            {
                "User-Agent": user_agent,
                "Accept": "*/*",
                "Accept-Encoding": "gzip, deflate",  # what evidence.content can decode, nothing else
                "Connection": "keep-alive",
            }
        )
        self._obey = robots == "obey"
        self._now = now
        self._monotonic = monotonic
        self._robots = RobotsCache(monotonic=monotonic)
        self._connections = Connections(policy=policy, trust=trust, resolver=resolver, now=now, monotonic=monotonic)
        self._judged: OrderedDict[_Judged, RobotsDecision] = OrderedDict()
        self._transport = Transport(self._connections, now=now, monotonic=monotonic)

    def visit(self, url: str, *, spool: Spool, conditional: Mapping[str, str] | None = None) -> Visit:
        """Return what fetching ``url`` with its redirects saw; see ``Capturer.visit``.

        ``conditional`` (If-None-Match, If-Modified-Since) goes with the first request only: a redirect leads to
        another resource, whose validators are not these.
        """
        started_at = self._now()
        trail = _Trail(final_url=url)
        failure: Failure | None
        try:
            target = locate(url)
        except BadTarget as error:
            if error.failure.code != "scheme_refused":
                raise UsageError(error.failure.detail, do="give an http or https URL") from error
            failure = error.failure
        else:
            allowance = Allowance(
                deadline=self._monotonic() + self._limits.timeout_s,
                room=self._limits.max_bytes,
                limits=self._message_limits,
                spool=spool,
            )
            failure = self._follow(target, allowance, conditional or {}, trail)
        return Visit(
            url=url,
            final_url=trail.final_url,
            exchanges=tuple(trail.exchanges),
            robots=tuple(trail.robots.values()),
            failure=failure,
            started_at=started_at,
            ended_at=self._now(),
        )

    def robots_committed(self, url: str, sha256: str | None, seq: int) -> None:
        """State that the capture statement ``seq`` holds that robots.txt; later visits cite it by number."""
        self._robots.committed(url, sha256, seq)

    def close(self) -> None:
        """Close idle connections; those of visits in flight are closed as these end."""
        self._connections.close()

    def _follow(
        self, target: Target, allowance: Allowance, conditional: Mapping[str, str], trail: _Trail
    ) -> Failure | None:
        """Fetch hop after hop into the trail; return why it did not end with a response."""
        cookies = Cookies()  # nothing is carried from one visit to the next
        fields = Fields.of({**self._fields.values, **conditional}) if conditional else self._fields
        while True:
            trail.final_url = target.url
            failure = self._ask_robots(target, allowance, trail)
            if failure is not None:
                return failure
            answer = self._transport.get(target, fields, allowance, cookies)
            trail.exchanges.append(answer.exchange)
            step = _next_hop(target, answer.exchange)
            if not isinstance(step, Target):
                return step
            if len(trail.exchanges) > self._limits.max_redirects:
                detail = f"more than {self._limits.max_redirects} redirects"
                return Failure("too_many_redirects", detail)
            target = step
            fields = self._fields

    def _ask_robots(self, target: Target, allowance: Allowance, trail: _Trail) -> Failure | None:
        """Put the decision for a target into the trail; return why it may not be fetched, if it may not."""

        def fetch() -> RobotsText:
            return self._fetch_robots(target, allowance)

        try:
            text = self._robots.get(target.scheme, target.host, target.port, fetch)
        except _HostUnreachable as error:
            exchange = error.exchange
            text = RobotsText(robots_url(target.url), None, None, b"", (exchange,))
            trail.robots[target.key] = judge(text, self._user_agent, target.url, obey=self._obey)
            return error.failure if self._obey else None
        decision = self._judge(text, target)
        trail.robots[target.key] = decision
        if not self._obey or decision.decision == "allowed":
            return None
        if decision.decision == "denied":
            return Failure("robots_denied", f"{text.url} says {decision.rule or 'no'}")
        return Failure("robots_unavailable", f"{text.url} answered {text.status or 'nothing usable'}")

    def _judge(self, text: RobotsText, target: Target) -> RobotsDecision:
        """Return the decision with the exchanges or the statement that hold the robots.txt."""
        key = (text.url, text.status, text.sha256, text.seq, target.url)
        known = self._judged.get(key)
        if known is None:
            known = replace(judge(text, self._user_agent, target.url, obey=self._obey), exchange=None, earlier=())
            self._judged[key] = known
            while len(self._judged) > MAX_JUDGED:
                with contextlib.suppress(KeyError):  # another thread may have been quicker
                    self._judged.popitem(last=False)
        if not text.exchanges:
            return known
        return replace(known, exchange=text.exchanges[-1], earlier=text.exchanges[:-1])

    def _fetch_robots(self, target: Target, allowance: Allowance) -> RobotsText:
        """Fetch the robots.txt of a host with its redirects, within the time of the visit that needs it."""
        own = Allowance(
            deadline=allowance.deadline,
            room=MAX_BODY + self._limits.max_head_bytes,  # below what the recorder holds in memory
            limits=replace(self._message_limits, max_content_bytes=ROBOTS_CONTENT),
            spool=allowance.spool,
            keep=MAX_BODY,
        )
        cookies = Cookies()  # the page's are not for robots.txt
        url = robots_url(target.url)
        hop = locate(url)
        exchanges: list[Exchange] = []
        while True:
            answer = self._transport.get(hop, self._fields, own, cookies)
            exchange = answer.exchange
            exchanges.append(exchange)
            failure = exchange.failure
            if len(exchanges) == 1 and failure is not None and not exchange.request:
                raise _HostUnreachable(exchange, failure)
            step = _next_hop(hop, exchange)
            if not isinstance(step, Target) or len(exchanges) > MAX_REDIRECTS:
                return _robots_text(url, answer, tuple(exchanges))
            hop = step


def _robots_text(url: str, answer: Answer, exchanges: tuple[Exchange, ...]) -> RobotsText:
    """Return what was fetched; above its ceiling the part that counts is the content (RFC 9309 section 2.5)."""
    exchange = answer.exchange
    status = None if exchange.head is None else exchange.head.status
    sha256 = None if exchange.content is None else exchange.content.sha256
    if exchange.failure is not None and exchange.failure.code == "too_large":
        sha256 = hashlib.sha256(answer.kept).hexdigest()
    return RobotsText(url, status, sha256, answer.kept, exchanges)


def _next_hop(target: Target, exchange: Exchange) -> Target | Failure | None:
    """Return where a response redirects to, None when it is the last one, or why neither is so."""
    head, failure = exchange.head, exchange.failure
    if failure is not None and failure.code != "decompression":
        return failure
    if head is None or head.status not in _REDIRECTS:
        return failure
    locations = {value for name, value in head.fields if name.lower() == "location"}  # one value said twice is one
    if len(locations) != 1:
        what = "no Location" if not locations else "several Locations"
        return Failure("bad_redirect", f"{head.status} with {what} at {shown(target.url)}")
    try:
        # What is not ASCII is far more often UTF-8 than the Latin-1 of the standard
        return redirect(target, locations.pop().encode("latin-1").decode("utf-8"))
    except UnicodeDecodeError:
        return Failure("bad_redirect", f"Location is not UTF-8 at {shown(target.url)}")
    except BadTarget as error:
        return error.failure
