from __future__ import annotations

import hashlib
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from archiver.capture import robots as robots_module
from archiver.capture.robots import (
    MAX_BODY,
    MAX_HOSTS,
    TTL_S,
    UNREACHABLE_TTL_S,
    RobotsCache,
    RobotsText,
    decide,
    judge,
    product_token,
    robots_url,
)
from archiver.evidence.exchange import Exchange, MemoryBytes

AGENT = "ArchiveBot/1.0 (+https://archive.test/; mail@archive.test)"
SITE = "https://site.test"


@pytest.mark.parametrize(
    ("lines", "path", "allowed", "rule"),
    [
        ("", "/", True, None),
        ("User-agent: *\nDisallow: /", "/", False, "Disallow: /"),
        ("User-agent: *\nDisallow: /", "/robots.txt", True, None),
        ("User-agent: *\nDisallow:", "/", True, None),
        ("User-agent: *\nDisallow: /a", "/b", True, None),
        ("User-agent: *\nDisallow: /a", "/ab", False, "Disallow: /a"),
        ("User-agent: *\nDisallow: /a/\nAllow: /a/b", "/a/bc", True, "Allow: /a/b"),
        ("User-agent: *\nAllow: /a/b\nDisallow: /a/", "/a/c", False, "Disallow: /a/"),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True, "Allow: /a"),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf", False, "Disallow: /*.pdf$"),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf?page=1", True, None),
        ("User-agent: *\nDisallow: /*?print", "/x?print=1", False, "Disallow: /*?print"),
        ("User-agent: *\nDisallow: /a # not /b", "/b", True, None),
        ("User-agent: *\ndisallow :  /a?b # c", "/a?b", False, "Disallow: /a?b"),
        ("User-agent: *\nDisallow: /a\nAllow: /a/index.html", "/a/", True, "Allow: /a/index.html"),
        ("User-agent: *\nDisallow: /a$b", "/a$b", False, "Disallow: /a$b"),
        ("User-agent: *\nDisallow: /caf%C3%A9", "/café", False, "Disallow: /caf%C3%A9"),
        ("User-agent: *\nDisallow: /café", "/caf%c3%a9", False, "Disallow: /café"),
        ("User-agent: archivebot\nDisallow: /x\n\nUser-agent: *\nDisallow: /y", "/y", True, None),
        ("User-agent: *\nDisallow: /y\n\nUser-agent: ARCHIVEBOT\nDisallow: /x", "/x", False, "Disallow: /x"),
        ("User-agent: ArchiveBot/2.0\nDisallow: /x", "/x", False, "Disallow: /x"),
        ("User-agent: ArchiveBot*\nDisallow: /x", "/x", False, "Disallow: /x"),
        ("User-agent: Archive\nDisallow: /x", "/x", True, None),
        ("User-agent: ArchiveBotTwo\nDisallow: /x", "/x", True, None),
        ("User-agent: Mozilla\nUser-agent: archivebot\nDisallow: /x", "/x", False, "Disallow: /x"),
        ("User-agent: archivebot\nDisallow: /x\nUser-agent: other\nDisallow: /y", "/y", True, None),
        (
            "User-agent: archivebot\nDisallow: /x\nUser-agent: a\nDisallow: /\nUser-agent: archivebot\nDisallow: /y",
            "/y",
            False,
            "Disallow: /y",
        ),
        ("Disallow: /", "/x", True, None),
        ("<html><body>Not found</body></html>", "/x", True, None),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_decisions_of_rfc_9309(lines: str, path: str, allowed: bool, rule: str | None, newline: str) -> None:
    body = lines.replace("\n", newline).encode()
    assert decide(body, AGENT, SITE + path) == (allowed, rule)
    assert decide(b"\xef\xbb\xbf" + body, AGENT, SITE + path) == (allowed, rule)


def test_bytes_that_are_no_utf_8_do_not_hide_the_rules_beside_them() -> None:
    body = b"# caf\xe9\nUser-agent: *\nDisallow: /caf\xe9\nDisallow: /x\n\xff\xfe\x00\n"
    assert decide(body, AGENT, SITE + "/x") == (False, "Disallow: /x")
    assert decide(body, AGENT, SITE + "/y") == (True, None)


def test_rules_beyond_the_ceiling_do_not_count_and_a_cut_line_is_dropped() -> None:
    start = b"User-agent: *\nDisallow: /first\n"
    filler = b"#" * (MAX_BODY - len(start) - 12) + b"\n"
    body = start + filler + b"Disallow: /private/area\nDisallow: /later\n"
    assert body[:MAX_BODY].endswith(b"\nDisallow: /")
    for cut in (body, body[:MAX_BODY]):
        assert decide(cut, AGENT, SITE + "/first")[0] is False
        assert decide(cut, AGENT, SITE + "/public")[0] is True
        assert decide(cut, AGENT, SITE + "/later")[0] is True


@pytest.mark.parametrize(
    "line", ["User-agent: a{}", "useragent:a{}", "USER AGENT a{}", " user  agent\ta{} # x", "User-Agent a{}: x"]
)
def test_a_product_of_agents_and_rules_does_not_fill_memory(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 agents before 10,000 rules would be 10^8 rules; all agents but ours and ``*`` become one."""
    seen: list[Protego] = []
    parse = Protego.parse

    def watching(content: str) -> Protego:
        seen.append(parse(content))
        return seen[-1]

    monkeypatch.setattr(Protego, "parse", watching)
    agents = "\n".join(line.format(number) for number in range(10_000))
    rules = "\n".join(f"Disallow: /{number}" for number in range(10_000))
    body = f"User-agent: *\n{agents}\nUser-agent: archivebot\n{rules}\n".encode()
    assert decide(body, AGENT, SITE + "/1234") == (False, "Disallow: /1234")
    assert len(seen[0]._user_agents) <= 3


def test_an_endless_rule_is_not_repeated_in_full() -> None:
    allowed, rule = decide(b"User-agent: *\nDisallow: /" + b"*" * 400_000, AGENT, SITE + "/x")
    assert not allowed
    assert rule is not None
    assert len(rule) < 1100


@given(st.binary(max_size=300), st.text(max_size=20))
def test_any_bytes_give_a_decision(body: bytes, path: str) -> None:
    decide(body, AGENT, SITE + "/" + path)


_LINES = st.sampled_from(
    """User-agent: *|User-agent: archivebot|User-agent: other|Allow: /a|Disallow: /|Disallow: /a*b|Disallow: /ab$
    |Allow: /ab/c||# x|Disallow: /a/|Crawl-delay: 1|Sitemap: https://a.test/""".replace("\n    ", "").split("|")
)


@given(st.lists(_LINES, max_size=12), st.sampled_from(["/", "/a", "/ab", "/a/b", "/ab/c", "/b", "/axb"]))
def test_renaming_other_agents_changes_no_decision(lines: list[str], path: str) -> None:
    text = "\n".join(lines)
    allowed, rule = decide(text.encode(), AGENT, SITE + path)
    assert allowed == Protego.parse(text).can_fetch(SITE + path, "archivebot")
    if rule is not None:
        assert rule.startswith("Allow: " if allowed else "Disallow: ")
        assert rule in lines
    else:
        assert allowed


@pytest.mark.parametrize(
    ("agent", "token"),
    [(AGENT, "ArchiveBot"), ("ArchiveBot", "ArchiveBot"), ("Archive Bot/1", "Archive"), ("", ""), ("/1", "")],
)
def test_product_tokens(agent: str, token: str) -> None:
    assert product_token(agent) == token
    assert decide(b"User-agent: *\nDisallow: /", agent, SITE + "/")[0] is False


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://site.test/a/b?c#d", "https://site.test/robots.txt"),
        ("http://user:pass@site.test:8080/a", "http://site.test:8080/robots.txt"),
        ("https://[::1]:8443", "https://[::1]:8443/robots.txt"),
    ],
)
def test_where_robots_txt_lies(url: str, expected: str) -> None:
    assert robots_url(url) == expected


NOW = datetime(2026, 5, 12, tzinfo=UTC)


def _exchange(size: int = 10) -> Exchange:
    return Exchange(
        url=SITE + "/robots.txt",
        method="GET",
        connection=None,
        reused=False,
        request=b"",
        response=MemoryBytes(bytes(size)),
        head=None,
        framing=None,
        content=None,
        payload_sha256=None,
        started_at=NOW,
        first_byte_at=None,
        ended_at=NOW,
        anomalies=(),
        failure=None,
    )


def _text(status: int | None = 200, body: bytes = b"User-agent: *\nDisallow: /x\n", size: int = 10) -> RobotsText:
    digest = None if status is None else hashlib.sha256(body).hexdigest()
    return RobotsText(SITE + "/robots.txt", status, digest, body, (_exchange(size),))


@pytest.mark.parametrize(
    ("status", "decision", "rule"),
    [
        (200, "denied", "Disallow: /x"),
        (206, "denied", "Disallow: /x"),
        (301, "allowed", None),
        (401, "allowed", None),
        (403, "allowed", None),
        (404, "allowed", None),
        (410, "allowed", None),
        (429, "unavailable", None),
        (500, "unavailable", None),
        (503, "unavailable", None),
        (101, "unavailable", None),
        (600, "unavailable", None),
        (None, "unavailable", None),
    ],
)
@pytest.mark.parametrize("obey", [True, False])
def test_the_status_decides_before_the_rules(status: int | None, decision: str, rule: str | None, obey: bool) -> None:
    text = _text(status)
    judged = judge(text, AGENT, SITE + "/x", obey=obey)
    assert (judged.decision, judged.rule, judged.obeyed) == (decision, rule, obey)
    assert (judged.url, judged.status, judged.sha256) == (text.url, status, text.sha256)


def test_a_body_that_was_cut_decides_nothing() -> None:
    cut = RobotsText(SITE + "/robots.txt", 200, None, b"User-agent: *\n", (_exchange(),))
    assert judge(cut, AGENT, SITE + "/x", obey=True).decision == "unavailable"


def test_a_decision_carries_every_hop_until_a_statement_holds_them() -> None:
    hops = (_exchange(1), _exchange(2), _exchange(3))
    text = RobotsText(SITE + "/robots.txt", 404, None, b"", hops)
    judged = judge(text, AGENT, SITE + "/x", obey=True)
    assert (*judged.earlier, judged.exchange) == hops
    assert judged.seq is None


class Clock:
    """A monotonic clock that stands still."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def _never() -> RobotsText:
    raise AssertionError("fetched again")


def test_a_text_is_fetched_once_an_hour_for_each_scheme_host_and_port() -> None:
    clock = Clock()
    cache = RobotsCache(monotonic=clock)
    first = cache.get("https", "site.test", 443, _text)
    assert cache.get("HTTPS", "SITE.test", 443, _never) is first
    clock.at += TTL_S - 0.001
    assert cache.get("https", "site.test", 443, _never) is first
    for other in (("http", "site.test", 443), ("https", "www.site.test", 443), ("https", "site.test", 8443)):
        assert cache.get(*other, _text) is not first
    clock.at += 0.001
    assert cache.get("https", "site.test", 443, _text) is not first


@pytest.mark.parametrize("status", [None, 429, 503])
def test_an_unavailable_text_is_asked_for_again_soon(status: int | None) -> None:
    clock = Clock()
    cache = RobotsCache(monotonic=clock)
    cache.get("https", "site.test", 443, lambda: _text(status))
    clock.at += UNREACHABLE_TTL_S - 0.001
    assert cache.get("https", "site.test", 443, _never).status == status
    clock.at += 0.001
    assert cache.get("https", "site.test", 443, _text).status == 200


def test_exchanges_are_held_until_a_statement_is_committed() -> None:
    cache = RobotsCache()
    text = cache.get("https", "site.test", 443, _text)
    assert cache.get("https", "site.test", 443, _never).exchanges, "a second visit before the commit writes them too"
    cache.committed(text.url, "0" * 64, 6)
    cache.committed("https://other.test/robots.txt", text.sha256, 6)
    assert cache.get("https", "site.test", 443, _never).seq is None, "another text was committed"
    cache.committed(text.url, text.sha256, 7)
    held = cache.get("https", "site.test", 443, _never)
    assert (held.exchanges, held.seq, held.body) == ((), 7, text.body)
    judged = judge(held, AGENT, SITE + "/x", obey=True)
    assert (judged.exchange, judged.earlier, judged.seq) == (None, (), 7)
    cache.committed(text.url, text.sha256, 8)
    assert cache.get("https", "site.test", 443, _never).seq == 7, "the first statement that holds it stays cited"


def test_an_explicit_port_is_the_same_host() -> None:
    cache = RobotsCache()
    text = RobotsText("http://site.test:8080/robots.txt", None, None, b"", (_exchange(),))
    cache.get("http", "site.test", 8080, lambda: text)
    cache.committed(text.url, None, 3)
    assert cache.get("http", "site.test", 8080, _never).seq == 3


def test_two_askers_cause_one_fetch() -> None:
    cache = RobotsCache()
    fetching, go_on = threading.Event(), threading.Event()
    calls: list[int] = []
    answers: list[RobotsText] = []

    def fetch() -> RobotsText:
        calls.append(1)
        fetching.set()
        assert go_on.wait(10)
        return _text()

    threads = [
        threading.Thread(target=lambda: answers.append(cache.get("https", "site.test", 443, fetch))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert fetching.wait(10)
    assert cache.get("https", "other.test", 443, _text), "another host does not wait"
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len({id(answer) for answer in answers}) == 1
    assert len(answers) == 8


def test_a_fetch_that_raises_lets_one_who_waited_try() -> None:
    cache = RobotsCache()
    fetching, go_on = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    def broken() -> RobotsText:
        fetching.set()
        assert go_on.wait(10)
        raise OSError("disk full")

    def ask() -> None:
        try:
            cache.get("https", "site.test", 443, broken)
        except OSError as error:
            raised.append(error)

    first = threading.Thread(target=ask)
    first.start()
    assert fetching.wait(10)
    answers: list[RobotsText] = []
    second = threading.Thread(target=lambda: answers.append(cache.get("https", "site.test", 443, _text)))
    second.start()
    time.sleep(0.01)  # lets the second reach its waiting; the outcome is the same if it does not
    go_on.set()
    first.join()
    second.join()
    assert len(raised) == 1
    assert answers[0].status == 200


def test_the_least_recently_used_host_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_HOSTS == 10_000
    monkeypatch.setattr(robots_module, "MAX_HOSTS", 3)
    cache = RobotsCache()
    for name in ("a", "b", "c"):
        cache.get("https", name, 443, _text)
    cache.get("https", "a", 443, _never)
    cache.get("https", "d", 443, _text)
    for name in ("a", "c", "d"):
        cache.get("https", name, 443, _never)
    fetched: list[str] = []

    def again() -> RobotsText:
        fetched.append("b")
        return _text()

    cache.get("https", "b", 443, again)
    assert fetched == ["b"]


def test_the_bytes_held_have_a_ceiling_and_committing_frees_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots_module, "MAX_HELD", 2500)

    def large(name: str) -> RobotsText:
        return RobotsText(f"https://{name}/robots.txt", 200, "0" * 64, b"#" * 100, (_exchange(900),))

    cache = RobotsCache()
    cache.get("https", "a", 443, lambda: large("a"))
    cache.get("https", "b", 443, lambda: large("b"))
    cache.committed("https://b/robots.txt", "0" * 64, 1)
    cache.get("https", "c", 443, lambda: large("c"))
    for name in ("a", "b", "c"):
        cache.get("https", name, 443, _never)
    cache.get("https", "d", 443, lambda: large("d"))
    calls: list[int] = []

    def again() -> RobotsText:
        calls.append(1)
        return large("a")

    cache.get("https", "a", 443, again)
    assert calls == [1]
    assert cache._held == sum(robots_module._held(text) for _, text in cache._entries.values())
    assert cache._held <= 2500
