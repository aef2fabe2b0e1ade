"""Which watch entries are due, and when each is due next. Pure: time and chance are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from archiver.watch.entry import WatchedDocument


@dataclass(frozen=True, slots=True)
class Due:
    """When a document is due and how often it failed in a row; seconds since the epoch."""

    next_check: float
    failures: int


def host_of(url: str) -> str:
    """The host a check of this address asks first; the key of the per-host pace."""
    return (urlsplit(url).hostname or "").lower()


def due_now(
    watched: Iterable[WatchedDocument],
    plan: Mapping[str, Due],
    *,
    now: float,
    busy: frozenset[str],
    host_free_at: Mapping[str, float],
    most: int,
) -> list[WatchedDocument]:
    """Return up to ``most`` documents to check now, the longest overdue first.

    A document that is being checked is left out, and so is one whose host was asked less than the pace ago; of
    several documents of one host only the first is taken, so that one slow host cannot fill all places.
    """
    candidates = [w for w in watched if not w.entry.paused and not w.entry.removed and w.document not in busy]
    candidates = [w for w in candidates if w.document not in plan or plan[w.document].next_check <= now]
    candidates.sort(key=lambda w: (plan[w.document].next_check if w.document in plan else 0.0, w.document))
    taken: list[WatchedDocument] = []
    hosts: set[str] = set()
    for document in candidates:
        host = host_of(document.entry.urls[0])
        if len(taken) >= most:
            break
        if host in hosts or host_free_at.get(host, 0.0) > now:
            continue
        hosts.add(host)
        taken.append(document)
    return taken


def within_reach(due: Due, every_s: int, *, now: float, jitter: float) -> Due:
    """Return the plan, no further away than a check made now would put it.

    It is further away when the interval was shortened since, or when the clock went back: then the document would go
    unwatched until the old time comes.
    """
    furthest = now + every_s * (1 + jitter)
    return due if due.next_check <= furthest else Due(now + every_s, due.failures)


def after_check(
    every_s: int,
    previous: Due | None,
    *,
    now: float,
    retryable: bool,
    retry_s: Sequence[int],
    jitter: float,
    chance: float,
) -> Due:
    """Return when a document is due next; ``chance`` in [0, 1) spreads checks by ``jitter`` of the interval.

    A failure that may pass is tried again after ``retry_s[n]``, never later than the schedule would.
    """
    regular = now + every_s * (1 + jitter * (2 * chance - 1))
    if not retryable:
        return Due(regular, 0)
    failures = (previous.failures if previous else 0) + 1
    if failures > len(retry_s):
        return Due(regular, failures)
    return Due(min(regular, now + retry_s[failures - 1]), failures)
