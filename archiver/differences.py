"""What differs between two versions of a document, or two snapshots: classed, line by line, links apart. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.archive import Archive
from archiver.custody import all_disposed, require_kept
from archiver.errors import NotCheckable, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_snapshot_id
from archiver.history import passed_checks
from archiver.past import newest_assessment, normaliser_of
from archiver.texts import read_lines, read_links
from archiver.watch.diff import Hunk
from storage.errors import Missing


@dataclass(frozen=True, slots=True)
class Side:
    """One of two texts that are compared."""

    document: str
    snapshot: str
    captured_at: str
    version: int | None
    text_sha256: str
    lines: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def version_side(archive: Archive, document: str, number: int | None, *, back: int = 0) -> Side:
    """A version of a document, by number, or counted ``back`` from the one seen last."""
    normaliser = normaliser_of(archive, document)
    passed = passed_checks(archive, document, normaliser) if normaliser else []
    if number is None:
        runs = [row for at, row in enumerate(passed) if at == 0 or passed[at - 1]["version"] != row["version"]]
        if len(runs) <= back:
            many = "one version, and nothing to compare it with" if runs else "no version yet"
            raise UsageError(f"{document} has {many}", do=f"see archiver history {document}")
        row = runs[-1 - back]
    else:
        found = [row for row in passed if row["version"] == number]
        if not found:
            known = f"it has {_listed(sorted({row['version'] for row in passed}))}" if passed else "it has none yet"
            raise UsageError(f"{document} has no version {number}", do=f"{known}: see archiver history {document}")
        gone = all_disposed(archive)
        row = next((one for one in found if one["seq"] not in gone), found[0])
    return _side(archive, row["assessment"], row["seq"])


def _listed(versions: list[int]) -> str:
    """The first, and how far they go."""
    return f"v{versions[0]}" if len(versions) == 1 else f"v{versions[0]} … v{versions[-1]}"


def snapshot_side(archive: Archive, snapshot: str) -> Side:
    """The text of a snapshot that passed."""
    seq = parse_snapshot_id(snapshot)
    judged = None if seq is None else newest_assessment(archive, seq)
    if seq is None or judged is None or archive.snapshot_name(seq) != snapshot:
        raise UsageError(f"there is no snapshot {snapshot} with a text in this archive", do="see archiver history")
    return _side(archive, judged, seq)


def _side(archive: Archive, assessment: int, capture_seq: int) -> Side:
    body = archive.statement(assessment).body
    name = archive.snapshot_name(capture_seq)
    if body["text_sha256"] is None or body["document"] is None:
        raise UsageError(f"{name} has no text to compare: {body['reason'] or 'it is of no watched document'}")
    if body["normaliser"] == "identity/1":
        raise NotCheckable(f"{name} was not read as text yet", do=f"run archiver derive {body['document']}")
    try:
        lines = read_lines(archive.files, body["text_sha256"])
        links = () if body["links_sha256"] is None else read_links(archive.files, body["links_sha256"])
    except Missing as error:
        require_kept(archive, capture_seq)
        raise NotCheckable(f"{error.path} is missing", do="restore it from a backup") from error
    pairs = tuple((link.words, link.target) for link in links)
    started = archive.statement(capture_seq).body["started_at"]
    return Side(body["document"], name, started, body["version"], body["text_sha256"], lines, pairs)


def compare(old: Side, new: Side) -> tuple[str | None, tuple[Hunk, ...], list[Json]]:
    """Class, hunks, and links that came or went."""
    from archiver.watch.change import classify
    from archiver.watch.diff import hunks

    change = classify(old.lines, new.lines)
    links = _links(old, new)
    if change is None and links:
        change = "links"
    return change, hunks(old.lines, new.lines), links


def _links(old: Side, new: Side) -> list[Json]:
    before, after = dict.fromkeys(old.links), dict.fromkeys(new.links)
    gone = [{"kind": "removed", "words": w, "target": t} for w, t in before if (w, t) not in after]
    return gone + [{"kind": "added", "words": w, "target": t} for w, t in after if (w, t) not in before]


def told(old: Side, new: Side) -> Json:
    """The document ``diff --json`` prints."""
    change, hunks, links = compare(old, new)
    return {
        "from": _named(old),
        "to": _named(new),
        "class": change,
        "hunks": [
            {
                "kind": hunk.kind,
                "old": hunk.old,
                "new": hunk.new,
                "old_line": hunk.old_line,
                "new_line": hunk.new_line,
                "words": [{"op": word.op, "text": word.text} for word in hunk.words],
            }
            for hunk in hunks
        ],
        "links": links,
    }


def _named(side: Side) -> Json:
    names = ("document", "version", "snapshot", "captured_at", "text_sha256")
    return {name: getattr(side, name) for name in names}
