"""What robots.txt says about a URL (RFC 9309), and the memory of recently fetched robots.txt files."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from protego import Protego

from archiver.evidence.exchange import Exchange, RobotsDecision

MAX_BODY = 500 * 1024
"""Bytes parsed, RFC 9309 section 2.5; the rest is ignored."""
MAX_RULE = 1024
"""Characters of the deciding rule that are stated; a line of 500 KiB of ``*`` would match and be repeated."""
MAX_REDIRECTS = 5
"""Hops from a robots.txt that are followed, RFC 9309 section 2.3.1.2."""
TTL_S = 3600.0
"""Seconds a robots.txt is believed; RFC 9309 section 2.4 allows a day."""
UNREACHABLE_TTL_S = 60.0
"""Seconds an unavailable one is believed: the next try may succeed, but not each URL of a host should try."""
MAX_HOSTS = 10_000
MAX_HELD = 64 * 1024 * 1024
"""Bytes of bodies and responses held for all hosts; the least recently used go first."""

_AGENT_LINE = re.compile(r"\s*(?:user-agent|useragent|user\s+agent)(?:\s*:|\s+)(.*)", re.IGNORECASE | re.DOTALL)
_OTHER_AGENT = "User-agent: -"


def robots_url(url: str) -> str:
    """Return the URL of the robots.txt that governs an http or https URL (RFC 9309 section 2.3)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/robots.txt"


def product_token(user_agent: str) -> str:
    """Return the name robots.txt groups are matched against: the User-Agent before its first ``/`` or space."""
    return re.split(r"[/\s]", user_agent.strip(), maxsplit=1)[0]


def decide(body: bytes, user_agent: str, url: str) -> tuple[bool, str | None]:
    """Return whether a robots.txt allows a URL, and the directive that decided, as ``Disallow: /x``.

    The directive is None when no rule matched. The group is the one that names our product token, else ``*``;
    the longest matching rule decides, ``Allow`` before ``Disallow`` at equal length (section 2.2.2). Bytes
    that are no UTF-8 are replaced; a line cut by the ceiling is dropped, as ``Disallow: /x`` cut short would
    forbid more than was written.
    """
    text = body[:MAX_BODY].decode("utf-8-sig", "replace")
    if len(body) >= MAX_BODY:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    token = product_token(user_agent).lower()
    lines = tuple(_only_our_groups(text, token))
    rules = Protego.parse("\n".join(lines))
    return rules.can_fetch(url, token), _deciding_rule(rules, token, url, lines)


def _only_our_groups(text: str, token: str) -> Iterator[str]:
    """Yield the lines with every agent that is neither ours nor ``*`` renamed to one that is nobody.

    Protego copies each rule to each agent of its group: 250 KiB of agents before 250 KiB of rules would fill
    memory with their product. It also takes ``User-agent: foo`` for ``foo-bar``; section 2.2.1 wants equality.
    The lines are split as Protego splits them, so that none slips through.
    """
    for line in text.splitlines():
        found = _AGENT_LINE.match(line.partition("#")[0])
        if found is None:
            yield line
            continue
        value = found[1].strip().lower()
        name = re.split(r"[/*\s]", value, maxsplit=1)[0]
        if value.split(None, 1)[:1] == ["*"]:
            yield "User-agent: *"
        elif name and name == token:
            yield f"User-agent: {token}"
        else:
            yield _OTHER_AGENT


def _deciding_rule(rules: Protego, token: str, url: str, lines: tuple[str, ...]) -> str | None:
    """Return the rule that decided; None if there is none, or if the parser no longer shows its rules.

    This reads what Protego keeps for itself; it only explains a decision and never makes one.
    """
    if urlsplit(url).path == "/robots.txt":
        return None  # implicitly allowed, section 2.2.2
    try:
        from protego._utils import _quote_path, _quote_pattern

        group = rules._get_matching_rule_set(token)
        path = _quote_path(url)
        for rule in group._rules if group is not None else ():
            if rule.value.match(path):
                return _as_written(rule.field, rule.value._pattern, lines, _quote_pattern)
    except (ImportError, AttributeError, TypeError):
        return None
    return None


def _as_written(kind: str, pattern: str, lines: tuple[str, ...], normalised: Callable[[str], str]) -> str:
    """Return the directive with the spelling of its line: Protego keeps ``/*?x`` as ``/*%3Fx``.

    It also derives rules: ``$`` taken literally, and ``/`` allowed where ``/index.html`` is.
    """
    for line in lines:
        name, _, value = line.partition("#")[0].partition(":")
        value = value.strip()
        if name.strip().lower() != kind or not value:
            continue
        quoted = normalised(value)
        if pattern in (quoted, normalised(value.replace("$", "%24")), quoted.removesuffix("index.html") + "$"):
            return f"{kind.capitalize()}: {value[:MAX_RULE]}"
    return f"{kind.capitalize()}: {pattern[:MAX_RULE]}"


