"""Figures over a replay: each with its misses by name."""

from __future__ import annotations

import html
import re
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from archiver.errors import ArchiverError
from archiver.watch.anchor import Quote, find
from bench.policies.corpus import Json, Observation, Policy, clauses
from bench.policies.replay import Seen

FOUND = frozenset({"wording", "reversion", "variant"})
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?:[^()]|\([^)]*\))*\)")
_TAG = re.compile(r"<[^>]{1,2000}>")
_WORD = re.compile(r"\w+", re.UNICODE)


@dataclass(slots=True)
class Share:
    """So many of so many, and which not."""

    name: str
    goal: str
    of: int = 0
    hits: int = 0
    misses: list[str] = field(default_factory=list)

    def count(self, hit: bool, what: str) -> None:
        """Count one case."""
        self.of += 1
        self.hits += hit
        if not hit:
            self.misses.append(what)

    @property
    def percent(self) -> float:
        """Hits in a hundred; of nothing, 100."""
        return 100 * self.hits / self.of if self.of else 100.0


def changes(seen: Sequence[Seen]) -> list[Share]:
    """How the differences were classed, and what was held back.

    A pair is two neighbours of the replay. Where both have references, these decide whether words differ: the data set
    keeps a selection, so that an observation may stand next to another than the one its kind was judged against.
    """
    noise = Share("noise-only pairs (equal under the selectors) not reported as wording", "100 %")
    links = Share("link-or-markup-only pairs not reported as wording", ">= 98 %")
    real = Share("real changes found as wording", ">= 98 %")
    failed = Share("failed captures quarantined or blocked", "100 %")
    passed = Share("real documents not quarantined", ">= 99 %")
    misfits = Share("documents whose declared selectors fit (others are stated as selector_missing)", "-")
    before: dict[str, Seen] = {}
    for item in seen:
        observation = item.observation
        held = item.outcome.word in ("quarantined", "blocked")
        what = f"{item.name}: {item.outcome.word}, {item.change}{_reason(item)}"
        if observation.kind == "failed-capture":
            failed.count(held, what)
            continue
        if not observation.flagged:
            passed.count(not held or _code(item) == "selector_missing", what)
            misfits.count(_code(item) != "selector_missing", what)
        earlier = before.get(item.policy.name)
        if earlier is not None and observation.kind in ("noise-only", "link-or-markup-only", "change"):
            found = item.change in FOUND
            other = differing(earlier.observation, observation)
            if observation.kind == "noise-only":
                if observation.strong:
                    noise.count(not found, what)
            elif observation.kind == "link-or-markup-only":
                if not other:
                    links.count(not found, what)
            elif other and item.judged and earlier.judged:
                real.count(found, f"{what}; {other[:3]}")
        if observation.reference is not None:
            before[item.policy.name] = item
    return [noise, links, real, failed, passed, misfits]


def differing(old: Observation, new: Observation) -> list[str]:
    """Words that one reference has and the other has not, with their runs of five; empty where both say the same."""
    before, after = (words_of(o.answer or "") for o in (old, new))
    if [word.casefold() for word in before] == [word.casefold() for word in after]:
        return []
    runs = sorted(shingles(after) ^ shingles(before))
    return [" ".join(run) for run in runs] or ["order or number of words"]


def _code(item: Seen) -> str | None:
    return None if item.outcome.assessment is None else item.outcome.assessment.body["reason_code"]


def _reason(item: Seen) -> str:
    body = item.outcome.assessment.body if item.outcome.assessment else {}
    return f" ({body['reason']})" if body.get("reason") else ""


def presence(seen: Sequence[Seen]) -> list[Share]:
    """Whether clauses stand word for word where the references have them, and nowhere else."""
    every = Share("clause presence as in the references", ">= 97 %")
    seeds = Share("seed clauses exact in every revision", "100 %")
    lines = {(item.policy.name, item.observation.at): item.lines for item in seen}
    for clause in clauses():
        for answer in clause["present"]:
            text = lines.get((clause["document"], answer["observed_at"]))
            if text is None:
                continue
            hit = _stands(clause["quote"], text) == answer["verbatim"]
            what = f"{clause['document']} {answer['observed_at']}: {clause['quote'][:80]!r} {answer['verbatim']}"
            every.count(hit, what)
            if _is_seed(clause):
                seeds.count(hit, what)
    return [every, seeds]


def _is_seed(clause: Json) -> bool:
    return str(clause["why"]).startswith("seed")


def _stands(quote: str, lines: tuple[str, ...]) -> bool:
    try:
        return bool(find(Quote(quote), lines))
    except ArchiverError:
        return False


def words_of(markdown: str) -> list[str]:
    """The words of a text, without Markdown: NFKC, link targets and tags gone, case kept."""
    text = _TAG.sub(" ", _LINK.sub(r"\1", _LINK.sub(r"\1", markdown)))
    return _WORD.findall(unicodedata.normalize("NFKC", html.unescape(text)).replace("_", " "))


def shingles(words: Sequence[str]) -> set[tuple[str, ...]]:
    """Runs of five words."""
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


@dataclass(frozen=True, slots=True)
class Overlap:
    """Five-word shingles of a text and its reference: the reference's share found, and both ways (Jaccard)."""

    found: float
    jaccard: float
    worst: list[str]


def overlap(seen: Sequence[Seen]) -> Overlap:
    """Medians over every observation that has a reference; the ten worst by name."""
    rows = []
    for item in seen:
        answer = item.observation.answer
        if answer is None or item.observation.flagged or item.observation.kind == "failed-capture":
            continue
        ours, theirs = shingles(words_of("\n".join(item.lines or ()))), shingles(words_of(answer))
        if not theirs:
            continue
        common = len(ours & theirs)
        rows.append((common / len(theirs), common / len(ours | theirs), item.name))
    worst = [f"{name}: {found:.3f} found, Jaccard {jaccard:.3f}" for found, jaccard, name in sorted(rows)[:10]]
    return Overlap(statistics.median(row[0] for row in rows), statistics.median(row[1] for row in rows), worst)


def pages_of(policies: Sequence[Policy]) -> list[tuple[Policy, int]]:
    """Every observation of HTML pages, as (policy, number)."""
    return [
        (policy, number)
        for policy in policies
        for number, observation in enumerate(policy.observations)
        if all(page.media_type == "text/html" for page in observation.pages)
    ]
