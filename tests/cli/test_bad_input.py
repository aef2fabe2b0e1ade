"""Bad input, each with its exit code and its one line; afterwards nothing is lost and nothing was added."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.environment import utc_now
from archiver.operation import Surroundings, open_operation
from tests.cli.box import Box, until
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Sleep, Website


@dataclass(frozen=True)
class Case:
    """A command that cannot be meant, its exit code and what its line must hold."""

    words: tuple[str, ...]
    code: int
    says: tuple[str, ...]
    before: Callable[[Box], object] | None = None

    @property
    def name(self) -> str:
        return " ".join(self.words)[:60] + "".join(f" [{text}]" for text in self.says[:1])


def toml(text: str) -> Callable[[Box], object]:
    """Settings of one's own instead of the archive's; those that init fixed stay."""
    fixed = '[archive]\norigin = "box.example/log"\n'
    return lambda box: (box.root / "archive.toml").write_text(text + "\n" + fixed)


def file(name: str, data: bytes) -> Callable[[Box], object]:
    return lambda box: (box.folder / name).write_bytes(data)


def authority(**changes: object) -> Callable[[Box], object]:
    keys = {"name": "bad", "url": "http://127.0.0.1:9/", "roots": "bad.pem", **changes}
    table = "\n".join(f'{name} = "{value}"' for name, value in keys.items())

    def configure(box: Box) -> None:
        (box.root / "bad.pem").write_bytes(b"rubbish")
        box.append(f"\n[[authority]]\n{table}\n")

    return configure


def gone(name: str) -> Callable[[Box], object]:
    def remove(box: Box) -> None:
        path = box.root / name
        path.rename(box.folder / path.name)

    return remove


CASES = [
    # The command line itself
    Case(("frobnicate",), 2, ("No such command 'frobnicate'", "archiver --help")),
    Case(("watch", "frobnicate"), 2, ("No such command 'frobnicate'", "archiver watch --help")),
    Case(("capture", "--frob"), 2, ("--frob", "archiver capture --help")),
    Case(("history",), 2, ("DOCUMENT", "archiver history --help")),
    Case(("history", "EA-D-00001", "--limit", "0"), 2, ("--limit",)),
    Case(("status", "--archive"), 2, ("--archive",)),
    # Numbers and characters that no identifier has
    *(
        Case((*words, f"EA-S-{digits}"), 2, ("EA-S-",))
        for digits in ("9" * 25, "9" * 5000)
        for words in (
            ("diff", "EA-S-00000001"),
            ("annotate", "list"),
            ("cite",),
            ("log", "prove"),
        )
    ),
    Case(("log", "prove", "9" * 5000), 2, ("neither a snapshot nor a statement",)),
    Case(("annotate", "show", "\udcff"), 2, ("there is no annotation",)),
    # Settings
    Case(("status",), 2, ("unknown key network.timeout", "did you mean timeout_s"), toml("[network]\ntimeout = 3\n")),
    Case(("status",), 2, ("unknown section [netwrk]", "did you mean network"), toml("[netwrk]\n")),
    Case(("status",), 2, ("schedule must be a table",), toml("schedule = 4\n")),
    Case(("status",), 2, ("network.robots must be one of obey, record", "'never'"), toml('[network]\nrobots="never"')),
    Case(("status",), 2, ("network.max_redirects", "whole number", "-1"), toml("[network]\nmax_redirects = -1\n")),
    Case(("status",), 2, ("log.publish_every_s", "True"), toml("[log]\npublish_every_s = true\n")),
    Case(("status",), 2, ("network.allow_private", "127.0.0.1/8"), toml('[network]\nallow_private=["127.0.0.1/8"]')),
    Case(("status",), 2, ("schedule.every", "90s", "'soon'"), toml('[schedule]\nevery = "soon"\n')),
    Case(("status",), 2, ("archive.toml is not TOML", "line"), toml("[[[\n")),
    Case(("status",), 2, ("archive.toml is not UTF-8",), lambda b: (b.root / "archive.toml").write_bytes(b"\xff")),
    Case(("status",), 2, ("authority.roots is missing",), toml('[[authority]]\nname = "x"\nurl = "http://x/"\n')),
    Case(("status",), 2, ("unknown key authority.rots", "roots"), toml('[[authority]]\nrots = "x"\n')),
    Case(("status",), 2, ("lower-case",), authority(name="Bad")),
    Case(("init", "x", "--set", "foo=1"), 2, ("unknown key foo", "archiver settings")),
    Case(("init", "x", "--set", "network.timeout=1"), 2, ("did you mean network.timeout_s",)),
    Case(("init", "x", "--set", "network.timeout_s"), 2, ("has no '='", "--set network.timeout_s=30")),
    Case(("init", "x", "--set", "network.timeout_s=abc"), 2, ("network.timeout_s", "'abc'", "60")),
    Case(("init", "x", "--set", "archive.prefix=ä"), 2, ("archive.prefix", "capital ASCII")),
    Case(("init", "x", "--set", "archive.prefix=1A"), 2, ("archive.prefix", "starting with a letter")),
    Case(("init", "x", "--set", "archive.origin=a b"), 2, ("archive.origin", "spaces")),
    Case(("init", "x", "--set", "network.user_agent=ü"), 2, ("network.user_agent", "printable ASCII")),
    Case(("init", "x"), 2, ("needs a passphrase", "--no-passphrase")),
    Case(("init", "--no-passphrase"), 2, ("is not empty", "never made over another")),
    # The archive
    Case(("status", "--archive", "/nonexistent"), 2, ("no folder /nonexistent", "archiver init")),
    Case(("status", "--archive", "/"), 2, ("no archive here", "archive.toml", "--archive DIR")),
    Case(("status",), 4, ("archive.db is missing", "archiver rebuild"), gone("archive.db")),
    Case(("status",), 4, ("keys/log.vkey",), gone("keys/log.vkey")),
    Case(("capture", "http://127.0.0.1/"), 4, ("checkpoint",), gone("journal")),
    Case(("rebuild",), 4, ("no journal", "backup"), gone("journal")),
    # Addresses and identifiers
    Case(("capture",), 2, ("nothing to capture", "--all")),
    Case(("capture", "--all"), 2, ("nothing is watched",)),
    Case(("capture", "example.org/terms"), 2, ("has no scheme", "https://example.org/terms")),
    Case(("capture", "localhost:80/terms"), 2, ("has no scheme",)),
    Case(("capture", "ftp://example.org/"), 2, ("only http and https", "ftp")),
    Case(("capture", "file:///etc/passwd"), 2, ("only http and https",)),
    Case(("capture", "http://user:word@example.org/"), 2, ("user name or password", "leave them out")),
    Case(("capture", "http:///terms"), 2, ("names no host",)),
    Case(("capture", "http://127.0.0.1:99999/"), 2, ("not an address",)),
    Case(("capture", "http://[::1/"), 2, ("not an address",)),
    Case(("capture", "http://127.0.0.1/\x1b[2J"), 2, ("control characters",)),
    Case(("capture", "http://127.0.0.1/" + "x" * 9000), 2, ("characters", "8192")),
    Case(("capture", "EA-D-00099"), 2, ("no document 'EA-D-00099'", "archiver watch list")),
    Case(("capture", "EA-S-00000001"), 2, ("no document 'EA-S-00000001'",)),
    Case(("capture", "--from", "nowhere.txt"), 2, ("nowhere.txt", "archiver capture --help")),
    Case(("capture", "--from", "latin1.txt"), 2, ("latin1.txt is not UTF-8",), file("latin1.txt", b"http://\xfc/\n")),
    Case(("history", "EA-D-00099"), 2, ("no document 'EA-D-00099'",)),
    Case(("watch", "show", "Unknown Title"), 2, ("no document 'Unknown Title'",)),
    Case(("watch", "pause", "EA-D-00099"), 2, ("no document",)),
    Case(("cite", "EA-S-00000099"), 2, ("no snapshot EA-S-00000099",)),
    Case(("cite", "EA-S-1"), 2, ("no snapshot EA-S-1",)),
    Case(("cite",), 2, ("no snapshot was named", "archiver cite EA-S-")),
    Case(("cite", "EA-S-00000099", "--format", "word"), 2, ("unknown format 'word'", "bluebook")),
    Case(("cite", "EA-S-00000099", "--stamp"), 2, ("no snapshot EA-S-00000099",)),
    Case(("verify", "EA-S-00000099"), 2, ("EA-S-00000099",)),
    Case(("verify",), 2, ("nothing to verify", "--all")),
    Case(("log", "prove", "EA-S-00000099"), 2, ("99",)),
    Case(("log", "prove", "99"), 2, ("there is no statement 99", "its statements have the numbers 0 to ")),
    Case(("log", "prove", "later"), 2, ("'later'", "statement number", "as EA-S-00000123, or as 123")),
    Case(
        ("log", "consistency", "old.txt"),
        1,
        ("old.txt is no checkpoint of this log", "signature", "archiver log checkpoint"),
        file("old.txt", b"no checkpoint\n"),
    ),
    Case(("capture", "ftp://a.example/"), 2, ("only http and https", "give its http or https address")),
    # Imported files that are not there, by names that are none too
    *(
        Case(words, 2, (f"there is no imported file {words[-1]}", "archiver import list"))
        for name in ("EA-I-1", "EA-I-00000099")
        for words in (("custody", name), ("verify", name), ("cite", name))
    ),
    Case(("dispose", "--reason", "x", "--by", "y", "EA-I-1"), 2, ("no imported file EA-I-1", "archiver import list")),
    Case(("dispose", "--reason", "x", "--by", "y", "rubbish"), 2, ("no snapshot rubbish", "archiver import list")),
    Case(("export", "--output", "x.zip", "EA-I-1"), 2, ("no imported file EA-I-1", "archiver import list")),
    # The watch list
    Case(("watch", "add", "http://a.example/", "--every", "5"), 2, ("--every", "90s", "'5'")),
    Case(("watch", "add", "http://a.example/", "--every", "1s"), 2, ("every 10 s",)),
    Case(("watch", "add", "http://a.example/", "--every", "9999d"), 2, ("--every",)),
    Case(("watch", "add", "http://a.example/", "--entity", ""), 2, ("entity", "one line")),
    Case(("watch", "add", "http://a.example/", "--document", "two\nlines"), 2, ("title", "one line")),
    Case(("watch", "add", "http://a.example/", "--select", " "), 2, ("selector",)),
    Case(("watch", "add", "a.example"), 2, ("has no scheme",)),
    Case(("watch", "import", "nowhere.toml"), 2, ("nowhere.toml",)),
    Case(("watch", "import", "x.toml"), 2, ("x.toml", "not TOML", "--format csv"), file("x.toml", b"urls\n")),
    Case(("watch", "import", "x.toml"), 2, ("[[document]]",), file("x.toml", b"[other]\n")),
    Case(("watch", "import", "x.toml"), 2, ("not UTF-8", "byte 0"), file("x.toml", b"\xff")),
    Case(
        ("watch", "import", "x.toml"),
        2,
        ("document 2", "unknown 'url'", "urls"),
        file("x.toml", b'[[document]]\nurls=["http://a.example/"]\n[[document]]\nurl = "x"\n'),
    ),
    Case(
        ("watch", "import", "x.toml"),
        2,
        ("document 1", "paused must be true or false"),
        file("x.toml", b'[[document]]\nurls=["http://a.example/"]\npaused = "no"\n'),
    ),
    Case(
        ("watch", "import", "x.csv"),
        2,
        ("row 3", "has no scheme"),
        file("x.csv", b"urls,title\nhttp://a.example/,A\nb.example,B\n"),
    ),
    Case(("watch", "import", "x.csv"), 2, ("first row", "unknown 'link'"), file("x.csv", b"urls,link\n")),
    Case(("watch", "import", "x.csv"), 2, ("no column urls",), file("x.csv", b"")),
    Case(("watch", "import", "x.csv"), 2, ("row 2", "more cells"), file("x.csv", b"urls\nhttp://a.example/,b\n")),
    Case(("watch", "import", "x.csv"), 2, ("row 2", "names no address"), file("x.csv", b"urls,title\n,A\n")),
    Case(("watch", "import", "x.csv"), 2, ("not CSV", "line"), file("x.csv", b'urls\n"http://a.example/')),
    Case(
        ("watch", "import", "x.csv"),
        2,
        ("row 2", "paused", "'maybe'"),
        file("x.csv", b"urls,paused\nhttp://a.example/,maybe\n"),
    ),
    Case(
        ("watch", "import", "x.csv"),
        2,
        ("row 2", "unknown method 'telnet'"),
        file("x.csv", b"urls,method\nhttp://a.example/,telnet\n"),
    ),
    # Authorities
    Case(("stamp", "retry"), 2, ("unknown kind 'pigeon'", "rfc3161"), authority(kind="pigeon", roots="good.pem")),
    Case(("stamp", "retry"), 2, ("authority.roots of bad", "none.pem"), authority(roots="none.pem")),
    Case(("stamp", "retry"), 2, ("authority.roots of bad",), authority()),
    Case(("stamp", "retry"), 2, ("http:// or https://",), authority(url="ldap://x/", roots="good.pem")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_clear_line_and_nothing_changed(
    case: Case, box: Box, monkeypatch: pytest.MonkeyPatch, authority: TimestampAuthority
) -> None:
    (box.root / "good.pem").write_bytes(authority.root_pem.read_bytes())
    if case.before is not None:
        case.before(box)
    monkeypatch.chdir(box.folder)
    before = everything(box)
    result = box.call(*case.words)
    line = result.error()
    assert result.code == case.code, line
    for text in case.says:
        assert text in line
    assert everything(box) == before, "an error must change nothing"


@pytest.mark.parametrize("digits", ["9" * 25, "9" * 5000])
@pytest.mark.parametrize("words", [("annotate", "add", "--text", "x"), ("quarantine", "release")])
def test_a_number_that_no_statement_has(box: Box, words: tuple[str, ...], digits: str) -> None:
    result = box.call(*words, f"EA-S-{digits}")
    assert result.code == 2 and "there is no snapshot" in result.error()


def test_a_search_for_half_a_character_finds_nothing(box: Box) -> None:
    assert box.call("search", "a\udcff b").code == 1


def everything(box: Box) -> dict[str, bytes]:
    """Every evidential file below the box's folder."""
    return {
        str(path.relative_to(box.folder)): path.read_bytes()
        for path in box.folder.rglob("*")
        if path.is_file() and not path.name.startswith(("archive.db", "lock"))
    }


