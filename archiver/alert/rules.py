"""Who is told of what, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from archiver.alert.interface import Event

Deliver = Literal["now", "daily", "weekly"]
PRIORITY: tuple[Deliver, ...] = ("now", "daily", "weekly")
"""Where several rules send one event to one channel, the soonest counts."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[rule]]``: an event that fits every list goes to every channel; an empty list fits everything."""

    name: str
    channels: tuple[str, ...]
    documents: tuple[str, ...] = ()
    """Patterns for the document's identifier or title."""
    entities: tuple[str, ...] = ()
    provisions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ("wording", "reversion")
    """Change classes, for events of kind ``change`` only."""
    events: tuple[str, ...] = ("change",)
    deliver: Deliver = "now"


def fits(rule: Rule, event: Event) -> bool:
    """Say whether a rule sends an event to its channels; what is held fits none."""
    return (
        not event.held
        and (not rule.events or event.kind in rule.events)
        and (event.kind != "change" or not rule.classes or event.change in rule.classes)
        and _any_fits(rule.documents, event.document, event.title)
        and _any_fits(rule.entities, event.entity)
        and _any_fits(rule.provisions, event.provision)
    )


def _any_fits(patterns: tuple[str, ...], *names: str | None) -> bool:
    """One pattern fits one of the names as a whole, whatever the case of letters; no pattern at all fits always."""
    folded = [name.casefold() for name in names if name]
    return not patterns or any(fnmatchcase(name, pattern.casefold()) for name in folded for pattern in patterns)


def route(event: Event, rules: Iterable[Rule]) -> dict[str, Deliver]:
    """Return the channels an event goes to, each once, and how soon."""
    found: dict[str, Deliver] = {}
    for rule in rules:
        if fits(rule, event):
            for channel in rule.channels:
                found[channel] = min(rule.deliver, found.get(channel, rule.deliver), key=PRIORITY.index)
    return found
