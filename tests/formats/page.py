"""The examples of ``docs/citation.md``: ``python -m tests.formats.page`` writes them anew."""

from __future__ import annotations

from pathlib import Path

from tests.formats.records import FORMATS, record

PAGE = Path(__file__).resolve().parents[2] / "docs" / "citation.md"
BEGIN, END = "<!-- examples: made by tests.formats.page -->\n", "<!-- end of examples -->\n"
MOST = 22
"""Lines of an example; of a longer one the beginning is shown."""


def examples() -> str:
    """Every format with its file's ending and what it makes of the invented public record."""
    given = record("public")
    sections = []
    for name, form in FORMATS.items():
        lines = form.render(given).rstrip("\n").split("\n")
        cut = " The beginning:" if len(lines) > MOST else ""
        shown = "\n".join(lines[:MOST])
        sections.append(f"### `{name}`\n\n{form.title}. File: `…{form.suffix}`.{cut}\n\n```text\n{shown}\n```\n")
    return "\n".join(sections)


def written(page: str) -> str:
    """The page with its examples made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{examples()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
