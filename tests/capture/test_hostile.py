"""Every way a server can misbehave, on real sockets, with its stated outcome; what arrived is always kept."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pytest

from archiver.capture.interface import Limits
from archiver.evidence.exchange import Visit
from archiver.evidence.response import read_response
from tests.capture.capturing import Spools, failure_code, make_capturer, no_spool, whole
from tests.simulators.website import Close, Hit, Repeat, Reset, Script, Sleep, Website, redirect, response

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Length: 5\r\n\r\nhello"
LIMITS = Limits(timeout_s=20, max_bytes=300_000, max_content_bytes=1_000_000)
IMPATIENT = replace(LIMITS, timeout_s=1.0)


@pytest.fixture
def site() -> Iterator[Website]:
    with Website(documents={"/fine": b"fine"}) as running:
        yield running


@dataclass(frozen=True)
class Case:
    """A behaviour and what is to be stated of it."""

    name: str
    script: Script
    failure: str | None = None
    anomalies: frozenset[str] = field(default_factory=frozenset)
    status: int | None = 200


CASES = [
    Case("103 before the answer", [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", Sleep(0.05), PLAIN]),
    Case("100 before the answer", [b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN]),
    Case("field line without colon", [OK + b"oops\r\nContent-Length: 2\r\n\r\nhi"], None, frozenset({"no-colon"})),
    Case("five hundred fields", [OK + b"X: y\r\n" * 500 + b"Content-Length: 2\r\n\r\nhi"]),
    Case("surplus bytes", [PLAIN + b"surplus"], None, frozenset({"surplus"})),
    Case(
        "chunks one byte at a time", [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 50, b"0\r\n\r\n"]
    ),
    Case(
        "two lengths",
        [OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\nhello"],
        "malformed",
        frozenset({"conflicting-length"}),
    ),
    Case("endless fields", [OK, Repeat(b"X: y\r\n" * 1000)], "header_too_large", status=None),
    Case("one endless field", [OK + b"X: ", Repeat(b"y" * 10_000)], "header_too_large", status=None),
    Case("endless interim responses", [Repeat(b"HTTP/1.1 102 Processing\r\n\r\n")], "malformed", status=None),
    Case("endless body", [OK + b"\r\n", Repeat(b"x" * 10_000)], "too_large"),
    Case("ten gigabytes announced", [OK + b"Content-Length: 10000000000\r\n\r\n", Repeat(b"x" * 100_000)], "too_large"),
    Case("endless chunks", [OK + b"Transfer-Encoding: chunked\r\n\r\n", Repeat(b"5\r\nhello\r\n" * 1000)], "too_large"),
    Case("one endless chunk line", [OK + b"Transfer-Encoding: chunked\r\n\r\n5;", Repeat(b"x" * 1000)], "malformed"),
    Case(
        "endless trailers",
        [OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", Repeat(b"X: y\r\n" * 1000)],
        "header_too_large",
        frozenset({"trailer"}),
    ),
    Case("a byte now and then", [OK + b"\r\n", Repeat(b"x", pause=0.02)], "timeout"),
    Case("a field now and then", [OK, Repeat(b"X: y\r\n", pause=0.02)], "timeout", status=None),
    Case("silence", [Sleep(30)], "timeout", status=None),
    Case("silence in the body", [OK + b"Content-Length: 50\r\n\r\nhello", Sleep(30)], "timeout"),
    Case("closed without a word", [Close()], "closed_early", status=None),
    Case("closed in the head", [OK + b"Content-", Close()], "closed_early", status=None),
    Case("closed in the body", [OK + b"Content-Length: 50\r\n\r\nhello", Close()], "closed_early"),
    Case("closed between chunks", [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Close()], "closed_early"),
    Case("reset in the body", [OK + b"Content-Length: 50\r\n\r\nhello", Sleep(0.1), Reset()], "closed_early"),
    Case("reset of a body until close", [OK + b"\r\nhello", Sleep(0.1), Reset()], "closed_early"),
    Case("reset at once", [Reset()], "closed_early", status=None),
    Case("another protocol", [b"SSH-2.0-Simulated\r\n"], "malformed", status=None),
    Case("HTTP/0.9", [b"<html>hello</html>\n"], "malformed", status=None),
    Case(
        "gzip bomb",
        [response(gzip.compress(b"\0" * 50_000_000), fields=[("Content-Encoding", "gzip")])],
        "decompression",
    ),
    Case("broken gzip", [response(b"no gzip at all", fields=[("Content-Encoding", "gzip")])], "decompression"),
    Case("cut gzip", [response(gzip.compress(b"x" * 99)[:-9], fields=[("Content-Encoding", "gzip")])], "decompression"),
    Case(
        "brotli nobody asked for",
        [response(b"?", fields=[("Content-Encoding", "br")])],
        "decompression",
        frozenset({"coding"}),
    ),
    Case("redirect without Location", [response(status="302 Found")], "bad_redirect", status=302),
    Case("redirect to nothing", [redirect("")], "bad_redirect", status=302),
    Case("redirect without a host", [redirect("http:///x")], "bad_redirect", status=302),
    Case("redirect with credentials", [redirect("http://user:word@127.0.0.1/")], "bad_redirect", status=302),
    Case("redirect with a bad port", [redirect("http://127.0.0.1:99999/")], "bad_redirect", status=302),
    Case("redirect in no encoding", [redirect("/\xff")], "bad_redirect", status=302),
    Case("redirect with a control", [redirect("/a\tb")], "bad_redirect", status=302),
    Case("two Locations", [redirect("/fine")[:-2] + b"Location: /other\r\n\r\n"], "bad_redirect", status=302),
    Case("redirect to a file", [redirect("file:///etc/passwd")], "scheme_refused", status=302),
    Case("redirect to ftp", [redirect("ftp://127.0.0.1/x")], "scheme_refused", status=302),
    Case("redirect to another port", [redirect("http://127.0.0.1:22/")], "port_refused", status=302),
    Case("redirect to a name that is none", [redirect("http://nowhere.invalid:PORT/")], "dns", status=302),
    Case("300 without Location", [response(b"choose", status="300 Multiple Choices")], None, status=300),
    Case("304 nobody asked for", [response(status="304 Not Modified", length=False)], None, status=304),
    Case(
        "101 nobody asked for", [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"], None, frozenset({"unasked-upgrade"}), 101
    ),
]


def replaced(script: Script, port: int) -> Script:
    return [action.replace(b"PORT", b"%d" % port) if isinstance(action, bytes) else action for action in script]


def run(site: Website, case: Case, tmp_path: Path) -> Visit:
    site.scripts["/odd"] = replaced(case.script, site.port)
    capturer = make_capturer(site, limits=IMPATIENT if case.failure == "timeout" else LIMITS)
    spools = Spools(tmp_path)
    try:
        return capturer.visit(site.url("/odd"), spool=spools)
    finally:
        capturer.close()
        spools.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_server(case: Case, site: Website, tmp_path: Path) -> None:
    visit = run(site, case, tmp_path)
    assert failure_code(visit) == case.failure
    (exchange,) = visit.exchanges
    assert (exchange.head.status if exchange.head else None) == case.status
    assert {line.partition(":")[0] for line in exchange.anomalies} >= case.anomalies
    assert exchange.response.size <= LIMITS.max_bytes
    assert (exchange.content is not None) is (exchange.failure is None and case.status != 304)
    arrived = whole(exchange.response)
    assert len(arrived) == exchange.response.size
    sent = b"".join(action for action in replaced(case.script, site.port) if isinstance(action, bytes))
    assert sent.startswith(arrived[: len(sent)])
    if exchange.failure is None:
        again = read_response(exchange.response)
        assert (again.head, again.framing, again.anomalies) == (exchange.head, exchange.framing, exchange.anomalies)
    if visit.failure is not None:
        assert visit.failure.detail.isascii() and "word" not in visit.failure.detail


@pytest.mark.parametrize("case", [case for case in CASES if case.anomalies or case.failure], ids=lambda case: case.name)
def test_a_connection_is_not_used_after_anything_odd(case: Case, site: Website, tmp_path: Path) -> None:
    if case.failure in ("timeout", "bad_redirect", "scheme_refused", "port_refused", "dns", "decompression"):
        return  # waits, or a clean exchange
    site.scripts["/odd"] = case.script
    capturer = make_capturer(site, limits=LIMITS)
    spools = Spools(tmp_path)
    capturer.visit(site.url("/odd"), spool=spools)
    after = capturer.visit(site.url("/fine"), spool=no_spool)
    spools.close()
    capturer.close()
    assert after.failure is None and not after.exchanges[0].reused
    assert whole(after.exchanges[0].response).endswith(b"\r\n\r\nfine")


def test_redirects_end_after_ten(site: Website) -> None:
    def onwards(hit: Hit) -> Script:
        return [redirect(hit.path + "x")]

    for length in range(1, 20):
        site.scripts["/" + "x" * length] = onwards
    visit = make_capturer(site).visit(site.url("/x"), spool=no_spool)
    assert failure_code(visit) == "too_many_redirects"
    assert len(visit.exchanges) == 11


def test_a_redirect_to_itself_ends_too(site: Website) -> None:
    site.scripts["/loop"] = [redirect("/loop")]
    visit = make_capturer(site).visit(site.url("/loop"), spool=no_spool)
    assert failure_code(visit) == "too_many_redirects" and len(site.asked("/loop")) == 11


def test_the_deadline_covers_all_hops(site: Website) -> None:
    site.scripts["/slow"] = [Sleep(0.3), redirect("/slow")]
    visit = make_capturer(site, limits=IMPATIENT).visit(site.url("/slow"), spool=no_spool)
    assert failure_code(visit) == "timeout"
    assert 1 <= len(visit.exchanges) <= 4


@pytest.mark.parametrize("mode", ["obey", "record"])
def test_a_redirect_into_the_private_network_reaches_nothing(mode: str, site: Website) -> None:
    with Website(documents={"/secret": b"secret"}, host="127.0.0.2") as inside:
        site.scripts["/a"] = [redirect(inside.url("/secret"))]
        visit = make_capturer(site, inside, robots=mode).visit(site.url("/a"), spool=no_spool)
        assert failure_code(visit) == "address_refused"
        assert visit.exchanges[0].head is not None and visit.exchanges[0].head.status == 302
        assert all(exchange.connection is None and not exchange.request for exchange in visit.exchanges[1:])
        assert inside.connections == 0


def test_a_name_that_leads_inside_reaches_nothing(site: Website) -> None:
    with Website(host="127.0.0.2") as inside:
        capturer = make_capturer(site, inside, names={"public.test": "127.0.0.2"})
        visit = capturer.visit(inside.url("/", host="public.test"), spool=no_spool)
        assert failure_code(visit) == "address_refused" and inside.connections == 0


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: the kernel refuses
        site = Website()
        capturer = make_capturer(site)
        site.__enter__()
        site.__exit__(None, None, None)
        visit = capturer.visit(site.url("/"), spool=no_spool)
    assert failure_code(visit) == "connect"
    assert visit.exchanges == () and visit.robots[0].decision == "unavailable"


def test_under_record_the_page_shows_why_there_is_no_connection(site: Website) -> None:
    visit = make_capturer(site, robots="record").visit(f"http://nowhere.invalid:{site.port}/", spool=no_spool)
    assert failure_code(visit) == "dns"
    assert visit.exchanges[0].connection is None and visit.exchanges[0].request == b""


def test_a_spool_that_cannot_be_written_is_stated(site: Website) -> None:
    site.documents["/large"] = b"x" * 3_000_000

    with Path("/dev/full").open("r+b", buffering=0) as full:  # a device without room

        def spool() -> BinaryIO:
            return full

        visit = make_capturer(site).visit(site.url("/large"), spool=spool)
    assert failure_code(visit) == "storage_full"
    assert whole(visit.exchanges[0].response).startswith(b"HTTP/1.1 200 OK\r\n")
