"""``archiver demo`` as a newcomer runs it: the tour ends by itself, its archive verifies, no process stays behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from archiver.demo.outsider import try_all
from archiver.demo.story import CITED, CLAUSE_TITLE, NEVER, PATH, REVISIONS, site_file

EXPECTED = [
    ("new_version", None),
    ("new_version", "wording"),
    ("unchanged", None),
    ("quarantined", None),
    ("new_version", "wording"),
    ("new_version", "reversion"),
]
TIMEOUT_S = 120


def environment(home: Path) -> dict[str, str]:
    """Ours without its settings, but with one that the demonstration must not take over."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARCHIVER_", "XDG_"))}
    return {**kept, "HOME": str(home), "ARCHIVER_NETWORK_TIMEOUT_S": "not a number"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "archiver", *words]


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("demo", *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
    )


def ask(archive: Path, *words: str) -> Any:
    """The JSON that an ordinary command prints, once it ended with 0."""
    env = {name: value for name, value in environment(archive).items() if not name.startswith("ARCHIVER_")}
    done = subprocess.run(
        command("--archive", str(archive), "--json", *words), capture_output=True, env=env, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def processes_naming(folder: Path) -> list[str]:
    """Command lines of running processes in which this folder stands."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile
            if str(folder) in line:
                found.append(line)
    return found


@dataclass(frozen=True)
class Ran:
    """A tour that has ended."""

    folder: Path
    code: int
    out: str
    err: str

    @property
    def archive(self) -> Path:
        return self.folder / "archive"


@pytest.fixture(scope="module")
def tours() -> Iterator[tuple[Ran, Ran]]:
    """The tour as text and as JSON, run side by side, in folders with short names as a user has them."""
    with TemporaryDirectory(prefix="demo-") as home:
        yield from _tours(Path(home))


def _tours(home: Path) -> Iterator[tuple[Ran, Ran]]:
    started = [
        (home / name, start(home, "--folder", str(home / name), *more))
        for name, *more in (["text"], ["json", "--json"])
    ]
    try:
        ended = [(folder, process, process.communicate(timeout=TIMEOUT_S)) for folder, process in started]
    finally:
        for _, process in started:
            process.terminate()
    text, as_json = (Ran(folder, process.returncode, *output) for folder, process, output in ended)
    yield text, as_json


@pytest.fixture
def text(tours: tuple[Ran, Ran]) -> Ran:
    return tours[0]


@pytest.fixture
def as_json(tours: tuple[Ran, Ran]) -> Ran:
    return tours[1]


def test_it_ends_by_itself_with_0_and_leaves_no_process(text: Ran, as_json: Ran) -> None:
    assert (text.code, text.err) == (0, "")
    assert as_json.code == 0
    assert processes_naming(text.folder) == []
    assert processes_naming(as_json.folder) == []


def test_six_visits_come_to_what_they_should(text: Ran) -> None:
    history = ask(text.archive, "history", "EA-D-00001")
    assert [check["outcome"] for check in history["checks"]] == [outcome for outcome, _ in EXPECTED]
    assert [(v["version"], v["change"]) for v in history["versions"]] == [
        (1, None),
        (2, "wording"),
        (3, "wording"),
        (1, "reversion"),
    ]
    outage = history["checks"][3]
    assert (outage["status"], outage["version"]) == (503, None)
    assert outage["warc_sha256"]
    assert {check["tls_verdict"] for check in history["checks"]} == {"valid"}


def test_the_first_check_is_the_schedules_own(text: Ran) -> None:
    triggers = []
    for line in b"".join(path.read_bytes() for path in sorted((text.archive / "journal").iterdir())).splitlines():
        statement = json.loads(line)
        if statement["kind"] == "capture":
            triggers.append(statement["trigger"])
    assert triggers == ["scheduled", *["manual"] * 5]


def test_everything_verifies_afterwards(text: Ran) -> None:
    reports = ask(text.archive, "verify", "--all")
    assert len(reports) == 1 + len(REVISIONS)
    assert {report["verdict"] for report in reports} == {"pass"}
    brackets = [check["detail"] for report in reports[1:] for check in report["checks"] if check["number"] == 10]
    assert all("sealed between" in detail for detail in brackets)


def test_an_outsider_finds_a_changed_byte(text: Ran, tmp_path: Path) -> None:
    snapshot = ask(text.archive, "history", "EA-D-00001")["checks"][CITED - 1]["snapshot"]
    (folder,) = text.archive.glob(f"snapshots/*/*/*/{snapshot}")
    root = text.folder / "authority" / "root.pem"
    assert [one.fine for one in try_all(folder, "demo", root)] == [True, True]
    for name in ("statement.json", "statement.demo.tsr", "capture.warc.gz"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    statement = bytearray((tmp_path / "statement.json").read_bytes())
    statement[100] ^= 1
    (tmp_path / "statement.json").write_bytes(statement)
    assert [one.fine for one in try_all(tmp_path, "demo", root)] == [True, False]


def test_the_story_tells_what_was_shown_and_what_not(text: Ran) -> None:
    checks = ask(text.archive, "history", "EA-D-00001")["checks"]
    returned, snapshot = checks[-1]["snapshot"], checks[CITED - 1]["snapshot"]
    for part in (
        "archiver history EA-D-00001",
        f"{snapshot}: pass",
        "the record was sealed between",
        "Verification: OK",
        "archiver diff EA-D-00001 2 3",
        "wording: 2 places, ",
        "archiver provision show EA-P-000001",
        "reworded 69",
        f"CITATION RECORD example.org/demo-log#{returned}/EA-P-000001",
        f"Words of the clause: “{NEVER[:40]}",
        "6 of 6 snapshots pass",
        "the text does not, so there is no new version",
        "Not shown: ",
        "Authority and witness are toys",
        "archiver log witness list",
        f"Kept: {text.folder}",
    ):
        assert part in text.out, part
    assert "Press Enter" not in text.out
    assert "\x1b" not in text.out


def test_the_clause_of_the_first_visit_is_followed_through_all(text: Ran) -> None:
    clause = ask(text.archive, "provision", "show", "EA-P-000001")
    assert clause["exact"] == NEVER and clause["title"] == CLAUSE_TITLE
    assert [(item["version"], item["state"]) for item in clause["life"]] == [
        (1, "verbatim"),
        (2, "reworded"),
        (3, "reworded"),
    ]
    assert [item["kind"] for item in clause["change_list"]] == ["reworded"] * 3
    assert (clause["checks"], clause["telling_checks"]) == (6, 5)
    (place,) = clause["wire"]["bytes"]
    assert REVISIONS[0].page()[place["start"] : place["end"]].decode() == NEVER


def test_what_is_offered_to_try_next_can_be_typed(text: Ran) -> None:
    _, _, offered = text.out.partition("── try next")
    commands = [re.sub(r"^.*-m archiver ", "", line.split("  #")[0]).split() for line in offered.splitlines()[2:]]
    commands = [words for words in commands if words and words[0] not in ("gzip", "The")]
    assert {words[0] for words in commands} >= {"search", "provision", "absence", "quarantine", "verify", "cite"}
    for words in commands:
        env = environment(text.archive)
        del env["ARCHIVER_NETWORK_TIMEOUT_S"]
        done = subprocess.run(
            command("--archive", str(text.archive), *words), capture_output=True, text=True, env=env, timeout=60
        )
        # A span in which the wording changed is a finding.
        assert done.returncode == (1 if words[0] == "absence" else 0), (words, done.stderr)
        assert done.stdout, words


def test_every_line_of_the_story_fits_a_hundred_columns(text: Ran) -> None:
    told, _, evidence = text.out.partition("── archiver verify EA-")
    closing = evidence[evidence.index("── what this showed") :]
    cited = evidence[evidence.index("── archiver cite EA-S-") : evidence.index("── archiver verify --all")]
    # Lines that hold the folder are as long as the folder's name wants, those to be typed as the program's.
    lines = [line for line in (told + cited + closing).splitlines() if str(text.folder) not in line]
    offered = [line for line in lines if " -m archiver " in line]
    assert [line for line in lines if len(line) > 100 and line not in offered] == []
    assert [line for line in offered if len(line) > 100 and "  #" in line] == [], "a remark makes none longer"
    assert "did it stay the same?" in closing and "on file with Demonstration Archive" in " ".join(cited.split())


def test_json_is_one_document_and_the_story_goes_to_standard_error(as_json: Ran) -> None:
    told = json.loads(as_json.out)
    assert told["verdict"] == "pass"
    assert (told["folder"], told["archive"]) == (str(as_json.folder), str(as_json.archive))
    assert (told["document"], told["url"].endswith(PATH)) == ("EA-D-00001", True)
    assert [(visit["outcome"], visit["change"]) for visit in told["visits"]] == EXPECTED
    assert all(visit["expected"] and visit["sealed_after"] and visit["sealed_before"] for visit in told["visits"])
    assert [report["verdict"] for report in told["verify"]] == ["pass"] * 7
    assert "1  The policy as first published" in as_json.err
    assert (told["diff"]["class"], told["provision"]["provision"]) == ("wording", "EA-P-000001")
    assert told["citation"]["citation_id"].endswith("/EA-P-000001") and told["citation"]["pin"]["exact"] == NEVER


def test_stopped_half_way_it_takes_the_daemon_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    process = start(tmp_path, "--folder", str(folder))
    assert process.stdout is not None
    daemon = None
    for line in process.stdout:
        daemon = re.search(r"process (\d+)", line)
        if daemon:
            break
    assert daemon is not None
    assert len(processes_naming(folder)) == 2
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, err) == (130, "")
    assert f"Kept: {folder}" in out
    assert processes_naming(folder) == []
    assert "stopped at statement" in (folder / "daemon.log").read_text()


@pytest.mark.parametrize("kind", ["full_folder", "file", "impossible"])
def test_a_folder_that_will_not_do_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "taken"
    if kind == "full_folder":
        folder.mkdir()
        (folder / "mine").write_text("mine")
    elif kind == "file":
        folder.write_text("mine")
    else:
        folder = Path("/proc/no-such-process")
    process = start(tmp_path, "--folder", str(folder))
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("error: ") and str(folder) in err and err.count("\n") == 1
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] in (["mine"], [])


def test_without_openssl_it_says_so_and_makes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "never"
    env = {**environment(tmp_path), "PATH": str(tmp_path)}
    done = subprocess.run(
        command("demo", "--folder", str(folder)), capture_output=True, text=True, env=env, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the demonstration needs the openssl program; install the package openssl\n"
    assert not folder.exists()


def test_a_closed_standard_input_is_no_terminal(tmp_path: Path) -> None:
    """Whoever starts it with ``<&-`` must not be asked for Enter, nor see a trace."""
    code = "import sys; sys.stdin = None; from archiver.cli.context import has_terminal; print(has_terminal())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


def test_the_story_is_what_it_says() -> None:
    first, changed, noise, outage, worse, back = REVISIONS
    assert [(r.outcome, r.change) for r in REVISIONS] == EXPECTED
    assert back.page() == first.page()
    assert len({r.page() for r in REVISIONS}) == 5
    assert noise.page() != changed.page()
    assert noise.page().replace(b"4131", b"4127") == changed.page()
    assert (outage.status, outage.page()) == (503, site_file("maintenance.html"))
    for revision in (first, changed, worse):
        assert revision.clause is not None
        assert revision.clause.encode() in revision.page()
        assert b"$" not in revision.page()
