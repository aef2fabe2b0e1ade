"""Reads the keys of one ``[[channel]]``; an unknown, missing or ill-fitting one is an error that names it.

No error repeats a value: someone may have written a password where it does not belong.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archiver.alert.interface import ChannelFailed, Surroundings
from archiver.errors import SettingsError

MAX_SECRET = 65536
"""Bytes of a file with a secret; more is surely the wrong file."""


class Secret:
    """A secret outside the settings, read anew for each delivery, so that it can be changed without a restart."""

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what

    def lines(self) -> list[str]:
        """The lines that say something, without comments (``#``); ``ChannelFailed`` when there is none."""
        try:
            with self._path.open("rb") as handle:
                data = handle.read(MAX_SECRET + 1)
            found = [line.strip() for line in data.decode("utf-8").splitlines()]
        except OSError as error:
            raise ChannelFailed(f"{self._what}: {error.strerror or 'cannot be read'}", retry=True) from None
        except UnicodeDecodeError:
            raise ChannelFailed(f"{self._what}: not a text in UTF-8", retry=True) from None
        kept = [line for line in found if line and not line.startswith("#")]
        if len(data) > MAX_SECRET or not kept:
            raise ChannelFailed(f"{self._what}: {'too large' if kept else 'empty'}", retry=True)
        return kept

    def first_line(self) -> str:
        """The first line as it stands, a password may begin with ``#``; ``ChannelFailed`` when there is none."""
        try:
            with self._path.open("rb") as handle:
                line = handle.read(MAX_SECRET).split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8")
        except OSError as error:
            raise ChannelFailed(f"{self._what}: {error.strerror or 'cannot be read'}", retry=True) from None
        except UnicodeDecodeError:
            raise ChannelFailed(f"{self._what}: not a text in UTF-8", retry=True) from None
        if not line:
            raise ChannelFailed(f"{self._what}: empty", retry=True)
        return line


class Options:
    """The keys of one channel; each is taken once, and ``end`` refuses what is left over."""

    def __init__(self, channel: str, keys: Mapping[str, Any], surroundings: Surroundings) -> None:
        self._channel = channel
        self._left = dict(keys)
        self._asked: list[str] = []
        self._around = surroundings

    def wrong(self, key: str, problem: str, do: str = "") -> SettingsError:
        """The error for a key, in the words of all settings errors."""
        return SettingsError(f"channel {self._channel}: {key} {problem}", do=do)

    def _take(self, key: str) -> Any:
        self._asked.append(key)
        return self._left.pop(key, None)

    def text(self, key: str, default: str | None = None) -> str:
        """A text of one line that says something; without a default it is required."""
        value = self._take(key)
        if value is None:
            if default is None:
                raise self.wrong(key, "is missing")
            return default
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.wrong(key, "must be a text of one line")
        return value

    def texts(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """A list of texts of one line; a single text is a list of one."""
        value = self._take(key)
        if value is None and not required:
            return ()
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or (required and not listed):
            raise self.wrong(key, "is missing" if value is None else "must be a list of texts")
        if not all(isinstance(one, str) and one.strip() and one.isprintable() for one in listed):
            raise self.wrong(key, "must be a list of texts of one line")
        return tuple(listed)

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number in a range, both ends included."""
        value = self._take(key)
        if value is None:
            return default
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(key, f"must be a whole number from {least} to {most}")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of a few words, the first of them by default."""
        value = self._take(key)
        if value is None:
            return choices[0]
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(key, f"must be one of {', '.join(choices)}")
        return value

    def path(self, key: str, *, required: bool = True) -> Path | None:
        """A file, relative to the archive."""
        if not required and key not in self._left:
            self._asked.append(key)
            return None
        return self._around.root / Path(self.text(key)).expanduser()

    def secret(self, key: str, *, required: bool) -> Secret | None:
        """``<key>_file``, a path, or ``<key>_credential``, the name of a systemd credential."""
        file = self.path(f"{key}_file", required=False)
        credential = self.text(f"{key}_credential", "")
        if file is not None and credential:
            raise self.wrong(f"{key}_file", f"and {key}_credential exclude each other")
        if credential:
            if not re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", credential) or credential.startswith("."):
                raise self.wrong(f"{key}_credential", "must be the name of a credential")
            # Without the service manager there is none: the delivery says so, commands beside the daemon still work.
            folder = self._around.credentials or Path("/nonexistent")
            return Secret(folder / credential, f"{key}_credential")
        if file is None and required:
            raise self.wrong(f"{key}_file", "is missing", do=f"secrets stand in a file, or {key}_credential names one")
        return None if file is None else Secret(file, f"{key}_file")

    def end(self) -> None:
        """Raise ``SettingsError`` for the first key that nobody asked for."""
        for key in self._left:
            close = difflib.get_close_matches(key, self._asked, 1, 0.5)
            do = f"did you mean {close[0]}?" if close else f"known: {', '.join(self._asked)}"
            raise SettingsError(f"channel {self._channel}: unknown key {key}", do=do)
