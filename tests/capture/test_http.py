"""What an ordinary visit records: every byte, every hop, the connection, robots.txt, and nothing carried over."""

from __future__ import annotations

import gzip
import hashlib
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.capture.interface import Limits
from archiver.capture.recorder import MEMORY
from archiver.capture.transport import UnsendableField
from archiver.errors import SettingsError, UsageError
from archiver.evidence.exchange import CHUNK, Bytes
from archiver.evidence.response import read_response
from tests.capture.capturing import USER_AGENT, Clock, Spools, failure_code, make_capturer, no_spool, whole
from tests.simulators.certificates import Authority, Identity, self_signed
from tests.simulators.website import Close, Cut, Document, Hit, Repeat, Script, Sleep, Website, redirect, response

PAGE = b"<p>Be nice.</p>\n" * 100


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "root.pem"
    path.write_bytes(authority.pem)
    return path


@pytest.fixture
def spools(tmp_path: Path) -> Iterator[Spools]:
    made = Spools(tmp_path)
    yield made
    made.close()


@pytest.fixture
def site() -> Iterator[Website]:
    with Website(documents={"/terms": PAGE}) as running:
        yield running


def test_every_byte_is_recorded_as_it_passed(site: Website) -> None:
    capturer = make_capturer(site)
    visit = capturer.visit(site.url("/terms"), spool=no_spool)
    capturer.close()
    assert visit.failure is None
    assert visit.url == visit.final_url == site.url("/terms")
    (exchange,) = visit.exchanges
    assert exchange.request == site.asked("/terms")[0].raw
    assert whole(exchange.response).endswith(b"\r\n\r\n" + PAGE)
    assert exchange.head is not None and exchange.head.status == 200
    assert exchange.framing is not None and exchange.framing.kind == "length"
    assert exchange.content is not None
    assert exchange.content.sha256 == exchange.payload_sha256 == hashlib.sha256(PAGE).hexdigest()
    assert exchange.content.sha512 == hashlib.sha512(PAGE).hexdigest()
    assert exchange.content.size == len(PAGE) and exchange.content.coding == ()
    assert exchange.connection is not None
    assert exchange.connection.peer_ip == exchange.connection.local_ip == "127.0.0.1"
    assert exchange.connection.resolved == ("127.0.0.1",)
    assert exchange.connection.port == site.port and exchange.connection.tls is None
    assert exchange.first_byte_at is not None
    assert exchange.connection.opened_at <= exchange.first_byte_at <= exchange.ended_at <= visit.ended_at


def test_what_was_recorded_reads_again_as_it_was_stated(site: Website) -> None:
    site.documents["/zip"] = Document(gzip.compress(PAGE), fields=(("Content-Encoding", "gzip"),))
    exchange = make_capturer(site).visit(site.url("/zip"), spool=no_spool).exchanges[0]
    again = read_response(exchange.response)
    assert (again.head, again.framing, again.content) == (exchange.head, exchange.framing, exchange.content)
    assert again.payload_sha256 == exchange.payload_sha256
    assert exchange.content is not None
    assert exchange.content.sha256 == hashlib.sha256(PAGE).hexdigest()
    assert exchange.content.coding == ("gzip",)


def test_the_request_says_who_asks_and_nothing_about_anyone(site: Website) -> None:
    make_capturer(site).visit(site.url("/terms?a=b#part"), spool=no_spool)
    hit = site.asked("/terms?a=b")[0]
    assert set(hit.fields) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert hit.fields["user-agent"] == USER_AGENT
    assert hit.fields["host"] == f"127.0.0.1:{site.port}"
    assert hit.fields["accept-encoding"] == "gzip, deflate"


def test_an_error_page_is_a_capture_like_any_other(site: Website) -> None:
    site.documents["/gone"] = Document(b"gone", status="410 Gone")
    visit = make_capturer(site).visit(site.url("/gone"), spool=no_spool)
    assert visit.failure is None
    assert visit.exchanges[0].head is not None and visit.exchanges[0].head.status == 410
    assert visit.exchanges[0].content is not None


def test_a_connection_is_used_again_while_it_is_young(site: Website) -> None:
    clock = Clock()
    capturer = make_capturer(site, clock=clock)
    visits = [capturer.visit(site.url("/terms"), spool=no_spool) for _ in range(3)]
    assert [visit.exchanges[0].reused for visit in visits] == [True] * 3  # robots.txt came before
    assert site.connections == 1
    assert visits[0].exchanges[0].connection == visits[2].exchanges[0].connection
    clock.ahead = 16
    assert not capturer.visit(site.url("/terms"), spool=no_spool).exchanges[0].reused
    assert site.connections == 2


