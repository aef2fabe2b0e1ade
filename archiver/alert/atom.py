"""An Atom feed (RFC 4287) as a file: any reader follows it, from a web server or from a shared folder.

The file is the only state: each delivery reads it, adds its entry or replaces the one of the same identifier, and
puts the new file in place of the old one in one step.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from archiver.alert.interface import Channel, ChannelFailed, ChannelKind, Message, Surroundings, one_line, plain
from archiver.alert.options import Options

NAMESPACE = "http://www.w3.org/2005/Atom"
MAX_FEED = 64 * 1024 * 1024
"""Bytes of a feed that is read; a larger one was not written here."""
OWN_FOLDERS = frozenset({"journal", "snapshots", "stamps", "log", "keys", "staging"})
"""Folders of an archive where nothing else may lie."""
_WAIT_S = 0.05


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the feed."""

    id: str
    title: str
    updated: str
    link: str
    summary: str
    content: str
    """HTML."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed file; satisfies ``Channel``."""

    name: str
    path: Path
    url: str
    """Where readers find the file, or empty."""
    entries: int
    title: str
    origin: str
    timeout_s: float
    kind: str = "atom"

    @property
    def target(self) -> str:
        """The file."""
        return f"the file {self.path.name}"

    def send(self, message: Message) -> None:
        """Put the message into the feed; a file that is not this feed is left alone."""
        try:
            with _alone(self.path.parent, self.timeout_s):
                entries = [entry for entry in self._read() if entry.id != urn(message.id)]
                entries.append(_entry(message))
                entries.sort(key=lambda entry: (entry.updated, entry.id), reverse=True)
                self._write(self.render(entries[: self.entries]))
        except OSError as error:
            raise ChannelFailed(f"the feed file: {error.strerror or type(error).__name__}", retry=True) from None

    @property
    def id(self) -> str:
        """Identifier of the feed."""
        return urn(f"{self.origin}#{self.name}")

    def _read(self) -> list[Entry]:
        try:
            with self.path.open("rb") as handle:
                data = handle.read(MAX_FEED + 1)
        except FileNotFoundError:
            return []
        if not data:
            return []
        found = parse(data) if len(data) <= MAX_FEED else None
        if found is None or found[0] != self.id:
            raise ChannelFailed("the file is there and is not this feed", retry=True, do="move it away")
        return found[1]

    def render(self, entries: list[Entry]) -> bytes:
        """The whole document; the title and every text may come from the web."""
        updated = entries[0].updated if entries else "1970-01-01T00:00:00.000Z"
        own = self.url or quote(self.path.name)
        lines = [
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<feed xmlns="{NAMESPACE}">',
            f"<id>{self.id}</id>",
            f"<title>{_xml(self.title)}</title>",
            f"<updated>{updated}</updated>",
            f'<link rel="self" type="application/atom+xml" href={quoteattr(own)}/>',
            f"<author><name>{_xml(self.title)}</name></author>",
            "<generator>evidence-archiver</generator>",
            *map(_entry_xml, entries),
            "</feed>",
        ]
        return ("\n".join(lines) + "\n").encode()

    def _write(self, data: bytes) -> None:
        """Replace the file in one step: readers see the old feed or the new one, also after a loss of power."""
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        with suppress(FileNotFoundError):
            beside.unlink()
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            beside.replace(self.path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def urn(identifier: str) -> str:
    """Return a stable identifier as a URN, whatever characters it has."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, identifier)}"


def _entry(message: Message) -> Entry:
    return Entry(
        urn(message.id),
        one_line(message.subject, 300),
        message.at,
        message.link,
        f"Alert {message.id}",
        plain(message.html),
    )


def _xml(text: str) -> str:
    return escape(plain(text))


def _entry_xml(entry: Entry) -> str:
    link = f"<link href={quoteattr(one_line(entry.link, 2000))}/>\n" if entry.link else ""
    return (
        f"<entry>\n<id>{escape(entry.id)}</id>\n<title>{_xml(entry.title)}</title>\n<updated>{entry.updated}</updated>\n"
        f"{link}<summary>{_xml(entry.summary)}</summary>\n"
        f'<content type="html">{_xml(entry.content)}</content>\n</entry>'
    )


def parse(data: bytes) -> tuple[str, list[Entry]] | None:
    """Return the identifier and the entries of a feed as ``render`` writes it, or None when it is something else."""
    from xml.etree import ElementTree

    if re.search(rb"<!(?:DOCTYPE|ENTITY)", data):
        return None  # not ours: we write none, and entities can be made to swell
    try:
        feed = ElementTree.fromstring(data)
    except ElementTree.ParseError:
        return None
    if feed.tag != f"{{{NAMESPACE}}}feed":
        return None

    def text(node: ElementTree.Element, name: str) -> str:
        return node.findtext(f"{{{NAMESPACE}}}{name}") or ""

    entries = []
    for node in feed.findall(f"{{{NAMESPACE}}}entry"):
        link = node.find(f"{{{NAMESPACE}}}link")
        href = "" if link is None else link.get("href", "")
        texts = [text(node, name) for name in ("id", "title", "updated", "summary", "content")]
        entries.append(Entry(texts[0], texts[1], texts[2], href, texts[3], texts[4]))
    return text(feed, "id"), entries


@contextmanager
def _alone(folder: Path, timeout_s: float) -> Iterator[None]:
    """Hold the folder's lock: a test from the command line may run beside the daemon."""
    until = time.monotonic() + timeout_s
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise ChannelFailed(f"the folder was locked for {timeout_s:g} s", retry=True) from None
                time.sleep(_WAIT_S)
        yield
    finally:
        os.close(handle)


class FeedKind:
    """Makes channels of kind ``atom``; satisfies ``ChannelKind``."""

    name = "atom"

    def open(self, name: str, keys: Mapping[str, Any], surroundings: Surroundings) -> Channel:
        """Return the channel; ``SettingsError`` for a path among the archive's own files."""
        options = Options(name, keys, surroundings)
        path = options.path("path")
        url = options.text("url", "")
        entries = options.whole("entries", 100, 1, 1000)
        options.end()
        assert path is not None
        resolved, root = path.resolve(), surroundings.root.resolve()
        inside = resolved.relative_to(root).parts if resolved.is_relative_to(root) else ()
        if inside and (inside[0] in OWN_FOLDERS or inside[0].startswith("archive.") or inside[0] == "lock"):
            raise options.wrong("path", "must not lie among the files of the archive itself")
        if resolved.is_dir():
            raise options.wrong("path", "must be a file")
        if url and not re.fullmatch(r"https?://[!-~]+", url):
            raise options.wrong("url", "must begin with http:// or https://")
        title = one_line(surroundings.archive_name, 200)
        return Feed(name, resolved, url, entries, title, surroundings.origin, surroundings.timeout_s)


PLUGIN: ChannelKind = FeedKind()