@dataclass(frozen=True, slots=True)
class RobotsText:
    """One robots.txt as it was fetched; redirects were followed by whoever fetched it."""

    url: str
    """``robots_url`` of the host, before any redirect."""
    status: int | None
    """Of the last hop; None when no response came."""
    sha256: str | None
    """Of the decoded content; None when there is none, or it was cut or could not be decoded."""
    body: bytes
    """Decoded content; a fetcher need not keep more than ``MAX_BODY`` bytes of it."""
    exchanges: tuple[Exchange, ...]
    """The hops, to be written by every visit that uses them; emptied once a statement holds them."""
    seq: int | None = None
    """The capture statement whose WARC holds the bytes, once it is committed."""

    @property
    def reachable(self) -> bool:
        """False when RFC 9309 section 2.3.1.4 asks to assume that everything is disallowed.

        Beside 5xx and silence this takes 429, by which a host asks for less, and a body that was cut.
        """
        if self.status is None or self.status == 429 or not 200 <= self.status < 500:
            return False
        return self.status >= 300 or self.sha256 is not None


def judge(text: RobotsText, user_agent: str, url: str, *, obey: bool) -> RobotsDecision:
    """Return the decision for one URL: 2xx is parsed, 3xx and 4xx allow (section 2.3.1.3), see ``reachable``.

    It carries the exchanges of the fetch, or the statement that holds them once that is committed.
    """
    allowed, rule = True, None
    if text.reachable and text.status is not None and text.status < 300:
        allowed, rule = decide(text.body, user_agent, url)
    return RobotsDecision(
        url=text.url,
        status=text.status,
        sha256=text.sha256,
        decision=("allowed" if allowed else "denied") if text.reachable else "unavailable",
        obeyed=obey,
        rule=rule,
        exchange=text.exchanges[-1] if text.exchanges else None,
        seq=text.seq,
        earlier=text.exchanges[:-1],
    )


_Key = tuple[str, str, int]


def _key(scheme: str, host: str, port: int) -> _Key:
    return scheme.lower(), host.lower(), port


def _key_of(url: str) -> _Key:
    parts = urlsplit(url)
    return _key(parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def _held(text: RobotsText) -> int:
    return len(text.body) + sum(len(one.request) + one.response.size for one in text.exchanges)


class RobotsCache:
    """Recently fetched robots.txt files by (scheme, host, port); thread-safe; two askers cause one fetch."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, tuple[float, RobotsText]] = OrderedDict()
        self._held = 0
        self._fetching: dict[_Key, threading.Event] = {}

    def get(self, scheme: str, host: str, port: int, fetch: Callable[[], RobotsText]) -> RobotsText:
        """Return the text in the cache, or what ``fetch`` returns; one caller fetches, the others wait.

        ``fetch`` must end by itself and must not ask this cache for the same host. What it raises goes to its
        own caller; one of those who waited then fetches.
        """
        key = _key(scheme, host, port)
        while True:
            with self._lock:
                text = self._fresh(key)
                if text is not None:
                    return text
                others = self._fetching.get(key)
                if others is None:
                    done = self._fetching[key] = threading.Event()
            if others is None:
                break
            others.wait()
        try:
            text = fetch()
            with self._lock:
                self._keep(key, text)
            return text
        finally:
            with self._lock:
                del self._fetching[key]
            done.set()

    def committed(self, url: str, sha256: str | None, seq: int) -> None:
        """State that the capture statement ``seq`` holds that robots.txt; its exchanges are let go."""
        key = _key_of(url)
        with self._lock:
            until, text = self._entries.get(key, (0.0, None))
            if text is not None and text.sha256 == sha256 and text.seq is None:
                self._held -= _held(text)
                text = replace(text, exchanges=(), seq=seq)
                self._held += _held(text)
                self._entries[key] = (until, text)

    def _fresh(self, key: _Key) -> RobotsText | None:
        until, text = self._entries.get(key, (0.0, None))
        if text is None:
            return None
        if self._monotonic() >= until:
            self._forget(key)
            return None
        self._entries.move_to_end(key)
        return text

    def _keep(self, key: _Key, text: RobotsText) -> None:
        self._forget(key)
        ttl = TTL_S if text.reachable else UNREACHABLE_TTL_S
        self._entries[key] = (self._monotonic() + ttl, text)
        self._held += _held(text)
        while len(self._entries) > MAX_HOSTS or (self._held > MAX_HELD and len(self._entries) > 1):
            self._forget(next(iter(self._entries)))

    def _forget(self, key: _Key) -> None:
        _, text = self._entries.pop(key, (0.0, None))
        if text is not None:
            self._held -= _held(text)
