"""``archiver verify BUNDLE``: what it confirms, by whose key, and what it says of files that are no bundles."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli import run
from archiver.evidence.bundle import is_listed, sums_text
from archiver.evidence.check_names import NAMES
from archiver.evidence.note import Verifier
from archiver.evidence.timestamp import certificates_from_pem
from archiver.evidence.verify_bundle import verify_bundle
from archiver.exits import exit_code
from tests import bundles
from tests.bundle_vectors import ZIPS, build, entries
from tests.bundles import Desk, members_of, repacked
from tests.simulators.archives import workshop
from tests.tampering import flipped

KINDS = "first revisit redirect pages pdf chunked deflated failed blocked apart interrupted unstamped".split()


class Made:
    def __init__(self, folder: Path, desk: Desk, names: dict[str, str]) -> None:
        self.folder = folder
        self.desk = desk
        self.names = names
        self.outside = folder / "outside"
        self.outside.mkdir()
        shutil.copy(desk.root / "keys/log.vkey", self.outside)
        self.words = ["--key", str(self.outside / "log.vkey")]
        for name in desk.shop.authorities:
            shutil.copy(desk.root / f"authorities/{name}.pem", self.outside)
            self.words += ["--root", str(self.outside / f"{name}.pem")]
        self.witnesses = [one.key for one in desk.shop.witnesses.values()]
        self.words += [word for key in self.witnesses for word in ("--witness", key.vkey)]
        self._bundles: dict[str, Path] = {}

    def bundle(self, kind: str) -> Path:
        if kind not in self._bundles:
            self._bundles[kind] = self.desk.export(self.names[kind], self.folder / f"{kind}.zip")
        return self._bundles[kind]

    def files(self, kind: str) -> dict[str, bytes]:
        return members_of(self.bundle(kind))

    @property
    def key(self) -> Verifier:
        return Verifier.from_vkey((self.outside / "log.vkey").read_text().strip())

    @property
    def roots(self) -> list[bytes]:
        return [der for path in sorted(self.outside.glob("*.pem")) for der in certificates_from_pem(path.read_bytes())]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("verify-bundle")
    with workshop(folder, witnesses=["expert"]) as shop:
        names = bundles.full_archive(shop, folder / "archive")
        yield Made(folder, Desk(shop, folder / "archive"), names)


class Answer:
    """What the command said in a folder where no archive is."""

    def __init__(self, capsys: pytest.CaptureFixture[str], place: Path, *words: str) -> None:
        capsys.readouterr()
        self.code = run(["--archive", str(place), "verify", *words])
        self.out, self.err = capsys.readouterr()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def verdicts(self) -> dict[int, str]:
        return {check["number"]: check["verdict"] for check in self.json[0]["checks"]}

    def failed(self) -> list[tuple[int, str]]:
        return [(check["number"], check["detail"]) for check in self.json[0]["checks"] if check["verdict"] == "fail"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_with_key_and_roots_from_elsewhere(
    made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    answer = Answer(capsys, tmp_path, str(made.bundle(kind)), *made.words, "--json")
    (report,) = answer.json
    assert report["subject"] == str(made.bundle(kind))
    numbers = [check["number"] for check in report["checks"]]
    assert numbers == [21, 22, 23, 24, *range(1, 11), 25, 26, 27, 28, 29, 30]
    assert [check["name"] for check in report["checks"]] == [NAMES[number] for number in numbers]
    assert report["not_checked"]
    open_ones = {"unstamped": {6, 7}}.get(kind, set())
    verdicts = answer.verdicts()
    assert {n for n, verdict in verdicts.items() if verdict == "incomplete"} == open_ones
    assert "fail" not in verdicts.values()
    assert (answer.code, report["verdict"]) == ((3, "incomplete") if open_ones else (0, "pass"))
    assert verdicts[29] == ("none" if kind == "unstamped" else "pass")
    assert verdicts[26] == ("pass" if kind == "apart" else "none")
    assert verdicts[27] == ("pass" if kind in ("first", "revisit", "pages", "pdf") else "none")


def test_as_text(made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = Answer(capsys, tmp_path, str(made.bundle("first")), *made.words)
    assert answer.code == 0
    assert answer.out.startswith(f"{made.bundle('first')}: pass\n")
    assert "  22 pass  SHA256SUMS: " in answer.out and "   4 pass  decoded content: " in answer.out


def test_what_came_with_the_bundle_shows_only_that_its_parts_go_together(
    made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer = Answer(capsys, tmp_path, str(made.bundle("revisit")), "--json")
    assert answer.code == 3
    found = answer.verdicts()
    assert {number for number, verdict in found.items() if verdict == "incomplete"} == {6, 7, 9, 10, 23, 25, 29}
    assert "only by what came with the bundle: no key (--key)" in answer.out
    assert "only by what came with the bundle: no roots (--root)" in answer.out
    assert "only by what came with the bundle: no key of a witness (--witness)" in answer.out


def test_beside_its_archive_the_archive_s_key_and_roots_serve(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(made.desk.shop.state))
    answer = Answer(capsys, made.desk.root, str(made.bundle("revisit")), "--json")
    assert (answer.code, answer.json[0]["verdict"]) == (0, "pass")


def test_another_key_another_root(made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "other.vkey").write_text(Verifier("evidence.example.org/log", bytes(range(32))).vkey + "\n")
    words = ["--key", str(tmp_path / "other.vkey"), *made.words[2:], "--json"]
    answer = Answer(capsys, tmp_path, str(made.bundle("revisit")), *words)
    assert answer.code == 1
    assert {number for number, _ in answer.failed()} >= {6, 23, 25}
    root = str(made.outside / "north.pem")
    answer = Answer(capsys, tmp_path, str(made.bundle("revisit")), *made.words[:2], "--root", root, "--json")
    assert answer.code == 1
    assert {number for number, _ in answer.failed()} == {9, 10}


# Files that are no bundles


@pytest.mark.parametrize("defect", ZIPS)
def test_each_defect_has_its_own_message(
    made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path, defect: str
) -> None:
    maker, message = ZIPS[defect]
    files = made.files("redirect")
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(maker(files))
    answer = Answer(capsys, tmp_path, str(bundle), *made.words, "--json")
    assert answer.code == 1, answer.out
    (first, *_) = answer.failed()
    assert first[0] in (21, 22)
    assert re.search(message, first[1]), first


def test_the_vectors_differ_from_a_good_file_by_their_defect_alone(
    made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "good.zip").write_bytes(build(entries(made.files("redirect"))))
    answer = Answer(capsys, tmp_path, str(tmp_path / "good.zip"), *made.words, "--json")
    assert answer.code == 0, answer.failed()
    messages = [message for _, message in ZIPS.values()]
    assert len(messages) - len(set(messages)) <= 4


def test_a_bomb_is_stopped_before_it_is_unpacked(made: Made, tmp_path: Path) -> None:
    import tracemalloc

    maker, _ = ZIPS["bomb_that_lies"]
    bundle = tmp_path / "bomb.zip"
    bundle.write_bytes(maker(made.files("redirect")))
    tracemalloc.start()
    with bundle.open("rb") as source:
        verify_bundle(source, made.key, made.roots, (), made.witnesses)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_file_that_is_no_zip_at_all(made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no")
    answer = Answer(capsys, tmp_path, str(tmp_path / "x.zip"))
    assert answer.code == 1 and "x.zip: it is no zip file: it begins like no WARC file" in answer.out


# A changed byte


@pytest.mark.parametrize("kind", ["first", "revisit", "apart"])
def test_a_changed_byte_of_any_member_fails_and_is_named(made: Made, tmp_path: Path, kind: str) -> None:
    files = made.files(kind)
    chance = random.Random(kind)
    key, roots = made.key, made.roots
    for name, data in files.items():
        other = flipped(data, chance.randrange(len(data)))
        bundle = repacked(tmp_path / "changed.zip", {**files, name: other}.items())
        with bundle.open("rb") as source:
            checks = verify_bundle(source, key, roots)
        failed = [check.detail for check in checks if check.verdict == "fail"]
        assert any(name.rpartition("/")[2] in detail for detail in failed), (name, failed)


@pytest.mark.parametrize("kind", ["first", "revisit", "apart"])
def test_so_it_does_when_the_list_was_made_again(made: Made, tmp_path: Path, kind: str) -> None:
    """A forger makes SHA256SUMS again and drops the signature: what the log and the tokens cover is noticed still."""
    files = made.files(kind)
    del files["SHA256SUMS.sig"]
    chance = random.Random(kind)
    unnoticed = set()
    for name, data in files.items():
        if not is_listed(name):
            continue
        offset = 120 if name.endswith(".tsr") else chance.randrange(len(data))
        forged = {**files, name: flipped(data, offset)}
        forged["SHA256SUMS"] = sums_text({one: _sha256(text) for one, text in forged.items() if is_listed(one)})
        bundle = repacked(tmp_path / "forged.zip", forged.items())
        with bundle.open("rb") as source:
            if exit_code([_report(verify_bundle(source, made.key, made.roots, (), made.witnesses))]) == 0:
                unnoticed.add(name)
    only_listed = {name for name in files if re.fullmatch(ONLY_LISTED, name)}
    assert unnoticed <= only_listed


ONLY_LISTED = (
    r"VERIFY\.txt|PROCESS\.txt|verify\.(html|py)|citation/.*|roots/.*|referents/[^/]*/(checkpoint|statement|before)\..*"
)
"""What the list and its signature alone cover (docs/bundle.md): texts for people, and what a referent is not asked."""


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _report(checks: Any) -> Any:
    from archiver.evidence.verify import Report

    return Report("forged", checks)


def test_every_byte_of_the_zip_s_own_structure_counts(made: Made, tmp_path: Path) -> None:
    """Local headers, the directory and the end record: not one of their bytes may be otherwise."""
    import io
    import zipfile

    data = made.bundle("redirect").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        heads = [(info.header_offset, 30 + len(info.filename)) for info in archive.infolist()]
        heads.append((archive.start_dir, len(data) - archive.start_dir))
    offsets = [start + n for start, length in heads for n in range(length)]
    for offset in random.Random(0).sample(offsets, 400):
        checks = verify_bundle(io.BytesIO(flipped(data, offset)), made.key, made.roots, (), made.witnesses)
        assert checks[0].verdict == "fail" and len(checks) == 1, offset


# What only a bundle can get wrong


def _forged(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, **changes: bytes | None
) -> Answer:
    """A bundle with members changed or taken out, its list made again and its signature dropped."""
    files = {name: data for name, data in made.files(kind).items() if name != "SHA256SUMS.sig"}
    for name, data in changes.items():
        if data is None:
            del files[name]
        else:
            files[name] = data
    files["SHA256SUMS"] = sums_text({one: _sha256(text) for one, text in files.items() if is_listed(one)})
    bundle = repacked(tmp_path / "forged.zip", files.items())
    return Answer(capsys, tmp_path, str(bundle), *made.words, "--json")


def lines(made: Made, kind: str) -> list[bytes]:
    return made.files(kind)["journal/extract.jsonl"].splitlines(keepends=True)


def test_an_extract_that_is_not_the_log(made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good = lines(made, "revisit")
    bare = next(n for n, line in enumerate(good) if line.startswith(b'{"entry"'))
    forged = {
        "cut": (good[:-1], "lines, log/checkpoint covers"),
        "longer": ([*good, b'{"entry":"%s","seq":%d}\n' % (b"0" * 64, len(good))], "lines, log/checkpoint covers"),
        "swapped": ([good[1], good[0], *good[2:]], "line 1 says number 1, 0 comes next"),
        "other_entry": ([*good[:bare], good[bare].replace(b'"entry":"', b'"entry":"0')], "neither a statement nor"),
        "entry_exchanged": (
            [*good[:bare], b'{"entry":"%s","seq":%d}\n' % (b"0" * 64, bare), *good[bare + 1 :]],
            "does not lead to the root of",
        ),
        "spaces": ([*good[:bare], good[bare].replace(b",", b", ")], "neither a statement nor an entry"),
        "torn": ([*good[:-1], good[-1].rstrip()], "neither a statement nor an entry"),
        "own_line_hidden": (
            [b'{"entry":"%s","seq":%d}\n' % (_sha256(one).encode(), n) if b'"kind":"capture"' in one else one
             for n, one in enumerate(good)],
            "is not snapshot/statement.json",
        ),
        "key_hidden": (
            [b'{"entry":"%s","seq":0}\n' % _sha256(good[0]).encode(), *good[1:]],
            "does not begin with the statement of this key",
        ),
        "stamp_hidden": (
            [b'{"entry":"%s","seq":%d}\n' % (_sha256(one).encode(), n) if b'"kind":"stamp"' in one else one
             for n, one in enumerate(good)],
            "names this token and its chain",
        ),
    }  # fmt: skip
    for what, (text, message) in forged.items():
        answer = _forged(made, tmp_path, capsys, "revisit", **{"journal/extract.jsonl": b"".join(text)})
        assert answer.code == 1, what
        assert any(number == 25 and message in detail for number, detail in answer.failed()), (what, answer.failed())


def test_texts_that_are_not_the_assessment_s(made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cases: dict[str, tuple[dict[str, bytes | None], str]] = {
        "other text": ({"text/text.md": b"# Terms\n"}, "is not the text that text/assessment.json states"),
        "other salt": ({"text/text.salt": bytes(32)}, "do not lead to the root of the lines"),
        "short salt": ({"text/text.salt": bytes(31)}, "has 32 bytes, not 31"),
        "other links": ({"text/links.jsonl": b"[]\n"}, "text/links.jsonl is not what"),
        "no links": ({"text/links.jsonl": None}, "text/links.jsonl is missing"),
        "no assessment": ({"text/assessment.json": None}, "is there without text/assessment.json"),
        "another's assessment": (
            {"text/assessment.json": made.files("pages")["text/assessment.json"]},
            "is not text/assessment.json",
        ),
    }
    for what, (changes, message) in cases.items():
        answer = _forged(made, tmp_path, capsys, "first", **changes)
        assert answer.code == 1, what
        assert any(number == 27 and message in detail for number, detail in answer.failed()), (what, answer.failed())


def test_parts_of_another_bundle(made: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = made.files("redirect")
    cases: dict[str, tuple[dict[str, bytes | None], int, str]] = {
        "citation": ({"citation/citation.json": other["citation/citation.json"]}, 28, "is of another snapshot"),
        "statement": ({"snapshot/statement.json": other["snapshot/statement.json"]}, 2, "capture.warc.gz"),
        "checkpoint": (
            {"log/checkpoint": made.files("first")["snapshot/statement.tlog-proof"].partition(b"\n\n")[2]},
            25,
            "lines, log/checkpoint covers",
        ),
        "consistency": ({"log/consistency.json": None}, 25, "log/consistency.json is missing"),
        "key": (
            {"keys/log.pub.pem": Verifier("x", bytes(range(32))).spki_pem},
            23,
            "keys/log.pub.pem is not the key of keys/log.vkey",
        ),
        "no json": ({"citation/citation.json": b"{"}, 28, "docs/format.md"),
        "other json": ({"citation/citation.json": b"[]"}, 28, "docs/format.md"),
    }
    for what, (changes, number, message) in cases.items():
        answer = _forged(made, tmp_path, capsys, "revisit", **changes)
        assert answer.code == 1, what
        assert any(n == number and message in detail for n, detail in answer.failed()), (what, answer.failed())
