"""A difference for people to read: marked up, escaped, and never longer than it says."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch import redline
from archiver.watch.diff import hunks
from archiver.watch.redline import as_html, as_text

OLD = ["# Terms", "We keep data for 30 days.", "A line that goes.", "x", "y", "moved clause", "z", "w", "v", "The end."]
NEW = [
    "# Terms",
    "We keep data for 60 days.",
    "moved clause",
    "x",
    "y",
    "z",
    "w",
    "v",
    "A line that comes.",
    "The end.",
]


class Fragment(HTMLParser):
    """The tags and the text of a fragment; a tag left open or closed twice is an error."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert {name for name, _ in attrs} <= {"style"}
        if tag != "br":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self._open[-1] if self._open else ""
        self.texts[tag] = self.texts.get(tag, "") + data


def test_html_marks_what_came_and_went_in_place() -> None:
    found = Fragment(as_html(hunks(OLD, NEW)))
    assert found.texts["del"] == "30A line that goes."
    assert found.texts["ins"] == "60A line that comes."
    assert "moved, not reworded: line 6 to line 3" in found.texts["p"]
    assert set(found.tags) == {"div", "p", "ins", "del"}


def test_html_carries_its_styles_and_nothing_to_load() -> None:
    source = as_html(hunks(OLD, NEW), around=NEW)
    assert re.findall(r"<(?:ins|del)(?! style=)", source) == []
    assert not re.search(r"class=|<style|<script|src=|href=|url\(", source)


@pytest.mark.parametrize(
    "evil", ['<script>alert("x")</script>', "a & b", "'\"><img src=x onerror=y>", "</ins></div>", "&lt;b&gt;"]
)
def test_html_escapes_what_the_page_wrote(evil: str) -> None:
    for old, new in (["old text"], [evil]), ([evil], ["new text"]), ([f"x {evil}"], [f"y {evil}"]), ([], [evil]):
        source = as_html(hunks(["top", *old], ["top", *new]), around=["top", evil])
        found = Fragment(source)
        assert set(found.tags) <= {"div", "p", "ins", "del"}
        assert evil in html.unescape(re.sub(r"</?(?:ins|del|p|div)[^>]*>", "", source))


def test_context_lines_stand_around_a_change() -> None:
    shown = as_text(hunks(OLD, NEW)[:1], around=NEW)
    assert shown == "@@ changed: line 2 @@\n  # Terms\nWe keep data for [-30-]{+60+} days.\n  moved clause\n\n"
    assert "moved clause" not in as_text(hunks(OLD, NEW)[:1], around=NEW, context=0)
    assert "x" * 300 + "…\n" in as_text(hunks(["x" * 5000], ["x" * 5000, "y"]), 400, around=["x" * 5000, "y"])


def test_text_marks_and_places() -> None:
    assert as_text(hunks(OLD, NEW)) == (
        "@@ changed: line 2 @@\nWe keep data for [-30-]{+60+} days.\n\n"
        "@@ removed: line 3 @@\n[-A line that goes.-]\n\n"
        "@@ moved, not reworded: line 6 to line 3 @@\nmoved clause\n\n"
        "@@ added: line 9 @@\n{+A line that comes.+}\n\n"
    )


def test_marks_that_the_page_wrote_are_told_apart() -> None:
    assert as_text(hunks(["a [-b-] {+c+}"], ["x [-b-] {+c+}"])).splitlines()[1] == r"[-a-]{+x+} \[-b\-] \{+c\+}"


def test_no_control_sequence_of_the_page_reaches_the_terminal() -> None:
    shown = as_text(hunks(["a"], ["a \x1b[2J\x07 \u202egnol\r\x9b"]), around=["\x1b]0;x\x07"], colour=False)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "⟨U+001B⟩[2J⟨U+0007⟩" in shown
    assert "\x1b" not in as_html(hunks(["a"], ["a \x1b[2J"]))


def test_unseen_characters_show_where_they_changed() -> None:
    assert "{+⟨U+200B⟩+}" in as_text(hunks(["a b"], ["a\u200b b"]))
    assert "⟨" not in as_text(hunks(["a\u200b b"], ["a\u200b c"]))


def test_white_space_alone_is_shown_by_a_sign() -> None:
    assert "One thing.[-␣-]{+⏎\n+}And another." in as_text(
        hunks(["One thing. And another."], ["One thing.", "And another."])
    )


def test_colours_end_with_their_line() -> None:
    shown = as_text(hunks(["a b c"], [f"a {'long words ' * 20}c"]), 40, colour=True)
    coloured = [line for line in shown.splitlines() if "\x1b" in line]
    assert len(coloured) > 3
    assert all(line.count("\x1b[32m") + line.count("\x1b[31m") == line.count("\x1b[0m") for line in coloured)
    plain = re.sub("\x1b\\[[0-9]+m", "", shown)
    assert plain.split() == as_text(hunks(["a b c"], [f"a {'long words ' * 20}c"]), 40).split()


@given(st.lists(st.text(st.sampled_from("ab 不\u0301-+[]{}"), max_size=40), max_size=4), st.integers(20, 60))
def test_lines_keep_to_the_width_unless_a_word_is_longer(lines: list[str], width: int) -> None:
    shown = as_text(hunks(["a b", "c"], lines), width)
    for line in shown.splitlines():
        assert redline._columns(line) <= width or " " not in line or line.startswith("@@")
    assert not re.search(r" $", shown, re.MULTILINE)


def test_above_the_ceilings_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = ["same"] * 9, [part for n in range(9) for part in ("same", f"added {n}")]
    assert as_text(hunks(old, new), most=7).endswith("… 2 more changes\n")
    assert "… 8 more changes" in as_html(hunks(old, new), most=1)
    assert "more change" not in as_html(hunks(old, new), most=9)
    monkeypatch.setattr(redline, "MOST_CHARACTERS", 10)
    shown = as_html(hunks(old, new))
    assert "… cut here" in shown
    assert "… 7 more changes" in shown
    assert as_text(hunks(old, new)).count("@@") == 4


def test_nothing_changed_is_an_empty_fragment() -> None:
    assert as_html(()) == "<div>\n</div>\n"
    assert as_text(()) == ""
