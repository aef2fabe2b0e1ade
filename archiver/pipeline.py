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
from archiver.assessments import assessment_maker, bare_maker, capture_maker, owed_assessments
from archiver.assessor import Assessed, Assessor
from archiver.capture.interface import Capturer
from archiver.check import DAY, DRAFTS, INTENTS, Check, Finished
from archiver.cosigning import place_signed
from archiver.deletion import carry_out, is_disposal, texts_of
from archiver.drafting import Drafter
from archiver.errors import ArchiveDamaged
from archiver.evidence.canonical import dump_line, encode_line
from archiver.evidence.exchange import Failure
from archiver.evidence.instant import format_instant
from archiver.evidence.statement import Statement, day_of
from archiver.imported import is_import, place_import
from archiver.ledger import Committed, Ledger, Maker
from archiver.outcome import Outcome, outcome_of
from archiver.projection import rows_of
from archiver.stamping import staging_of
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
    begun: list[tuple[str, dict[str, Check]]] = field(default_factory=list)
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
            self.begun.append((path, {check.id: check for check in begun}))

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

        Returns the outcomes in the order of ``finished``, and what was committed for ``makers``, other statements.
        """
        finished = [self.drafter.with_its_bodies(item) for item in finished]
        assessed = self._assess(finished)
        # A statement may name only bytes that are already durable: one barrier for all files of the batch.
        if kept := [item for item in finished if item.has_folder]:
            self.make_durable(kept, [path for found in assessed.values() for path in found.paths])
        batch: list[Maker] = []
        for item in finished:
            found = assessed.get(item.check.id)
            batch.append(capture_maker(item.draft, self.archive.prefix, found))
            if item.draft["result"] == "stored" and item.draft["document"] is None:
                batch.append(bare_maker(self.archive))
            elif found is not None:
                batch.append(assessment_maker(found))
        committed = self.ledger.commit([*batch, *makers])
        # From here on it must be settled, here or at the next start, and never be committed again.
        self.unsettled += committed
        self.settle(committed)
        return self._acknowledge(finished, len(makers))

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
            begun = [(path, {name: c for name, c in owed.items() if name not in done}) for path, owed in self.begun]
            spent += [path for path, owed in begun if not owed]
            self.begun = [(path, owed) for path, owed in begun if owed]
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
            elif item.statement.kind == "stamp":
                self.place_stamp(item.statement)
            elif is_disposal(item.statement):
                self.assessor.forget(texts_of(item.statement))
                self.unsynced += carry_out(self.archive, item.statement)
            elif is_import(item.statement):
                place_import(self.archive, item.statement, self.unsynced, self.spent)
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
        """Step 7 for a ``stamp`` statement: copy what somebody outside signed from staging to its place."""
        placed, staging = place_signed(self.archive, statement)
        if placed:
            self.unsynced += placed
            self.spent.append(staging)

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
        if statement.kind != "assessment" or body["text_sha256"] is None or body.get("links_sha256") is None:
            return None  # ``identity/1`` keeps no text: its digest is that of the content
        digest = bytes.fromhex(body["text_sha256"])
        if self.archive.index.row("select 1 as x from wording where text_sha256 = ?", (digest,)) is not None:
            return None
        return self.assessor.lines(body["text_sha256"])

    # -- step 10 -----------------------------------------------------------------------------------

    def _assess(self, finished: Sequence[Finished]) -> dict[str, Assessed]:
        """Judge the stored captures of watched documents by check, and write their new texts.

        A second capture of one document in a batch must be compared with the first, which has no row yet: its
        assessment is owed.
        """
        assessed: dict[str, Assessed] = {}
        documents: set[str] = set()
        for item in finished:
            document = item.draft["document"]
            if item.draft["result"] != "stored" or document is None or document in documents:
                continue
            documents.add(document)
            watch_seq = item.draft["watch_seq"]
            reading = item.reading or self.assessor.reread_or_say_why(item.draft, watch_seq, item.check.staging)[0]
            capture = {**item.draft, "folder": item.check.staging}
            assessed[item.check.id] = self.assessor.assess(capture, reading, watch_seq=watch_seq)
        return assessed

    def assess_owed(self) -> list[Committed]:
        """State every assessment that is owed, each by the rules its capture was made under; commit one by one.

        If we crash here the rest is still owed: the next start, or the next checkpoint, comes here again.
        """
        done: list[Committed] = []
        for owed in owed_assessments(self.archive, self.ledger.published):
            capture = self.archive.statement(owed.capture_seq)
            if capture.body["document"] is None:
                done += self.commit([], [bare_maker(self.archive, capture)])[1]
                continue
            watch_seq = capture.body["watch_seq"]
            reading, whole = self.assessor.reread_or_say_why(capture.body, watch_seq)
            found = self.assessor.assess(
                capture.body,
                reading,
                watch_seq=watch_seq,
                before=capture.seq,
                supersedes=owed.supersedes,
                decision_seq=owed.decision_seq,
                # What is damaged now is not what the person saw who released it.
                released=owed.decision_seq is not None and whole,
            )
            done.append(self._state(found, [assessment_maker(found, capture, watch_seq)])[-1])
        return done

    def assess_again(
        self,
        capture: Statement,
        *,
        supersedes: int | None,
        watch_seq: int | None = None,
        decision_seq: int | None = None,
    ) -> Statement:
        """Assess a placed capture once more, by other rules (``watch_seq``); a release (``decision_seq``) holds."""
        used = watch_seq if watch_seq is not None else capture.body["watch_seq"]
        reading = self.assessor.reread(capture.body, used)
        found = self.assessor.assess(
            capture.body,
            reading,
            watch_seq=used,
            before=capture.seq,
            supersedes=supersedes,
            decision_seq=decision_seq,
            released=decision_seq is not None,
        )
        return self._state(found, [assessment_maker(found, capture, used)])[-1].statement

    def release(self, capture: Statement, supersedes: int, decision: Maker) -> tuple[Statement, Statement]:
        """State a decision that a placed capture passes, and in the same batch the assessment that carries it out.

        What cannot be read any more is not released: ``ArchiveDamaged``, and nothing is stated.
        """
        used = capture.body["watch_seq"]
        reading = self.assessor.reread(capture.body, used)
        found = self.assessor.assess(
            capture.body, reading, watch_seq=used, before=capture.seq, supersedes=supersedes, released=True
        )
        makers = [decision, assessment_maker(found, capture, used, after_decision=True)]
        decided, assessed = self._state(found, makers)
        return decided.statement, assessed.statement

    def _state(self, found: Assessed, makers: Sequence[Maker]) -> list[Committed]:
        """Sync the files of an assessment, then commit it."""
        self.archive.files.barrier(found.paths)
        return self.commit([], makers)[1]

    def _tell_robots(self, capture: Statement) -> None:
        for decision in capture.body["robots"]:
            if decision["seq"] == capture.seq:
                self.capturer.robots_committed(decision["url"], decision["sha256"], capture.seq)

    # -- step 8 ------------------------------------------------------------------------------------

    def publish(self) -> bool:
        """Step 8: sync what was placed, then tiles, checkpoint and head copy; False when there is nothing new.

        Start-up looks for owed assessments above the newest checkpoint only, so none is left below it.
        """
        self.assess_owed()
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