# Passphrases


@pytest.fixture
def locked(tmp_path: Path, site: Website) -> Box:
    """An archive whose key is encrypted."""
    return Box(tmp_path, site).init(passphrase="geheim")


def test_a_wrong_passphrase_changes_nothing(locked: Box, site: Website) -> None:
    before = everything(locked)
    (locked.folder / "wrong").write_text("falsch\n")
    result = locked.call("capture", site.url("/terms"), "--passphrase-file", str(locked.folder / "wrong"))
    assert result.code == 2 and result.error() == "error: the passphrase does not open the private key"
    before["wrong"] = b"falsch\n"
    assert everything(locked) == before and not site.hits


def test_a_passphrase_that_cannot_be_read_is_named(locked: Box, site: Website) -> None:
    for words, text in (
        (("--passphrase-fd", "977"), "--passphrase-fd 977: Bad file descriptor"),
        (("--passphrase-file", "/nonexistent"), "passphrase file /nonexistent: No such file"),
    ):
        result = locked.call("capture", site.url("/terms"), *words)
        assert result.code == 2 and text in result.error()
    assert not site.hits


def test_without_the_passphrase_the_capture_is_kept_and_the_rest_is_said(locked: Box, site: Website) -> None:
    result = locked.call("capture", site.url("/terms"), "--json")
    assert result.code == 0 and len(result.json) == 1
    assert result.err == "warning: no checkpoint was published: the passphrase of the log key was not given\n"
    assert len(locked.captures()) == 1 and locked.log_size() == 1
    locked.fine("log", "checkpoint", "--publish", "--passphrase-file", str(locked.folder / "passphrase"))
    assert locked.log_size() == len(locked.statements())


