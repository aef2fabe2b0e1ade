"""The dates a publisher gives its own text: last updated, in force from, published, superseded. Pure.

A date counts when words that say what it is stand right beside it, and when it speaks of the text itself: in the
first or last lines, in a line of its own, or in a sentence that names the text ("This policy was last updated on").
A date inside a clause ("until 31 December 2024 you may", "Regulation of 27 April 2016") does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, cast

from archiver.watch.date_forms import Order, Written, as_ordered, order_in, written_dates
from archiver.watch.date_words import (
    BETWEEN,
    DATE_NOUNS,
    DAY_FIRST,
    FORMER,
    ITSELF,
    KEYS,
    LEADS,
    MONTH_FIRST,
    NEEDS_BEFORE,
    SIGNS,
    THIS,
    UNTIL,
)

DateKind = Literal["updated", "effective", "published", "superseded"]

FIRST_LINES, LAST_LINES = 25, 12
_BARE_FIRST, _BARE_LAST = 6, 4
_MOST_DATES = 40
_MOST_LINES = 500
_BESIDE = 90
_MOST_BETWEEN = 7
_SHORT_REST = 60
_LONGEST_LINE = 20_000

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE_END = re.compile(r"[.;!?](?=\s+[^\W\d_a-z])|[。；！？]")
_NO_WORDS = re.compile(r"[\s\d.,:;()\[\]/*_–—-]*(?:v|ver|rev|no|nr)?[\s\d.,:;()\[\]/*_–—-]*", re.IGNORECASE)
_SIGN = "|".join(sorted(SIGNS, key=len, reverse=True))
_SIGN_BEFORE = re.compile(
    rf"({_SIGN})(?:일자|일시|일|日期|日時|日|时间|時間|于|於|在|は|된|날짜|[\s:：（(【\[《・·-])*\Z"
)
_SIGN_AFTER = re.compile(
    rf"(?:[\s（(、,，.]|に|より|から|付けで|付|で|起|开始|開始|正式|부터|에|자로|최종|最終|最后|最後)*({_SIGN})"
)
_SIGN_LEADS = re.compile(r"(?:最終|最后|最後|最近|上次|本|최종|마지막|최근)\s?\Z")
_RELATIVE = re.compile(
    r"\b\d{1,3}\s?(?:calendar |business |working )?"
    r"(?:days?|months?|tagen?|jours?|días?|giorni|dias|dagen|dni|dagar|dage)\b"
    r"|\b(?:immediately|upon (?:posting|publication)|sofort|immédiatement|inmediatamente|imm?ediatamente)\b"
    r"|\d{1,3}\s?(?:日後|日以后|日后|天后|天後|일\s?후)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile("[.;。]")
_ELISION = re.compile(r"\A(?:d|l|dell|all|nell|un)'")
_NOTHING = re.compile(r"[\W_]*")
_DATE_SIGN = re.compile(r"\d|mmediat|sofort|upon p|元年")
_OF_ITSELF = LEADS | BETWEEN | ITSELF | THIS
_KANA = re.compile("[\u3041-\u30ff]")


@dataclass(frozen=True, slots=True)
class PublisherDate:
    """One date as the page words it; ``text`` stands so in the line.

    ``value`` is the ISO date (``2024-05`` where no day is given), None where it cannot be told: 03/04/2025 without a
    hint, "30 days after posting".
    """

    kind: DateKind
    text: str
    value: str | None
    language: str | None
    line: int


class _Found(NamedTuple):
    """A phrase before its numbers are put in order."""

    kind: DateKind
    start: int
    end: int
    language: str | None


def publisher_dates(lines: Sequence[str], language: str | None) -> tuple[PublisherDate, ...]:
    """Return the text's own dates in the order of the lines; ``language`` is its language tag, where known."""
    seen: list[Written] = []
    found: list[tuple[_Found, Written | None, int]] = []
    count = len(lines)
    tag = (language or "").lower().replace("_", "-")
    read = 0
    for place, line in enumerate(lines):
        near = place < FIRST_LINES or place >= count - LAST_LINES
        if not (("20" in line and (near or read < _MOST_LINES)) or (near and _may_date(line))):
            continue
        read += 1
        line = line[:_LONGEST_LINE]
        after = 0
        for written in written_dates(line, short_years=near and len(line) <= 120):
            seen.append(written)
            phrase = _phrase(lines, place, line, written, near, tag, after) if len(found) < _MOST_DATES else None
            if phrase is not None:
                found.append((phrase, written, place))
                after = phrase.end
        if near and len(found) < _MOST_DATES and (not found or found[-1][2] != place):
            relative = _relative(line, tag)
            if relative is not None:
                found.append((relative, None, place))
    evidence = order_in(seen)
    return tuple(
        PublisherDate(
            phrase.kind,
            lines[place][phrase.start : phrase.end],
            None if written is None else as_ordered(written, _order(tag, phrase.language) or evidence),
            phrase.language,
            place,
        )
        for phrase, written, place in found
    )


