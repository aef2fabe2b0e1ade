"""The exhibit: a cover, then the text of a snapshot set in pages that are numbered, stamped and searchable.

It is PDF/A-2a: every font inside, nothing that runs, nothing attached. A load file for review tools goes beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.certificate_facts import MOST_ADDRESS, digest, row
from archiver.dossier import Dossier
from archiver.errors import ArchiveDamaged, NotCheckable, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import parse_instant
from archiver.exhibit_load import LoadRow
from archiver.objections import no_text
from archiver.provisions import life_of, provision
from archiver.texts import read_lines, read_links
from archiver.typesetting import MISSING, Press, folded, legible, press
from archiver.watch.text import Text

MOST_TEXT = 8 << 20
"""Characters of a text that is set in pages."""
MOST_LINKS = 2000
PAPERS = ("a4", "us-letter")
_BATES = re.compile(r"([A-Za-z][A-Za-z0-9 _.-]{0,31}?)([0-9]{1,12})", re.ASCII)
_HEADING = re.compile(r"(#{1,6}) ")
_ITEM = re.compile(r"((?:  )*)(?:- |[0-9]+[.)] |> )")


@dataclass(frozen=True, slots=True)
class Bates:
    """Where the numbers of the pages begin: ``EX000001``."""

    prefix: str
    first: int
    digits: int

    @classmethod
    def from_text(cls, text: str) -> Bates:
        """Read letters and then digits; ``UsageError`` for anything else."""
        found = _BATES.fullmatch(text)
        if found is None:
            raise UsageError(f"{text[:60]!r} is no Bates number", do="name letters and then digits, as EX000001")
        return cls(found[1], int(found[2]), len(found[2]))

    def after(self, pages: int) -> Bates:
        """Where the next document begins."""
        return replace(self, first=self.first + pages)

    def number(self, page: int) -> str:
        """The number of a page, from 1."""
        return f"{self.prefix}{self.first + page - 1:0{self.digits}d}"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How an exhibit is to look."""

    timezone: str = "UTC"
    """IANA name of the zone of the local times."""
    bates: Bates | None = None
    provision: str | None = None
    """A clause to be marked where its words stand."""
    paper: str = "a4"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A finished exhibit with its row of the load file, and the text that the row names."""

    pdf: bytes
    pages: int
    load: LoadRow
    text: bytes
    warnings: tuple[str, ...] = ()


def exhibit_of(dossier: Dossier, wishes: Wishes, *, typeset: Press | None = None) -> Exhibit:
    """Set the exhibit of a snapshot that passed.

    ``UsageError`` where it has no text, or the clause that is to be marked does not stand in it.
    """
    if wishes.paper not in PAPERS:
        raise UsageError(f"unknown paper {wishes.paper!r}", do=f"known: {', '.join(PAPERS)}")
    record = dossier.citation()
    zone = zone_of(wishes.timezone)
    lines = lines_of(dossier)
    text = Text(lines)
    marks = marks_of(dossier, wishes.provision)
    setter = typeset or press()
    missing = setter.shown(text.text)[1]
    facts = _facts(dossier, record, zone, wishes, text, marks, missing)
    facts["lines"] = [_line(text, number, marks) for number in range(len(lines))]
    pdf = setter.set("exhibit", facts, dossier.issued, "a-2a")
    pages = page_count(pdf)
    load = LoadRow(
        begin=wishes.bates.number(1) if wishes.bates else "",
        end=wishes.bates.number(pages) if wishes.bates else "",
        custodian=record["archive"]["name"],
        source_url=record["source"]["url"],
        final_url=record["source"]["final_url"] or "",
        title=record["source"]["title"] or "",
        captured_utc=record["dates"]["captured"],
        captured_local=local_time(record["dates"]["captured"], zone),
        timezone=wishes.timezone,
        sha256_native=(dossier.capture.body["warc"] or {}).get("sha256", ""),
        native_path=dossier.warc.path if dossier.warc else "",
        citation_id=record["citation_id"],
        limits=" ".join(record["limits"]),
        redacted="N",
    )
    warnings = (
        (f"{missing} characters are in none of the fonts at hand and shown as {MISSING}; name a folder with --fonts",)
        if missing
        else ()
    )
    return Exhibit(pdf, pages, load, text.text.encode(), warnings)


def zone_of(name: str) -> tzinfo:
    """The time zone of this IANA name; ``UsageError`` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"unknown time zone {name[:60]!r}", do="name one as Europe/Berlin") from error


