"""Other people's software reads our WACZ files: validator, indexer, two replay systems, WebCrypto; we read theirs.

pywb is installed into a folder of its own (``pywb-requirements.txt``), ReplayWeb.page as its authors publish it.
Both run on loopback; what they show is compared with what the site served.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.evidence.surt import surt
from tests.packages import CDX, DIGEST, PAGES, PLAIN, Forgery, Shelf, failures, shelf
from tests.simulators.archives import TERMS

HERE = Path(__file__).parent
TOOLS = Path(sys.executable).parent
CLAUSE = "You may cancel within fourteen days"
NPM = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
PATIENCE_S = 60.0


def ran(*command: str | Path, folder: Path, code: int = 0, **options: Any) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=170, check=False, **options)
    assert done.returncode == code, (command, done.stdout[-1000:] + done.stderr[-2000:])
    return str(done.stdout)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with shelf(tmp_path_factory.mktemp("shelf")) as made:
        yield made


@pytest.fixture(scope="module")
def whole(stock: Shelf) -> Path:
    return stock.export(stock.folder / "whole.wacz", *stock.snapshots)


@pytest.fixture(scope="module")
def revisit(stock: Shelf) -> Path:
    """A package of a snapshot whose body lies in another one."""
    return stock.export(stock.folder / "revisit.wacz", stock.snapshots[1])


# -- validator and indexer -----------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [True, False])
def test_the_reference_validator_accepts(stock: Shelf, tmp_path: Path, signed: bool) -> None:
    path = stock.export(tmp_path / "x.wacz", *stock.snapshots, signed=signed)
    said = ran(TOOLS / "wacz", "validate", "-f", path, folder=tmp_path)
    assert "the passed WACZ is valid" in said


def test_the_reference_validator_refuses_a_changed_proof(whole: Path, tmp_path: Path) -> None:
    """It sees our own members as well: they lie no deeper than it looks."""
    forged = Forgery(whole)
    forged["proofs/log.vkey"] += b"\n"
    ran(TOOLS / "wacz", "validate", "-f", forged.write(tmp_path / "x.wacz"), folder=tmp_path, code=1)


def test_the_index_is_the_one_that_others_make(whole: Path, tmp_path: Path) -> None:
    """Line by line; they list JSON records that answer for no address as well, and know no digest of a cut body."""
    warcs = [name for name in Forgery(whole) if name.startswith("archive/")]
    for name in warcs:
        (tmp_path / name.rpartition("/")[2]).write_bytes(Forgery(whole)[name])
    names = sorted(name.rpartition("/")[2] for name in warcs)
    theirs = ran(TOOLS / "cdxj-indexer", "--sort", "--digest-records", "--post-append", *names, folder=tmp_path)
    lines = [line for line in theirs.splitlines() if '"application/json"' not in line]
    ours = Forgery(whole).lines()
    assert len(ours) == len(lines) > 8
    for one, other in zip(ours, lines, strict=True):
        if one != other:
            key, stamp, fields = other.split(" ", 2)
            known = json.loads(fields)
            assert known.pop("digest").startswith("sha1:"), "of a body that was cut they digest what there is"
            assert one == f"{key} {stamp} {json.dumps(known)}"


def addresses(rng: random.Random, count: int) -> Iterator[str]:
    """Addresses as they stand in our WARC files: ASCII, with whatever a site may put behind its name."""
    marks = "abzABZ019-._~!$&'()*+,;=:@/%?"
    words = [
        "terms",
        "a",
        "B",
        "..",
        ".",
        "",
        "%41",
        "%2e%2e",
        "%25",
        "%2525",
        "%C3%A9",
        "%zz",
        "x;y=1",
        "a,b",
        "~u",
        "%20",
    ]
    hosts = ["example.com", "www.example.com", "www3.Example.co.uk", "EXAMPLE.com.", "127.0.0.1", "www.a.b", "x"]
    ports = ["", ":80", ":443", ":8080"]
    for _ in range(count):
        path = "/".join(rng.choices(words, k=rng.randint(0, 5)))
        pairs = ["".join(rng.choices(marks.replace("?", ""), k=rng.randint(0, 6))) for _ in range(rng.randint(0, 4))]
        query = "?" + "&".join(pairs) if rng.random() < 0.5 else ""
        yield f"{rng.choice(['http', 'https'])}://{rng.choice(hosts)}{rng.choice(ports)}/{path}{query}"


def test_keys_are_those_that_others_look_up(tmp_path: Path) -> None:
    """Two thousand addresses, filed by the indexer of the same people as pywb."""
    urls = list(dict.fromkeys(addresses(random.Random(7), 2000)))
    head = "WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:x:1>\r\nWARC-Date: 2026-05-12T15:09:41Z\r\n"
    rest = "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx\r\n\r\n"
    records = [gzip.compress(f"{head}WARC-Target-URI: {url}\r\n{rest}".encode()) for url in urls]
    (tmp_path / "many.warc.gz").write_bytes(b"".join(records))
    theirs = ran(TOOLS / "cdxj-indexer", "many.warc.gz", folder=tmp_path)
    keys = {json.loads(line.split(" ", 2)[2])["url"]: line.split(" ", 1)[0] for line in theirs.splitlines()}
    assert len(keys) == len(urls) > 1500
    assert [(url, surt(url)) for url in urls if surt(url) != keys[url]] == []


def test_a_package_of_the_reference_tool_can_be_checked(stock: Shelf, whole: Path, tmp_path: Path) -> None:
    name = stock.snapshots[0]
    (tmp_path / "a.warc.gz").write_bytes(Forgery(whole)[f"archive/{name}.warc.gz"])
    (tmp_path / "pages.jsonl").write_text("\n".join(map(json.dumps, Forgery(whole).pages()[:2])))
    ran(TOOLS / "wacz", "create", "-o", "theirs.wacz", "-p", "pages.jsonl", "a.warc.gz", folder=tmp_path)
    (report,) = stock.check(tmp_path / "theirs.wacz")
    assert {check.number: check.verdict for check in report.checks} == {
        3: "pass",
        31: "pass",
        32: "pass",
        33: "incomplete",
        34: "pass",
        35: "pass",
    }
    forged = Forgery(tmp_path / "theirs.wacz")
    forged["archive/a.warc.gz"] = Forgery(whole)[f"archive/{stock.snapshots[2]}.warc.gz"]
    forged.list_again()
    assert {34} == failures(stock.check(forged.write(tmp_path / "theirs.wacz"))).keys()


def test_webcrypto_verifies_the_signature(whole: Path, tmp_path: Path) -> None:
    forged = Forgery(whole)
    script = str(HERE / "replayweb/signature.cjs")
    assert ran("node", script, folder=tmp_path, input=forged[DIGEST].decode()) == "true\n"
    forged.change_json(DIGEST, lambda body: body["signedData"].update(hash=f"sha256:{'0' * 64}"))
    assert ran("node", script, folder=tmp_path, input=forged[DIGEST].decode()) == "false\n"


# -- pywb ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pywb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which pywb's programs run, their folder first on the path."""
    place = tmp_path_factory.mktemp("pywb")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-warn-conflicts"]
    wanted = ["-r", str(HERE / "pywb-requirements.txt")]
    ran(sys.executable, "-m", "pip", "install", *quiet, "--target", str(place), *wanted, folder=place)
    path = f"{place}/bin:{TOOLS}:{os.environ['PATH']}"
    return {**os.environ, "PYTHONPATH": str(place), "PATH": path, "PYTHONWARNINGS": "ignore"}


