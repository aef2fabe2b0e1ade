"""Redacted texts: what is shown is shown to be original and in place, what is hidden is nowhere in what goes out."""

from __future__ import annotations

import hashlib
import io
import json
import resource
import shutil
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest

from archiver.archive import open_archive
from archiver.errors import NotCheckable
from archiver.evidence.verify_redaction import NUMBER
from archiver.operation import open_operation
from archiver.redaction import redact as redact_act
from archiver.redaction import text_of
from tests.cli.box import Box
from tests.cli.policy import DOCUMENT, Publisher, terms
from tests.cli.test_custody import BY, SECRET, dispose, last_event
from tests.simulators.website import Website

PIN = "Your PIN is 4711."
"""A line that anybody could guess who may try ten thousand times."""
WHY = ("--reason", "names of third parties")


@pytest.fixture
def publisher(box: Box, site: Website) -> Publisher:
    return Publisher(box, site)


@pytest.fixture
def snapshot(publisher: Publisher) -> str:
    return str(publisher.check(page_with(PIN))["snapshot"])


def page_with(pin: str) -> bytes:
    return terms(("</main>", f'<p>{SECRET}</p><p>{pin}</p><p>See <a href="/hidden-address">our rules</a>.</p></main>'))


def redact(box: Box, snapshot: str, output: Path, *words: str) -> dict[str, Any]:
    made: dict[str, Any] = box.fine("redact", snapshot, *words, *BY, *WHY, "--output", str(output), "--json").json
    return made


