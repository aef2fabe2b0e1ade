"""Gate ``gate/1``: whether a stored capture may become a version of its document. Pure; the capture is kept either way.

What is refused can be released by a person. Every refusal names its rule and quotes what it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.evidence.canonical import Json
from archiver.watch.gate_page import Finding, Page, look_at, opening_lines, prose_of
from archiver.watch.gate_redirect import misled, slug_words
from archiver.watch.gate_words import count_words
from archiver.watch.language import detect
from archiver.watch.reading import PageSigns, Reading

NAME = "gate/1"
_SHELL_SCRIPT = 10_000
_LONG_PAGE = 1_500
"""Words of a page that is no failure, whatever stands around its text."""
_LEAST_LINES = 5
"""Lines that must be known before their absence says anything."""
_KNOWN_SHARE = 0.3
_LANGUAGE_WORDS = 60
_LONGEST_DETAIL = 400


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a capture is no version: ``quarantined`` or ``blocked``, a code, and the evidence in one line."""

    verdict: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """What passed before, of this document under this normaliser."""

    words: int
    """Of the newest text that passed, as ``words_in`` counts them."""
    language: str | None
    final_urls: tuple[str, ...]
    """Of its parts."""
    lines: frozenset[str] | None
    """Its lines, when known."""
    selectors_changed: bool = False


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a person may set."""

    shrink_percent: int = 60
    """A text that lost more than so many per cent of its words is held back."""
    language: str | None = None
    """The only language that passes, where one is set."""
    least_words: int = 20
    """Fewer are no document, unless one as short passed before."""


def words_in(reading: Reading) -> int:
    """How many words a text has, by the count that ``Earlier.words`` and all limits use."""
    return sum(count_words(line) for line in reading.lines)


def judge(capture: Json, reading: Reading, earlier: Earlier | None, limits: GateLimits) -> Refusal | None:
    """Return why a capture must not become a version, or None: it may."""
    counts = [count_words(line) for line in reading.lines]
    words = sum(counts)
    refusal = (
        _not_answered(capture, reading)
        or _unreadable(capture, reading)
        or _no_document(_pages(reading, counts, earlier, limits), limits)
        or _led_elsewhere(capture, reading, earlier)
        or _missing(reading, words, earlier, limits)
        or _shrunk(words, earlier, limits)
        or _wrong_language(reading, words, earlier, limits)
    )
    if refusal is None:
        return None
    detail = " ".join(refusal.detail.split())
    return Refusal(
        refusal.verdict,
        refusal.code,
        detail if len(detail) <= _LONGEST_DETAIL else f"{detail[: _LONGEST_DETAIL - 1]}…",
    )


def _held(code: str, detail: str) -> Refusal:
    return Refusal("quarantined", code, detail)


def _of(finding: Finding, signs: PageSigns, also: str = "") -> Refusal:
    verdict = "blocked" if finding.family == "block_page" else "quarantined"
    return Refusal(verdict, finding.family, f"{signs.url}: {also}{finding.detail}")


def _not_answered(capture: Json, reading: Reading) -> Refusal | None:
    """Every part must have ended with 2xx."""
    for at, part in enumerate(capture["parts"]):
        status = part["exchanges"][-1]["status"] if part["exchanges"] else None
        if status is not None and 200 <= status <= 299:
            continue
        if status is not None and at < len(reading.signs):
            signs = reading.signs[at]
            page = Page(signs, opening_lines(signs), signs.page_words, 0, bare=True)
            finding = look_at(page, ("block_page",))
            if finding is not None:
                return _of(finding, signs, f"HTTP status {status}, ")
        answer = "not answered" if status is None else f"answered with HTTP status {status}"
        return _held("error_status", f"{part['final_url'] or part['url']}: {answer}")
    return None


def _unreadable(capture: Json, reading: Reading) -> Refusal | None:
    for part in capture["parts"]:
        if part["content"] is None:
            return _held("undecodable", f"{part['final_url']}: the content could not be decoded")
    for problem in reading.problems:
        if problem.code == "undecodable":
            return _held("undecodable", problem.detail)
        if problem.code in ("unreadable", "too_large"):
            return _held("unreadable", f"{problem.code}: {problem.detail}")
    return None


def _is_short(words: int, earlier: Earlier | None, limits: GateLimits) -> bool:
    """Too short for a document, unless a text about as short passed before."""
    if words >= limits.least_words:
        return False
    return not words or earlier is None or words * 100 < earlier.words * (100 - limits.shrink_percent)


def _is_known(reading: Reading, words: int, earlier: Earlier | None) -> bool:
    """Whether this text passed before, as far as its lines and its size show: a person may have let it through."""
    if earlier is None or not earlier.lines or words < earlier.words:
        return False
    return earlier.lines.issuperset(reading.lines)


def _pages(reading: Reading, counts: list[int], earlier: Earlier | None, limits: GateLimits) -> Iterator[Page]:
    """What there is to look at of each part; of several, nobody knows whose a line is, so the page itself speaks."""
    passed = earlier.lines if earlier is not None and earlier.lines is not None else frozenset()
    words = sum(counts)
    if _is_known(reading, words, earlier):
        return
    if len(reading.signs) == 1 and words:
        foreign = _shares(reading, earlier) == 0.0
        bare = _is_short(words, earlier, limits)
        yield Page(reading.signs[0], reading.lines, words, prose_of(counts), passed, foreign, bare)
        return
    for signs in reading.signs:
        if words and signs.page_words > _LONG_PAGE:
            continue
        lines = opening_lines(signs)
        prose = prose_of(map(count_words, lines))
        bare = not words or signs.page_words < limits.least_words
        yield Page(signs, lines, signs.page_words if words else 0, prose, passed, bare=bare)


def _no_document(pages: Iterator[Page], limits: GateLimits) -> Refusal | None:
    for page in pages:
        signs = page.signs
        finding = look_at(page)
        if finding is not None:
            return _of(finding, signs)
        shell = page.bare or not page.prose
        if shell and signs.script_bytes >= _SHELL_SCRIPT and signs.page_words < 2 * limits.least_words:
            detail = f"{signs.page_words} words on the page beside {signs.script_bytes} bytes of script"
            return _held("loading", f"{signs.url}: {detail}")
    return None


def _shares(reading: Reading, earlier: Earlier | None) -> float | None:
    """Which share of the new lines passed before; None when too few lines are known to say."""
    if earlier is None or earlier.lines is None:
        return None
    lines = frozenset(reading.lines)
    if len(lines) < _LEAST_LINES or len(earlier.lines) < _LEAST_LINES:
        return None
    return len(lines & earlier.lines) / len(lines)


def _led_elsewhere(capture: Json, reading: Reading, earlier: Earlier | None) -> Refusal | None:
    """A final address that cannot be the document's, or one of another name with another text."""
    known = earlier.final_urls if earlier is not None else ()
    shared = _shares(reading, earlier)
    if shared is not None and shared >= _KNOWN_SHARE:
        return None
    for part in capture["parts"]:
        asked, final = part["url"], part["final_url"] or part["url"]
        what = misled(asked, final, known)
        if what is not None:
            return _held("redirected_elsewhere", f"{asked} led to {final}: {what}")
        strange = final != asked and final not in known and not _related(final, (asked, *known))
        if strange and shared == 0.0 and len(capture["parts"]) == 1:
            detail = f"{asked} led to {final}, and no line of its text is known"
            return _held("redirected_elsewhere", detail)
    return None


