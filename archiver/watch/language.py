"""Which language a text is in: by its script, else by the small words that only one language has. Unsure is None."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from functools import cache
from importlib import resources

SAMPLE = 4500
"""Characters that are looked at: three windows, from the beginning, the middle and the end."""
LEAST_WORDS = 12
_LEAST_HITS = 4
_LEAST_SHARE = 0.12
_MOST_OTHER = 0.35
"""Words that speak for another language, as a share of those that speak for the first: more, and the text is mixed."""
_WORD = re.compile(r"[^\W\d_]+")

_SCRIPTS = (
    ("kana", re.compile(r"[\u3040-\u30ff]")),
    ("hangul", re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")),
    ("han", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")),
    ("el", re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("arabic", re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
    ("indic", re.compile(r"[\u0900-\u0dff]")),
    ("cyrillic", re.compile(r"[\u0400-\u052f]")),
    ("latin", re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")),
)
_IN_WORDS = frozenset({"cyrillic", "latin"})
_WEIGHT = {"kana": 2, "hangul": 2, "han": 2}
"""One such character says as much as two letters."""
_PERSIAN = re.compile(r"[پچژگکی]")
_URDU = re.compile(r"[ٹڈڑںےہ]")


@cache
def _function_words() -> dict[str, str]:
    source = resources.files("archiver.watch").joinpath("language_words.toml").read_text(encoding="utf-8")
    return tomllib.loads(source)


@cache
def _languages_of() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for language, words in _function_words().items():
        for word in sorted(set(words.split())):
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


def _sample(text: str) -> str:
    if len(text) <= SAMPLE:
        return text
    third = SAMPLE // 3
    middle = len(text) // 2 - third // 2
    return f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"


def _by_words(text: str) -> str | None:
    words = _WORD.findall(text.lower())
    if len(words) < LEAST_WORDS:
        return None
    table = _languages_of()
    counts = Counter(word for word in words if word in table)
    hits: Counter[str] = Counter()
    for word, count in counts.items():
        for language in table[word]:
            hits[language] += count
    if not hits:
        return _by_ranks(text, len(words), 0.0)
    # A word that several languages have says nothing between them: each is held against the best without those.
    best = max(hits, key=lambda language: (hits[language], language))
    if hits[best] < max(_LEAST_HITS, _LEAST_SHARE * len(words)):
        return _by_ranks(text, len(words), hits[best] / len(words))
    for other in hits:
        if other == best:
            continue
        mine = sum(count for word, count in counts.items() if best in table[word] and other not in table[word])
        theirs = sum(count for word, count in counts.items() if other in table[word] and best not in table[word])
        if mine < 3 or theirs > _MOST_OTHER * mine:
            return None
    return best


def _by_ranks(text: str, words: int, known_share: float) -> str | None:
    """What the ranks of letter groups say, believed only of long texts and of languages without a word list here."""
    from resiliparse.parse.lang import detect_fast

    if words < 60 or known_share > _LEAST_SHARE / 2:
        return None
    ranked = detect_fast(text, cutoff=1000, n_results=2)
    if not isinstance(ranked, list) or len(ranked) < 2:
        return None
    (language, distance), (_, next_distance) = ranked
    # The distance is between ranks of hashed letter groups: lower is nearer, and kin differ by few.
    believed = language not in _function_words() and next_distance - distance >= 40
    return language if believed else None


def _of_arabic(text: str) -> str:
    if len(_URDU.findall(text)) * 60 > len(text):
        return "ur"
    return "fa" if len(_PERSIAN.findall(text)) * 40 > len(text) else "ar"


def _of_indic(text: str) -> str | None:
    from resiliparse.parse.lang import detect_fast

    language, score = detect_fast(text, cutoff=1400)
    return language if language != "unknown" and score <= 1400 else None


def detect(text: str) -> str | None:
    """The language of a text, in two letters (ISO 639-1); None when it is too short, mixed or unknown."""
    sample = _sample(text)
    letters = {name: len(pattern.findall(sample)) * _WEIGHT.get(name, 1) for name, pattern in _SCRIPTS}
    if letters["kana"] * 8 >= letters["han"] and letters["kana"]:
        letters["kana"] += letters.pop("han")
    total = sum(letters.values())
    if total < 40:
        return None
    script = max(letters, key=lambda name: letters[name])
    if script not in _IN_WORDS:
        if letters[script] < 0.6 * total:
            return None
        of_script = {"kana": "ja", "hangul": "ko", "han": "zh"}
        if script == "arabic":
            return _of_arabic(sample)
        return _of_indic(sample) if script == "indic" else of_script.get(script, script)
    # Names and terms in Latin letters stand in every text; what makes it mixed is much of another script.
    if letters[script] < 0.7 * total:
        return None
    return _by_words(sample)
