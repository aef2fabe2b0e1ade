"""Search over every wording ever seen: passages that hold the words, in which versions of what. Reads only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from archiver.archive import Archive
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.past import normaliser_of

MAX_QUERY = 1000
MAX_TERMS = 40
CANDIDATES = 2000
"""Passages that are looked at for one query, best first."""
_TERM = re.compile(r'"([^"]*)"|(\S+)')
# Scripts that put no space between words: Thai, Lao, Burmese, Khmer; kana, bopomofo, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a person looks for: an FTS5 expression, and what must stand somewhere in the passage as it is."""

    match: str
    inside: tuple[str, ...] = ()


def query_of(typed: str) -> Query:
    """What a person typed: all words, in any order; words in double quotes as they stand.

    Every term is quoted, so that no word is taken for an operator. The index knows words between spaces alone, so a
    term of a script without spaces is looked for in every passage. ``UsageError`` when nothing can be looked for.
    """
    terms = _terms(typed)
    return Query(
        " ".join(f'"{term}"' for term in terms if not _UNSPACED.search(term)),
        tuple(term.lower() for term in terms if _UNSPACED.search(term)),
    )


def _terms(query: str) -> list[str]:
    if len(query) > MAX_QUERY:
        raise UsageError(f"a search of {len(query)} characters", do=f"the longest has {MAX_QUERY}")
    terms = []
    for phrase, word in _TERM.findall(query):
        text = (phrase or word).replace('"', " ").replace("\x00", " ").strip()
        if any(c.isalnum() for c in text):
            terms.append(text)
    if not terms:
        raise UsageError("nothing to search for", do="give a word, or several")
    if len(terms) > MAX_TERMS:
        raise UsageError(f"a search for {len(terms)} words", do=f"at most {MAX_TERMS}")
    return terms


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to search: in versions seen last only, in one document, in one entity's documents."""

    current: bool = False
    document: str | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is known of the documents of an archive: their names, and the wording each had last."""

    names: dict[str, tuple[str, str]]
    current: dict[str, int]
    checked: dict[str, str]


def shelf_of(archive: Archive) -> Shelf:
    """Read the names, the newest version and the last passed check of every document."""
    names = {w.document: (w.entry.entity, w.entry.title) for w in archive.watched(removed=True)}
    current: dict[str, int] = {}
    checked: dict[str, str] = {}
    for document in names:
        normaliser = normaliser_of(archive, document)
        row = archive.index.row(
            "select a.version, c.started_at from assessment a join capture c on c.seq = a.capture_seq"
            " where a.document = ? and a.normaliser = ? and a.verdict = 'passed'"
            " order by a.capture_seq desc, a.seq desc limit 1",
            (document, normaliser),
        )
        if row is not None:
            current[document], checked[document] = row["version"], row["started_at"]
    return Shelf(names, current, checked)


def search(archive: Archive, query: str, scope: Scope, limit: int) -> list[Json]:
    """Passages that hold all words of the query, best first: one item for each document that has or had the passage."""
    wanted, shelf = query_of(query), shelf_of(archive)
    hits: list[Json] = []
    for number, line in candidates(archive, wanted, scope, shelf):
        hits += [{**hit, "text": line} for hit in where(archive, number, scope, shelf)]
        if len(hits) >= limit:
            break
    return hits[:limit]


def candidates(archive: Archive, query: Query, scope: Scope, shelf: Shelf) -> list[tuple[int, str]]:
    """Number and words of the passages within the scope that answer a query; best or, without words, shortest first."""
    found = (
        "passage_search s join passage p on p.id = s.rowid where passage_search match ?"
        if query.match
        else "passage p where ? = ''"
    )
    rows = archive.index.rows(
        f"select p.id, p.line from {found}"
        " and not exists (select 1 from json_each(?) term where not instr(lower(p.line), term.value))"
        " and (? is null or exists (select 1 from wording_passage wp join wording w on w.id = wp.wording_id"
        " join assessment a on a.text_sha256 = w.text_sha256 where wp.passage_id = p.id and a.verdict = 'passed'"
        " and (a.document, iif(?, a.version, 0)) in (select json_extract(value, '$[0]'),"
        " json_extract(value, '$[1]') from json_each(?))))"
        f" order by {'rank' if query.match else 'length(p.line), p.id'} limit ?",
        (query.match, json.dumps(query.inside), *_within(scope, shelf), CANDIDATES),
    )
    return [(row["id"], row["line"]) for row in rows]


def _within(scope: Scope, shelf: Shelf) -> tuple[str | None, bool, str | None]:
    """The scope as pairs of document and version (0: any) in JSON; null for the whole archive."""
    documents = [
        name
        for name, (entity, _) in shelf.names.items()
        if scope.document in (None, name) and scope.entity in (None, entity)
    ]
    if scope.current:
        pairs = [(name, shelf.current[name]) for name in documents if name in shelf.current]
    elif scope.document is None and scope.entity is None:
        return None, False, None
    else:
        pairs = [(name, 0) for name in documents]
    text = json.dumps(pairs)
    return text, scope.current, text


def where(archive: Archive, passage: int, scope: Scope, shelf: Shelf) -> list[Json]:
    """The documents within the scope that have or had a passage, with the versions."""
    rows = archive.index.rows(
        "select a.document, a.version, min(wp.place) as place, min(c.started_at) as first_seen,"
        " max(c.started_at) as last_seen, coalesce(min(iif(d.seq is null, c.seq, null)), min(c.seq)) as seq"
        " from wording_passage wp join wording w on w.id = wp.wording_id"
        " join assessment a on a.text_sha256 = w.text_sha256 join capture c on c.seq = a.capture_seq"
        " left join disposed d on d.capture_seq = c.seq"
        " where wp.passage_id = ? and a.verdict = 'passed' and (? is null or a.document = ?)"
        " group by a.document, a.version order by a.document, last_seen",
        (passage, scope.document, scope.document),
    )
    by_document: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_document.setdefault(row["document"], []).append(row)
    found = []
    for document, versions in by_document.items():
        entity, title = shelf.names.get(document, ("", ""))
        present = [row for row in versions if row["version"] == shelf.current.get(document)]
        if (scope.entity is not None and entity != scope.entity) or (scope.current and not present):
            continue
        shown = (present or versions)[-1]
        found.append(
            {
                "document": document,
                "entity": entity,
                "title": title,
                "versions": sorted(row["version"] for row in versions),
                "current": bool(present),
                "snapshot": archive.snapshot_name(shown["seq"]),
                "line": shown["place"],
                "first_seen": min(row["first_seen"] for row in versions),
                "last_seen": max(row["last_seen"] for row in versions),
            }
        )
    return found