def test_a_connection_closed_while_idle_is_replaced(site: Website) -> None:
    def once_a_connection(hit: Hit) -> Script:
        return [Close()] if hit.nth else [response(b"ok")]

    site.scripts["/once"] = once_a_connection
    capturer = make_capturer(site)
    visit = capturer.visit(site.url("/once"), spool=no_spool)
    assert visit.failure is None
    assert not visit.exchanges[0].reused
    assert [hit.nth for hit in site.asked("/once")] == [1, 0]


def test_a_fresh_connection_closed_without_an_answer_is_not_asked_twice(site: Website) -> None:
    site.scripts["/robots.txt"] = [response(status="404 Not Found", fields=[("Connection", "close")]), Close()]
    site.scripts["/mute"] = [Close()]
    visit = make_capturer(site).visit(site.url("/mute"), spool=no_spool)
    assert failure_code(visit) == "closed_early"
    assert len(site.asked("/mute")) == 1


def test_bytes_nobody_asked_for_end_an_idle_connection(site: Website) -> None:
    late = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    site.scripts["/late"] = [response(b"good"), Sleep(0.05), late]
    capturer = make_capturer(site)
    capturer.visit(site.url("/late"), spool=no_spool)
    threading.Event().wait(0.5)
    visit = capturer.visit(site.url("/terms"), spool=no_spool)
    assert not visit.exchanges[0].reused
    assert visit.exchanges[0].content is not None and visit.exchanges[0].content.size == len(PAGE)


def test_every_hop_of_a_redirect_is_kept(site: Website) -> None:
    site.scripts["/a"] = [redirect("/b?x=1#there", "301 Moved Permanently")]
    site.scripts["/b?x=1"] = [redirect(site.url("/terms"), "307 Temporary Redirect")]
    visit = make_capturer(site).visit(site.url("/a#here"), spool=no_spool)
    assert visit.failure is None
    assert [exchange.url for exchange in visit.exchanges] == [site.url(path) for path in ("/a", "/b?x=1", "/terms")]
    assert [exchange.head.status for exchange in visit.exchanges if exchange.head] == [301, 307, 200]
    assert visit.final_url == site.url("/terms")
    assert len(visit.robots) == 1


def test_cookies_live_for_one_visit(site: Website) -> None:
    site.scripts["/a"] = [redirect("/terms")[:-2] + b"Set-Cookie: seen=1; Path=/\r\nSet-Cookie: two=2\r\n\r\n"]
    capturer = make_capturer(site)
    capturer.visit(site.url("/a"), spool=no_spool)
    capturer.visit(site.url("/terms"), spool=no_spool)
    with_cookies, without = site.asked("/terms")
    assert sorted(with_cookies.fields["cookie"].split("; ")) == ["seen=1", "two=2"]
    assert "cookie" not in without.fields


def test_conditional_fields_go_with_the_first_request_only(site: Website) -> None:
    etag = Document(PAGE).etag
    site.scripts["/a"] = [redirect("/terms")]
    capturer = make_capturer(site)
    visit = capturer.visit(site.url("/a"), spool=no_spool, conditional={"If-None-Match": etag})
    assert visit.exchanges[-1].head is not None and visit.exchanges[-1].head.status == 200
    assert site.asked("/a")[0].fields["if-none-match"] == etag
    visit = capturer.visit(site.url("/terms"), spool=no_spool, conditional={"If-None-Match": etag})
    assert visit.failure is None
    assert visit.exchanges[0].head is not None and visit.exchanges[0].head.status == 304
    assert visit.exchanges[0].content is None and visit.exchanges[0].reused


