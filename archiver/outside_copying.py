"""Copies elsewhere: what is owed comes from statements and watch entries; the outbox keeps how far each one is.

A copy is asked for once a new version is stated, never for a check that found nothing new, and only where the entry
names the archive. Steps of one row of ``outside_copy``: ask, wait for the job, fetch and compare, state, forget it. A
crash between two steps repeats at most one of them; what nobody asked for by hand is stated once. The table may be
lost: then young versions are asked for again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archiver.archive import Archive
from archiver.custody import disposal_of
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant
from archiver.evidence.statement import Statement
from archiver.evidence.surt import surt
from archiver.outside.interface import Copy, OutsideArchive, OutsideFailed
from archiver.outside_comparing import Compared, compare, not_compared
from storage.index import Index, Row

if TYPE_CHECKING:
    from archiver.operation import Operation

LOG = logging.getLogger("archiver.outside")
POLL_S, LONGEST_POLL_S = 2.0, 30.0
"""Seconds before the first look at a job, and at most between two later ones: each pause is twice the one before."""
JOB_S = 1800.0
"""Seconds after which a job that says nothing is a failure, and is asked for anew where that makes no further copy."""
FETCHES = 4
"""How often a copy is fetched for comparison before it is stated as not compared."""
KEEP_S = 90 * 86400.0
"""How long at least a row that was given up is kept: ``status`` shows it, and it is not asked for again."""
MOST_SHOWN = 50
GONE = "the settings have no such web archive any more"


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: ``asked`` ``waits`` ``stated`` ``again`` (a failure that may pass) ``given up``."""

    word: str
    archive: str
    snapshot: str
    url: str
    detail: str = ""


