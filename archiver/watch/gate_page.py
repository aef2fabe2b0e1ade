"""What a page is when it is not the document: an error, a block, a wall, a shell; found by what it says of itself.

Evidence is weighed against the running text beside it: one phrase is enough where nothing else stands, and nothing is
enough where hundreds of words of prose do. Lines that passed before are no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from archiver.watch.gate_words import Family, Found, count_words, find, names_a_document
from archiver.watch.reading import PageSigns

FAMILIES = (
    "block_page",
    "soft_404",
    "maintenance",
    "parked",
    "login_wall",
    "consent_wall",
    "loading",
    "error_page",
)
_WALLS = frozenset({"login_wall", "consent_wall"})
_PIECES_SEARCHED = 60
_LEAST_PROSE = 8
"""Words of a line that is running text, not a link or a button."""
_LEAST_CLAUSE = 5
_LONGEST_SAID = 30
"""Words of a sentence: such pages speak in short ones."""
_MUCH_BEFORE = 20
_TEXT_OF_ITS_OWN = 25
"""Words of running text under a title that names a document: so many, and it is likely to be one."""
_NAMED = 4
"""What such a title weighs against everything else."""
_DECISIVE = 10
"""A block says what it is, whatever else stands on its page."""
_SHORT = 60
_MUCH_SCRIPT = 20_000
_STEPS = ((40, 3), (100, 4), (250, 6), (600, 9))
"""Up to so many words of running text, so much evidence."""
OUT_OF_REACH = 99
_QUOTED = 120
_MARK = re.compile(r"^(?:#{1,6} |>+ |\s*(?:[-*]|\d+\.) |\| )")
_TITLE_PARTS = re.compile(r"\s+[|–—·•:»«›‹<>/\\~-]+\s+|\s*[|»«]\s*|:\s+|\s+[-–—]|[–—]\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Page:
    """What the gate looks at of one part: its signs, the lines that are new, and what is known otherwise."""

    signs: PageSigns
    lines: tuple[str, ...]
    """Of the text read; of one part among several, of its opening."""
    words: int
    """Of the text read; of one part among several, of the whole page."""
    prose: int
    """Of the lines that are running text."""
    passed: frozenset[str] = frozenset()
    """Lines that passed before: they speak neither for nor against."""
    foreign: bool = False
    """Nothing of the text passed before, though enough did to tell."""
    bare: bool = False
    """Nothing was read that could be a document: only the name of the failure is looked for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The family a page belongs to and the evidence in one line."""

    family: Family
    detail: str


@dataclass(slots=True)
class _Case:
    """The evidence for one family."""

    anchors: int = 0
    """What stands by itself: labels and phrases in the title, the first headings and lines."""
    later: int = 0
    """Labels further down, before much else was said."""
    late: int = 0
    """Labels and phrases after running text that has nothing to do with them: a document may speak of such things."""
    extra: int = 0
    hints: set[str] = field(default_factory=set)
    sentences: set[str] = field(default_factory=set)
    before: int = 0
    """Words of running text so far that are no evidence."""
    said: int = 0
    """Words of running text that are."""
    headed: bool = False
    """The text's first heading says it."""
    quotes: list[str] = field(default_factory=list)

    def quote(self, where: str, text: str) -> None:
        """Keep what was found, the first two times."""
        shown = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
        if len(self.quotes) < 2 and all(shown not in quote for quote in self.quotes):
            self.quotes.append(f"{where} {shown!r}")

    @property
    def score(self) -> int:
        """How much there is; hints count only beside something that stands by itself."""
        said = 2 + min(len(self.sentences), 4) if self.sentences else 0
        anchors = self.anchors + min(self.later, 4) + min(self.late, 2) + said
        return anchors + self.extra + min(len(self.hints), 2) if anchors else 0


Cases = dict[Family, _Case]


def unmarked(line: str) -> str:
    """The words of a line of a reading, without the mark of its kind."""
    return _MARK.sub("", line, count=1).strip(" |")


def sentences_of(text: str) -> tuple[str, ...]:
    """Running text parted into what could be lines."""
    return tuple(piece for piece in (piece.strip() for piece in _SENTENCE_END.split(text)) if piece)


def opening_lines(signs: PageSigns) -> tuple[str, ...]:
    """The opening of a page, which has no lines, parted at the headings that are known and into sentences."""
    lines: list[str] = []
    rest = signs.opening
    for heading in signs.headings:
        before, found, after = rest.partition(heading) if heading else (rest, "", "")
        if found:
            lines += [*sentences_of(before), f"# {heading}"]
            rest = after
    return (*lines, *sentences_of(rest))