def in_force(dates: Iterable[PublisherDate], day: date) -> bool | None:
    """Say whether the text was in force on a day by its own dates; None when it names no day for that.

    Of several effective dates the earliest counts; a month without a day counts from its first day.
    """
    known = list(dates)
    ends = [one.value for one in known if one.kind == "superseded" and one.value is not None]
    if any(_begun(end, day) for end in ends):
        return False
    starts = [one.value for one in known if one.kind == "effective" and one.value is not None]
    return any(_begun(start, day) for start in starts) if starts else None


def effective_later(dates: Iterable[PublisherDate], seen_on: date) -> PublisherDate | None:
    """Return the earliest own date of coming into force after the day the text was seen, or None.

    Such a text is published now and in force later. With another effective date already past it still is: some
    publishers give one date for new users and a later one for all others.
    """
    later = [one for one in dates if one.kind == "effective" and one.value and not _begun(one.value, seen_on)]
    return min(later, key=lambda one: (one.value or "", one.line), default=None)


def silent_edit(old_dates: Iterable[PublisherDate], new_dates: Iterable[PublisherDate]) -> bool | None:
    """Of two different wordings: whether the page's own dates stayed the same. None when one of them has none.

    Dates of being superseded do not count: they speak of the end of a text.
    """
    old, new = _own(old_dates), _own(new_dates)
    return old == new if old and new else None


def without_dates(line: str) -> str:
    """A line with its own dates cut out, for the question whether anything else of it changed."""
    kept, at = [], 0
    for written in written_dates(line[:_LONGEST_LINE], short_years=len(line) <= 120):
        if _phrase((line,), 0, line, written, True, "", at) is not None:
            kept.append(line[at : written.start])
            at = written.end
    return "\0".join([*kept, line[at:]])


def _own(dates: Iterable[PublisherDate]) -> frozenset[tuple[str, str]]:
    return frozenset((one.kind, one.value or one.text.casefold()) for one in dates if one.kind != "superseded")


def _begun(value: str, day: date) -> bool:
    return value <= day.isoformat()


def _may_date(line: str) -> bool:
    """Whether a line without a year of this century can hold a date, of an era, short, or in words."""
    return len(line) <= 400 and _DATE_SIGN.search(line) is not None


def _order(tag: str, of_phrase: str | None) -> Order | None:
    """Day or month first: as the region says, else the language of the words beside the date, else of the text."""
    for name in (tag, of_phrase or "", tag.split("-")[0]):
        if name in MONTH_FIRST:
            return "month"
        if name in DAY_FIRST:
            return "day"
    return None


def _phrase(
    lines: Sequence[str], place: int, line: str, written: Written, near: bool, tag: str, after: int
) -> _Found | None:
    """What a date of a line is said to be, or None when it is not the text's own.

    ``after`` is where the phrase before it in the same line ends.
    """
    return (
        _signed(line, written, near)
        or _keyed_before(line, written, near, tag, after)
        or _keyed_after(line, written, near, tag)
        or _by_heading(lines, place, line, written, tag)
        or _bare(lines, place, line, written)
    )


def _signed(line: str, written: Written, near: bool) -> _Found | None:
    """A date of a Chinese, Japanese or Korean phrase."""
    if line.isascii() or not (near or len(line) <= _SHORT_REST):
        return None
    begin = max(0, written.start - 16)
    before = _SIGN_BEFORE.search(line, begin, written.start)
    if before is not None:
        leads = _SIGN_LEADS.search(line, max(0, before.start() - 6), before.start())
        return _sign(before[1], leads.start() if leads else before.start(), written.end, line)
    after = _SIGN_AFTER.match(line, written.end, written.end + 16)
    return None if after is None else _sign(after[1], written.start, after.end(), line)


def _sign(sign: str, start: int, end: int, line: str) -> _Found:
    kind, language = SIGNS[sign]
    if language == "zh" and _KANA.search(line):
        language = "ja"
    return _Found(cast(DateKind, kind), start, end, language)


def _keyed(word: str, tag: str) -> tuple[DateKind, str]:
    """What a key word says of a date, in the text's language if it is a word of that, else in the first that has it."""
    kind, languages = KEYS[word]
    own = tag.split("-")[0]
    return cast(DateKind, kind), own if own in languages else languages[0]


def _keyed_before(line: str, written: Written, near: bool, tag: str, after: int) -> _Found | None:
    """A date with its key word before it, only linking words between."""
    begin = max(after, written.start - _BESIDE)
    ends = [end.end() for end in _SENTENCE_END.finditer(line, begin, written.start)]
    sentence = ends[-1] if ends else begin
    spoken = [(found[0].casefold(), found.start()) for found in _WORD.finditer(line, sentence, written.start)]
    spoken = [("d", at) if word in ("d'", "d’") else (word.replace("’", "'"), at) for word, at in spoken]
    at = len(spoken) - 1
    noun: int | None = None
    while at >= 0 and len(spoken) - at <= _MOST_BETWEEN + 1:
        word = _ELISION.sub("", spoken[at][0])
        if word in KEYS and not _lacks_company(spoken, at, word):
            return _of_key(line, written, near, spoken, at, _keyed(word, tag))
        if word in DATE_NOUNS:
            noun = at
        if word not in BETWEEN:
            break
        at -= 1
    if noun is not None and noun == 0 and near and not line[:sentence].strip() and spoken[0][1] <= 3:
        return _Found("published", spoken[0][1], written.end, DATE_NOUNS[spoken[0][0]])
    return None


