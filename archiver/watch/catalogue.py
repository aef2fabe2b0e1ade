"""Watch lists as files: read whole or not at all, with the place of the first thing that is wrong. Pure.

What one list in TOML or CSV writes, the other reads back equal; declarations of Open Terms Archive hold addresses and
rules only. OPML and Atom are read, not written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from archiver.errors import UsageError
from archiver.watch.catalogue_listing import MAX_BYTES, MAX_DOCUMENTS, Listed, Listing, at
from archiver.watch.entry import WatchEntry

FORMATS = ("toml", "csv", "ota", "opml", "atom")
WRITTEN = ("toml", "csv", "ota")
SUFFIXES = {".toml": "toml", ".csv": "csv", ".json": "ota", ".opml": "opml", ".atom": "atom"}


def read_files(files: Iterable[tuple[str, bytes]], form: str | None, every_s: int) -> Listing:
    """Return the documents of files by name, each place with its file; ``form`` None: found for each file."""
    documents: list[Listed] = []
    notes: list[str] = []
    size = 0
    for name, data in files:
        size += len(data)
        if size > MAX_BYTES:
            raise UsageError(f"{name}: watch lists of more than {MAX_BYTES} bytes", do="import them in parts")
        with at(name):
            if form in (None, "ota") and _is_history(name, data):
                notes.append(f"{name}: declarations that were in force earlier are not read")
                continue
            listing = read_catalogue(data, form or detect(name, data), every_s)
        documents += [replace(listed, place=f"{name}: {listed.place}") for listed in listing.documents]
        notes += [f"{name}: {note}" for note in listing.notes]
        if len(documents) > MAX_DOCUMENTS:
            raise UsageError(f"{name}: more than {MAX_DOCUMENTS} documents", do="import them in parts")
    return Listing(tuple(documents), tuple(notes))


def read_catalogue(data: bytes, form: str, every_s: int) -> Listing:
    """Return what one file lists; ``every_s`` is for documents that name no interval.

    ``UsageError`` names the place of the first thing that is wrong.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"a watch list of more than {MAX_BYTES} bytes", do="import it in parts")
    notes: list[str] = []
    match form:
        case "toml":
            from archiver.watch.catalogue_tables import read_toml

            documents = read_toml(data, every_s)
        case "csv":
            from archiver.watch.catalogue_tables import read_csv

            documents = read_csv(data, every_s)
        case "ota":
            from archiver.watch.catalogue_declarations import read_declarations

            documents, notes = read_declarations(data, every_s)
        case "opml" | "atom" | "xml":
            from archiver.watch.catalogue_outlines import read_outlines

            documents, notes = read_outlines(data, None if form == "xml" else form, every_s)
        case _:
            raise UsageError(f"unknown format {form!r}", do=f"known: {', '.join(FORMATS)}")
    if len(documents) > MAX_DOCUMENTS:
        raise UsageError(f"more than {MAX_DOCUMENTS} documents", do="import them in parts")
    return Listing(tuple(documents), tuple(notes))


def detect(name: str, data: bytes) -> str:
    """Say what a file is, by its name, else by its first character; ``xml`` is OPML or Atom, as its root says."""
    for suffix, form in SUFFIXES.items():
        if name.lower().endswith(suffix):
            return form
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return "xml"
    if head.startswith(b"{") or (head.startswith(b"[") and head[1:].lstrip()[:1] in (b"{", b"]")):
        return "ota"
    first = head.split(b"\n", 1)[0]
    return "csv" if b"urls" in first.replace(b'"', b"").strip().split(b",") else "toml"


def _is_history(name: str, data: bytes) -> bool:
    if name.lower().endswith(".history.json"):
        return True
    if not data.lstrip().startswith(b"{") or b'"validUntil"' not in data:
        return False
    from archiver.watch.catalogue_declarations import is_history

    return is_history(data)


def write_catalogue(entries: Iterable[WatchEntry], form: str) -> str:
    """Return the text that ``read_catalogue`` reads as the same entries."""
    match form:
        case "toml":
            from archiver.watch.catalogue_tables import write_toml

            return write_toml(entries)
        case "csv":
            from archiver.watch.catalogue_tables import write_csv

            return write_csv(entries)
        case "ota":
            from archiver.watch.catalogue_declarations import write_declarations

            return write_declarations(entries)
    raise UsageError(f"unknown format {form!r}", do=f"known: {', '.join(WRITTEN)}")
