"""Where templates and protocols are found: shipped, in the archive's own folder, or in a file that is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Generic, TypeVar

from archiver.archive import Archive
from archiver.declaration.known import KNOWN
from archiver.declaration.looks import LOOKS
from archiver.declaration.protocol import Protocol, parse_protocol
from archiver.declaration.strict_toml import MAX_FILE
from archiver.declaration.template import Template, parse_template
from archiver.errors import SettingsError, UsageError
from storage.errors import Missing

MOST_FILES = 500
"""Files of one folder that are listed."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
Kept = TypeVar("Kept", Template, Protocol)


@dataclass(frozen=True, slots=True)
class Found(Generic[Kept]):
    """A parsed file, with where it lies."""

    kept: Kept
    origin: str
    """``shipped``, ``archive``, or the path that was given."""
    warning: str = ""
    """Said where it carries the name of a shipped one, which people may take it for."""


@dataclass(frozen=True, slots=True)
class Shelf(Generic[Kept]):
    """Files of one kind; the archive's own take the place of shipped ones with the same name."""

    folder: str
    """Below the archive and below the package."""
    what: str
    parse: Callable[[bytes, str], Kept]
    name_of: Callable[[Kept], str]

    def names(self, archive: Archive | None) -> dict[str, str]:
        """Every name with its origin, in order; without an archive the shipped ones."""
        found = dict.fromkeys(self._shipped(), "shipped")
        if archive is not None:
            found |= dict.fromkeys(self._own(archive), "archive")
        return dict(sorted(found.items()))

    def _shipped(self) -> list[str]:
        items = resources.files("archiver").joinpath(self.folder).iterdir()
        return [item.name.removesuffix(".toml") for item in items if item.name.endswith(".toml")]

    def _own(self, archive: Archive) -> Iterator[str]:
        try:
            files = archive.files.list(self.folder)
        except Missing:
            return
        names = [name.removesuffix(".toml") for name in files if name.endswith(".toml")]
        if len(names) > MOST_FILES:
            raise SettingsError(f"{self.folder}/ holds more than {MOST_FILES} files")
        for name in names:
            if not _NAME.fullmatch(name):
                raise SettingsError(f"{self.folder}/{name}.toml: its name may have a-z, 0-9 and hyphens")
            yield name

    def find(self, archive: Archive | None, wanted: str) -> Found[Kept]:
        """The file of this name or path; ``UsageError`` names the known ones, ``SettingsError`` what is wrong in it."""
        if "/" in wanted or wanted.endswith(".toml"):
            kept = self.parse(_read(Path(wanted)), wanted)
            return Found(kept, wanted, self._warning(self.name_of(kept), wanted))
        names = self.names(archive)
        origin = names.get(wanted)
        if origin is None:
            raise UsageError(
                f"there is no {self.what} {wanted[:60]!r}",
                do=f"known: {', '.join(names)}; or give a path to a TOML file",
            )
        place = f"{self.folder}/{wanted}.toml"
        if archive is not None and origin == "archive":
            if archive.files.size(place) > MAX_FILE:
                raise SettingsError(f"{place}: more than {MAX_FILE} bytes")
            data = archive.files.read(place)
        else:
            data = resources.files("archiver").joinpath(place).read_bytes()
        kept = self.parse(data, place)
        if self.name_of(kept) != wanted:
            raise SettingsError(f"{place}: says it is {self.name_of(kept)!r}", do="let file and key have one name")
        return Found(kept, origin, self._warning(wanted, place) if origin == "archive" else "")

    def _warning(self, name: str, place: str) -> str:
        if name not in self._shipped():
            return ""
        return f"{place} takes the place of the shipped {self.what} {name}: it is not the one that the software brings"

    def all(self, archive: Archive | None) -> list[Found[Kept]]:
        """Every file of the shelf, parsed; without an archive the shipped ones."""
        return [self.find(archive, name) for name in self.names(archive)]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_FILE + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", do="name a file that can be read") from error
    return data


def _template(data: bytes, place: str) -> Template:
    return parse_template(data, place, KNOWN)


def _protocol(data: bytes, place: str) -> Protocol:
    return parse_protocol(data, place, {name: look for name, (_, look) in LOOKS.items()})


REGIMES: Shelf[Template] = Shelf("regimes", "regime", _template, lambda template: template.regime)
PROTOCOLS: Shelf[Protocol] = Shelf("protocols", "protocol", _protocol, lambda protocol: protocol.name)