def test_a_passphrase_by_descriptor(locked: Box) -> None:
    readable, writable = os.pipe()
    os.write(writable, b"geheim\n")
    os.close(writable)
    result = locked.ran("log", "checkpoint", "--publish", "--passphrase-fd", str(readable), pass_fds=(readable,))
    os.close(readable)
    assert result.code == 0, result.err


# Authorities that do not answer well: the snapshot is safe, the token is pending


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("rubbish", "the reply does not hold"),
        ("other_digest", "the reply does not hold"),
        ("wrong_nonce", "the reply does not hold"),
        ("wrong_ca", "the reply does not hold"),
        ("truncated", "the reply does not hold"),
        ("rejection", "the reply does not hold"),
        ("error_500", "HTTP status 500"),
        ("empty", "empty body"),
        ("huge", "more than"),
        ("not_http", "no timestamp from loop"),
        ("redirect_loop", "redirects"),
    ],
)
def test_an_authority_that_answers_badly(
    mode: str, says: str, stamped: Box, authority: TimestampAuthority, site: Website
) -> None:
    authority.mode = mode
    result = stamped.call("capture", site.url("/terms"), "--json")
    assert result.code == 0, result.err
    (warning,) = result.err.splitlines()
    assert warning.startswith("warning: no timestamp from loop: ") and says in warning and "pending" in warning
    (item,) = result.json
    assert item["snapshot"] and item["stamps"] == [
        {"authority": "loop", "state": "pending", "gen_time": None, "subject": "checkpoint"}
    ]
    assert not [body for body in stamped.statements() if body["kind"] == "stamp"], "only what holds is stated"
    assert not list((stamped.root).glob("**/*.tsr"))
    assert stamped.call("stamp", "retry").code == 3
    (pending,) = stamped.fine("stamp", "list", "--json").json["pending"]
    assert pending["attempts"] == 2 and pending["error"]
    authority.mode = "ok"
    stamped.fine("stamp", "retry")
    assert stamped.fine("status", "--json").json["stamps_pending"] == 0
    assert stamped.call("verify", item["snapshot"]).code == 0