def test_a_large_response_lies_in_the_spool(site: Website, spools: Spools) -> None:
    body = bytes(range(256)) * (4 * MEMORY // 256) + b"end"
    site.documents["/large"] = body
    exchange = make_capturer(site).visit(site.url("/large"), spool=spools).exchanges[0]
    assert len(spools.files) == 1
    assert exchange.framing is not None
    data: Bytes = exchange.response
    assert b"".join(data.chunks(exchange.framing.head_end)) == body
    assert b"".join(data.chunks(exchange.framing.end - 3)) == b"end"
    assert max(len(piece) for piece in data.chunks()) <= CHUNK
    assert exchange.content is not None and exchange.content.sha256 == hashlib.sha256(body).hexdigest()
    assert read_response(data).content == exchange.content


def test_memory_does_not_grow_with_the_response(site: Website, spools: Spools) -> None:
    piece = b"x" * 1_000_000
    site.scripts["/huge"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n", Repeat(piece, times=90)]
    capturer = make_capturer(site)
    capturer.visit(site.url("/terms"), spool=spools)
    tracemalloc.start()
    visit = capturer.visit(site.url("/huge"), spool=spools)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert visit.failure is None
    assert peak < 8 * MEMORY


def test_threads_share_connections_but_never_at_once(site: Website) -> None:
    capturer = make_capturer(site)
    for number in range(8):
        site.documents[f"/{number}"] = b"%d" % number * 50_000
    wrong: list[str] = []

    def visit(number: int) -> None:
        for _ in range(10):
            exchange = capturer.visit(site.url(f"/{number}"), spool=no_spool).exchanges[0]
            if exchange.content is None or not whole(exchange.response).endswith(b"%d" % number * 50_000):
                wrong.append(exchange.url)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    capturer.close()
    assert wrong == []
    assert site.connections <= 12
    assert len(site.asked("/robots.txt")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///terms",
        "http://user:word@example.org/",
        "http://user@example.org/",
        "http://exa mple.org/",
        "http://example.org/\r\nX: y",
        "http://example.org:port/",
        "http://[::1",
        "http://example.org/" + "x" * 20_000,
    ],
)
def test_a_url_that_cannot_be_meant(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_capturer().visit(url, spool=no_spool)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "terms.html", "javascript:alert(1)"])
def test_a_scheme_that_is_not_fetched(url: str) -> None:
    visit = make_capturer().visit(url, spool=no_spool)
    assert failure_code(visit) == "scheme_refused" and visit.exchanges == () and visit.robots == ()


def test_a_user_agent_must_be_one_line() -> None:
    with pytest.raises(SettingsError):
        make_capturer(user_agent="x\r\nCookie: y")


# --- TLS ---------------------------------------------------------------------------------------------------------


def test_a_tls_session_is_told_from_its_own_connection(authority: Authority, ca_file: Path) -> None:
    with Website(documents={"/terms": PAGE}, tls=authority.valid()) as site:
        capturer = make_capturer(site, ca_file=ca_file)
        visit = capturer.visit(site.url("/terms", host="localhost"), spool=no_spool)
        again = capturer.visit(site.url("/terms", host="localhost"), spool=no_spool)
        capturer.close()
    assert visit.failure is None and again.exchanges[0].reused
    connection = visit.exchanges[0].connection
    assert connection is not None and connection.tls is not None
    assert connection.tls.verdict == "valid" and connection.tls.version == "TLSv1.3"
    assert connection.tls.sni == "localhost" and len(connection.tls.chain) == 1
    assert visit.exchanges[0].request.startswith(b"GET /terms HTTP/1.1\r\n")


def bad_identity(defect: str, authority: Authority) -> Identity:
    if defect == "expired":
        return authority.expired()
    return authority.wrong_host() if defect == "wrong host" else self_signed()


@pytest.mark.parametrize("defect", ["expired", "wrong host", "self-signed"])
def test_a_bad_certificate_is_captured_without_cookies(defect: str, authority: Authority, ca_file: Path) -> None:
    with Website(documents={"/terms": PAGE}, tls=bad_identity(defect, authority)) as site:
        site.scripts["/a"] = [redirect("/terms")[:-2] + b"Set-Cookie: seen=1\r\n\r\n"]
        visit = make_capturer(site, ca_file=ca_file).visit(site.url("/a", host="localhost"), spool=no_spool)
        assert "cookie" not in site.asked("/terms")[0].fields
    assert visit.failure is None and visit.exchanges[1].content is not None
    connection = visit.exchanges[1].connection
    assert connection is not None and connection.tls is not None
    assert connection.tls.verdict == "invalid" and connection.tls.problems


def test_a_cookie_does_not_follow_onto_an_untrusted_connection(authority: Authority, ca_file: Path) -> None:
    cookie = b"Set-Cookie: secret=1; Domain=localhost.test\r\n\r\n"
    names = {"a.localhost.test": "127.0.0.1", "b.localhost.test": "127.0.0.1"}
    with (
        Website(documents={"/end": PAGE}, tls=authority.wrong_host()) as untrusted,
        Website(documents={"/end": PAGE}) as plain,
    ):
        for other, expected in ((plain, True), (untrusted, False)):
            plain.scripts["/a"] = [redirect(other.url("/end", host="b.localhost.test"))[:-2] + cookie]
            capturer = make_capturer(untrusted, plain, names=names, ca_file=ca_file)
            visit = capturer.visit(plain.url("/a", host="a.localhost.test"), spool=no_spool)
            assert visit.failure is None
            assert ("cookie" in other.asked("/end")[0].fields) is expected
            assert (b"secret" in visit.exchanges[1].request) is expected


