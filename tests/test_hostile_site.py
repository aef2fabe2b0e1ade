"""Hostile servers against the whole pipeline: what is stated, what is kept, and that both verify.

Real sockets, real TLS, the real operation. Of each case the outcome is stated here: result, reason, anomalies, limits.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archiver.audit import Audit
from archiver.operation import Operation, create_archive, open_operation
from archiver.settings import SCHEMA, Value, parse_settings, render
from storage.local import LocalFiles
from tests.simulators.certificates import Authority, Identity, self_signed
from tests.simulators.website import Close, Hit, Repeat, Reset, Script, Sleep, Website, redirect, response

OK = b"HTTP/1.1 200 OK\r\n"
MAX_BYTES = 300_000
ALWAYS = {"L1", "L2", "L3", "L6", "L11", "L14"}


@dataclass(frozen=True)
class Case:
    """A behaviour and what is to be stated of it."""

    name: str
    script: Script
    result: str = "stored"
    reason: str | None = None
    anomalies: frozenset[str] = frozenset()
    status: int | None = 200
    exchanges: int = 1
    outcome: str = "new_version"


def failed(name: str, script: Script, reason: str, **more: Any) -> Case:
    return Case(name, script, "failed", reason, outcome="failed", **more)


def blocked(name: str, script: Script, reason: str, **more: Any) -> Case:
    return Case(name, script, "blocked", reason, outcome="blocked", **more)


BOMB = response(gzip.compress(b"\0" * 50_000_000), fields=[("Content-Encoding", "gzip")])
CASES = [
    # Never ends
    failed("a byte now and then", [OK + b"\r\n", Repeat(b"x", pause=0.02)], "timeout"),
    failed("silence", [Sleep(30)], "timeout", status=None),
    failed("a field now and then", [OK, Repeat(b"X: y\r\n", pause=0.02)], "timeout", status=None),
    failed("endless body", [OK + b"\r\n", Repeat(b"x" * 10_000)], "too_large"),
    failed("ten gigabytes", [OK + b"Content-Length: 10000000000\r\n\r\n", Repeat(b"x" * 100_000)], "too_large"),
    failed("endless fields", [OK, Repeat(b"X: y\r\n" * 1000)], "header_too_large", status=None),
    failed("endless interim responses", [Repeat(b"HTTP/1.1 102 Processing\r\n\r\n")], "malformed", status=None),
    failed("redirects to itself", [redirect("/odd")], "too_many_redirects", status=302, exchanges=11),
    failed("gzip bomb", [BOMB], "decompression"),
    # Odd, and kept
    Case("header without a colon", [OK + b"oops\r\nContent-Length: 2\r\n\r\nhi"], anomalies=frozenset({"no-colon"})),
    Case("five hundred headers", [OK + b"X: y\r\n" * 500 + b"Content-Length: 2\r\n\r\nhi"]),
    Case("a 103 first", [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", Sleep(0.05), response(b"hello")]),
    Case("surplus bytes", [response(b"hello") + b"more than was said"], anomalies=frozenset({"surplus"})),
    Case("404", [response(b"gone", status="404 Not Found")], status=404, outcome="quarantined"),
    Case("no HTTP/1.1 reason", [b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi"]),
    Case("Latin-1 in a field", [OK + b"X-Name: \xe4\xf6\xfc\r\nContent-Length: 2\r\n\r\nhi"]),
    # Cut
    failed("closes mid-body", [OK + b"Content-Length: 50\r\n\r\nhello", Close()], "closed_early"),
    failed("resets mid-body", [OK + b"Content-Length: 50\r\n\r\nhello", Sleep(0.1), Reset()], "closed_early"),
    failed("closes mid-head", [OK + b"Content-", Close()], "closed_early", status=None),
    failed("says nothing", [Close()], "closed_early", status=None),
    failed("another protocol", [b"SSH-2.0-Simulated\r\n"], "malformed", status=None),
    failed(
        "two lengths",
        [OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\nhello"],
        "malformed",
        anomalies=frozenset({"conflicting-length"}),
    ),
    # Leads elsewhere
    blocked("to another loopback address", [redirect("http://127.0.0.2:PORT/x")], "address_refused", status=302),
    blocked("to a private address", [redirect("http://10.0.0.1:PORT/x")], "address_refused", status=302),
    blocked("to the metadata address", [redirect("http://169.254.169.254:PORT/x")], "address_refused", status=302),
    blocked("to IPv6 loopback", [redirect("http://[::1]:PORT/x")], "address_refused", status=302),
    blocked("to a decimal address", [redirect("http://2130706434:PORT/x")], "address_refused", status=302),
    blocked("to another port", [redirect("http://127.0.0.1:22/")], "port_refused", status=302),
    blocked("to a file", [redirect("file:///etc/passwd")], "scheme_refused", status=302),
    failed("to credentials", [redirect("http://user:word@127.0.0.1:PORT/")], "bad_redirect", status=302),
]


def settings(site: Website, changes: Mapping[str, Value] | None = None) -> str:
    chosen: dict[str, Value] = {
        "archive.origin": "hostile.example/log",
        "archive.prefix": "EA",
        "archive.name": "Hostile",
        "network.allow_private": ["127.0.0.1/32"],
        "network.ports": [site.port],
        "network.timeout_s": 20,
        "network.max_bytes": MAX_BYTES,
        "network.max_content_bytes": 1_000_000,
        "storage.reserve_bytes": 0,
        **(changes or {}),
    }
    return render({key.path: key.default for key in SCHEMA} | chosen, only=frozenset(chosen))


def opened(folder: Path, site: Website, changes: Mapping[str, Value] | None = None) -> Operation:
    """A new archive that may reach 127.0.0.1 alone, in operation."""
    text = settings(site, changes)
    environment = {"XDG_STATE_HOME": str(folder / "state")}
    create_archive(folder / "archive", text, parse_settings(text), None, environment=environment).index.close()
    return open_operation(folder / "archive", lambda: None, environment=environment)


def checked(operation: Operation, url: str) -> tuple[str, dict[str, Any]]:
    """Check one address through every step; return the outcome and the capture statement."""
    outcomes = []
    operation.capture([operation.pipeline.new_check([url], trigger="manual")], lambda _, o: outcomes.append(o))
    operation.publish()
    (outcome,) = outcomes
    return outcome.word, outcome.capture.body


def require_sound(operation: Operation, body: Mapping[str, Any], url: str) -> None:
    """The snapshot passes our own checks and another tool's, and its WARC holds what was asked for."""
    files = operation.archive.files
    assert isinstance(files, LocalFiles)
    root = files.root
    report = Audit(operation.archive).snapshot(body["snapshot"])
    assert [c for c in report.checks if c.verdict == "fail"] == []
    assert {c.number for c in report.checks if c.verdict == "pass"} >= {1, 2, 3, 5, 6, 7}
    warc = root / body["folder"] / "capture.warc.gz"
    judged = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", str(warc)], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert url.encode() in gzip.decompress(warc.read_bytes())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Website, Operation]]:
    """A site and one archive for all cases: what one server did must not disturb the next check."""
    folder = tmp_path_factory.mktemp("hostile")
    with Website(documents={"/fine": b"fine"}) as site, opened(folder, site) as operation:
        yield site, operation