def local_time(instant: str, zone: tzinfo) -> str:
    """An instant in another zone, to the second, with its offset."""
    return parse_instant(instant).astimezone(zone).isoformat(sep=" ", timespec="seconds")


def page_count(pdf: bytes) -> int:
    """Pages of a PDF of ours."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def lines_of(dossier: Dossier) -> tuple[str, ...]:
    """The lines that an exhibit shows; ``UsageError`` where there is no text, ``NotCheckable`` where it is too long."""
    assessment = dossier.assessment
    if assessment is None or assessment.body["text_sha256"] is None or dossier.text is None:
        raise no_text(dossier.archive, dossier.snapshot, dossier.capture.seq)
    if dossier.text.size > 4 * MOST_TEXT:
        raise NotCheckable(f"the text of {dossier.snapshot} is too long for an exhibit")
    lines = read_lines(dossier.archive.files, assessment.body["text_sha256"])
    if sum(map(len, lines)) > MOST_TEXT:
        raise NotCheckable(f"the text of {dossier.snapshot} is too long for an exhibit")
    return lines


def marks_of(dossier: Dossier, identifier: str | None) -> tuple[tuple[int, int], ...]:
    """Where the words of a clause stand in this text, as characters from … to; ``UsageError`` where they do not."""
    if identifier is None:
        return ()
    assert dossier.assessment is not None
    body = dossier.assessment.body
    item = provision(dossier.archive, identifier)
    if item["document"] == body["document"]:
        for wording in life_of(dossier.archive, item).wordings:
            if wording.version == body["version"] and wording.occurrences:
                return tuple((place.start, place.end) for place in wording.occurrences)
    raise UsageError(
        f"{identifier} does not stand in {dossier.snapshot}", do=f"see archiver provision show {identifier}"
    )


def _line(text: Text, number: int, marks: Sequence[tuple[int, int]]) -> Json:
    """One line as the template sets it: its level as a heading, its indent as an item, marked and unmarked pieces."""
    line, start = text.lines[number], text.starts[number]
    heading, item = _HEADING.match(line), _ITEM.match(line)
    skip = heading.end() if heading else len(item[1]) if item else 0
    cuts = sorted({skip, len(line)} | {min(max(at - start, skip), len(line)) for mark in marks for at in mark})
    pieces = [
        {"text": legible(line[a:b]), "mark": any(first < start + b and start + a < end for first, end in marks)}
        for a, b in pairwise(cuts)
        if a < b
    ]
    indent = len(item[1]) // 2 + 1 if item else 0
    return {"level": len(heading[1]) if heading else 0, "indent": min(indent, 8), "pieces": pieces}


def _facts(
    dossier: Dossier,
    record: Json,
    zone: tzinfo,
    wishes: Wishes,
    text: Text,
    marks: Sequence[tuple[int, int]],
    missing: int,
) -> Json:
    source, dates = record["source"], record["dates"]
    title = legible(source["title"] or source["url"], most=200)
    url = source["url"]
    local = None if wishes.timezone == "UTC" else f"{local_time(dates['captured'], zone)} {wishes.timezone}"
    links = _links(dossier)
    return {
        "title": f"Exhibit {record['snapshot']}: {title}",
        "author": legible(record["archive"]["name"], most=200),
        "description": f"Statement SHA-256 {record['capture_ref']}",
        "keywords": [record["snapshot"], record["capture_ref"]],
        "heading": title,
        "archive": legible(record["archive"]["name"], most=200),
        "origin": record["archive"]["origin"],
        "snapshot": record["snapshot"],
        "citation_id": record["citation_id"],
        "paper": wishes.paper,
        "bates": wishes.bates
        and {"prefix": wishes.bates.prefix, "first": wishes.bates.first, "digits": wishes.bates.digits},
        "footer_url": folded(url if len(url) <= 180 else f"{url[:179]}…", 90),
        "captured_utc": dates["captured"],
        "captured_local": local,
        "cover": list(_cover(record)),
        "times": list(_times(record, zone, wishes.timezone)),
        "bracket": record["sealed_between"]["sentence"],
        "digests": [
            digest(item["object"], item["alg"], item["value"], item["bytes"])
            for item in record["hashes"]
            if item["alg"] == "sha-256"
        ],
        "limits": [{"code": code, "text": record["limit_texts"][code]} for code in record["limits"]],
        "notes": list(_notes(dossier, wishes, missing, links)),
        "clauses": [legible(text.text[start:end], most=2000) for start, end in marks],
        "links": [
            {"words": legible(words, most=200) or "(no words)", "target": folded(target[:MOST_ADDRESS], 88)}
            for words, target in links[:MOST_LINKS]
        ],
        "links_note": _links_note(len(links)),
    }


def _links_note(count: int) -> str:
    more = "" if count <= MOST_LINKS else f" The first {MOST_LINKS} of {count} are printed."
    return f"In the order in which they stand in the document, with the words that carried them.{more}"


def _cover(record: Json) -> list[Json]:
    source = record["source"]
    published = source["publisher_date"]["text"]
    found = [
        row("Title", source["title"] or "not named", source["title_basis"]),
        row("Publisher", source["author"] or "not named", source["author_basis"]),
        *(row("Address", url, kind="address") for url in source["urls"]),
    ]
    if source["final_url"] not in (None, *source["urls"]):
        found.append(row("Final address", source["final_url"], kind="address"))
    found.append(row("Publisher's own date", f"“{published}”" if published else "none was found in the text"))
    if record["assessment"] and record["assessment"]["version"] is not None:
        found.append(row("Version", f"{record['assessment']['version']} of {record['document']}"))
    found.append(row("To cite", record["strings"]["bluebook"].replace("*", "")))
    return found


def _times(record: Json, zone: tzinfo, name: str) -> list[Json]:
    dates = record["dates"]
    labels = {
        "first_seen": "First seen",
        "captured": "Captured",
        "captured_end": "Capture ended",
        "last_verified": "Last verified",
        "issued": "Issued",
    }
    return [
        row(label, dates[key], None if name == "UTC" else f"{local_time(dates[key], zone)} {name}")
        for key, label in labels.items()
        if dates[key]
    ]


def _notes(dossier: Dossier, wishes: Wishes, missing: int, links: Sequence[object]) -> list[str]:
    assert dossier.assessment is not None
    normaliser = dossier.assessment.body["normaliser"]
    of_pages = (
        f"The pages that follow show the text of the snapshot, read from the stored answer by {normaliser} and set "
        "here in type. Its layout, its pictures and its fonts are not those of the publisher's page. No page image "
        "follows: the archive holds no rendering of this snapshot."
    )
    of_lines = (
        "Signs before headings are left out and the headings set larger; every other line stands as it is in the text "
        "whose digest is above."
    )
    notes = [of_pages, of_lines]
    if links:
        notes.append("Addresses of links are listed at the end.")
    if missing:
        notes.append(
            f"{missing} characters of the text are in none of the fonts at hand; each is shown as {MISSING}. The text "
            "file beside this one has them."
        )
    if wishes.bates is None:
        notes.append("The line at the foot of each page is for a Bates number.")
    if wishes.provision is not None:
        notes.append(f"The words of {wishes.provision} are marked in colour. The marking is not the publisher's.")
    return notes


def _links(dossier: Dossier) -> list[tuple[str, str]]:
    assert dossier.assessment is not None
    sha256 = dossier.assessment.body["links_sha256"]
    if sha256 is None:
        return []
    try:
        return [(link.words, link.target) for link in read_links(dossier.archive.files, sha256)]
    except ValueError as error:
        raise ArchiveDamaged("the stored links cannot be read", do="restore them from a backup") from error
