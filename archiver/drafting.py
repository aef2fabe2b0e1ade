"""Steps 3 to 5 of a check: visit its addresses, write the WARC, draft the statement. Runs in any thread.

Nothing here is durable or numbered yet: the pipeline's commit syncs the files before the ledger names them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from archiver.archive import Archive
from archiver.assessor import Assessor
from archiver.capture.interface import Capturer
from archiver.check import WARC, Check, Finished
from archiver.custody import disposal_of
from archiver.environment import SOFTWARE, clock_facts, environment_facts, environment_line
from archiver.evidence.canonical import Json, dump_line, join_members
from archiver.evidence.capture_statement import (
    Revisit,
    limits_of,
    part_fields,
    result_of,
    robots_fields,
    server_skew_ms,
    transport_fields,
)
from archiver.evidence.citation_custody import referring_to
from archiver.evidence.exchange import Failure, Visit
from archiver.evidence.instant import format_instant
from archiver.evidence.warc_record import record_id
from archiver.evidence.warc_writer import FullCopy, WarcFacts, write_warc
from archiver.warc_file import WarcFile
from storage.errors import Full, Missing, StorageError


@dataclass(frozen=True, slots=True)
class Drafter:
    """Turns a check into a finished one: files in staging and the draft of its statement."""

    archive: Archive
    capturer: Capturer
    now: Callable[[], datetime]
    random: Callable[[int], bytes]
    newest_token: Callable[[], Json | None]
    """The newest verified token over a checkpoint that was known when a check begins."""

    def capture(self, check: Check) -> Finished:
        """Steps 3 to 5: visit every address of the check, write the WARC and the draft of the statement.

        Runs in any thread. A full disk becomes a failed check without a WARC: the bytes could not be kept.
        """
        clock = clock_facts(self.now())
        before = self.newest_token()
        started = self.now()
        spools: list[BinaryIO] = []

        def spool() -> BinaryIO:
            spools.append(self.archive.files.create(f"{check.staging}/spool-{len(spools) + 1}"))
            return spools[-1]

        visits: list[Visit] = []
        try:
            for url in check.urls:
                visits.append(self.capturer.visit(url, spool=spool, conditional=self._conditional(check)))
            draft = self._draft(check, visits, started, clock, before)
            has_folder = draft["warc"] is not None
            reading = Assessor(self.archive, self.random).read_visits(draft, visits)
            for number in range(1, len(spools) + 1):
                self._remove(f"{check.staging}/spool-{number}")
        except Full as error:
            return self.give_up(check, Failure("storage_full", str(error)))
        finally:
            for file in spools:
                with contextlib.suppress(StorageError):  # what it held back does not fit on a full disk
                    file.close()
        return Finished(check, draft, has_folder, reading)

    def give_up(self, check: Check, failure: Failure) -> Finished:
        """A check that cannot go on and keeps no bytes: it still ends in a statement that says why."""
        self._discard_files(check)
        clock = clock_facts(self.now())
        return Finished(check, self._unkept(check, self.now(), clock, self.newest_token(), failure), False)

    def with_its_bodies(self, item: Finished) -> Finished:
        """The check, or a failed one where a body that it refers to was disposed of since it chose to.

        Led on by a redirect, it came to an address of which nobody knew when the disposal was let pass. As it stands
        it would be a page without its text; as a failure it is tried again, and keeps the body itself.
        """
        for seq in referring_to(item.draft):
            if disposal_of(self.archive, seq) is not None:
                what = f"{self.archive.snapshot_name(seq)}, which had the same body, was disposed of meanwhile"
                return self.give_up(item.check, Failure("interrupted", what))
        return item

    def _conditional(self, check: Check) -> dict[str, str] | None:
        """The validators of the last stored answer, when the entry asks for conditional requests.

        Only when that answer passed, by this very entry: otherwise "not modified" would say that a page which was held
        back still stands, and nobody would read it by new rules. Of several pages some would come without their text.
        """
        if not check.conditional or check.document is None or len(check.urls) != 1:
            return None
        row = self.archive.index.row(
            "select c.seq, a.verdict from capture c left join assessment a on a.capture_seq = c.seq"
            " where c.document = ? and c.result = 'stored' order by c.seq desc, a.seq desc limit 1",
            (check.document,),
        )
        if row is None or row["verdict"] != "passed" or disposal_of(self.archive, row["seq"]) is not None:
            return None  # of what was disposed of, "not modified" would keep nothing
        body = self.archive.statement(row["seq"]).body
        (part,) = body["parts"] if len(body["parts"]) == 1 else ({"url": None},)
        if body["watch_seq"] != check.watch_seq or part["url"] != check.urls[0] or not part["exchanges"]:
            return None
        known = part["exchanges"][-1]["fields"]
        asked = {"If-None-Match": known["etag"], "If-Modified-Since": known["last_modified"]}
        return {name: value for name, value in asked.items() if value}

    def _draft(
        self, check: Check, visits: Sequence[Visit], started: datetime, clock: Json, before: Json | None
    ) -> Json:
        clock = {**clock, "server_skew_ms": server_skew_ms(visits)}
        environment = environment_facts(self.archive.config_sha256)
        robots = [robots_fields(decision) for visit in visits for decision in visit.robots]
        surroundings = {
            "clock": dump_line(clock),
            "environment": environment_line(self.archive.config_sha256),
            "robots": dump_line(robots),
        }
        warc, facts, copies = self._write_warc(check, visits, join_members(surroundings))
        kinds = {record.id: record.type for record in facts.records} if facts else {}
        blocks = {record.id: record.block_sha256 for record in facts.records} if facts else {}
        parts: list[Json] = []
        for number, visit in enumerate(visits):
            names = [facts.exchange_records.get((number, n)) if facts else None for n in range(len(visit.exchanges))]
            revisits = [
                Revisit(*copies[exchange.payload_sha256])
                if name is not None and kinds.get(name) == "revisit" and exchange.payload_sha256 in copies
                else None
                for name, exchange in zip(names, visit.exchanges, strict=True)
            ]
            parts.append(part_fields(visit, names, revisits, blocks))
        result, failure = result_of(visits)
        return {
            **self._common(check, started, clock, before),
            "result": result,
            "reason": None if failure is None else {"code": failure.code, "detail": failure.detail[:500]},
            "warc": warc,
            "parts": parts,
            "robots": robots,
            "environment": environment,
            "limits": limits_of(visits, clock),
        }

    def _common(self, check: Check, started: datetime, clock: Json, before: Json | None) -> Json:
        return {
            "nonce": self.random(32).hex(),
            "check": check.id,
            "document": check.document,
            "watch_seq": check.watch_seq,
            "trigger": check.trigger,
            "attended": False,
            "method": self.capturer.name,
            "recovered": False,
            "started_at": format_instant(started),
            "ended_at": format_instant(self.now()),
            "partial": None,
            "clock": clock,
            "before": before,
            "text_lines_root": None,
        }

    def _unkept(self, check: Check, started: datetime, clock: Json, before: Json | None, failure: Failure) -> Json:
        """The draft of a check of which no bytes could be kept."""
        reason = {"code": failure.code, "detail": failure.detail[:500]}
        parts: list[Json] = [
            {"url": url, "final_url": url, "reason": reason, "exchanges": [], "content": None} for url in check.urls
        ]
        clock = {**clock, "server_skew_ms": None}
        return {
            **self._common(check, started, clock, before),
            "result": "failed",
            "reason": reason,
            "warc": None,
            "parts": parts,
            "robots": [],
            "environment": environment_facts(self.archive.config_sha256),
            "limits": [*limits_of((), clock), "L4"],
        }

    def _write_warc(
        self, check: Check, visits: Sequence[Visit], environment: bytes
    ) -> tuple[Json | None, WarcFacts | None, dict[str, tuple[int, str]]]:
        """Write ``capture.warc.gz`` when there are bytes to keep; return its facts and the full copies referred to."""
        recorded = any(exchange.request or exchange.response.size for visit in visits for exchange in visit.exchanges)
        fetched = any(decision.exchange is not None for visit in visits for decision in visit.robots)
        if not recorded and not fetched:
            return None, None, {}
        copies: dict[str, tuple[int, str]] = {}
        urls = {exchange.url for visit in visits for exchange in visit.exchanges}

        def full_copy(payload_sha256: str) -> FullCopy | None:
            copy = self._full_copy(payload_sha256, urls) if check.known or not urls.issubset(check.urls) else None
            if copy is None:
                return None
            seq, found = copy
            copies[payload_sha256] = (seq, found.record_id)
            return found

        out = WarcFile(lambda: self.archive.files.create(f"{check.staging}/{WARC}"))
        try:
            facts = write_warc(
                out,  # type: ignore[arg-type]  # the writer only writes
                visits=visits,
                software=SOFTWARE,
                created=self.now(),
                new_id=lambda: record_id(self.random(16)),
                environment=environment,
                transport=transport_fields(visits),
                full_copies=full_copy,
            )
            small = out.finish()
        finally:
            out.close()
        if small is not None:
            self.archive.files.write(f"{check.staging}/{WARC}", small)
        return (
            {
                "bytes": facts.size,
                "sha256": facts.sha256,
                "sha512": facts.sha512,
                "records": [
                    {
                        "id": record.id,
                        "type": record.type,
                        "offset": record.offset,
                        "length": record.length,
                        "block_sha256": record.block_sha256,
                        "payload_sha256": record.payload_sha256,
                    }
                    for record in facts.records
                ],
            },
            facts,
            copies,
        )

    def _full_copy(self, payload_sha256: str, urls: set[str]) -> tuple[int, FullCopy] | None:
        """A committed full copy of this payload at one of these addresses, young enough to be referred to."""
        if not self.archive.index.knows_any_url(urls):
            return None
        oldest = format_instant(
            self.now() - timedelta(seconds=self.archive.settings.seconds("network.full_copy_every"))
        )
        rows = self.archive.index.rows(
            "select c.seq, c.record, c.date, u.url from full_copy c join url u on u.id = c.url_id"
            " where c.payload_sha256 = ? and c.date >= ?"
            " and not exists (select 1 from disposed d where d.capture_seq = c.seq) order by c.seq desc limit 20",
            (bytes.fromhex(payload_sha256), oldest),
        )
        for row in rows:
            if row["url"] in urls:
                return row["seq"], FullCopy(row["record"], row["url"], row["date"])
        return None

    def _discard_files(self, check: Check) -> None:
        self._remove(check.staging)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(Missing):
            self.archive.files.remove(path)
