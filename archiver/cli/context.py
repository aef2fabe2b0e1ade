"""What every command needs: the archive, the passphrase, and how to print."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.errors import SettingsError

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.work import LocalWork, RemoteWork

MAX_PASSPHRASE = 4096
"""Bytes read of a passphrase; more is surely the wrong file."""


@dataclass(frozen=True, slots=True)
class Context:
    """The options before the command."""

    folder: str
    as_json: bool
    verbose: bool
    passphrase_file: str | None
    passphrase_fd: int | None

    @property
    def path(self) -> Path:
        """The archive's folder."""
        return Path(self.folder)

    def archive(self) -> Archive:
        """The archive, for reading: neither lock nor passphrase is needed."""
        from archiver.archive import open_archive

        return open_archive(self.path)

    def archive_if_any(self) -> Archive | None:
        """The archive, for reading; None, with a remark, where there is none and the command can do without."""
        from archiver.archive import SETTINGS_FILE

        if (self.path / SETTINGS_FILE).exists():
            return self.archive()
        self.note(f"note: there is no archive in {self.path}: listed is what the software brings")
        return None

    def work(self) -> LocalWork | RemoteWork:
        """The archive's writer: this process, or the daemon that holds it."""
        from archiver.work import open_work

        work = open_work(self.path, self.passphrase)
        for warning in work.warnings:
            self.note(f"warning: {warning}")
        return work

    def passphrase(self) -> bytes | None:
        """The passphrase from a descriptor, a file, a systemd credential or the terminal; None when there is none."""
        if self.passphrase_fd is not None:
            try:
                return _first_line(os.read(self.passphrase_fd, MAX_PASSPHRASE))
            except OSError as error:
                raise SettingsError(f"--passphrase-fd {self.passphrase_fd}: {error.strerror}") from error
        path = self._passphrase_path
        if path is not None:
            try:
                with Path(path).open("rb") as handle:
                    return _first_line(handle.read(MAX_PASSPHRASE))
            except OSError as error:
                raise SettingsError(f"the passphrase file {path}: {error.strerror}") from error
        if self.asks:
            return getpass.getpass("Passphrase of the log key (empty: none): ", sys.stderr).encode() or None
        return None

    @property
    def _passphrase_path(self) -> str | None:
        if self.passphrase_file:
            return self.passphrase_file
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        given = Path(credentials, "passphrase") if credentials else None
        return str(given) if given is not None and given.exists() else None

    @property
    def asks(self) -> bool:
        """Whether the passphrase is typed: none is given otherwise, and someone sits there."""
        given = self.passphrase_fd is not None or self._passphrase_path is not None
        return not given and has_terminal() and sys.stderr.isatty()

    # -- printing ----------------------------------------------------------------------------------

    def emit(self, value: Any) -> None:
        """Print one JSON document."""
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def note(self, text: str) -> None:
        """Print a remark on standard error, where it disturbs no pipe."""
        from archiver.cli import say

        say(text)


def has_terminal() -> bool:
    """True when someone can type an answer; a closed standard input is none."""
    return sys.stdin is not None and sys.stdin.isatty()


def _first_line(data: bytes) -> bytes | None:
    return data.split(b"\n", 1)[0].rstrip(b"\r") or None


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a plain table."""
    from archiver.cli.columns import laid_out

    return laid_out(headers, rows)


class Progress:
    """A progress bar on a terminal, nothing in a pipe; a context manager."""

    def __init__(self, label: str, total: int) -> None:
        self._bar = click.progressbar(
            length=total, label=label, file=sys.stderr, hidden=not sys.stderr.isatty() or total < 2, show_pos=True
        )

    def __enter__(self) -> Progress:
        self._bar.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__(None, None, None)

    def step(self, count: int = 1) -> None:
        """So many more are done."""
        self._bar.update(count)


class Rising:
    """A progress bar whose length is told with the first step; a context manager."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Progress | None = None

    def __enter__(self) -> Rising:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.__exit__()

    def at(self, done: int, of: int) -> None:
        """So many of so many are done; each step is told."""
        if self._bar is None:
            self._bar = Progress(self._label, of).__enter__()
        self._bar.step()
