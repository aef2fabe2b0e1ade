"""How others word a clause: passages of other documents by the words and pairs of words they share with it. Pure.

Scores are whole numbers from 0 to 100, the same in both directions, and can be counted by hand: half for the share of
telling words that both have, half for the share of pairs of neighbouring telling words.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import normalize

from archiver.errors import UsageError
from archiver.watch.text import WORD, words_of

MAX_TERMS = 24
MAX_TERM = 64
CLOSE = 60
"""Score from which another document counts as having the clause too."""
_SMALL = frozenset(
    """
    a about above after again all also an and any are as at be because been before being below between both but by can
    could did do does each for from further had has have he her here his how i if in into is it its just may me might
    more most must my no nor not of off on once only or other our out over own same shall she should so some such than
    that the their them then there these they this those through to too under until up upon us very was we were what
    when where which while who whom why will with would you your
    aber alle als am an auch auf aus bei bis das dass dem den der des die dies diese dieser durch ein eine einem einen
    einer eines er es für haben hat ihr ihre im in ist kann können mit nach nicht nur oder sein sich sie sind so soweit
    um und uns unser unsere von vor was wenn werden wie wir wird zu zum zur über
    au aux avec c ce ces cet cette d dans de des du elle en est et il ils j je l la le les leur leurs lui mais n ne nos
    notre nous on ont ou où par pas peut plus pour qu que qui s sa se ses si son sont sur un une vos votre vous à être
    al como con del el ella esta este lo los las más o para pero por según sin sobre su sus una y
    ai alla che come da dal dei del della di e gli i il le nel non per più sono su tra un uno
    aan als bij dat de door een en er het hun in is met naar niet of om ook op te tot uit van voor wij worden wordt zijn
    ao aos as com da das do dos e em mais na nas no nos os ou pela pelo por que se sem sua um uma
    """.split()
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that may word the same thing."""

    id: str
    text: str
    document: str = ""
    """What ``prevalence`` counts; without it each passage counts as a document of its own."""


@dataclass(frozen=True, slots=True)
class Features:
    """What a text is compared by: its telling words, and the pairs of them that follow one another."""

    words: Set[str]
    pairs: Set[tuple[str, str]]

    @classmethod
    def of(cls, text: str) -> Features:
        """Return the features of a text; small words are left out unless there is no other."""
        every = words_of(text)
        telling = [word for word in every if word not in _SMALL] or list(every)
        return cls(frozenset(telling), frozenset(pairwise(telling)))

    def score(self, other: Features) -> int:
        """Return 0 to 100; a text of one telling word is scored by it alone."""
        words = _share(self.words, other.words)
        if not self.pairs and not other.pairs:
            return 100 * words[0] // words[1] if words[1] else 0
        pairs = _share(self.pairs, other.pairs)
        return (100 * words[0] * pairs[1] + 100 * pairs[0] * words[1]) // (2 * words[1] * pairs[1])


@dataclass(frozen=True, slots=True)
class Prevalence:
    """In how many documents a clause stands in like words."""

    documents: int
    of: int
    """Documents looked through."""
    threshold: int


def score(a: str, b: str) -> int:
    """Return how alike two texts are worded, 0 to 100."""
    return Features.of(a).score(Features.of(b))


def shared_words(a: str, b: str) -> list[str]:
    """Return the telling words both texts have, in the order of the first: what a score rests on."""
    both = Features.of(a).words & Features.of(b).words
    return list(dict.fromkeys(word for word in words_of(a) if word in both))


def closest(exact: str, candidates: Iterable[Passage], limit: int) -> list[tuple[str, int]]:
    """Return the ids of the likest passages with their scores, the likest first, equal ones by id; none with 0."""
    wanted = Features.of(exact)
    scored = ((passage.id, wanted.score(Features.of(passage.text))) for passage in candidates)
    return heapq.nsmallest(max(0, limit), (item for item in scored if item[1]), key=lambda item: (-item[1], item[0]))


def prevalence(exact: str, candidates: Iterable[Passage], *, threshold: int = CLOSE) -> Prevalence:
    """Return how many documents have a passage that scores at least ``threshold``, of all that were looked through."""
    if not 1 <= threshold <= 100:
        raise UsageError(f"a threshold of {threshold} is none", do="give 1 to 100")
    wanted = Features.of(exact)
    found: dict[str, bool] = {}
    for passage in candidates:
        document = passage.document or passage.id
        if not found.get(document):
            found[document] = wanted.score(Features.of(passage.text)) >= threshold
    return Prevalence(sum(found.values()), len(found), threshold)


def fts_terms(exact: str) -> str:
    """Return an SQLite FTS5 query for the clause's telling words: at most 24, quoted, joined by ``OR``.

    The longest words come first, for they are the rarest; equal ones in the order of the clause. Nothing of the clause
    can act as a query: only letters and digits enter, each word in quotes. Without any word the query matches nothing.
    """
    # as they are written, for the tokeniser of FTS5 folds in its own way: it keeps ß where casefold makes ss
    every = dict.fromkeys(word.lower() for word in WORD.findall(normalize("NFC", exact)) if len(word) <= MAX_TERM)
    telling = [word for word in every if word not in _SMALL] or list(every)
    chosen = sorted(telling, key=len, reverse=True)[:MAX_TERMS]
    return " OR ".join(f'"{word}"' for word in chosen) or '""'


def _share(a: Set[object], b: Set[object]) -> tuple[int, int]:
    return 2 * len(a & b), len(a) + len(b)