class OutsideCopies:
    """The outbox of one archive's copies elsewhere; each web archive is asked by one thread at a time."""

    def __init__(self, operation: Operation, archives: Mapping[str, OutsideArchive]) -> None:
        self._operation = operation
        self._archive = operation.archive
        self._index = operation.archive.index
        self._archives = dict(archives)
        settings = self._archive.settings
        self._retry_s: list[int] = list(settings["outside.retry_s"])
        self._give_up_s = float(settings.seconds("outside.give_up_after"))
        self._pauses = {one.name: float(one.min_interval_s) for one in settings.outside}
        self._asked: dict[str, float] = {}
        self._read_to = -1
        self._stated: set[tuple[str, str, str]] = set()

    # -- what is owed --------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Give up what is owed to archives that were taken out of the settings: no thread would ever come to it."""
        names = ", ".join("?" * len(self._archives))
        gone = f"set next_try = null, error = ? where next_try is not null and archive not in ({names})"
        self._index.apply((), [(f"update outside_copy {gone}", (GONE, *self._archives)), self._forgetting(now)])

    def _forgetting(self, now: float) -> tuple[str, tuple[Any, ...]]:
        """Forgets what was given up long ago; never while its version is young enough to be asked for again."""
        keep = max(KEEP_S, 2 * self._give_up_s)
        return "delete from outside_copy where next_try is null and since < ?", (now - keep,)

    def collect(self, now: float) -> int:
        """Write a row for each copy that a new version asks for; returns how many were added."""
        oldest = format_instant(datetime.fromtimestamp(max(0.0, now - self._give_up_s), UTC))
        added = 0
        for document, named in self._named().items():
            rows = self._index.rows(
                "select c.seq from assessment a join capture c on c.seq = a.capture_seq where a.document = ?"
                " and a.outcome = 'new_version' and a.version is not null and c.started_at >= ? group by c.seq",
                (document, oldest),
            )
            for row in rows:
                if disposal_of(self._archive, row["seq"]) is not None:
                    continue
                capture = self._archive.statement(row["seq"])
                # As it was when the page was captured, and as it is now: nobody is told of what was not to be told.
                entry = self._archive.entry_at(capture.body["watch_seq"]) or {}
                for name in sorted(named.intersection(entry.get("outside", ()))):
                    added += sum(self.want(capture, part, name, now) for part in range(len(capture.body["parts"])))
        self._index.apply((), [self._forgetting(now)])
        return added

    def _named(self) -> dict[str, set[str]]:
        """The archives that each document's entry names now; an entry that is paused or removed names none."""
        watched = (w for w in self._archive.watched() if not w.entry.paused and w.entry.outside)
        return {w.document: set(w.entry.outside) & self._archives.keys() for w in watched}

    def want(self, capture: Statement, part: int, name: str, now: float, by: str | None = None) -> bool:
        """Write one row, unless there is one or the copy is stated already; ``by`` also revives one given up."""
        key = (capture.seq, part, name)
        if by is None and (outbox_row(self._index, *key) is not None or self._is_stated(capture, part, name)):
            return False
        # What a person asks for goes on from where it stands: a job that was begun is not begun twice.
        again = "set since = excluded.since, attempts = 0, next_try = excluded.next_try, by_name = excluded.by_name"
        self._index.run(
            "insert into outside_copy (seq, part, archive, since, attempts, next_try, by_name)"
            f" values (?, ?, ?, ?, 0, ?, ?) on conflict (seq, part, archive) do update {again}",
            (*key, now, now, by),
        )
        return True

    def _is_stated(self, capture: Statement, part: int, name: str) -> bool:
        """Whether a copy of this is stated; each custody statement is read once."""
        for seq, body in _custody(self._archive, self._read_to):
            self._read_to = seq
            if body["event"] == "outside_copy":
                self._stated.add((body["subjects"][0], body["url"], body["archive"]))
        return (capture.body["snapshot"], capture.body["parts"][part]["url"], name) in self._stated

    # -- working it off --------------------------------------------------------------------------------

    def step(self, name: str, now: float) -> Step | None:
        """Take the next step of what is due at one archive; None when nothing is."""
        row = self._index.row(
            "select * from outside_copy where archive = ? and next_try <= ?"
            " order by state is null, next_try, seq limit 1",
            (name, now),
        )
        if row is None:
            return None
        # A question costs the other side work; looking at a job and fetching do not.
        if row["state"] is None and now < self._asked.get(name, 0.0) + self._pauses.get(name, 0.0):
            return None
        return self.advance(row, now)

    def advance(self, row: Row, now: float) -> Step:
        """Take the next step of one row; a failure is noted, never raised."""
        capture = self._archive.statement(row["seq"])
        told = (row["archive"], str(capture.body["snapshot"]), str(capture.body["parts"][row["part"]]["url"]))
        state: Json = json.loads(row["state"]) if row["state"] else {}
        if disposal_of(self._archive, capture.seq) is not None:
            # Whoever disposed of it does not want it told to others; and there is nothing left to compare with.
            self._forget(row)
            return Step("given up", *told, "the snapshot was disposed of")
        from_entry = row["by_name"] is None and "copy" not in state
        if from_entry and told[0] not in self._named().get(capture.body["document"], ()):
            # Whoever turned it off wants nobody told from then on, whatever was queued before.
            self._forget(row)
            return Step("given up", *told, "the watch entry does not name the archive any more")
        try:
            if row["by_name"] is None and self._is_stated(capture, row["part"], row["archive"]):
                self._forget(row)  # a crash between statement and row
                return Step("stated", *told)
            if "copy" in state:
                return self._fetch(row, capture, state, now, told)
            return self._ask(row, state, now, told)
        except OutsideFailed as failure:
            return self._failed(row, failure, now, told)

    def _ask(self, row: Row, state: Json, now: float, told: tuple[str, str, str]) -> Step:
        name, _, url = told
        archive = self._archives[name]
        if not state:
            self._asked[name] = now
            job = archive.ask(url)
            self._note(row, {"job": job, "since": int(now), "looks": 0}, now + POLL_S)
            return Step("asked", *told, job)
        copy = archive.look(state["job"], url)
        if copy is not None:
            self._note(row, {"copy": [copy.uri, copy.copied_at, copy.raw, copy.of], "fetched": 0}, now)
            return Step("waits", *told, copy.uri)
        if now > state["since"] + JOB_S:
            raise OutsideFailed(f"the job was not done within {JOB_S:g} s", retry=True)
        looks = state["looks"] + 1
        self._note(row, {**state, "looks": looks}, now + min(LONGEST_POLL_S, POLL_S * 2 ** min(looks, 10)))
        return Step("waits", *told, state["job"])

    def _fetch(self, row: Row, capture: Statement, state: Json, now: float, told: tuple[str, str, str]) -> Step:
        copy = Copy(*state["copy"])
        try:
            _require_of(copy, capture.body["parts"][row["part"]])
            raw = self._archives[told[0]].fetch(copy, told[2])
            found = compare(self._archive, capture.body, row["part"], raw)
        except OutsideFailed as failure:
            if failure.retry and state["fetched"] + 1 < FETCHES and now < row["since"] + self._give_up_s:
                pause = self._pause(failure, state["fetched"] + 1)
                self._note(row, {**state, "fetched": state["fetched"] + 1}, now + pause, failure.what)
                return Step("again", *told, failure.what)
            found = not_compared(failure.what)
        made = self._state(row, capture, copy, found, told)
        self._forget(row)
        return Step("stated", *told, f"{made['uri']}, {made['compared']}")

    def _state(self, row: Row, capture: Statement, copy: Copy, found: Compared, told: tuple[str, str, str]) -> Json:
        fields: Json = {
            "event": "outside_copy",
            "premis": "replication",
            "subjects": [capture.body["snapshot"]],
            "by": row["by_name"],
            "reason": None,
            "archive": told[0],
            "url": told[2],
            "uri": copy.uri,
            "copied_at": copy.copied_at,
            **found.to_json(),
        }
        (made,) = self._operation.writer.state(lambda _seq, _sealed: ("custody", dict(fields)))
        return dict(made.statement.body)

    def _failed(self, row: Row, failure: OutsideFailed, now: float, told: tuple[str, str, str]) -> Step:
        """Write down the next try, or that there will be none; a job that failed is asked for anew.

        Where each question makes one more copy, a job that may still end well is kept, and only looked at again.
        """
        end = row["since"] + self._give_up_s
        over = not failure.retry or not self._retry_s or now >= end
        at = None if over else min(end, now + self._pause(failure, row["attempts"] + 1))
        state = None if over or self._archives[row["archive"]].joins else row["state"]
        self._index.run(
            "update outside_copy set attempts = attempts + 1, next_try = ?, error = ?, state = ?"
            " where seq = ? and part = ? and archive = ?",
            (at, failure.what, state, row["seq"], row["part"], row["archive"]),
        )
        return Step("given up" if over else "again", *told, failure.what)

    def _pause(self, failure: OutsideFailed, attempts: int) -> float:
        pauses = self._retry_s or [60]
        return float(max(pauses[min(attempts, len(pauses)) - 1], failure.retry_after_s or 0))

    def _note(self, row: Row, state: Json, next_try: float, error: str | None = None) -> None:
        self._index.run(
            "update outside_copy set state = ?, next_try = ?, error = ? where seq = ? and part = ? and archive = ?",
            (json.dumps(state), next_try, error, row["seq"], row["part"], row["archive"]),
        )

    def _forget(self, row: Row) -> None:
        self._index.run(
            "delete from outside_copy where seq = ? and part = ? and archive = ?",
            (row["seq"], row["part"], row["archive"]),
        )


