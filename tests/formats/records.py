"""The records every format is tried on: all known, next to nothing known, and hostile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from archiver import formats
from archiver.evidence.canonical import Json
from archiver.evidence.citation import CitationFacts, build
from archiver.formats.interface import Format
from archiver.registry import plugins
from tests.evidence.citation_facts import bare, full, hostile, public
from tests.evidence.clause_facts import clause, hostile_clause

GOLDEN = Path(__file__).parent / "golden"
FACTS: dict[str, Callable[[], CitationFacts]] = {
    "full": full,
    "public": public,
    "bare": bare,
    "hostile": hostile,
}
CLAUSES: dict[str, Callable[[], Json]] = {"clause": clause, "hostile-clause": hostile_clause}
FORMATS: dict[str, Format] = plugins(formats)


def record(case: str) -> Json:
    return CLAUSES[case]() if case in CLAUSES else build(FACTS[case]())


def named(entity: str, title: str) -> Json:
    """The full record with another entity and title."""
    facts = full()
    return build(replace(facts, watch={"entity": entity, "title": title, "urls": []}))


def dated(text: str, value: str) -> Json:
    """The full record as it will be once the publisher's date is extracted."""
    found = record("full")
    found["source"]["publisher_date"] = {"text": text, "value": value, "kind": "last-updated"}
    return found


def golden_file(case: str, form: Format) -> Path:
    return GOLDEN / f"{case}{form.suffix}"


def write_golden() -> None:
    """Write the golden files anew: ``python -m tests.formats.records``; read the difference before keeping it."""
    for case in (*FACTS, *CLAUSES):
        for form in FORMATS.values():
            golden_file(case, form).write_text(form.render(record(case)), encoding="utf-8", newline="")


if __name__ == "__main__":
    write_golden()
