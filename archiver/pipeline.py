"""One check, one straight line, a call a step (docs/architecture.md has the table).

``intend`` → ``capture`` → ``commit`` (ledger, placement, index, assessment) → ``publish``. Everything before the
ledger's commit can be thrown away; everything after it is redone at start-up by these same functions.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from archiver.archive import Archive
from archiver.assessor import Assessed, Assessor
from archiver.capture.interface import Capturer
from archiver.check import DAY, DRAFTS, INTENTS, Check, Finished
from archiver.drafting import Drafter
from archiver.errors import ArchiveDamaged
from archiver.evidence.canonical import Json, Read, dump_line, encode_line
from archiver.evidence.capture_statement import with_own_seq
from archiver.evidence.exchange import Failure
from archiver.evidence.instant import format_instant
from archiver.evidence.statement import Statement, day_of, folder_of, snapshot_id
from archiver.ledger import Committed, Ledger, Maker
from archiver.outcome import Outcome, outcome_of
from archiver.projection import rows_of
from archiver.stamping import place_stamp, staging_of
from archiver.watch.assess import assess_bare
from storage.errors import Missing, StorageError


@dataclass(slots=True)
class Pipeline:
    """The steps of a check over one archive; ``commit`` and ``publish`` belong to one thread at a time."""

    archive: Archive
    ledger: Ledger
    capturer: Capturer
    now: Callable[[], datetime]
    random: Callable[[int], bytes]
    unsynced: list[str] = field(default_factory=list)
    """Paths placed since the last barrier; synced before the next checkpoint covers them."""
    spent: list[str] = field(default_factory=list)
    """Staging folders of placed stamps; removed once what was copied from them is durable."""
    unsettled: list[Committed] = field(default_factory=list)
    """Durable statements that are not placed, indexed and acknowledged yet; only an error leaves any behind."""
    days: set[str] = field(default_factory=set)
    """Folders of days that this process made durable."""
    drafts: list[str] = field(default_factory=list)
    """Files of drafts that the next acknowledgement makes superfluous."""
    begun: list[tuple[str, set[str]]] = field(default_factory=list)
    """Files of intents, each with the checks in it that are not acknowledged yet."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Guards ``begun``: checks are begun on one thread and acknowledged on another."""
    assessor: Assessor = field(init=False)
    """Step 10: what is made of a snapshot."""

    def __post_init__(self) -> None:
        self.assessor = Assessor(self.archive, self.random)

    # -- steps 2 to 5 ------------------------------------------------------------------------------

    @property
    def drafter(self) -> Drafter:
        """The steps before the commit."""
        return Drafter(self.archive, self.capturer, self.now, self.random, self.archive.newest_token)

    def new_check(
        self,
        urls: Sequence[str],
        *,
        trigger: str,
        document: str | None = None,
        watch_seq: int | None = None,
        conditional: bool = False,
    ) -> Check:
        """A check with an identifier of its own (UUID version 4)."""
        identifier = str(uuid.UUID(bytes=self.random(16), version=4))
        return Check(identifier, document, watch_seq, tuple(urls), trigger, conditional)

    def intend(self, checks: Iterable[Check]) -> None:
        """Step 2: leave a durable trace of each check before the first question to the network.

        If we crash after this, start-up states each as ``failed: interrupted``.
        """
        begun = list(checks)
        if not begun:
            return
        path = f"staging/{INTENTS}{begun[0].id}.jsonl"
        at = format_instant(self.now())
        self.archive.files.write(path, b"".join(encode_line(check.intent(at)) for check in begun))
        self.archive.files.barrier([path])
        with self.lock:
            self.begun.append((path, {check.id for check in begun}))

    def capture(self, check: Check) -> Finished:
        """Steps 3 to 5: visit every address of the check, write the WARC and the draft. Runs in any thread."""
        return self.drafter.capture(check)

    def give_up(self, check: Check, failure: Failure) -> Finished:
        """A check that cannot go on and keeps no bytes: it still ends in a statement that says why."""
        return self.drafter.give_up(check, failure)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(Missing):
            self.archive.files.remove(path)

    # -- steps 6 to 10 -----------------------------------------------------------------------------

    def commit(
        self, finished: Sequence[Finished], makers: Sequence[Maker] = ()
    ) -> tuple[list[Outcome], list[Committed]]:
        """Steps 6 to 10 for a batch: sync the files, commit to the ledger, place, index, acknowledge.

        ``makers`` are other statements to commit with it. Returns the outcomes in the order of ``finished``, and what
        was committed for ``makers``.
        """
        # A statement may name only bytes that are already durable: one barrier for all files of the batch.
        assessed = self._assess(finished)
        if kept := [item for item in finished if item.has_folder]:
            self.make_durable(kept, [path for found in assessed.values() for path in found.paths])
        batch: list[Maker] = []
        for item in finished:
            batch.append(_capture_maker(item.draft, self.archive.prefix))
            if item.draft["result"] != "stored":
                continue
            if item.draft["document"] is None:
                batch.append(self._bare_maker())
            elif item.check.id in assessed:
                batch.append(_assessment_maker(assessed[item.check.id]))
        committed = self.ledger.commit([*batch, *makers])
        # From here on it must be settled, here or at the next start, and never be committed again.
        self.unsettled += committed
        self.settle(committed)
        outcomes, own = self._acknowledge(finished, len(makers))
        for number, outcome in enumerate(outcomes):
            if outcome.assessment is None and outcome.capture.body["result"] == "stored":
                (owed,) = self.assess_owed([outcome.capture.seq])
                outcomes[number] = outcome_of(outcome.capture, owed.statement)
        return outcomes, own

    def settle_rest(
        self, finished: Sequence[Finished], makers: Sequence[Maker]
    ) -> tuple[list[Outcome], list[Committed]]:
        """Finish a ``commit`` whose statements are durable but that an error stopped afterwards; same result."""
        self.settle(self.unsettled, recovering=True)
        return self._acknowledge(finished, len(makers))

    def _acknowledge(self, finished: Sequence[Finished], others: int) -> tuple[list[Outcome], list[Committed]]:
        # Only now may anyone be told: rows are in, and the head copy keeps these numbers from being given out again.
        self.ledger.acknowledge()
        committed, self.unsettled = self.unsettled, []
        own = committed[len(committed) - others :] if others else []
        checks = {c.statement.body["check"]: c.statement for c in committed if c.statement.kind == "capture"}
        judged = {c.statement.body["capture_seq"]: c.statement for c in committed if c.statement.kind == "assessment"}
        outcomes = []
        for item in finished:
            capture = checks[item.check.id]
            self._tell_robots(capture)
            outcomes.append(outcome_of(capture, judged.get(capture.seq)))
        self._forget(finished)
        return outcomes, own

    def _forget(self, finished: Sequence[Finished]) -> None:
        """Remove drafts and intents that the journal has made superfluous; were we to crash here, start-up does.

        The batch is acknowledged: a removal that fails must not make anyone believe otherwise.
        """
        spent, self.drafts = self.drafts, []
        done = {item.check.id for item in finished}
        with self.lock:
            for path, owed in self.begun:
                owed -= done
                if not owed:
                    spent.append(path)
            self.begun = [(path, owed) for path, owed in self.begun if owed]
        for path in spent:
            with contextlib.suppress(StorageError):
                self.archive.files.remove(path)

    def make_durable(self, finished: Sequence[Finished], texts: Sequence[str] = ()) -> None:
        """Sync the files of a batch with the drafts of their statements, and the folders they will be placed in.

        If we crash before the commit, start-up finds the drafts and commits the finished checks.
        A power loss may keep a rename and lose the new folder it leads into: a day's folder must be durable before
        anything moves there. A file puts it on the disk; were we to crash before it is removed, start-up does.
        """
        days = {day_of(item.draft["started_at"]) for item in finished} - self.days
        for day in days:
            self.archive.files.write(f"{day}/{DAY}", b"")
        drafts = f"staging/{DRAFTS}{uuid.UUID(bytes=self.random(16), version=4)}.jsonl"
        self.drafts.append(drafts)
        self.archive.files.write(drafts, b"".join([item.line or dump_line(item.draft) for item in finished]))
        self.archive.files.barrier([*days, drafts, *texts, *(item.check.staging for item in finished)])
        for day in days:
            self._remove(f"{day}/{DAY}")
        self.days |= days

    def settle(self, committed: Sequence[Committed], *, recovering: bool = False, index: bool = True) -> None:
        """Steps 7 and 9 for durable statements: place their folders, write their rows. Start-up calls this too."""
        for item in committed:
            if item.statement.kind == "capture":
                self.place(item.statement, recovering=recovering)
            elif item.statement.kind == "stamp" and item.statement.body["event"] == "token":
                self.place_stamp(item.statement)
        if index:
            known = self.archive.index.next_seq() if recovering else 0
            rows = [
                row
                for item in committed
                if item.statement.seq >= known
                for row in rows_of(
                    item.statement,
                    item.position.path,
                    item.position.offset,
                    self.token_of(item.statement),
                    self.lines_of(item.statement),
                )
            ]
            self.archive.index.apply(rows)

    def place(self, statement: Statement, *, recovering: bool = False) -> None:
        """Step 7: move the check's folder to its place and write ``statement.json`` into it.

        If we crash before the rename reaches the disk, the folder is still in staging, whole and synced, and the
        journal names it: start-up does the same again.
        """
        files = self.archive.files
        staging = f"staging/{statement.body['check']}"
        folder = statement.body["folder"]
        if folder is None:
            self._remove(staging)
            return
        placed = recovering and files.exists(folder)
        if recovering and not placed and not files.exists(staging):
            raise ArchiveDamaged(f"{folder} is missing and so is {staging}", do="restore the folder from a backup")
        if recovering:
            self._remove(f"{folder.rpartition('/')[0]}/{DAY}")
        if not placed:
            files.rename(staging, folder)
        self._write_statement(f"{folder}/statement.json", statement.line, recovering)
        self.unsynced.append(folder)

    def place_stamp(self, statement: Statement) -> None:
        """Step 7 for a ``stamp`` statement: copy its reply and chain from staging to their places."""
        placed = place_stamp(self.archive, statement)
        if placed:
            self.unsynced += placed
            self.spent.append(staging_of(statement.body["token_sha256"]))

    def _write_statement(self, path: str, line: bytes, recovering: bool) -> None:
        if recovering and self.archive.files.exists(path):
            # After a power loss the copy may be torn; the journal line is the truth. After a failed sync the kernel
            # may only seem to have it.
            if self.archive.files.read(path) == line:
                self.archive.files.renew(path)
            else:
                self.archive.files.replace(path, line)
            return
        self.archive.files.write(path, line)

    def token_of(self, statement: Statement) -> bytes | None:
        """The reply that a ``stamp`` statement is about, from its place or from staging."""
        if statement.kind != "stamp" or statement.body["event"] != "token":
            return None
        digest = statement.body["token_sha256"]
        for path in (statement.body["path"], f"{staging_of(digest)}/token.tsr"):
            if self.archive.files.exists(path):
                reply = self.archive.files.read(path)
                # After a power loss the placed copy may be torn; it is replaced only later.
                if hashlib.sha256(reply).hexdigest() == digest:
                    return reply
        return None

    def lines_of(self, statement: Statement) -> tuple[str, ...] | None:
        """The lines of the text of an ``assessment`` statement, unless the index has them already."""
        body = statement.body
        if statement.kind != "assessment" or body["text_sha256"] is None or body["document"] is None:
            return None
        if self.archive.index.row("select 1 as x from wording where text_sha256 = ?", (_bytes(body),)) is not None:
            return None
        return self.assessor.lines(body["text_sha256"])

    # -- step 10 -----------------------------------------------------------------------------------

    def _assess(self, finished: Sequence[Finished]) -> dict[str, Assessed]:
        """Judge the stored captures of watched documents by check, and write their new texts.

        A second capture of one document in a batch must be compared with the first, which has no row yet: it is left
        to ``assess_owed``.
        """
        assessed: dict[str, Assessed] = {}
        documents: set[str] = set()
        for item in finished:
            document = item.draft["document"]
            if item.draft["result"] != "stored" or document is None or document in documents:
                continue
            documents.add(document)
            watch_seq = item.draft["watch_seq"]
            reading = item.reading or self.assessor.reread(item.draft, watch_seq, item.check.staging)
            assessed[item.check.id] = self.assessor.assess(item.draft, reading, watch_seq=watch_seq)
        return assessed

    def assess_owed(self, captures: Sequence[int]) -> list[Committed]:
        """Assess stored captures that have no assessment, each by the rules it was made under; commit one by one."""
        done: list[Committed] = []
        for seq in captures:
            capture = self.archive.statement(seq)
            body = capture.body
            if body["document"] is None:
                done += self.commit([], [self._bare_maker(capture)])[1]
                continue
            done.append(self._assess_stored(capture, body["watch_seq"], None, None))
        return done

    def assess_again(
        self,
        capture: Statement,
        *,
        supersedes: int | None = None,
        decision_seq: int | None = None,
        watch_seq: int | None = None,
    ) -> Statement:
        """Assess a placed capture once more: by other rules (``watch_seq``), or after a decision."""
        used = watch_seq if watch_seq is not None else capture.body["watch_seq"]
        return self._assess_stored(capture, used, supersedes, decision_seq).statement

    def _assess_stored(
        self, capture: Statement, watch_seq: int | None, supersedes: int | None, decision_seq: int | None
    ) -> Committed:
        reading = self.assessor.reread(capture.body, watch_seq)
        found = self.assessor.assess(
            capture.body,
            reading,
            watch_seq=watch_seq,
            before=capture.seq,
            supersedes=supersedes,
            decision_seq=decision_seq,
        )
        if found.paths:
            self.archive.files.barrier(found.paths)
        _, (committed,) = self.commit([], [_assessment_maker(found, capture, watch_seq)])
        return committed

    def _bare_maker(self, capture: Statement | None = None) -> Maker:
        """The assessment of a bare address: of ``capture``, or of the statement right before it in the batch."""

        def make(_seq: int, sealed: Sequence[Statement]) -> tuple[str, Json]:
            subject = capture or sealed[-1]
            url = subject.body["parts"][0]["url"]
            last = None
            if self.archive.index.knows_any_url([url]):
                last = self.archive.index.row(
                    "select a.text_sha256 as digest from assessment a join capture c on c.seq = a.capture_seq"
                    " join url u on u.id = c.url_id where c.document is null and u.url = ? and a.verdict = 'passed'"
                    " and c.seq < ? order by a.seq desc limit 1",
                    (url, subject.seq),
                )
            digest = last["digest"].hex() if last else None
            return "assessment", assess_bare(subject.body, subject.entry_hex, digest, seen=last is not None)

        return make

    def _tell_robots(self, capture: Statement) -> None:
        for decision in capture.body["robots"]:
            if decision["seq"] == capture.seq:
                self.capturer.robots_committed(decision["url"], decision["sha256"], capture.seq)

    # -- step 8 ------------------------------------------------------------------------------------

    def publish(self) -> bool:
        """Step 8: sync what was placed, then tiles, checkpoint and head copy; False when there is nothing new."""
        self.sync_placed()
        return self.ledger.publish()

    def sync_placed(self) -> None:
        """Make every placed folder durable: a checkpoint must not cover a snapshot that a power loss could unplace."""
        if self.unsynced:
            self.archive.files.barrier(self.unsynced)
        # Forgotten only after the barrier: were it to fail, the next checkpoint must not cover them unsynced.
        self.unsynced = []
        while self.spent:
            self._remove(self.spent[-1])
            self.spent.pop()


def _bytes(body: Json) -> bytes:
    return bytes.fromhex(body["text_sha256"])


def _assessment_maker(assessed: Assessed, capture: Statement | None = None, watch_seq: int | None = None) -> Maker:
    """The assessment of ``capture``, or of the statement right before it in the batch."""

    def make(_seq: int, sealed: Sequence[Statement]) -> tuple[str, Json]:
        subject = capture or sealed[-1]
        used = watch_seq if watch_seq is not None else subject.body["watch_seq"]
        return "assessment", assessed.judgement.fields(subject.body, subject.seq, subject.entry_hex, used)

    return make


def _capture_maker(draft: Json, prefix: str) -> Maker:
    def make(seq: int, _: Sequence[Statement]) -> tuple[str, Json]:
        fields = with_own_seq(dict(draft), seq)
        has_folder = fields["warc"] is not None or bool(fields["partial"])
        fields["snapshot"] = snapshot_id(prefix, seq) if has_folder else None
        fields["folder"] = folder_of(prefix, seq, fields["started_at"]) if has_folder else None
        return "capture", Read(fields) if isinstance(draft, Read) else fields

    return make
