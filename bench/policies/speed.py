"""Extraction and line diff against trafilatura and difflib, on the same pages, one thread, in turn.

The peers find the text and the lines that differ. The daemon does more with the same page: signs for the gate, and in
the changed lines the changed words. Both are measured, each under its name.
"""

from __future__ import annotations

import difflib
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from archiver.__main__ import settle_collector
from archiver.watch.diff import hunks, unit_ops
from archiver.watch.extract.text_1 import read
from archiver.watch.reading import Source
from bench.policies.corpus import Observation, Policy

Pair = tuple[Observation, Observation]


def pairs_of(policies: Sequence[Policy], most: int) -> list[Pair]:
    """Neighbouring observations of HTML pages, at most so many."""
    pairs = []
    for policy in policies:
        usable = [o for o in policy.observations if all(page.media_type == "text/html" for page in o.pages)]
        pairs += list(pairwise(usable))
    return pairs[:: max(1, len(pairs) // most)][:most]


def changed_lines(pair: Pair) -> None:
    """What the peers do: read both by their selectors, and find the lines that differ."""
    for _ in unit_ops(*_lines(pair, signed=False)):
        pass


def changed_words(pair: Pair) -> None:
    """What the daemon does: the same, with signs for the gate, and in the changed lines the changed words."""
    hunks(*_lines(pair, signed=True))


def _lines(pair: Pair, *, signed: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    old, new = (
        read([Source(p.url, p.body, p.media_type) for p in observation.pages], observation.rules, signed=signed).lines
        for observation in pair
    )
    return old, new


def theirs(pair: Pair) -> None:
    """trafilatura's extraction of both, difflib's comparison of the lines."""
    import trafilatura

    texts = [
        "\n".join(trafilatura.extract(page.body.decode("utf-8", "replace")) or "" for page in o.pages) for o in pair
    ]
    for _ in difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines()):
        pass


def documents_per_s(work: Callable[[Pair], None], pairs: Sequence[Pair]) -> float:
    """Documents read per second of processor time."""
    started = time.process_time()
    for pair in pairs:
        work(pair)
    return 2 * len(pairs) / (time.process_time() - started)


WORKS: dict[str, Callable[[Pair], None]] = {
    "text/1 + changed lines": changed_lines,
    "text/1 + changed words": changed_words,
    "trafilatura + difflib": theirs,
}


def compare(pairs: Sequence[Pair], rounds: int) -> dict[str, list[float]]:
    """Rates of each by round, all in turn; the last one is the peer.

    Nothing is timed that is done once in the life of a program, and its collector is set as in ours.
    """
    settle_collector()
    for work in WORKS.values():
        work(pairs[0])
    for pair in pairs:
        for observation in pair:
            for page in observation.pages:
                page.body  # noqa: B018 - read and unpacked before anything is timed
    rates: dict[str, list[float]] = {name: [] for name in WORKS}
    for _ in range(rounds):
        for name, work in WORKS.items():
            rates[name].append(documents_per_s(work, pairs))
    return rates


def ratio(rates: dict[str, list[float]], name: str) -> float:
    """The median over the rounds of one's rate against the peer's in the same round."""
    peer = rates[list(WORKS)[-1]]
    return statistics.median(a / b for a, b in zip(rates[name], peer, strict=True))