def test_the_capture_says_how_many_lines_there_are(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    """All but the last is hidden, so the shown ones settle nothing: hidden ones could be told as fewer."""
    box = publisher.box
    number = len(box.fine("redact", snapshot, "--json").json)
    (capture,) = box.captures()
    assert capture["text_lines"] == number
    assert [body["text_lines"] for body in box.statements() if body["kind"] == "assessment"] == [number]
    for show in ("capture", "nothing"):
        output = tmp_path / f"{show}.json"
        redact(box, snapshot, output, "--hide", f"1-{number - 1}", "--show", show)
        (report,) = box.fine("verify", str(output), "--json").json
        assert report["verdict"] == "pass" and (NUMBER in report["not_checked"]) is (show == "nothing")


def test_lines_are_listed_then_hidden(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    box = publisher.box
    listed = box.fine("redact", snapshot, "--json").json
    numbers = {item["text"]: item["line"] for item in listed}
    before = {path: path.read_bytes() for path in box.root.glob("texts/*/*")}
    assert SECRET in box.fine("redact", snapshot).out.replace("\n       ", " ")
    output = tmp_path / "x.json"
    made = redact(box, snapshot, output, "--hide", f"1,{numbers[SECRET]}", "--hide-matching", "PIN")
    assert made["hidden"] == [1, numbers[SECRET], numbers[PIN]]
    assert (made["lines"], made["of"]) == (len(listed) - 3, len(listed))
    assert made["file_sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    stated = last_event(box, "redaction")
    assert stated["premis"] == "modification" and stated["object_sha256"] == made["object_sha256"]
    assert (stated["subjects"], stated["by"], stated["reason"]) == ([snapshot], "R. Lee", WHY[1])
    assert {path: path.read_bytes() for path in box.root.glob("texts/*/*")} == before, "the original is untouched"
    shown = [line.get("text") for line in json.loads(output.read_text())["object"]["lines"]]
    assert shown == [None if item["line"] in made["hidden"] else item["text"] for item in listed]
    box.verified()

    report = box.fine("verify", str(output), "--json").json[0]
    assert [check["number"] for check in report["checks"]] == [51, 52, 53, 54] and report["verdict"] == "pass"
    detail = report["checks"][1]["detail"]
    assert f"{made['lines']} of {made['of']} lines are shown, 3 hidden" in detail
    assert f"hidden: 1, {numbers[SECRET]}-{numbers[PIN]};" in detail
    assert "the capture, stated on" in report["checks"][3]["detail"] and "withheld" not in report["not_checked"][0]
    assert made["witness"] == "capture" and made["unwitnessed"] is None
    # Without the archive, with nothing but the key.
    key = shutil.copy(box.root / "keys/log.vkey", tmp_path / "key")
    away = Box(tmp_path)
    away.root = tmp_path / "nowhere"
    assert away.call("verify", str(output), "--key", str(key)).code == 0
    unknown = away.call("verify", str(output))
    assert unknown.code == 3 and "no public key" in unknown.out


def salts_of(box: Box) -> list[bytes]:
    return [path.read_bytes() for path in box.root.glob("texts/*/*.salt")]


@pytest.mark.parametrize("name", ["x.json", "x.zip"])
@pytest.mark.parametrize("shown", ["capture", "assessment", "nothing"])
def test_nothing_hidden_goes_out(publisher: Publisher, snapshot: str, tmp_path: Path, name: str, shown: str) -> None:
    box = publisher.box
    output = tmp_path / name
    redact(box, snapshot, output, "--hide-matching", "marmalade|PIN|our rules", "--show", shown)
    data = output.read_bytes()
    for secret in (
        b"marmalade",
        b"PIN is",
        b"hidden-address",
        b"Terms\n",
        *([] if shown == "capture" else [publisher.site.url("/").encode()]),
        *salts_of(box),
    ):
        assert secret not in data, secret
    for seed in salts_of(box):
        assert seed.hex().encode() not in data
    everything = json.loads(data if name == "x.json" else zipfile.ZipFile(io.BytesIO(data)).read("redacted.json"))
    hidden = [line for line in everything["object"]["lines"] if "leaf" in line]
    assert len(hidden) == 3 and all(line.keys() == {"leaf"} for line in hidden), "no salt of a hidden line"
    assert everything["witness"]["kind"] == ("capture" if shown == "capture" else "assessment")
    assert (everything["witness"]["statement"] is not None) == (shown != "nothing")
    assert box.call("verify", str(output)).code == 0


def test_a_hidden_line_cannot_be_guessed(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    """Everything but the number is known; every digest in the file is tried with every number.

    Of the page too: its other visitors, its publisher and other archives have all of it.
    """
    made = redact(publisher.box, snapshot, tmp_path / "x.json", "--hide-matching", "PIN", "--show", "nothing")
    assert (made["witness"], made["gives_away"]) == (None, None) and "--show capture" in made["unwitnessed"]
    data = (tmp_path / "x.json").read_text()
    whole = json.loads(data)["object"]
    assert [line["text"] for line in whole["lines"] if "text" in line and "PIN" in line["text"]] == []
    for number in range(4700, 4720):
        guess = f"Your PIN is {number}."
        text = "".join(f"{line.get('text', guess)}\n" for line in whole["lines"]).encode()
        salts = [bytes.fromhex(line["salt"]) for line in whole["lines"] if "salt" in line]
        tried = [
            text,
            page_with(guess),
            guess.encode(),
            f"{guess}\n".encode(),
            *(b"\x00" + salt + guess.encode() for salt in salts),
        ]
        for one in tried:
            for digest in (hashlib.sha256(one), hashlib.sha512(one)):
                assert digest.hexdigest() not in data
    # With the assessment it can, and that is said.
    again = ("--hide-matching", "PIN", *BY, *WHY, "--output", str(tmp_path / "y.json"))
    done = publisher.box.fine("redact", snapshot, *again, "--show", "assessment")
    assert "try out guesses" in done.err
    text = "".join(f"{line.get('text', PIN)}\n" for line in whole["lines"]).encode()
    assert hashlib.sha256(text).hexdigest() in (tmp_path / "y.json").read_text()
    again = ("--hide-matching", "PIN", *BY, *WHY, "--output", str(tmp_path / "z.json"))
    done = publisher.box.fine("redact", snapshot, *again)
    warned = " ".join(done.err.split())
    assert "byte for byte" in warned and "can try out guesses" in warned and "--show nothing avoids that" in warned
    assert hashlib.sha256(page_with(PIN)).hexdigest() in (tmp_path / "z.json").read_text()


def test_the_zip_holds_the_same(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    box = publisher.box
    redact(box, snapshot, tmp_path / "x.json", "--hide", "3", "--show", "assessment")
    stated = len(box.statements())
    redact(box, snapshot, tmp_path / "x.zip", "--hide", "3", "--show", "assessment")
    assert len(box.statements()) == stated, "the same redaction is stated once"
    members = zipfile.ZipFile(tmp_path / "x.zip")
    assert members.read("redacted.json") == (tmp_path / "x.json").read_bytes()
    assert members.read("text.txt").split(b"\n")[2] == b"[line hidden]"
    assert hashlib.sha256(members.read("redaction.json")).hexdigest()
    lines = [json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for body in box.statements()]
    assert members.read("assessment.json").decode().rstrip("\n") in lines
    data = (tmp_path / "x.zip").read_bytes()
    place = data.index(b"[line hidden]")
    (tmp_path / "z.zip").write_bytes(data[:place] + b"[line HIDDEN]" + data[place + 13 :])
    report = box.call("verify", str(tmp_path / "z.zip"), "--json")
    assert report.code == 1 and report.json[0]["checks"][0]["verdict"] == "fail"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--hide", "0"), "the text has the lines 1 to"),
        (("--hide", "900"), "; archiver redact SNAPSHOT lists them"),
        (("--hide", "5-3"), "the text has the lines 1 to"),
        (("--hide", "x"), "no line or range of lines"),
        (("--hide-matching", "("), "missing ), unterminated subpattern at position 0; write a backslash before a sign"),
        (("--hide-matching", "nowhere to be found"), "matches no line"),
        (("--hide", "1", "--output", "x.pdf"), "no form of a redacted text ends like"),
        (("--hide-matching", "marmalade", "--reason", SECRET), "quotes a line that is to be hidden"),
        (("--hide-matching", "marmalade", "--reason", f"of {SECRET.upper()}"), "quotes a line that is to be hidden"),
        (("--hide-matching", "^# Terms of Use", "--reason", "the  terms of use are known"), "quotes a line that is"),
        (("--hide-matching", "^# Terms of Use", "--by", "Terms of Use"), "quotes a line that is to be hidden"),
        (("--hide-matching", "marmalade", "--by", "somebody about marmalade was"), "the name"),
        (("--hide-matching", "Last updated", "--show", "assessment"), "the assessment quotes"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    publisher: Publisher,
    snapshot: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = (*BY, "--reason", "x", "--output", str(tmp_path / "x.json"))
    refused = publisher.box.call("redact", snapshot, *given, *words)
    assert refused.code == 2 and why in refused.error()
    assert not list(tmp_path.glob("x.*"))
    assert not [body for body in publisher.box.statements() if body.get("event") == "redaction"]


def test_lines_chosen_on_another_text_are_not_hidden(
    publisher: Publisher, snapshot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the choice and the act the daemon may have read the page by other rules: the numbers mean other lines."""
    box = publisher.box
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    archive = open_archive(box.root)
    looked_at, lines = text_of(archive, snapshot)
    archive.index.close()
    publisher.edit("--remove", "h1")
    box.fine("derive", "--present-rules")
    values = {"snapshot": snapshot, "assessment": looked_at.seq, "hidden": [lines.index(PIN)], "by": "A", "reason": "x"}
    with open_operation(box.root, lambda: None) as operation, pytest.raises(NotCheckable, match="read anew meanwhile"):
        redact_act(operation, values)
    assert not [body for body in box.statements() if body.get("event") == "redaction"]


def test_a_file_that_cannot_be_finished_leaves_none(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    words = ("redact", snapshot, "--hide", "1", *BY, *WHY, "--output", str(tmp_path / "x.json"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    publisher.box.fine(*words[:-1], str(tmp_path / "stated.json"))  # so that the log need not grow again
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        failed = publisher.box.call(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert failed.code != 0 and not list(tmp_path.glob("**/*x.json*"))
    publisher.box.fine(*words)
    assert (tmp_path / "x.json").read_bytes() == (tmp_path / "stated.json").read_bytes()


def test_what_has_no_lines_is_refused(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    box = publisher.box
    box.fine("capture", publisher.site.url("/privacy"))
    bare = box.captures()[-1]["snapshot"]
    assert "is of an address that is not watched, and no text was read" in box.call("redact", bare).error()
    assert "there is no snapshot" in box.call("redact", "EA-S-00000099").error()
    (tmp_path / "there.json").write_text("mine")
    taken = box.call("redact", snapshot, "--hide", "1", *WHY, "--output", str(tmp_path / "there.json"))
    assert taken.code == 2 and "is there already" in taken.error()
    assert (tmp_path / "there.json").read_text() == "mine"
    assert "needs --reason and --output" in box.call("redact", snapshot, "--hide", "1").error()
    assert dispose(box, snapshot).code == 0
    gone = box.call("redact", snapshot)
    assert gone.code == 3 and "was disposed of" in gone.error()


def test_where_the_page_is_its_text_no_statement_witnesses_it(publisher: Publisher, tmp_path: Path) -> None:
    text = f"Terms of use\n\nYou may use the service as you like, and nobody else may.\n\n{PIN}\n"
    snapshot = publisher.check((text.encode(), "text/plain; charset=utf-8"))["snapshot"]
    words = ("--hide-matching", "PIN", *BY, *WHY, "--output", str(tmp_path / "x.json"))
    refused = publisher.box.call("redact", snapshot, *words, "--show", "capture")
    assert refused.code == 2 and "the content is its text" in refused.error()
    done = publisher.box.fine("redact", snapshot, *words, "--json")
    assert "not in the file: the content is its text" in done.err
    assert done.json["witness"] is None and done.json["unwitnessed"].startswith("the content is its text")
    assert json.loads((tmp_path / "x.json").read_text())["witness"]["statement"] is None
    report = publisher.box.fine("verify", str(tmp_path / "x.json"), "--json").json[0]
    assert report["verdict"] == "pass" and "withheld" in report["not_checked"][0]


def test_by_default_nothing_is_shown_where_the_capture_cannot_witness_it(publisher: Publisher, tmp_path: Path) -> None:
    box = publisher.box
    address = publisher.site.url("/terms")
    snapshot = publisher.check(terms(("</main>", f"<p>Find us at {address}</p><p>{address}</p></main>")))["snapshot"]
    words = ("--hide-matching", f"^{address}$", *BY, *WHY, "--output", str(tmp_path / "x.json"))
    why = "the capture's statement quotes a line that is to be hidden"
    refused = box.call("redact", snapshot, *words, "--show", "capture")
    assert refused.code == 2 and refused.error() == f"error: {why}; ask for --show nothing"
    done = box.fine("redact", snapshot, *words, "--json")
    assert (done.json["witness"], done.json["unwitnessed"]) == (None, why)
    assert f"not in the file: {why}" in " ".join(done.err.split())
    publisher.edit("--remove", "h1")
    box.fine("derive", "--present-rules")
    later = redact(box, snapshot, tmp_path / "y.json", "--hide", "3")
    assert later["witness"] is None and later["unwitnessed"].startswith("the text was read after the capture was")
    for name in ("x.json", "y.json"):
        assert box.fine("verify", str(tmp_path / name), "--json").json[0]["verdict"] == "pass"


def test_the_help_says_what_the_capture_gives_away(box: Box) -> None:
    said = " ".join(box.fine("redact", "--help").out.split())
    assert "digests of the whole page" in said and "can try guesses at a short hidden line" in said
    assert "--show nothing avoids that" in said and "default: (capture, where it can witness the text)" in said


def test_a_bundle_of_it_comes_without_the_seed(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    box = publisher.box
    redact(box, snapshot, tmp_path / "x.json", "--hide", "2")
    box.fine("export", snapshot, "--output", str(tmp_path / "b.zip"))
    names = zipfile.ZipFile(tmp_path / "b.zip").namelist()
    assert "text/text.md" in names and "text/text.salt" not in names, "the whole text, without the seed of its salts"
    assert box.call("verify", str(tmp_path / "b.zip")).code in (0, 3)
    record = box.fine("cite", snapshot, "--format", "json").json
    assert [event["event"] for event in record["custody"]] == ["redaction", "export"]


def test_beside_a_daemon_it_is_published_by_it(publisher: Publisher, snapshot: str, tmp_path: Path) -> None:
    publisher.box.fine("watch", "pause", DOCUMENT)
    with publisher.box.daemon():
        redact(publisher.box, snapshot, tmp_path / "x.json", "--hide", "2")
        assert publisher.box.call("verify", str(tmp_path / "x.json")).code == 0


def test_without_the_passphrase_it_can_be_had_later(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init(passphrase="a long secret")
    publisher = Publisher(box, site)
    secret = ("--passphrase-file", str(tmp_path / "passphrase"))
    snapshot = publisher.check(terms())["snapshot"]
    words = ("redact", snapshot, "--hide", "1", *BY, *WHY, "--output", str(tmp_path / "x.json"))
    early = box.call(*words)
    assert early.code == 3 and "not covered by a published checkpoint yet" in early.err
    assert not (tmp_path / "x.json").exists()
    stated = len(box.statements())
    box.fine(*words, *secret)
    assert len(box.statements()) == stated, "what was stated is not stated again"
    assert box.call("verify", str(tmp_path / "x.json")).code == 0