def _lacks_company(spoken: list[tuple[str, int]], at: int, word: str) -> bool:
    needed = NEEDS_BEFORE.get(word)
    return needed is not None and not (at and any(one in needed for one, _ in spoken[max(0, at - 2) : at]))


def _of_key(
    line: str, written: Written, near: bool, spoken: list[tuple[str, int]], at: int, said: tuple[DateKind, str]
) -> _Found | None:
    kind, language = said
    between = [one for one, _ in spoken[at + 1 :]]
    first = at
    while first > 0 and ((before := _ELISION.sub("", spoken[first - 1][0])) in LEADS or before in KEYS):
        first -= 1
    lead = [one for one, _ in spoken[:first]]
    nearby = lead[-3:] + [one for one, _ in spoken[first:at]]
    if any(one in FORMER for one in nearby):
        return None
    if any(UNTIL.get(one) in ("", language) for one in between) or any(one in ("longer", "ausser") for one in nearby):
        kind = "superseded"
    rest = len(line) - written.end
    itself = any(_ELISION.sub("", one) in ITSELF for one in lead) and len(lead) <= 12
    start = spoken[first][1]
    leading = not lead and _NOTHING.fullmatch(line, max(0, start - 3), start) is not None
    alone = leading and rest <= _SHORT_REST
    if not (alone or itself or (near and leading)):
        return None
    return _Found(kind, start, written.end, language)


def _keyed_after(line: str, written: Written, near: bool, tag: str) -> _Found | None:
    """A date that leads its line, its key word behind it: "1 May 2024 (last updated)"."""
    if not near or written.start > 3 or len(line) - written.end > _SHORT_REST:
        return None
    for number, found in enumerate(_WORD.finditer(line, written.end, written.end + _SHORT_REST)):
        word = found[0].casefold()
        if word in KEYS and word not in NEEDS_BEFORE:
            kind, language = _keyed(word, tag)
            return _Found(kind, written.start, found.end(), language)
        if number >= 3 or (word not in BETWEEN and word not in LEADS):
            return None
    return None


def _by_heading(lines: Sequence[str], place: int, line: str, written: Written, tag: str) -> _Found | None:
    """A date alone in its line, its key word alone in the line before."""
    if not _alone(line, written) or place == 0 or len(lines[place - 1]) > 50:
        return None
    spoken = [found[0].casefold() for found in _WORD.finditer(lines[place - 1])]
    if not spoken or any(word in FORMER for word in spoken):
        return None
    for word in reversed(spoken):
        if word in KEYS:
            kind, language = _keyed(word, tag)
            return _Found(kind, written.start, written.end, language)
        if word not in BETWEEN:
            break
    return None


def _bare(lines: Sequence[str], place: int, line: str, written: Written) -> _Found | None:
    """A date alone in one of the very first or last lines; only its place says that it is the text's."""
    if (
        len(lines) < 2
        or line.lstrip().startswith(("- ", "| "))
        or not (place < _BARE_FIRST or place >= len(lines) - _BARE_LAST)
    ):
        return None
    # "Berlin, 1 May 2024" signs a text; a month alone is a heading of news.
    signed = place >= len(lines) - _BARE_LAST and re.fullmatch(
        r"[^\W\d_]+(?: [^\W\d_]+)?,?(?: (?:den|le|the|il|a|am))? ", line[: written.start]
    )
    if (written.iso is not None and len(written.iso) == 7) or not (_alone(line, written) or signed):
        return None
    return _Found("published", written.start, written.end, None)


def _alone(line: str, written: Written) -> bool:
    before, after = line[: written.start], line[written.end :]
    return len(line) <= 60 and all(_NO_WORDS.fullmatch(side.strip("# >r.")) is not None for side in (before, after))


def _relative(line: str, tag: str) -> _Found | None:
    """A day told by another one: "Effective 30 days after posting"."""
    if len(line) > 200:
        return None
    found = _RELATIVE.search(line)
    if found is None:
        return None
    spoken = [(one[0].casefold(), one.start()) for one in _WORD.finditer(line, 0, found.start())]
    if not spoken and not _SIGN_BEFORE.search(line, 0, found.start()):
        return None
    if not all(one in _OF_ITSELF or one in KEYS for one, _ in spoken):
        return None
    for word, at in spoken[:4]:
        if word in KEYS and KEYS[word][0] == "effective":
            end = _CLAUSE_END.search(line, found.end())
            return _Found("effective", at, end.start() if end else len(line), _keyed(word, tag)[1])
    return None
