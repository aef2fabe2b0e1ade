"""The watch suite: every observation of real policies replayed, and what was reported compared with what is known."""

from __future__ import annotations

import sys

from bench.machine import machine
from bench.places import fresh_folder
from bench.policies.corpus import Policy, load
from bench.policies.measures import Overlap, Share, changes, overlap, presence
from bench.policies.replay import Seen, replay
from bench.policies.speed import WORKS, compare, pairs_of, ratio
from bench.tables import Result, Table

GOAL = 10
SHOWN = 40
"""Misses named in the table of goals, for each goal."""


def suite(rounds: int = 3, documents: int = 1000) -> Result:
    """Replay with and without selectors, then measure speed on at most 120 pairs."""
    policies = load()[:documents]
    with_rules = _replay(policies, selectors=True)
    without = _replay(policies, selectors=False)
    shares = [*changes(with_rules), *presence(with_rules)]
    bare = [*changes(without), *presence(without)]
    texts = [("with selectors", overlap(with_rules)), ("without selectors", overlap(without))]
    rates = compare(pairs_of(policies, 120), rounds)
    like_the_peers = ratio(rates, next(iter(WORKS)))
    verdict = "reached" if like_the_peers >= GOAL else "missed"
    tables = [
        _shares("Watching, by the selectors of the declarations", shares),
        _shares("Watching without any selector", bare),
        _texts(texts),
        Table(
            "Extract and compare, documents per second of processor time",
            ("system", "documents/s", "x trafilatura + difflib"),
            [(name, f"{_middle(rates[name]):.0f}", f"{ratio(rates, name):.1f}") for name in WORKS],
            [f"goal: lines at least {GOAL} times as fast: {verdict}, {like_the_peers:.1f}"],
        ),
    ]
    return Result("watch", machine(), tables, rates)


def _replay(policies: list[Policy], *, selectors: bool) -> list[Seen]:
    total = sum(len(policy.observations) for policy in policies)
    with fresh_folder("watch") as folder:

        def tell(done: int) -> None:
            if sys.stderr.isatty():
                print(f"\r{done} of {total} observations", end="", file=sys.stderr)

        return replay(policies, folder, selectors=selectors, done=tell)


def _shares(title: str, shares: list[Share]) -> Table:
    rows = [(share.name, f"{share.hits} of {share.of}", f"{share.percent:.1f} %", share.goal) for share in shares]
    misses = [f"{share.name}: missed {miss}" for share in shares for miss in share.misses[:SHOWN]]
    return Table(title, ("figure", "cases", "share", "goal"), rows, misses)


def _texts(texts: list[tuple[str, Overlap]]) -> Table:
    rows = [(name, f"{found.found:.3f}", f"{found.jaccard:.3f}", ">= 0.95") for name, found in texts]
    worst = [f"{name}, worst: {line}" for name, found in texts for line in found.worst]
    return Table(
        "Five-word shingles of the text against the Markdown reference, medians",
        ("rules", "of the reference found", "Jaccard", "goal"),
        rows,
        worst,
    )


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
