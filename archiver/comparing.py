"""How other documents word what a provision says, and how many do: always with the list that the count is of."""

from __future__ import annotations

from archiver.archive import Archive
from archiver.evidence.canonical import Json
from archiver.provisions import provision
from archiver.searching import Query, Scope, Shelf, candidates, shelf_of, where
from archiver.watch.closeness import Features, fts_terms, shared_words


def others_of(archive: Archive, identifier: str, least: int, limit: int) -> Json:
    """The closest passages of other documents' current versions, ranked, and the documents that have one.

    Every document that was checked is listed as compared, with the version and the day it was compared in; prevalence
    counts those with a passage of at least ``least`` of 100.
    """
    item = provision(archive, identifier)
    shelf = shelf_of(archive)
    wanted = Features.of(item["exact"])
    scope, scored = Scope(current=True), list[Json]()
    for number, line in candidates(archive, Query(fts_terms(item["exact"])), scope, shelf):
        score = wanted.score(Features.of(line))
        if score < least:
            continue
        scored += [
            {
                "score": score,
                **{k: v for k, v in hit.items() if k not in ("versions", "current")},
                "text": line,
                "version": shelf.current[hit["document"]],
                "shared_words": shared_words(item["exact"], line),
            }
            for hit in where(archive, number, scope, shelf)
            if hit["document"] != item["document"]
        ]
    scored.sort(key=lambda hit: (-int(hit["score"]), hit["document"], hit["line"]))
    return {
        "provision": item["provision"],
        "document": item["document"],
        "exact": item["exact"],
        "least": least,
        "passages": scored[:limit],
        "prevalence": _prevalence(shelf, item["document"], {hit["document"] for hit in scored}),
    }


def _prevalence(shelf: Shelf, own: str, having: set[str]) -> Json:
    compared = [
        {"document": document, "version": version, "last_checked": shelf.checked[document]}
        for document, version in sorted(shelf.current.items())
        if document != own
    ]
    days = [shelf.checked[document][:10] for document in shelf.current if document != own]
    return {
        "with": sorted(having),
        "compared": compared,
        "checked_from": min(days, default=None),
        "checked_to": max(days, default=None),
    }
