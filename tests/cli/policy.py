"""A policy of some length whose publisher and analyst are the test, for what needs more than a few lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.cli.box import Box
from tests.simulators.website import Document, Served, Website

DOCUMENT = "EA-D-00001"
SUBJECTS = "privacy security billing content conduct accounts payments refunds taxes licences patents warranty".split()
SHORT = b"""<!doctype html><html lang=en><head><title>Terms</title></head><body><main><h1>Terms of Use</h1>
<p>These terms are short now, and we say here in plain words that you may use the service just as you like it.</p>
</main></body></html>"""
LOST = b"""<html><head><title>Page not found</title></head><body><h1>404 Page not found</h1>
<p>Sorry, the page you look for does not exist.</p></body></html>"""


def terms(*changes: tuple[str, str], title: str = "Terms of Use", element: str = "main") -> bytes:
    """A dozen clauses; each change replaces a text that stands in them."""
    clauses = "".join(
        f"<h2>{number}. On {subject}</h2><p>Under section {number} the {subject} of the service is governed by rule"
        f" {number * 7}, and you agree that {subject} will be handled with care as annex {number} describes.</p>"
        for number, subject in enumerate(SUBJECTS, 1)
    )
    page = f"""<!doctype html><html lang=en><head><title>{title}</title></head><body><{element}><h1>{title}</h1>
<p>Last updated: 1 March 2026</p>{clauses}</{element}></body></html>"""
    for old, new in changes:
        assert old in page
        page = page.replace(old, new)
    return page.encode()


def told(check: dict[str, Any]) -> tuple[str, int | None, str | None]:
    """What a check came to: outcome, version, class of change."""
    return check["outcome"], check["version"], check["change"]


@dataclass
class Publisher:
    """One document at ``/terms``, watched by a box."""

    box: Box
    site: Website

    def __post_init__(self) -> None:
        self.site.documents["/terms"] = terms()
        self.box.fine("watch", "add", self.site.url("/terms"), "--entity", "Example", "--document", "Terms")

    def check(self, served: Served | None = None) -> dict[str, Any]:
        """Publish something else, if given, and check it."""
        if served is not None:
            self.site.documents["/terms"] = served
        found: dict[str, Any] = self.box.call("capture", DOCUMENT, "--json").json[0]
        return found

    def edit(self, *words: str) -> None:
        self.box.fine("watch", "edit", DOCUMENT, *words)

    def decide(self, word: str, *checks: dict[str, Any]) -> Any:
        return self.box.fine("quarantine", word, *(c["snapshot"] for c in checks), "--by", "Ana", "--json").json

    def waiting(self) -> list[str]:
        return [item["snapshot"] for item in self.box.fine("quarantine", "list", "--json").json]

    def history(self) -> dict[str, Any]:
        found: dict[str, Any] = self.box.fine("history", DOCUMENT, "--json").json
        return found

    def runs(self) -> list[tuple[int, str | None]]:
        """Version and class of each run of equal wordings."""
        return [(item["version"], item["change"]) for item in self.history()["versions"]]

    def unavailable(self) -> Document:
        return Document(b"<h1>502 Bad Gateway</h1>", status="502 Bad Gateway")