def _look_at_title(title: str, cases: Cases) -> None:
    segments = [title, *_TITLE_PARTS.split(title)] if title else []
    best: dict[Family, int] = {}
    for at, segment in enumerate(filter(None, segments)):
        found = find(segment)
        for family in found.labels | set(found.sentences):
            best[family] = 3
        if at == 0:
            for family in found.edges - found.labels:
                best[family] = max(2, best.get(family, 0))
    for family, weight in best.items():
        if family in cases:
            cases[family].anchors += weight
            cases[family].quote("title", title)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence of a line."""

    text: str
    heading: bool = False
    words: int = 0


def _pieces(page: Page) -> Iterator[_Piece]:
    """The sentences of the lines that are new."""
    for line in page.lines:
        if line not in page.passed:
            heading = line.startswith("#")
            for text in sentences_of(unmarked(line)):
                yield _Piece(text, heading, count_words(text))


def _collect(case: _Case, family: Family, found: Found, piece: _Piece, where: str, label_weight: int) -> None:
    """Weigh what one family finds in one piece; a ``label_weight`` of 3 says: this is where such pages say it."""
    case.hints |= found.hints.get(family, set())
    sentences = found.sentences.get(family, set())
    words = piece.words
    if family not in found.labels and (not sentences or words > _LONGEST_SAID):
        case.late += bool(sentences)
        case.before += words if words >= _LEAST_CLAUSE else 0
        return
    case.said += words if words >= _LEAST_CLAUSE else 0
    case.quote(where, piece.text)
    if case.before > _MUCH_BEFORE and label_weight < 3:
        case.late += 1
        return
    case.sentences |= sentences
    if family in found.labels:
        if label_weight == 3:
            case.anchors += 3
        else:
            case.later += 1 if family in _WALLS else label_weight


def _look_at_lines(page: Page, cases: Cases) -> None:
    first_heading = True
    label_weight = 2 if page.words <= 100 else 1
    for at, piece in enumerate(islice(_pieces(page), _PIECES_SEARCHED)):
        heading, text = piece.heading, piece.text
        found = find(text)
        first = at < 3 or (heading and first_heading)
        first_heading = first_heading and not heading
        for family, case in cases.items():
            weight = 3 if first and case.before <= _MUCH_BEFORE else label_weight
            if heading and first:
                weight = 3
                # One word alone, "Maintenance", is a subject as well.
                one_word = text.isascii() and text.isalpha()
                case.headed |= family in found.sentences or (family in found.labels and not one_word)
            _collect(case, family, found, piece, "heading" if heading else "text", weight)
        if page.bare:
            for family in found.edges - found.labels:
                if family in cases:
                    cases[family].anchors += 3
                    cases[family].quote("text", text)


def _look_at_headings(page: Page, cases: Cases) -> None:
    """Headings that are not part of the text stand for the page around it: they count for less."""
    in_text = {unmarked(line) for line in page.lines if line.startswith("#")} | {unmarked(p) for p in page.passed}
    for at, heading in enumerate(page.signs.headings):
        if heading in in_text:
            continue
        found = find(heading)
        for family in found.labels | set(found.sentences):
            if family not in cases:
                continue
            case = cases[family]
            if at == 0 or page.bare:
                case.anchors += 3 if page.bare else 2
                case.quote("heading", heading)
            else:
                case.later += 1


def _look_at_signs(page: Page, cases: Cases) -> None:
    signs = page.signs
    login, loading = cases["login_wall"], cases["loading"]
    login.extra += 2 if signs.password_fields else 0
    loading.extra += 1 if signs.script_bytes >= _MUCH_SCRIPT else 0
    if signs.refresh and page.words < _SHORT:
        loading.anchors += 3
        loading.quote("refresh to", signs.refresh)
    if signs.noscript and page.words < _SHORT // 2 and "loading" in find(signs.noscript).sentences:
        loading.anchors += 3
        loading.quote("without scripts the page says", signs.noscript)
    if signs.password_fields and page.words < _SHORT // 2:
        login.later += 2
        login.quote("the page asks for", "a password")
    if page.words < _SHORT and signs.page_words < 4 * _SHORT:
        in_text = [unmarked(line) for line in page.lines]
        for piece in map(unmarked, opening_lines(signs)[:_PIECES_SEARCHED]):
            # The opening has no lines: a piece of it may begin before and end after one of the text.
            if piece in page.passed or any(piece in line or line in piece for line in in_text):
                continue
            found = find(piece)
            for family in {*found.labels, *found.sentences, *found.hints} & set(cases):
                _collect(cases[family], family, found, _Piece(piece, words=count_words(piece)), "page", 1)


def _opens_as_document(page: Page, case: _Case, prose: int, own: int) -> bool:
    """Whether the text's own first heading, or the title, calls what follows a policy, terms or the like."""
    first = next((line for line in page.lines if line.startswith("#")), "")
    if prose >= _TEXT_OF_ITS_OWN and names_a_document(first):
        return True
    # A site may give every page the same title, so the heading has the last word.
    return own >= _TEXT_OF_ITS_OWN and not case.headed and names_a_document(page.signs.title)


def needed(prose: int, *, foreign: bool = False) -> int:
    """How much evidence outweighs so many words of running text."""
    for at, (most, _) in enumerate(_STEPS):
        if prose <= most:
            return _STEPS[max(0, at - foreign)][1]
    return _STEPS[-1][1] if foreign and prose <= 2 * _STEPS[-1][0] else OUT_OF_REACH


def prose_of(counts: Iterable[int]) -> int:
    """How many words stand in running text, from the words of each line."""
    return sum(count for count in counts if count >= _LEAST_PROSE)


def look_at(page: Page, families: tuple[Family, ...] = FAMILIES) -> Finding | None:
    """The family that most speaks for, or None where nothing outweighs the text."""
    prose = page.prose
    # Most documents end here: what any evidence would have to outweigh is out of its reach.
    if not page.bare and needed(prose - 300, foreign=page.foreign) == OUT_OF_REACH:
        return None
    cases = {family: _Case() for family in FAMILIES}
    _look_at_title(page.signs.title, cases)
    _look_at_lines(page, cases)
    _look_at_headings(page, cases)
    _look_at_signs(page, cases)
    best: tuple[int, Family] | None = None
    for family in families:
        case = cases[family]
        own = max(0, prose - case.said)
        score = case.score - (_NAMED if _opens_as_document(page, case, prose, own) else 0)
        least = 3 if page.bare else needed(own, foreign=page.foreign)
        if score < least:
            continue
        score += _DECISIVE if family == "block_page" and case.sentences else 0
        if best is None or score > best[0]:
            best = score, family
    if best is None:
        return None
    return Finding(best[1], f"{'; '.join(cases[best[1]].quotes)}; {page.words} words of text")
