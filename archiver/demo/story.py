"""The story of the demonstration: six revisions of a made-up policy, and what a check of each must come to."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from string import Template

ENTITY = "Example Cloud"
TITLE = "Privacy Policy"
PATH = "/legal/privacy"
SELECT = "main"
"""The part of the page that is the document: not its navigation, nor the number of its build."""

NEVER = "We do not use your content to train machine learning models."
UNLESS = "We may use your content to train our machine learning models, unless you object in your account settings."
ALWAYS = "We use your content to train our machine learning models, whether you object or not."


@dataclass(frozen=True, slots=True)
class Revision:
    """What the site serves before one check, and what that check must come to."""

    number: int
    headline: str
    clause: str | None
    """Text of the clause on training; None: the site answers with its error page."""
    updated: str
    build: str
    outcome: str
    change: str | None
    """Change class of the version; None for the first and for what becomes no version."""
    remark: str = ""
    """What the reader is to make of the outcome."""

    @property
    def status(self) -> int:
        """HTTP status that the site answers with."""
        return 200 if self.clause is not None else 503

    def page(self) -> bytes:
        """The page, UTF-8; the same bytes each time, and for two revisions of equal fields."""
        if self.clause is None:
            return site_file("maintenance.html")
        fields = {"clause": self.clause, "updated": self.updated, "build": self.build, "nonce": f"r4nd0m{self.build}"}
        return Template(site_file("privacy.html").decode()).substitute(fields).encode()


def site_file(name: str) -> bytes:
    """One file of the demonstration's site, as it was packaged."""
    return files("archiver").joinpath("demo_site", name).read_bytes()


REVISIONS = (
    Revision(1, "The policy as first published", NEVER, "1 March 2026", "4127", "new_version", None),
    Revision(
        2, "A change of wording: training, with a way out", UNLESS, "2 April 2026", "4127", "new_version", "wording"
    ),
    Revision(
        3,
        "Only noise: the same words, another build number in the markup",
        UNLESS,
        "2 April 2026",
        "4131",
        "unchanged",
        None,
        "The bytes differ and are kept; the text does not, so there is no new version and nobody is told.",
    ),
    Revision(
        4,
        "The site is down: an error page, HTTP 503",
        None,
        "",
        "",
        "quarantined",
        None,
        "The answer is kept as evidence of the outage, and not taken for a policy.",
    ),
    Revision(5, "Another change: the way out is gone", ALWAYS, "9 May 2026", "4131", "new_version", "wording"),
    Revision(
        6,
        "The first wording comes back, old date and all",
        NEVER,
        "1 March 2026",
        "4127",
        "new_version",
        "reversion",
        "Recognised as version 1. What visit 5 saw is gone from the site; the archive has it.",
    ),
)
CITED = 5
"""The revision that the tour verifies and cites: the one that nobody can read on the site any more."""
COMPARED = 2, 3
"""The versions between which the tour shows the redline: the way out goes."""
CLAUSE_TITLE = "Training of models"
"""Title of the clause that is followed: that of the first revision, in its words there."""
