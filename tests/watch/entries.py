"""Watch entries as anybody may write them, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from archiver.watch.entry import LANGUAGES, WatchEntry
from archiver.watch.reading import PageRules

LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40).filter(str.strip)
CSS = st.sampled_from(
    ["main", "#x, .y > p", 'a[href="/b c"]', "div:not(.x)", ".größe", "li:nth-child(2n+1)", "[data-a='\"']", "h1 ~ p"]
)
RANGES = st.builds(
    lambda start, end: f'{{"{start}": "h1", "{end}": "[role=\\"end\\"]"}}',
    st.sampled_from(["startBefore", "startAfter"]),
    st.sampled_from(["endBefore", "endAfter"]),
)
SELECTORS = st.lists(CSS | RANGES, max_size=3).map(tuple)


@st.composite
def entries(draw: st.DrawFn) -> WatchEntry:
    """An entry that can be meant."""
    paths = draw(st.lists(st.from_regex(r"[a-z0-9/?=&%.-]{0,20}", fullmatch=True), min_size=1, max_size=3, unique=True))
    each = st.builds(PageRules, SELECTORS, SELECTORS)
    pages = draw(st.none() | st.lists(each, min_size=len(paths), max_size=len(paths)).map(tuple))
    return WatchEntry(
        draw(LINE),
        draw(LINE),
        tuple(f"https://example.org/{path}" for path in paths),
        draw(st.integers(10, 31_000_000)),
        draw(SELECTORS) if pages is None else (),
        draw(SELECTORS) if pages is None else (),
        paused=draw(st.booleans()),
        conditional=draw(st.sampled_from([None, True, False])),
        pages=pages,
        language=draw(st.none() | st.sampled_from(sorted(LANGUAGES))),
        outside=draw(st.sampled_from([(), ("wayback",), ("perma", "wayback")])),
    )