def test_a_cookie_from_an_untrusted_connection_goes_nowhere(authority: Authority, ca_file: Path) -> None:
    with (
        Website(tls=authority.wrong_host()) as untrusted,
        Website(documents={"/end": PAGE}) as plain,
    ):
        location = redirect(plain.url("/end", host="localhost"))
        untrusted.scripts["/a"] = [location[:-2] + b"Set-Cookie: planted=1\r\n\r\n"]
        capturer = make_capturer(untrusted, plain, ca_file=ca_file)
        visit = capturer.visit(untrusted.url("/a", host="localhost"), spool=no_spool)
        assert visit.failure is None and len(visit.exchanges) == 2
        assert "cookie" not in plain.asked("/end")[0].fields


@pytest.mark.parametrize(("ending", "code"), [(Close(), None), (Cut(), "closed_early")])
def test_a_close_delimited_body_over_tls_needs_the_closing_alert(
    ending: Close | Cut, code: str | None, authority: Authority, ca_file: Path
) -> None:
    with Website(tls=authority.valid()) as site:
        site.scripts["/old"] = [b"HTTP/1.0 200 OK\r\n\r\nbody", ending]
        visit = make_capturer(site, ca_file=ca_file).visit(site.url("/old", host="localhost"), spool=no_spool)
    assert failure_code(visit) == code
    assert whole(visit.exchanges[0].response).endswith(b"body")
    assert (visit.exchanges[0].content is None) is (code is not None)


def test_no_tls_session_is_a_failure_with_its_connection(site: Website) -> None:
    visit = make_capturer(site).visit(f"https://localhost:{site.port}/terms", spool=no_spool)
    assert failure_code(visit) == "tls"
    (decision,) = visit.robots
    assert decision.exchange is not None and decision.exchange.connection is not None
    assert decision.exchange.connection.tls is None and decision.exchange.request == b""


# --- robots.txt --------------------------------------------------------------------------------------------------

DENY = b"User-agent: *\nDisallow: /terms\n"


def test_robots_is_fetched_once_an_hour_and_cited_afterwards(site: Website) -> None:
    clock = Clock()
    site.documents["/robots.txt"] = (b"User-agent: *\nAllow: /\n", "text/plain")
    capturer = make_capturer(site, clock=clock)
    first, second = (capturer.visit(site.url("/terms"), spool=no_spool).robots[0] for _ in range(2))
    assert first == second and first.exchange is not None and first.seq is None
    assert (first.status, first.decision, first.obeyed) == (200, "allowed", True)
    assert first.sha256 == first.exchange.payload_sha256
    capturer.robots_committed(first.url, first.sha256, 7)
    third = capturer.visit(site.url("/terms"), spool=no_spool).robots[0]
    assert third.exchange is None and third.seq == 7 and third.sha256 == first.sha256
    assert len(site.asked("/robots.txt")) == 1
    clock.ahead = 3601
    fourth = capturer.visit(site.url("/terms"), spool=no_spool).robots[0]
    assert fourth.exchange is not None and fourth.seq is None
    assert len(site.asked("/robots.txt")) == 2


def test_a_denied_page_is_not_asked_for(site: Website) -> None:
    site.documents["/robots.txt"] = (DENY, "text/plain")
    visit = make_capturer(site).visit(site.url("/terms"), spool=no_spool)
    assert failure_code(visit) == "robots_denied" and visit.exchanges == ()
    assert visit.robots[0].decision == "denied" and visit.robots[0].rule == "Disallow: /terms"
    assert site.asked("/terms") == []


def test_a_redirect_to_a_denied_page_keeps_the_hop(site: Website) -> None:
    site.documents["/robots.txt"] = (DENY, "text/plain")
    site.scripts["/a"] = [redirect("/terms")]
    visit = make_capturer(site).visit(site.url("/a"), spool=no_spool)
    assert failure_code(visit) == "robots_denied" and len(visit.exchanges) == 1
    assert [decision.decision for decision in visit.robots] == ["denied"]
    assert site.asked("/terms") == []


