"""An archive of its own for each test, and the command line on it: in this process, or as real ones.

box = Box(tmp_path, site, authority)
box.init()
box.call("watch", "add", site.url("/terms")).code
with box.daemon() as daemon: ...
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from archiver.cli import run
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website

SOURCE = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60.0
"""How long a test waits for something that must come; nothing depends on how soon it comes."""


@dataclass(frozen=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def error(self) -> str:
        """The one line of an error, after the checks that every error has to pass."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert self.out == ""
        assert lines[0].startswith("error: ")
        assert "Traceback" not in self.err and lines[0].isprintable()
        return lines[0]


def until(true: Callable[[], Any], what: str = "") -> Any:
    """Wait for something and return it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"never came: {what or true}")


@dataclass
class Box:
    """One archive with a home, a state and a runtime directory of its own."""

    folder: Path
    site: Website | None = None
    authority: TimestampAuthority | None = None
    program: str = "archiver"
    """The module that runs where a command is a process of its own."""
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.folder / "archive"
        for name in ("home", "state", "run"):
            (self.folder / name).mkdir(exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """All that commands see of the environment."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "ARCHIVER_ARCHIVE": str(self.root),
            "PYTHONPATH": str(SOURCE),
            "PYTHONWARNINGS": "error",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def init(self, *words: str, passphrase: str | None = None, **settings: Any) -> Box:
        """Make the archive: it may reach loopback, knows the site's port, and asks the authority without pauses."""
        values: dict[str, Any] = {
            "archive.origin": "box.example/log",
            "network.allow_private": "127.0.0.0/8",
            "network.per_host_interval_s": 0,
            "storage.reserve_bytes": 65536,
        }
        if self.site is not None:
            values["network.ports"] = self.site.port
        values |= {name.replace("__", "."): value for name, value in settings.items()}
        assignments = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
        keep = ["--no-passphrase"]
        if passphrase is not None:
            (self.folder / "passphrase").write_text(f"{passphrase}\n")
            keep = ["--passphrase-file", str(self.folder / "passphrase")]
        made = self.call("init", *keep, *assignments, *words)
        assert made.code == 0, made.err
        if self.authority is not None:
            self.add_authority("loop", self.authority.url, self.authority.root_pem.read_bytes())
        return self

    def add_authority(self, name: str, url: str, roots: bytes, **changes: Any) -> None:
        """Configure a timestamp authority."""
        (self.root / "authorities").mkdir(exist_ok=True)
        (self.root / "authorities" / f"{name}.pem").write_bytes(roots)
        keys = {"name": name, "url": url, "roots": f"authorities/{name}.pem", "min_interval_s": 0, **changes}
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
        self.append(f"\n[[authority]]\n{table}\n")

    def append(self, text: str) -> None:
        """Write more into archive.toml."""
        path = self.root / "archive.toml"
        path.write_text(path.read_text() + text)

    def call(self, *words: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> Result:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        env = {**self.environment, **(environment or {})}
        with (
            patch.dict(os.environ, env, clear=True),
            patch.object(sys, "stdin", io.StringIO(stdin)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run(list(words))
        return Result(code, out.getvalue(), err.getvalue())

    def fine(self, *words: str, **options: Any) -> Result:
        """Run a command that must end well."""
        result = self.call(*words, **options)
        assert result.code == 0, (words, result)
        return result

    def process(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        env = {**self.environment, **options.pop("env", {})}
        return subprocess.Popen([sys.executable, "-m", self.program, *words], env=env, text=True, **options)

    def ran(self, *words: str, **options: Any) -> Result:
        """Run a command as a process of its own to its end."""
        with self.process(*words, **options) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        return Result(process.returncode, out or "", err or "")

    @contextlib.contextmanager
    def daemon(self, *words: str, **environment: str) -> Iterator[Daemon]:
        """Run the daemon; it is ready when the block begins, and is killed if it still runs when the block ends."""
        daemon = Daemon(self, words, environment)
        try:
            until(lambda: "READY=1" in daemon.notices() or daemon.process.poll() is not None, "READY=1")
            assert daemon.process.poll() is None, daemon.log_text()
            yield daemon
        finally:
            daemon.end()

    # -- reading the archive -----------------------------------------------------------------------

    def statements(self) -> list[dict[str, Any]]:
        """Every journal line that is written whole: a daemon may be writing the next one."""
        return [
            json.loads(line)
            for path in sorted((self.root / "journal").iterdir())
            for line in path.read_bytes().split(b"\n")[:-1]
        ]

    def captures(self) -> list[dict[str, Any]]:
        """Every capture statement."""
        return [body for body in self.statements() if body["kind"] == "capture"]

    def log_size(self) -> int:
        """How many statements the checkpoint covers."""
        return int((self.root / "log" / "checkpoint").read_text().splitlines()[1])

    def verified(self) -> None:
        """The whole archive verifies, apart from timestamps it was not given."""
        result = self.call("verify", "--all", "--json")
        failed = [
            (report["subject"], check)
            for report in result.json
            for check in report["checks"]
            if check["verdict"] == "fail"
        ]
        assert not failed and result.code in (0, 3), (failed, result.err)


class Daemon:
    """A daemon as its own process, with a service manager that listens."""

    def __init__(self, box: Box, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = f"\0archiver-test-{os.getpid()}-{time.monotonic_ns()}"
        self._socket.bind(address)
        self._socket.setblocking(False)
        self._notices: list[str] = []
        self._log = box.folder / f"log-{time.monotonic_ns()}"
        with self._log.open("w") as log:
            self.process = box.process(
                *(words or ("run",)),
                stdout=log,
                stderr=log,
                env={"NOTIFY_SOCKET": "@" + address[1:], **environment},
            )

    def notices(self) -> list[str]:
        """What the service manager was told so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._notices.append(self._socket.recv(4096).decode())
        return self._notices

    def log_text(self) -> str:
        return self._log.read_text("utf-8")

    def log(self) -> list[dict[str, Any]]:
        """The log, a JSON object a line; a line that is none fails the test."""
        return [json.loads(line) for line in self.log_text().splitlines()]

    def said(self, pattern: str) -> list[dict[str, Any]]:
        """Log entries whose message matches."""
        return [entry for entry in self.log() if re.search(pattern, entry["message"])]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._socket.close()
