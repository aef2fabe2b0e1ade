"""Words of a line, and which phrases of pages that are not the document stand in it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

LONGEST_LINE = 1200
"""Characters of a line that are searched."""
_GAP = 5
_WORD = re.compile(r"\w+")
_NOT_WORD = re.compile(r"[\W_]+")
_UNSPACED = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_WITHOUT_SPACES = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_THAI = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "’": " ", "'": " "})
_FILLERS = frozenset(
    """error errors oops ops sorry http https status code whoops ups uh oh the a an erreur fehler errore erro fout blad
    fel fejl feil virhe chyba hiba eroare hata ошибка помилка σφαλμα خطا""".split()
)
_LONGEST_LABEL = 16

Family = str


def folded(text: str) -> str:
    """The text without case and accents: ``Página`` and ``pagina`` are one."""
    lower = text.casefold()
    if not lower.isascii():
        parted = unicodedata.normalize("NFKD", lower)
        lower = unicodedata.normalize("NFC", "".join(c for c in parted if not unicodedata.combining(c)))
    return lower.translate(_PLAIN)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return tuple(_WORD.findall(folded(text)))


def count_words(text: str) -> int:
    """How many words a text has; where words are not parted by spaces, two characters count as one."""
    if not _WITHOUT_SPACES.search(text):
        return len(text.split())
    unspaced = len(_IDEOGRAPHS.findall(text))
    thai = len(_THAI.findall(text))
    rest = _WITHOUT_SPACES.sub(" ", text).split()
    return sum(1 for word in rest if any(map(str.isalnum, word))) + (unspaced + 1) // 2 + (thai + 4) // 5


@dataclass(slots=True)
class Found:
    """What a line says: families whose label it is or has at an edge, phrases and hints by family."""

    labels: set[Family] = field(default_factory=set)
    edges: set[Family] = field(default_factory=set)
    sentences: dict[Family, set[str]] = field(default_factory=dict)
    hints: dict[Family, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Phrase:
    family: Family
    kind: str
    steps: tuple[tuple[str, ...] | None, ...]
    """Alternatives of each word in turn; None is a gap."""
    at_start: bool


@dataclass(slots=True)
class _Book:
    """All phrases: those in words by their first two, else their first word, those of unspaced scripts as patterns."""

    by_words: dict[tuple[str, str], list[_Phrase]] = field(default_factory=dict)
    by_word: dict[str, list[_Phrase]] = field(default_factory=dict)
    unspaced_labels: dict[str, set[Family]] = field(default_factory=dict)
    unspaced: list[tuple[Family, str, re.Pattern[str]]] = field(default_factory=list)


def _steps(phrase: str) -> tuple[tuple[str, ...] | None, ...]:
    steps: list[tuple[str, ...] | None] = []
    for word in phrase.split():
        if word == "*":
            steps.append(None)
            continue
        choices = []
        for choice in word.split("/"):
            choices += [f"{part}~" if choice.endswith("~") else part for part in words_of(choice.rstrip("~"))]
        if choices:
            steps.append(tuple(choices))
    return tuple(steps)


def _add(book: _Book, family: Family, kind: str, phrase: str, patterns: dict[tuple[Family, str], list[str]]) -> None:
    if _UNSPACED.search(phrase):
        compact = "*".join(_NOT_WORD.sub("", folded(piece)) for piece in phrase.split("*"))
        if kind == "labels":
            book.unspaced_labels.setdefault(compact, set()).add(family)
        else:
            pattern = ".{0,12}?".join(re.escape(piece) for piece in compact.split("*"))
            patterns.setdefault((family, kind), []).append(pattern)
        return
    at_start = phrase.startswith("^")
    steps = _steps(phrase.lstrip("^"))
    one = _Phrase(family, kind, steps, at_start)
    following = steps[1] if len(steps) > 1 else None
    for first in steps[0] or ():
        if following is None or any(word.endswith("~") for word in following):
            book.by_word.setdefault(first, []).append(one)
            continue
        for second in following:
            book.by_words.setdefault((first, second), []).append(one)


@cache
def _book() -> _Book:
    source = resources.files("archiver.watch").joinpath("gate_phrases.toml").read_text(encoding="utf-8")
    book = _Book()
    patterns: dict[tuple[Family, str], list[str]] = {}
    for family, kinds in tomllib.loads(source).items():
        for kind, texts in kinds.items():
            for text in texts.values():
                for phrase in filter(None, map(str.strip, text.split("|"))):
                    _add(book, family, kind, phrase, patterns)
    book.unspaced = [(*key, re.compile("|".join(alternatives))) for key, alternatives in patterns.items()]
    return book


def _fits(word: str, choices: tuple[str, ...]) -> bool:
    return any(word.startswith(c[:-1]) if c.endswith("~") else word == c for c in choices)


def _end(words: tuple[str, ...], at: int, steps: tuple[tuple[str, ...] | None, ...], step: int) -> int | None:
    """Where a match of the steps that begins at a word ends, or None; the shortest gap wins."""
    while step < len(steps):
        choices = steps[step]
        if choices is None:
            for skip in range(_GAP + 1):
                if at + skip > len(words):
                    return None
                found = _end(words, at + skip, steps, step + 1)
                if found is not None:
                    return found
            return None
        if at >= len(words) or not _fits(words[at], choices):
            return None
        at += 1
        step += 1
    return at


def _tiled(words: tuple[str, ...], spans: dict[int, list[int]]) -> bool:
    """Whether labels and fillers together make up the whole, with a label at least once."""
    states = {(0, False)}
    for at, word in enumerate(words):
        for place, labelled in [state for state in states if state[0] == at]:
            if word in _FILLERS:
                states.add((at + 1, labelled))
            states.update((end, True) for end in spans.get(place, ()))
    return (len(words), True) in states


def _match_words(words: tuple[str, ...], found: Found) -> None:
    book = _book()
    spans: dict[Family, dict[int, list[int]]] = {}
    for at, (word, following) in enumerate(zip(words, (*words[1:], ""), strict=False)):
        for phrase in (*book.by_words.get((word, following), ()), *book.by_word.get(word, ())):
            if phrase.at_start and at:
                continue
            end = _end(words, at + 1, phrase.steps, 1)
            if end is None:
                continue
            if phrase.kind == "labels":
                # A gap at the end of a label takes what is left.
                whole = len(words) if phrase.steps[-1] is None and len(words) - end <= _GAP else end
                spans.setdefault(phrase.family, {}).setdefault(at, []).append(whole)
                if end - at > 1 and (at == 0 or end == len(words)):
                    found.edges.add(phrase.family)
            else:
                kind = found.sentences if phrase.kind == "sentences" else found.hints
                kind.setdefault(phrase.family, set()).add(" ".join(words[at:end]))
    if len(words) <= _LONGEST_LABEL:
        found.labels.update(family for family, places in spans.items() if _tiled(words, places))


def _match_unspaced(compact: str, found: Found) -> None:
    book = _book()
    found.labels |= book.unspaced_labels.get(compact, set())
    bare = compact.strip("0123456789")
    found.labels |= book.unspaced_labels.get(bare, set())
    for family, kind, pattern in book.unspaced:
        hits = {hit[0] for hit in pattern.finditer(compact)}
        if hits:
            where = found.sentences if kind == "sentences" else found.hints
            where.setdefault(family, set()).update(hits)


@cache
def _document_words() -> tuple[frozenset[str], tuple[str, ...]]:
    book = _book()
    spaced = {word for word, phrases in book.by_word.items() if any(p.family == "document" for p in phrases)}
    return frozenset(spaced), tuple(label for label, families in book.unspaced_labels.items() if "document" in families)


def names_a_document(text: str) -> bool:
    """Whether a title or heading calls what follows a policy, terms, a notice or the like."""
    spaced, unspaced = _document_words()
    words = words_of(text)
    return not spaced.isdisjoint(words) or any(label in "".join(words) for label in unspaced)


def find(line: str) -> Found:
    """Which labels, sentences and hints of all families and languages stand in a line."""
    found = Found()
    text = folded(line[:LONGEST_LINE])
    words = tuple(_WORD.findall(text))
    _match_words(words, found)
    if _UNSPACED.search(text):
        _match_unspaced(_NOT_WORD.sub("", text), found)
    return found
