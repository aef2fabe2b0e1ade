"""The data set: documents, their observations in order, the rules of each, the answers others gave.

A folder with ``manifest.json``, ``declarations.json`` and ``clauses.json`` (docs/benchmarks.md says what is in them).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from archiver.watch.reading import PageRules
from bench.places import ROOT

FOLDER = Path(os.environ.get("BENCH_POLICIES") or ROOT.parent / "shared" / "data" / "policies").resolve()
Json = dict[str, Any]
PARTLY = ("noise-only", "failed-capture", "uncertain")


@dataclass(frozen=True)
class Page:
    """One page as it was observed."""

    file: Path
    url: str
    media_type: str

    @property
    def slug(self) -> str:
        """A name of the page that stays the same from one observation to the next."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:12]

    @cached_property
    def body(self) -> bytes:
        """The bytes of the page."""
        data = self.file.read_bytes()
        return gzip.decompress(data) if self.file.suffix == ".gz" else data


@dataclass(frozen=True)
class Observation:
    """A document at one moment: its pages, the rules then in force, what kind of difference others saw."""

    kind: str
    at: str
    pages: tuple[Page, ...]
    rules: tuple[PageRules, ...]
    reference: Path | None
    flagged: bool
    sure: bool
    """Whether the rules are those that were in force; others are the nearest known."""
    strong: bool
    """Whether equal text was confirmed under the selectors (only noise has it)."""

    @property
    def answer(self) -> str | None:
        """The Markdown that another project took from these pages."""
        return None if self.reference is None else gzip.decompress(self.reference.read_bytes()).decode()


@dataclass(frozen=True)
class Policy:
    """One document with its observations, oldest first."""

    name: str
    entity: str
    title: str
    language: str
    observations: tuple[Observation, ...]


def load() -> list[Policy]:
    """Read the data set; ``SystemExit`` says where it was looked for."""
    if not (FOLDER / "manifest.json").exists():
        raise SystemExit(f"no data set at {FOLDER}: set BENCH_POLICIES to its folder (docs/benchmarks.md)")
    manifest = json.loads((FOLDER / "manifest.json").read_text())
    declarations = json.loads((FOLDER / "declarations.json").read_text())
    return [
        _policy(item, declarations.get(item["directory"], {}).get("by_commit", {})) for item in manifest["documents"]
    ]


def _policy(item: Json, by_commit: dict[str, Json]) -> Policy:
    observations: list[Observation] = []
    declaration: Json = next(iter(by_commit.values()), {})
    for revision in sorted(item["revisions"], key=lambda revision: str(revision["observed_at"])):
        declaration = by_commit.get(revision.get("declaration_commit") or "", declaration)
        pages = tuple(Page(FOLDER / s["file"], s["url"], s["media_type"]) for s in revision["sources"])
        if revision["kind"] in PARTLY and observations:
            # Only the page that differs was kept: the others are as they were.
            fresh = {page.url: page for page in pages}
            pages = tuple(fresh.get(page.url, page) for page in observations[-1].pages)
        reference = revision.get("reference")
        observations.append(
            Observation(
                kind=revision["kind"],
                at=revision["observed_at"],
                pages=pages,
                rules=tuple(rules_of(declaration, page.url) for page in pages),
                reference=FOLDER / reference if reference else None,
                sure=bool(revision.get("declaration_commit")),
                flagged=bool(revision.get("flags")),
                strong=revision.get("selected_text_check") == "equal",
            )
        )
    return Policy(item["directory"], item["service"], item["terms"], item["language"], tuple(observations))


def rules_of(declaration: Json, url: str) -> PageRules:
    """The selectors of a declaration for one of its pages; a page's own go before those of the whole."""
    items = declaration.get("combine") or [declaration]
    own = next((item for item in items if _same(item.get("fetch", ""), url)), items[0] if len(items) == 1 else {})
    return PageRules(
        _selectors(own.get("select", declaration.get("select"))),
        _selectors(own.get("remove", declaration.get("remove"))),
    )


def _same(one: str, other: str) -> bool:
    return one.partition("#")[0].rstrip("/") == other.partition("#")[0].rstrip("/")


def _selectors(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    items: Sequence[Any] = value if isinstance(value, list) else [value]
    return tuple(item if isinstance(item, str) else json.dumps(item) for item in items)


def clauses() -> list[Json]:
    """Sentences, with the observations whose reference holds them word for word."""
    found: list[Json] = json.loads((FOLDER / "clauses.json").read_text())
    return found
