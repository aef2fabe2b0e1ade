"""One changed bit anywhere, and ``verify`` fails and names the file; so does a file too many, too few, or elsewhere."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archiver.archive import open_archive
from archiver.audit import Audit
from archiver.audit_archive import verify_archive
from archiver.evidence.timestamp import read_token
from archiver.evidence.verify import Report
from archiver.exits import exit_code
from tests.simulators.archives import TERMS, Workshop, small_archive, workshop
from tests.tampering import changed, flipped, look_alone, problem, survey, survey_archive

LARGE = 500
"""Places that are changed in a file that is not small; all of a smaller one."""
PROCESSES = 2
EXAMINED = re.compile(r"snapshots/|texts/|stamps/|log/|journal/|keys/log\.(vkey|pub\.pem)")
REWORDED = TERMS.replace(b"fourteen days", b"thirty days").replace(b"/rules", b"/house")


@dataclass(frozen=True)
class Made:
    """The archive that every test here starts from."""

    shop: Workshop
    root: Path
    snapshots: list[str]

    @property
    def folders(self) -> list[Path]:
        return sorted(self.root.glob("snapshots/*/*/*/*"))

    def files(self) -> list[str]:
        found = sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())
        return [path for path in found if EXAMINED.match(path)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with workshop(tmp_path_factory.mktemp("tamper"), witnesses=["expert"]) as shop:
        root = shop.folder / "archive"
        snapshots = small_archive(shop, root)
        terms = shop.site.documents["/terms"]
        shop.site.documents["/terms"] = REWORDED
        (reworded,) = shop.capture(root, [shop.site.url("/terms")])
        shop.site.documents["/terms"] = terms
        yield Made(shop, root, [*snapshots, str(reworded.capture.body["snapshot"])])


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Made:
    """A copy to spoil, with a head copy of its own."""
    root = tmp_path / "archive"
    shutil.copytree(made.root, root, symlinks=True)
    shutil.copytree(made.shop.state, tmp_path / "state")
    return Made(Workshop(tmp_path, made.shop.site, made.shop.authorities), root, made.snapshots)


def audit(made: Made) -> Audit:
    return Audit(open_archive(made.root, environment=made.shop.environment))


def everything(made: Made) -> list[Report]:
    return list(audit(made).all(lambda: None))


def failures(reports: list[Report]) -> list[tuple[int, str]]:
    return [(c.number, c.detail) for report in reports for c in report.checks if c.verdict == "fail"]


def fails(made: Made, name: str, code: int | None = None) -> list[tuple[int, str]]:
    """The archive fails as a whole, and one failed check names this."""
    reports = everything(made)
    found = failures(reports)
    assert exit_code(reports) in ((1, 4) if code is None else (code,)), found
    assert any(name in detail for _, detail in found), found
    return found


def archiver(made: Made, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archiver", "--archive", str(made.root), *words],
        env={**os.environ, **made.shop.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# One bit


def work(made: Made) -> list[tuple[str, list[int]]]:
    chance = random.Random(1)
    found = []
    for path in made.files():
        size = (made.root / path).stat().st_size
        large = path.endswith(".warc.gz") or path.startswith("journal/")
        offsets = sorted(chance.sample(range(size), LARGE)) if large and size > LARGE else list(range(size))
        found += [(path, offsets[at : at + LARGE]) for at in range(0, len(offsets), LARGE)]
    return found


def test_the_archive_is_whole_and_has_everything(made: Made) -> None:
    reports = everything(made)
    assert not failures(reports)
    assert exit_code(reports) == 0
    paths = " ".join(made.files())
    for kind in (
        "statement.json statement.tlog-proof capture.warc.gz statement.north.tsr statement.south.chain.pem"
        " checkpoint.north.tsr checkpoint.south.chain.pem checkpoint.archive-expert.cosig before. .subject stamps/"
        " log/checkpoint log/tile/entries log/tile/0 journal/ keys/log.vkey keys/log.pub.pem"
    ).split():
        assert kind in paths
    types = {record["type"] for f in made.folders for record in statement_of(f)["warc"]["records"]}
    assert "revisit" in types
    assert [len(statement_of(f)["parts"][0]["exchanges"]) for f in made.folders] == [1, 1, 2, 1]
    kinds = sorted(path.rpartition(".")[2] for path in made.files() if path.startswith("texts/"))
    assert kinds == ["links", "links", "salt", "salt", "txt", "txt"], "two wordings, each with links of its own"


def statement_of(folder: Path) -> Any:
    return json.loads((folder / "statement.json").read_bytes())


def test_every_bit_is_noticed_and_the_file_is_named(made: Made, tmp_path: Path) -> None:
    pieces = work(made)
    random.Random(2).shuffle(pieces)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        running = []
        for number in range(PROCESSES):
            root, state = tmp_path / str(number) / "archive", tmp_path / str(number) / "state"
            shutil.copytree(made.root, root)
            shutil.copytree(made.shop.state, state)
            running.append(pool.submit(survey_archive, str(root), str(state), pieces[number::PROCESSES]))
        problems = [problem for future in running for problem in future.result()]
    assert not problems, f"{len(problems)}\n" + "\n".join(problems[:40])


KINDS = (
    "statement.json statement.tlog-proof capture.warc.gz checkpoint.north.tsr checkpoint.south.chain.pem"
    " before.*.tsr before.*.subject"
).split()


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_names_the_file_of_a_snapshot(copied: Made, kind: str) -> None:
    file = next(copied.folders[1].glob(kind))
    with changed(file, flipped(file.read_bytes(), file.stat().st_size // 2)):
        done = archiver(copied, "verify", copied.snapshots[1])
    assert done.returncode in (1, 4), done.stderr
    assert f"{copied.snapshots[1]}: fail" in done.stdout
    assert any(file.name in line for line in done.stdout.splitlines() if "FAIL" in line), done.stdout


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("journal/*.jsonl", 4),
        ("log/checkpoint", 4),
        ("log/tile/0/000.p/26", 4),
        ("log/tile/entries/000.p/26", 4),
        ("stamps/*/checkpoint", 1),
        ("stamps/*/north.tsr", 1),
        ("stamps/*/south.chain.pem", 1),
        ("texts/*/*.txt", 1),
        ("texts/*/*.salt", 1),
        ("texts/*/*.links", 1),
        ("keys/log.vkey", 4),
        ("keys/log.pub.pem", 4),
    ],
)
def test_the_command_names_the_file_of_the_archive(copied: Made, place: str, code: int) -> None:
    file = next(copied.root.glob(place))
    with changed(file, flipped(file.read_bytes(), file.stat().st_size // 2)):
        done = archiver(copied, "verify", "--all")
    assert done.returncode == code, done.stdout + done.stderr
    assert str(file.relative_to(copied.root)) in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["txt", "salt", "links"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_the_command_names_the_text_of_a_snapshot_and_that_alone(copied: Made, kind: str, how: str) -> None:
    """Of the two wordings one is spoilt: the snapshots of the other pass, and so does everything that is not a text."""
    seq = int(copied.snapshots[3].rpartition("-")[2])
    with sqlite3.connect(copied.root / "archive.db") as db:
        row = db.execute("select text_sha256, links_sha256 from assessment where capture_seq = ?", (seq,)).fetchone()
    db.close()
    name = row[kind == "links"].hex()
    file = copied.root / f"texts/{name[:2]}/{name}.{kind}"
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(flipped(file.read_bytes(), 20))
    one = archiver(copied, "verify", copied.snapshots[3])
    assert one.returncode == 1 and file.name in one.stdout, one.stdout + one.stderr
    other = archiver(copied, "verify", *copied.snapshots[:3])
    assert other.returncode == 0, other.stdout
    reports = everything(copied)
    assert {number for number, _ in failures(reports)} == {15}, failures(reports)
    assert all(file.name in detail for _, detail in failures(reports))


def test_files_that_a_crash_left_of_a_text_harm_nothing_and_are_counted(copied: Made) -> None:
    """Written before a commit that never came: whole, torn, or the seed alone."""
    for name, data in (("ab", b"half a te"), ("cd", b"")):
        file = copied.root / f"texts/{name}/{name * 32}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
        file.with_suffix(".salt").write_bytes(bytes(32))
    reports = everything(copied)
    assert exit_code(reports) == 0
    (texts,) = (check.detail for check in reports[0].checks if check.number == 15)
    assert texts.endswith("; 4 files that no assessment names")


def test_every_bit_of_the_head_copy(copied: Made) -> None:
    (head,) = copied.shop.state.rglob("*.head")
    before = head.read_bytes()
    for offset in range(0, len(before), 3):
        with changed(head, flipped(before, offset)):
            found = failures([verify_archive(audit(copied))])
        assert any("head copy" in detail for _, detail in found) or _still_true(before, offset), (offset, found)


def _still_true(before: bytes, offset: int) -> bool:
    """A lower acknowledged number than the true one cannot be told from an older copy."""
    return _acknowledged(flipped(before, offset)) < _acknowledged(before)


def _acknowledged(line: bytes) -> int:
    try:
        return int(json.loads(line)["acknowledged"])
    except (ValueError, KeyError):
        return 1 << 53


# The folder alone


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_folder_alone_passes(made: Made, tmp_path: Path, number: int) -> None:
    folder = tmp_path / made.folders[number].name
    shutil.copytree(made.folders[number], folder)
    if number:  # a revisit needs the snapshot that holds its payload
        shutil.copytree(made.folders[0], tmp_path / made.folders[0].name)
    words = ["--json", "verify", str(folder), "--key", str(made.root / "keys/log.vkey")]
    for authority in made.shop.authorities:
        words += ["--root", str(made.root / f"authorities/{authority}.pem")]
    for witness in made.shop.witnesses.values():
        words += ["--witness", witness.key.vkey]
    done = subprocess.run(
        [sys.executable, "-m", "archiver", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = json.loads(done.stdout)
    assert report["verdict"] == "pass"
    assert [check["number"] for check in report["checks"]] == [*range(1, 11), 16]


def test_a_lone_revisit_is_incomplete(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.folders[1], tmp_path / "stick" / made.folders[1].name)
    done = archiver(made, "verify", str(tmp_path / "stick" / made.folders[1].name))
    assert done.returncode == 0  # the archive at hand has the referent
    lone = subprocess.run(
        [sys.executable, "-m", "archiver", "verify", str(tmp_path / "stick" / made.folders[1].name)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lone.returncode == 3
    assert "the payload is that of statement 2" in lone.stdout


@pytest.mark.filterwarnings("ignore:Attribute's length must be")
def test_every_bit_of_a_folder_alone(made: Made, tmp_path: Path) -> None:
    """All is noticed but for the copies of certificates in a reply, which no signature covers; the chain beside it
    holds them too, and the archive has the digest of the whole reply.
    """
    folder, referent = tmp_path / made.folders[1].name, made.folders[0]
    shutil.copytree(made.folders[1], folder)
    roots = [made.root / f"authorities/{name}.pem" for name in made.shop.authorities]
    witnesses = [one.key for one in made.shop.witnesses.values()]
    look = look_alone(folder, made.root / "keys/log.vkey", roots, referent, witnesses)
    for file in sorted(folder.iterdir()):
        copies = _certificates_in(file)
        for offset in range(0, file.stat().st_size, 1 + file.stat().st_size // 150):
            found = survey(look(file.name), file, f"snapshots/x/{file.name}", [offset])
            assert not found or (offset in copies and "not noticed" in found[0]), found


def _certificates_in(file: Path) -> range:
    """Where the certificates of a reply lie, with the head of their list."""
    if not file.name.endswith(".tsr"):
        return range(0)
    data = file.read_bytes()
    ders = read_token(data).certificates
    return range(data.index(ders[0]) - 4, max(data.index(der) + len(der) for der in ders))


# Files too many, too few, cut, or elsewhere


def test_a_file_missing(copied: Made) -> None:
    for path in copied.files():
        file = copied.root / path
        if re.search(r"log/tile/.*\.p/(?!26$)", path):
            continue  # heads that were superseded: their partial tiles may be deleted (C2SP tlog-tiles)
        data = file.read_bytes()
        file.unlink()
        what = _problem_of_all(copied, path)
        file.write_bytes(data)
        assert what is None, what


def _problem_of_all(made: Made, path: str) -> str | None:
    return problem(lambda: everything(made), path)


def test_a_file_cut_short(copied: Made) -> None:
    for path in copied.files():
        file = copied.root / path
        data = file.read_bytes()
        for length in (0, len(data) - 1):
            file.write_bytes(data[:length])
            what = _problem_of_all(copied, path)
            assert what is None, (length, what)
        file.write_bytes(data)


EXTRA = (
    "notes.txt capture.warc.gz.bak statement.json~ checkpoint.west.tsr checkpoint.west.chain.pem statement.west.tsr"
    " before.west.subject statement.north.2.tsr"
).split()


@pytest.mark.parametrize("name", EXTRA)
def test_a_file_too_many_in_a_snapshot(copied: Made, name: str) -> None:
    (copied.folders[1] / name).write_bytes(b"more\n")
    fails(copied, name, 1)


def test_a_copy_of_a_token_under_another_name(copied: Made) -> None:
    folder = copied.folders[0]
    for kind in ("tsr", "chain.pem"):
        shutil.copy(folder / f"statement.north.{kind}", folder / f"statement.north.2.{kind}")
    fails(copied, "statement.north.2.tsr", 1)


@pytest.mark.parametrize(
    "path",
    [
        "stamps/4/west.tsr",
        "stamps/99/checkpoint",
        "stamps/notes.txt",
        "journal/notes.txt",
        "log/tile/0/000.p/7",
        "log/tile/9/000.p/1",
        "log/tile/entries/notes",
        "log/notes.txt",
        "snapshots/notes.txt",
        "snapshots/2026/notes.txt",
        "snapshots/2026/01/01/EA-S-00000099/statement.json",
        "texts/notes.txt",
        "texts/ab/notes.txt",
        f"texts/ab/{'ab' * 32}.html",
        f"texts/ab/{'ba' * 32}.txt",
    ],
)
def test_a_file_too_many_in_the_archive(copied: Made, path: str) -> None:
    file = copied.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"more\n")
    fails(copied, str(Path(path).parent if path.startswith("snapshots/") and "EA-S" in path else path))


def test_a_file_renamed(copied: Made) -> None:
    for path in copied.files():
        if path.startswith("keys/") or re.search(r"log/tile/.*\.p/(?!26$)", path):
            continue
        file = copied.root / path
        other = file.with_name(f"{file.name}x")
        file.rename(other)
        found = failures(everything(copied))
        assert any(file.name in detail for _, detail in found), (path, found)
        other.rename(file)


def test_a_folder_renamed(copied: Made) -> None:
    folder = copied.folders[1]
    folder.rename(folder.with_name("EA-S-00000099"))
    found = fails(copied, "EA-S-00000099", 4)
    assert any(number == 11 for number, _ in found)


@pytest.mark.parametrize("name", ["statement.json", "capture.warc.gz", "statement.tlog-proof", "checkpoint.north.tsr"])
def test_a_symbolic_link_in_a_snapshot(copied: Made, tmp_path: Path, name: str) -> None:
    """Even one to the very same bytes: what it points to can change without a trace in the folder."""
    file = copied.folders[1] / name
    file.rename(tmp_path / name)
    file.symlink_to(tmp_path / name)
    fails(copied, name)
    done = archiver(copied, "verify", str(copied.folders[1]))
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(name in line for line in done.stdout.splitlines() if "FAIL" in line)


def test_a_link_that_is_a_stranger(copied: Made) -> None:
    (copied.folders[1] / "elsewhere").symlink_to("/etc")
    fails(copied, "elsewhere", 1)


def test_a_folder_where_a_file_should_be(copied: Made) -> None:
    file = copied.folders[1] / "checkpoint.north.tsr"
    file.unlink()
    file.mkdir()
    fails(copied, "checkpoint.north.tsr", 1)


# Other histories


def test_a_folder_of_another_log(copied: Made, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shop = Workshop(tmp_path / "shop", copied.shop.site, {})
    shop.folder.mkdir()
    shop.archive(other, "elsewhere.example/log")
    (outcome,) = shop.capture(other, [shop.site.url("/terms")], stamp=False)
    folder = other / str(outcome.capture.body["folder"])
    done = archiver(copied, "verify", str(folder))
    assert done.returncode == 1
    assert "statement.json is of the log elsewhere.example/log" in done.stdout
    shutil.copytree(folder, copied.folders[0].parent / folder.name)
    fails(copied, folder.name, 4)


def test_an_old_backup_put_back(copied: Made, tmp_path: Path) -> None:
    """The head copy outside the archive knows more than the archive does."""
    backup = tmp_path / "backup"
    shutil.copytree(copied.root, backup)
    copied.shop.capture(copied.root, [copied.shop.site.url("/terms")], stamp=False)
    assert exit_code(everything(copied)) in (0, 3)
    shutil.rmtree(copied.root)
    backup.rename(copied.root)
    fails(copied, "head copy", 4)
    done = archiver(copied, "verify", copied.snapshots[0])
    assert done.returncode == 4
    assert "is older than the head copy" in done.stdout


def test_a_journal_written_anew(copied: Made) -> None:
    """Someone with the archive but without the key rewrites a line, its copy, the database and the tiles."""
    (journal,) = (copied.root / "journal").iterdir()
    lines = journal.read_bytes().splitlines(keepends=True)
    seq = int(copied.snapshots[0].rsplit("-", 1)[1])
    lines[seq] = lines[seq].replace(b'"trigger":"manual"', b'"trigger":"manuam"')
    journal.write_bytes(b"".join(lines))
    (copied.folders[0] / "statement.json").write_bytes(lines[seq])
    found = fails(copied, journal.name, 4)
    assert (11, f"journal/{journal.name}: line {seq} is not the one in the log") == (11, found[0][1].partition(",")[0])


def test_the_end_of_the_journal_cut_off(copied: Made) -> None:
    (journal,) = (copied.root / "journal").iterdir()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    fails(copied, journal.name, 4)


# The database


@pytest.mark.parametrize(
    "change",
    [
        "update capture set status = 404 where status = 200",
        "update capture set folder = null where seq = 2",
        "update statement set at = '2020-01-01T00:00:00.000Z' where seq = 2",
        "update assessment set verdict = 'quarantined'",
        "update stamp set gen_time = '2020-01-01T00:00:00Z' where seq = 4",
        "update url set url = url || 'x'",
        "delete from digest where object = 'content'",
        "delete from watch_entry",
        "insert into digest values (zeroblob(32), 'content', 2)",
        "insert into url (url) values ('https://example.org/')",
        "update passage set line = line || '.' where id = 1",
        "update wording_passage set place = place + 100",
        "insert into passage_search (passage_search, rowid, line) select 'delete', id, line from passage where id = 1",
        "insert into passage_search (rowid, line) values (99, 'words that nobody said')",
    ],
)
def test_a_row_altered_by_hand(copied: Made, change: str) -> None:
    with sqlite3.connect(copied.root / "archive.db") as db:
        for (name,) in db.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            db.execute(f"drop trigger {name}")
        assert db.execute(change).rowcount
    db.close()
    found = fails(copied, "archive.db")
    assert any(number == 13 for number, _ in found)


def test_a_row_of_the_newest_statement_deleted(copied: Made) -> None:
    with sqlite3.connect(copied.root / "archive.db") as db:
        db.execute("drop trigger statement_no_delete")
        db.execute("delete from statement where seq = (select max(seq) from statement)")
    db.close()
    fails(copied, "archive.db", 1)


def answers(made: Made) -> list[Any]:
    commands = [
        ["verify", *made.snapshots],
        ["verify", "--all"],
        ["history", "EA-D-00001"],
        ["search", "rules house"],
        ["search", '"thirty days"'],
        *(["cite", snapshot, "--format", "json"] for snapshot in made.snapshots),
    ]
    found = []
    for words in commands:
        done = archiver(made, "--json", *words)
        assert done.returncode == 0, done.stderr
        found.append(_without_now(json.loads(done.stdout)))
    return found


def _without_now(value: Any) -> Any:
    """Leave out when the answer was given, and when the file was digested and the tokens were verified for it."""
    if isinstance(value, dict):
        if "fixity" in value:
            value = value | {"fixity": [{**check, "at": None} for check in value["fixity"]]}
        return {key: _without_now(item) for key, item in value.items() if key not in ("issued", "verified_at")}
    return [_without_now(item) for item in value] if isinstance(value, list) else value


def test_without_its_database_an_archive_answers_the_same_after_rebuild(copied: Made) -> None:
    before = answers(copied)
    for name in ("archive.db", "archive.db-wal", "archive.db-shm"):
        (copied.root / name).unlink(missing_ok=True)
    lost = archiver(copied, "verify", "--all")
    assert lost.returncode == 4
    assert "archiver rebuild" in lost.stderr
    rebuilt = archiver(copied, "rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert answers(copied) == before