@contextlib.contextmanager
def replaying(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """pywb's server on the collections in a folder."""
    (folder / "config.yaml").write_text("framed_replay: false\ncollections_root: collections\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["wayback", "-b", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def test_pywb_replays_every_page_byte_for_byte(whole: Path, pywb: dict[str, str], tmp_path: Path) -> None:
    """From our own index: a full copy, a revisit, one behind a redirect, a page without a type."""
    ran("wb-manager", "init", "c", folder=tmp_path, env=pywb)
    ran("wb-manager", "add", "--unpack-wacz", "c", whole, folder=tmp_path, env=pywb)
    (index,) = (tmp_path / "collections/c/indexes").iterdir()
    assert len(index.read_text().splitlines()) == len(Forgery(whole).lines())
    with replaying(tmp_path, pywb) as base:
        for page in Forgery(whole).pages()[1:]:
            moment = "".join(mark for mark in page["ts"] if mark.isdigit())[:14]
            with urllib.request.urlopen(f"{base}/c/{moment}id_/{page['url']}", timeout=30) as answer:
                if page["url"].endswith("/cut"):
                    with pytest.raises(http.client.IncompleteRead) as cut:
                        answer.read()
                    assert cut.value.partial == b"<p>cut"
                    continue
                assert answer.read() == (PLAIN if page["url"].endswith("/rules") else TERMS), page
        with urllib.request.urlopen(f"{base}/c/2030id_/{Forgery(whole).pages()[1]['url']}", timeout=30) as answer:
            assert answer.read() == TERMS


# -- ReplayWeb.page ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ReplayWeb.page in ``package/``, and what drives a browser."""
    assert shutil.which("npm") and shutil.which("chromium"), "npm and chromium are needed: make test installs them"
    folder = tmp_path_factory.mktemp("replayweb")
    for name in ("package.json", "replay.cjs"):
        shutil.copy(HERE / "replayweb" / name, folder)
    ran("npm", *NPM, folder=folder, env={**os.environ, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"})
    file = ran("npm", "pack", "replaywebpage@^2.4.0", "--silent", folder=folder).split()[-1]
    with tarfile.open(folder / file) as packed:
        packed.extractall(folder, filter="data")
    return folder


def test_replayweb_page_shows_the_clause(stock: Shelf, revisit: Path, player: Path) -> None:
    """A revisit, so that the body comes from the snapshot that came along; and the player checks our signature."""
    (page,) = Forgery(revisit).pages()[1:]
    moment = "".join(mark for mark in page["ts"] if mark.isdigit())[:14]
    browser = str(shutil.which("chromium"))
    shown = json.loads(ran("node", "replay.cjs", revisit, page["url"], moment, browser, CLAUSE, folder=player))
    assert CLAUSE in shown.get("text", ""), shown
    assert shown["title"] == "Terms" and page["url"] in shown["frame"]
    assert [each["id"] for each in shown["pages"]] == [stock.snapshots[1]]
    assert shown["noted"]["signature"] is True
    assert CLAUSE in shown["pages"][0]["text"], "the text that its search looks in"


def test_names_of_the_three_files_that_readers_look_for(whole: Path) -> None:
    assert {CDX, PAGES, "datapackage.json"} <= Forgery(whole).keys()