# Disks


def test_a_folder_that_may_not_be_written(box: Box, site: Website) -> None:
    """As root a read-only mount refuses, for others the modes do."""
    box.fine("capture", site.url("/terms"))
    before, hits = len(box.statements()), len(site.hits)
    with unwritable(box.root) as refused:
        if not refused:
            return
        result = box.ran("capture", site.url("/terms"))
        assert result.code == 4 and result.error()
        assert box.ran("status").code == 0, "reading goes on"
    assert len(box.statements()) == before and len(site.hits) == hits
    box.fine("capture", site.url("/terms"))


@contextlib.contextmanager
def unwritable(root: Path) -> Iterator[bool]:
    """Refuse writes below a folder; False where this machine offers no way (root in a container may not mount)."""
    if os.geteuid() == 0:
        refused = mount("--bind", root, root) and mount("-o", "remount,bind,ro", root)
        try:
            yield refused
        finally:
            subprocess.run(["umount", "-l", root], check=False, capture_output=True)
        return
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        yield True
    finally:
        for folder in folders:
            folder.chmod(0o700)


def ran(box: Box, *words: str) -> None:
    """Run a command as a process, which leaves no file open."""
    result = box.ran(*words)
    assert result.code == 0, result


def mount(*words: object) -> bool:
    """Mount; False where that is not allowed."""
    try:
        return subprocess.run(["mount", *map(str, words)], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def test_a_full_disk_is_stated_and_nothing_is_lost(tmp_path: Path, site: Website) -> None:
    """The largest size a file may have takes the place of the disk's end: the kernel refuses the same way."""
    box = Box(tmp_path, site).init()
    site.documents["/large"] = os.urandom(2_000_000)
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000));"
        "from archiver.cli import run; sys.exit(run())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "capture", site.url("/large"), site.url("/terms"), "--json"],
        env={**box.environment, "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr and done.returncode == 1, done.stderr
    assert [item["outcome"] for item in json.loads(done.stdout)] == ["failed", "new_version"]
    ended = {body["result"]: body["reason"] for body in box.captures()}
    assert ended["failed"]["code"] == "storage_full" and ended["stored"] is None
    again = box.fine("capture", site.url("/terms"), site.url("/large"), "--json").json
    assert [item["outcome"] for item in again][1] == "new_version"
    box.verified()


def test_the_reserve_lets_a_full_file_system_be_stated(tmp_path: Path, site: Website) -> None:
    """Needs a file system of its own; where that cannot be had, the test above is what can be shown."""
    box = Box(tmp_path, site)
    box.root.mkdir()
    if os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=6m", "none", box.root):
        return
    try:
        box.init(storage__reserve_bytes=1_000_000)
        ran(box, "capture", site.url("/terms"))
        free = os.statvfs(box.root)
        with (box.root / "ballast").open("wb") as ballast:
            ballast.write(bytes(free.f_bavail * free.f_frsize - 20_000))
        site.documents["/large"] = os.urandom(500_000)
        result = box.ran("capture", site.url("/large"), site.url("/terms"))
        assert "Traceback" not in result.err and "this is a bug" not in result.err, result
        stated = [body["event"] for body in box.statements() if body["kind"] == "custody"]
        failed = [(body["reason"] or {}).get("code") for body in box.captures()]
        # The reserve made room, or the check says why not, or nothing at all could be written.
        assert {0: stated, 1: failed, 4: ["storage_full"]}[result.code].count("storage_full") == 1, result
        (box.root / "ballast").unlink()
        ran(box, "capture", site.url("/terms"))
        ran(box, "verify", "--all")
    finally:
        subprocess.run(["umount", "-l", box.root], check=True)


# Ends that are no errors, and bugs


def test_nobody_reads_the_output_any_more(box: Box) -> None:
    box.fine("watch", "add", "http://a.example/")
    for _ in range(3):
        with box.process("settings", "--default") as process:
            assert process.stdout is not None and process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == ""
            assert process.wait(60) == 0
    shell = f"{sys.executable} -m archiver watch list | head -0"
    done = subprocess.run(["sh", "-c", shell], env=box.environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_output_that_cannot_be_written(box: Box) -> None:
    with Path("/dev/full").open("w") as full:
        result = box.ran("settings", stdout=full)
    assert result.code == 3 and result.err == "error: No space left on device\n"


def test_ctrl_c_keeps_what_was_acknowledged(box: Box, site: Website) -> None:
    site.scripts["/slow"] = [Sleep(1), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]
    with box.process("capture", site.url("/slow"), start_new_session=True) as process:
        until(lambda: site.asked("/slow"))
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "stopped; what was acknowledged is kept"
    box.fine("log", "checkpoint", "--publish")
    assert [body["result"] for body in box.captures()] == ["stored"]
    box.verified()


def test_a_bug_is_called_one(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("on purpose\nin two lines")

    monkeypatch.setattr("archiver.standing.standing", broken)
    result = box.call("status")
    assert result.code == 70
    assert result.error() == (
        "error: this is a bug: ZeroDivisionError: on purpose in two lines; run again with --verbose for the trace"
    )
    assert "Traceback" in box.call("status", "--verbose").err


def test_an_error_leaves_standard_output_empty_for_json_too(box: Box) -> None:
    for words in (("history", "EA-D-00099"), ("cite", "EA-S-00000099"), ("capture",), ("verify", "EA-S-00000099")):
        result = box.call(*words, "--json")
        assert result.code == 2 and result.out == "" and result.error()


# Unicode


def test_titles_in_any_script(box: Box, site: Website) -> None:
    entity, title = "Ümläut 株式会社", "Nutzungs\u00adbedingungen — «Основные» 🧾"
    box.fine("watch", "add", site.url("/terms"), "--entity", entity, "--document", title)
    box.fine("capture", title)
    (row,) = box.fine("watch", "list", "--json").json
    assert (row["entity"], row["title"], row["last_outcome"]) == (entity, title, "new_version")
    for words in (("watch", "list"), ("watch", "export"), ("history", "EA-D-00001"), ("status",)):
        result = box.ran(*words, env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
        assert result.code == 0 and result.err == "", result
    (snapshot,) = [body["snapshot"] for body in box.captures()]
    for name in ("text", "json", "bibtex", "csl", "ris", "bluebook", "biblatex"):
        assert box.fine("cite", snapshot, "--format", name).out


def test_a_host_and_a_path_in_any_script(box: Box, site: Website) -> None:
    site.documents["/%C3%BCber"] = b"found"
    (item,) = box.fine("capture", site.url("/über"), "--json").json
    assert item["outcome"] == "new_version" and item["final_url"] == site.url("/%C3%BCber")


def test_a_server_cannot_steer_the_terminal(box: Box, site: Website) -> None:
    site.scripts["/odd"] = [b"HTTP/1.1 302 Found\r\nLocation: http://\x1b[2Jx\x07/\r\nContent-Length: 0\r\n\r\n"]
    result = box.call("capture", site.url("/odd"))
    assert result.code == 1
    assert all(line.isprintable() for line in (result.out + result.err).splitlines())


# Stored files


def test_a_truncated_warc_given_to_verify(box: Box, site: Website) -> None:
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    (warc,) = box.root.glob("snapshots/**/capture.warc.gz")
    cut = box.folder / "cut.warc.gz"
    cut.write_bytes(warc.read_bytes()[:-20])
    result = box.call("verify", str(cut))
    assert result.code == 1 and "FAIL" in result.out
    assert box.call("verify", item["snapshot"]).code in (0, 3)


def test_a_lost_database_is_rebuilt(box: Box, site: Website) -> None:
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    for path in box.root.glob("archive.db*"):
        path.unlink()
    assert "archiver rebuild" in box.call("status").error()
    assert box.fine("rebuild", "--json").json == {"statements": len(box.statements()), "warnings": []}
    assert box.call("verify", item["snapshot"]).code in (0, 3)


# The clock


def test_a_clock_that_went_back_is_stated(box: Box, site: Website) -> None:
    box.fine("capture", site.url("/terms"))
    newest = box.statements()[-1]["at"]
    past = Surroundings(now=lambda: utc_now() - timedelta(days=1))
    with open_operation(box.root, lambda: None, environment=box.environment, surroundings=past) as operation:
        check = operation.pipeline.new_check([site.url("/terms")], trigger="manual")
        operation.capture([check], lambda _, outcome: None)
        operation.publish()
    (step,) = [body for body in box.statements() if body["kind"] == "custody"]
    assert (step["event"], step["from"]) == ("clock_step", newest) and step["to"] < newest
    assert [body["result"] for body in box.captures()] == ["stored", "stored"]
    box.fine("capture", site.url("/terms"))
    box.verified()
