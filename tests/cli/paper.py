"""A box with two versions of a policy, a clause and tokens, and what other people's tools say of a PDF."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.box import Box
from tests.cli.policy import Publisher, terms
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website

CLAUSE = "you agree that billing will be handled with care"
CHANGES = (("rule 14,", "rule 15,"), ("annex 3 describes", "annex 3 and annex 4 describe"), ("1 March", "5 April"))


@dataclass(frozen=True)
class Desk:
    """An archive of two snapshots, and a clause in them."""

    box: Box
    first: str
    second: str
    provision: str
    authority: TimestampAuthority

    def export(self, target: Path, *words: str, snapshot: str | None = None) -> Path:
        self.box.fine("export", snapshot or self.second, "--output", str(target), "--no-record", *words)
        return target


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    (folder / "authority").mkdir()
    with Website(documents={}) as site, TimestampAuthority(folder / "authority") as authority:
        box = Box(folder, site, authority).init()
        publisher = Publisher(box, site)
        first = publisher.check()["snapshot"]
        second = publisher.check(terms(*CHANGES))["snapshot"]
        clause = box.fine("provision", "add", "EA-D-00001", CLAUSE, "--json").json
        yield Desk(box, first, second, clause["provision"], authority)


def said(*words: str | Path) -> str:
    """What a tool that ends well prints."""
    done = subprocess.run([str(w) for w in words], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout.decode("utf-8", "replace")


def text_of(pdf: Path) -> str:
    return said("pdftotext", "-layout", pdf, "-")


def pages_of(pdf: Path) -> int:
    found = re.search(r"^Pages:\s+(\d+)", said("pdfinfo", pdf), re.MULTILINE)
    assert found
    return int(found[1])


def unembedded(pdf: Path) -> list[str]:
    """Fonts that are not inside the file, as pdffonts tells."""
    lines = said("pdffonts", pdf).splitlines()[2:]
    assert lines
    return [line for line in lines if line.split()[-5] != "yes"]
