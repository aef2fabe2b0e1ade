"""What stands at the end of every draft: blanks to be filled, facts not recorded, and the evidence of each fact."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.declaration.draft import Draft
from archiver.environment import SOFTWARE

BLANKS = "Blanks that a person fills"
MISSING = "Facts that are not recorded"
EVIDENCE = "Evidence of the prefilled facts"
NO_BLANKS = "This template has no blanks."
NO_MISSING = "Every fact that the template names is recorded."
TYPEFACES = (
    "Facts taken from the archive stand in this typeface",
    ", each with the number of its evidence, such as ",
    "; what only a person can say is left as a ",
    ". What the archive does not hold reads ",
    ".",
)
"""Words between a fact, a reference, a blank and a missing fact that show how each is printed."""


def blank_rows(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Number, label and place of each blank."""
    for number, (label, place) in enumerate(draft.blanks, 1):
        yield str(number), label, place


def missing_rows(draft: Draft) -> Iterator[tuple[str, str]]:
    """Meaning and place of each fact that is not recorded."""
    yield from draft.missing


def source_rows(draft: Draft) -> Iterator[tuple[str, str, str | None, str]]:
    """Name (``S1``), description, digest and checks of each source."""
    for number, source in enumerate(draft.sources, 1):
        yield f"S{number}", source.what, source.sha256, source.checks


def reference_rows(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Name (``E1``), source and the place in it, of each reference."""
    for reference in draft.references:
        yield f"E{reference.number}", f"S{reference.source}", reference.where


def colophon(draft: Draft) -> str:
    """By what, from what and when the draft was made."""
    return (
        f"Draft made at {draft.made} by {SOFTWARE} from the archive {draft.archive} (log {draft.origin}) with the "
        f"template {draft.regime}, version {draft.version}, SHA-256 {draft.template_sha256}."
    )
