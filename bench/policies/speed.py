"""Extraction and line diff against trafilatura and difflib, on the same pages, one thread, in turn."""

from __future__ import annotations

import difflib
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from archiver.watch.diff import hunks
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


def ours(pair: Pair) -> None:
    """Read both by their selectors, and find the changed lines and in them the changed words."""
    old, new = ([Source(p.url, p.body, p.media_type) for p in o.pages] for o in pair)
    hunks(read(old, pair[0].rules).lines, read(new, pair[1].rules).lines)


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


def compare(pairs: Sequence[Pair], rounds: int) -> tuple[list[float], list[float], float]:
    """Rates of ours and theirs by round, each in turn, and the median of their ratios."""
    for pair in pairs:
        for observation in pair:
            for page in observation.pages:
                page.body  # noqa: B018 - read and unpacked before anything is timed
    mine, other = [], []
    for _ in range(rounds):
        mine.append(documents_per_s(ours, pairs))
        other.append(documents_per_s(theirs, pairs))
    return mine, other, statistics.median(a / b for a, b in zip(mine, other, strict=True))