def without_port(script: Script, port: int) -> Script:
    return [action.replace(b"PORT", b"%d" % port) if isinstance(action, bytes) else action for action in script]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_server(case: Case, place: tuple[Website, Operation], tmp_path: Path) -> None:
    site, operation = place
    site.scripts["/odd"] = without_port(case.script, site.port)
    if case.reason == "timeout":
        with opened(tmp_path, site, {"network.timeout_s": 1}) as impatient:
            word, body = checked(impatient, site.url("/odd"))
            require_sound(impatient, body, site.url("/odd"))
    else:
        word, body = checked(operation, site.url("/odd"))
        require_sound(operation, body, site.url("/odd"))
    assert (body["result"], (body["reason"] or {}).get("code")) == (case.result, case.reason)
    assert word in {case.outcome, "unchanged"}
    (part,) = body["parts"]
    exchanges = [e for e in part["exchanges"] if e["connection"] is not None]
    assert len(exchanges) == case.exchanges
    assert exchanges[-1]["status"] == case.status
    found = {text.partition(":")[0] for exchange in exchanges for text in exchange["anomalies"]}
    assert found >= case.anomalies
    assert found == set() or case.anomalies or case.result == "failed" or case.name.startswith("no HTTP")
    assert exchanges[-1]["response_bytes"] <= MAX_BYTES
    limits = set(body["limits"]) - {"L16"}  # the clock of the machine that runs the tests
    assert limits == ALWAYS | ({"L4"} if case.result != "stored" else set())
    assert (part["content"] is not None) is (case.result == "stored")


def test_a_redirect_inside_reaches_nothing(place: tuple[Website, Operation]) -> None:
    site, operation = place
    with Website(documents={"/x": b"secret"}, host="127.0.0.2", port=site.port) as inside:
        site.scripts["/odd"] = [redirect(inside.url("/x"))]
        word, body = checked(operation, site.url("/odd"))
        assert (word, body["reason"]["code"], inside.connections) == ("blocked", "address_refused", 0)
    require_sound(operation, body, site.url("/odd"))


def test_redirects_that_never_repeat_end_too(place: tuple[Website, Operation]) -> None:
    site, operation = place

    def onwards(hit: Hit) -> Script:
        return [redirect(hit.path + "x")]

    for length in range(1, 20):
        site.scripts["/" + "x" * length] = onwards
    _, body = checked(operation, site.url("/x"))
    assert body["reason"]["code"] == "too_many_redirects" and len(body["parts"][0]["exchanges"]) == 11
    require_sound(operation, body, site.url("/x"))


def test_after_all_of_them_an_ordinary_page_is_captured(place: tuple[Website, Operation]) -> None:
    site, operation = place
    word, body = checked(operation, site.url("/fine"))
    assert word in ("new_version", "unchanged") and body["parts"][0]["exchanges"][-1]["anomalies"] == []
    reports = Audit(operation.archive).all(lambda: None)
    assert [r.subject for r in reports if r.verdict == "fail"] == []


# Certificates: the page is kept, the verdict is stated

ROOT = Authority()


@pytest.mark.parametrize(
    ("name", "identity", "problem"),
    [
        ("valid", ROOT.valid("localhost"), None),
        ("expired", ROOT.expired("localhost"), "expired"),
        ("wrong host", ROOT.wrong_host(), "localhost"),
        ("self-signed", self_signed("localhost"), "self"),
        ("unknown root", Authority("Another Root").valid("localhost"), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_certificate_is_stated_and_the_page_kept(
    name: str, identity: Identity, problem: str | None, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(ROOT.pem)
    with (
        Website(documents={"/terms": b"be nice"}, tls=identity) as site,
        opened(tmp_path, site, {"network.ca_file": str(ca)}) as operation,
    ):
        url = site.url("/terms", host="localhost")
        word, body = checked(operation, url)
        tls = body["parts"][0]["exchanges"][-1]["connection"]["tls"]
        assert (body["result"], word) == ("stored", "new_version")
        assert tls["verdict"] == ("valid" if problem is None else "invalid")
        assert bool(tls["problems"]) is (problem is not None)
        assert problem is None or problem in " ".join(tls["problems"]).lower()
        assert len(tls["chain_sha256"]) >= 1
        require_sound(operation, body, url)