def test_under_record_the_decision_is_stated_and_not_followed(site: Website) -> None:
    site.documents["/robots.txt"] = (DENY, "text/plain")
    visit = make_capturer(site, robots="record").visit(site.url("/terms"), spool=no_spool)
    assert visit.failure is None
    assert visit.robots[0].decision == "denied" and not visit.robots[0].obeyed


@pytest.mark.parametrize(
    ("script", "decision"),
    [
        ([response(status="404 Not Found")], "allowed"),
        ([response(status="403 Forbidden")], "allowed"),
        ([response(status="500 Oops")], "unavailable"),
        ([response(status="503 Busy")], "unavailable"),
        ([Close()], "unavailable"),
        ([b"nonsense\r\n\r\n"], "unavailable"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nUser-agent: *\n", Close()], "unavailable"),
        ([redirect("/robots.txt")], "allowed"),  # RFC 9309 2.3.1.2: beyond five hops it may be taken for missing
    ],
)
def test_what_counts_as_an_answer(script: Script, decision: str, site: Website) -> None:
    site.scripts["/robots.txt"] = script
    visit = make_capturer(site).visit(site.url("/terms"), spool=no_spool)
    assert visit.robots[0].decision == decision and visit.robots[0].exchange is not None
    assert failure_code(visit) == (None if decision == "allowed" else "robots_unavailable")
    recorded = make_capturer(site, robots="record").visit(site.url("/terms"), spool=no_spool)
    assert recorded.failure is None


def test_a_redirected_robots_keeps_its_hops(site: Website) -> None:
    site.scripts["/robots.txt"] = [redirect("/elsewhere.txt")]
    site.documents["/elsewhere.txt"] = (DENY, "text/plain")
    decision = make_capturer(site).visit(site.url("/terms"), spool=no_spool).robots[0]
    assert decision.decision == "denied" and decision.url == site.url("/robots.txt")
    assert decision.exchange is not None and decision.exchange.url == site.url("/elsewhere.txt")
    assert [hop.url for hop in decision.earlier] == [site.url("/robots.txt")]


def test_of_a_huge_robots_the_beginning_counts(site: Website) -> None:
    line = b"# nothing to see here\n"
    site.scripts["/robots.txt"] = [b"HTTP/1.1 200 OK\r\n\r\n" + DENY, Repeat(line * 1000)]
    visit = make_capturer(site).visit(site.url("/terms"), spool=no_spool)
    (decision,) = visit.robots
    assert decision.decision == "denied" and failure_code(visit) == "robots_denied"
    assert decision.exchange is not None and decision.exchange.failure is not None
    assert decision.exchange.failure.code == "too_large"
    assert decision.exchange.response.size < MEMORY
    assert decision.sha256 == hashlib.sha256((DENY + line * 30_000)[: 500 * 1024]).hexdigest()


def test_each_host_of_the_hops_is_asked_for_its_robots(site: Website) -> None:
    with Website(documents={"/end": PAGE}, robots=b"User-agent: *\nDisallow: /x\n") as other:
        site.scripts["/a"] = [redirect(other.url("/end"))]
        visit = make_capturer(site, other).visit(site.url("/a"), spool=no_spool)
    assert visit.failure is None
    assert [decision.url for decision in visit.robots] == [site.url("/robots.txt"), other.url("/robots.txt")]
    assert [decision.status for decision in visit.robots] == [404, 200]


def test_a_visit_is_bounded_in_bytes_over_all_hops(site: Website) -> None:
    site.scripts["/a"] = [response(b"x" * 6000, status="302 Found", fields=[("Location", "/b")])]
    site.documents["/b"] = b"y" * 6000
    visit = make_capturer(site, limits=Limits(timeout_s=20, max_bytes=10_000)).visit(site.url("/a"), spool=no_spool)
    assert failure_code(visit) == "too_large"
    assert sum(exchange.response.size for exchange in visit.exchanges) == 10_000


@pytest.mark.parametrize(
    ("name", "value"),
    [("If-None-Match", '"a"\r\nX: y'), ("If-None-Match", "a\nb"), ("If-None-Match", " a"), ("X: y", "a"), ("X", "€")],
)
def test_a_field_that_would_break_the_request_is_not_sent(site: Website, name: str, value: str) -> None:
    with pytest.raises(UnsendableField):
        make_capturer(site).visit(site.url("/"), spool=no_spool, conditional={name: value})
    assert not site.hits
