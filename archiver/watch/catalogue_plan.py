"""What an import would do to a watch list: add, change, or leave each document, and never double one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from archiver.errors import UsageError
from archiver.watch.catalogue_listing import RULES, Listed
from archiver.watch.entry import WatchedDocument, WatchEntry

Key = tuple[str, str, tuple[str, ...]]
"""Entity, title and addresses: what makes two entries the same document."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What happens to one document of a list: ``added``, ``changed`` or ``unchanged``.

    ``document`` is None where it is not watched yet; ``entry`` is the one that will be in force.
    """

    action: str
    document: str | None
    entry: WatchEntry
    place: str
    notes: tuple[str, ...] = ()


def plan_import(listed: Sequence[Listed], watched: Iterable[WatchedDocument]) -> list[Planned]:
    """Return one step for each document of the list, in its order.

    ``UsageError`` when the list says two things of one document: which of them is meant cannot be known.
    """
    known: dict[Key, WatchedDocument] = {}
    named: dict[tuple[str, str], str] = {}
    for document in watched:
        known.setdefault(_key(document.entry), document)
        named.setdefault((document.entry.entity, document.entry.title), document.document)
    seen: dict[Key, Listed] = {}
    steps = []
    for item in listed:
        first = seen.setdefault(_key(item.entry), item)
        if first is not item:
            _require_equal(first, item)
            continue
        there = known.get(_key(item.entry))
        name = (item.entry.entity, item.entry.title)
        notes = item.notes
        if there is None and name in named:
            notes = (*notes, f"{named[name]} has the same entity and title, and other addresses")
        named.setdefault(name, item.place)
        steps.append(_step(replace(item, notes=notes), there))
    return steps


def _key(entry: WatchEntry) -> Key:
    return entry.entity, entry.title, entry.urls


def _require_equal(first: Listed, second: Listed) -> None:
    if (first.entry, first.stated) != (second.entry, second.stated):
        raise UsageError(
            f"{second.place}: the same document as {first.place}, with other rules", do="keep one of the two"
        )


def _step(item: Listed, there: WatchedDocument | None) -> Planned:
    if there is None:
        return Planned("added", None, item.entry, item.place, item.notes)
    entry = _updated(there.entry, item)
    action = "unchanged" if entry == there.entry else "changed"
    return Planned(action, there.document, entry, item.place, item.notes)


def _updated(old: WatchEntry, item: Listed) -> WatchEntry:
    """The old entry with what the list states; an interval that the list does not name was chosen by a person."""
    names = set(item.stated)
    if RULES in names:
        names = names - {RULES} | {"select", "remove", "pages"}
    return replace(old, **{name: getattr(item.entry, name) for name in names})
