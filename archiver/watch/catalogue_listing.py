"""What reading a watch list yields: its documents, each with its place and what could not be taken over. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from archiver.errors import UsageError
from archiver.watch.entry import WatchEntry

MAX_BYTES = 32 * 1024 * 1024
"""Of all files of one import: lists of a hundred thousand documents fit."""
MAX_DOCUMENTS = 200_000
RULES = "rules"
"""Stands in ``Listed.stated`` for ``select``, ``remove`` and ``pages``, which are one thing: what is read of a page."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One document of a list: where it stands, its entry, which fields the list states, and remarks for people.

    What a list does not state has its default in the entry, and stays as it is where the document is watched already.
    """

    place: str
    entry: WatchEntry
    stated: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The documents of one or more files, and remarks that belong to none of them."""

    documents: tuple[Listed, ...]
    notes: tuple[str, ...] = ()

    @property
    def entries(self) -> list[WatchEntry]:
        """The entries alone."""
        return [listed.entry for listed in self.documents]


@contextmanager
def at(place: str) -> Iterator[None]:
    """Put the place before what a ``UsageError`` from inside says."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{place}: {error.what}", do=error.do) from error


def default_entity(urls: Sequence[str]) -> str:
    """The host of the first address, for an entry that names no entity."""
    return urlsplit(urls[0]).hostname or ""


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8: {error.reason} at byte {error.start}") from error


def one_line(text: str) -> str:
    """The text with every run of white space and control characters as one space."""
    return " ".join("".join(c if unicodedata.category(c) not in ("Cc", "Zl", "Zp") else " " for c in text).split())