def _related(final: str, others: tuple[str, ...]) -> bool:
    words = slug_words(final)
    return any(words & slug_words(other) for other in others)


def _missing(reading: Reading, words: int, earlier: Earlier | None, limits: GateLimits) -> Refusal | None:
    for problem in reading.problems:
        if problem.code == "selector_missing":
            return _held("selector_missing", problem.detail)
    if not words:
        shown = f", of {sum(signs.page_words for signs in reading.signs)} on the page" if reading.signs else ""
        return _held("empty", f"no words of text{shown}")
    return None


def _shrunk(words: int, earlier: Earlier | None, limits: GateLimits) -> Refusal | None:
    if earlier is None or earlier.selectors_changed:
        return None
    if words * 100 >= earlier.words * (100 - limits.shrink_percent):
        return None
    detail = f"{words} words instead of {earlier.words}: more than {limits.shrink_percent} % of them are gone"
    return _held("shrunk", detail)


_NORWEGIAN = {"nb": "no", "nn": "no"}


def _code(language: str | None) -> str | None:
    """``pt`` for ``pt-BR``, ``no`` for either Norwegian."""
    if not language:
        return None
    short = language.replace("_", "-").split("-")[0].casefold()
    return _NORWEGIAN.get(short, short)


def _wrong_language(reading: Reading, words: int, earlier: Earlier | None, limits: GateLimits) -> Refusal | None:
    expected = _code(limits.language) or _code(earlier.language if earlier is not None else None)
    if expected is None or words < _LANGUAGE_WORDS:
        return None
    # Only whole parts of a text in two languages change places: then lines are known.
    shared = _shares(reading, earlier)
    if limits.language is None and shared is not None and shared >= _KNOWN_SHARE:
        return None
    found = _code(detect(reading.text))
    if found is None or found == expected:
        return None
    source = "is set" if limits.language else "passed before"
    opening = " ".join(reading.text[:100].split())
    return _held("wrong_language", f"the text is in {found!r}, {expected!r} {source}: {opening!r}")