def _require_of(copy: Copy, part: Json) -> None:
    """``OutsideFailed`` for a copy of another address than was asked for, or than answered us on the way from there."""
    ours = {part["url"], part["final_url"], *(exchange["url"] for exchange in part["exchanges"])}
    if copy.of and surt(copy.of) not in map(surt, ours):
        raise OutsideFailed(f"the archive says that it copied another address: {copy.of}", retry=False)


# -- reading ---------------------------------------------------------------------------------------


def copies_of(archive: Archive, snapshot: str | None = None) -> list[Json]:
    """Every stated copy elsewhere, of one snapshot or of all, oldest first."""
    return [
        body
        for _, body in _custody(archive)
        if body["event"] == "outside_copy" and (snapshot is None or snapshot in body["subjects"])
    ]


def _custody(archive: Archive, after: int = -1) -> Iterator[tuple[int, Json]]:
    for row in archive.index.rows(
        "select seq from statement where kind = 'custody' and seq > ? order by seq", (after,)
    ):
        yield row["seq"], archive.statement(row["seq"]).body


def outside_standing(archive: Archive) -> dict[str, Any]:
    """What ``status`` shows: copies that are waited for, and those that were given up, newest first."""
    counted = archive.index.row("select count(*) as n from outside_copy where next_try is not null")
    rows = archive.index.rows(
        "select * from outside_copy where next_try is null order by since desc, seq limit ?", (MOST_SHOWN,)
    )
    return {"pending": counted["n"] if counted else 0, "failed": [_shown(archive, row) for row in rows]}


def open_copies(archive: Archive) -> list[dict[str, Any]]:
    """The copies that are still waited for, the next one first."""
    rows = archive.index.rows(
        "select * from outside_copy where next_try is not null order by next_try, seq limit ?", (MOST_SHOWN,)
    )
    return [{**_shown(archive, row), "next_try": _instant(row["next_try"])} for row in rows]


def outbox_row(index: Index, seq: int, part: int, name: str) -> Row | None:
    """One row of the outbox, or None."""
    return index.row("select * from outside_copy where seq = ? and part = ? and archive = ?", (seq, part, name))


def _shown(archive: Archive, row: Row) -> dict[str, Any]:
    capture = archive.statement(row["seq"]).body
    return {
        "snapshot": capture["snapshot"],
        "url": capture["parts"][row["part"]]["url"],
        "archive": row["archive"],
        "since": _instant(row["since"]),
        "attempts": row["attempts"],
        "error": row["error"],
    }


def _instant(seconds: float) -> str:
    return format_instant(datetime.fromtimestamp(seconds, UTC))
