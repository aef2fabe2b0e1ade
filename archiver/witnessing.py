"""Asking witnesses: one question at a time to each, its answer verified, staged, stated, placed, given to the folders.

If we crash after the answer and before the statement, the witness has moved on and says so at the next question: the
checkpoint that it has cosigned then is cosigned again, or the next one is.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from archiver.cosigning import (
    contradiction_maker,
    cosignature_maker,
    cosignature_path,
    cosigned_size,
    is_new_contradiction,
    open_witnesses,
    owed_cosignature,
    stage_cosignature,
)
from archiver.evidence.tiles import consistency_proof
from archiver.proofs import add_later_token, owe_later
from archiver.stamp.interface import StampFailure
from archiver.stamping import Subject, forget_failure, may_ask, note_failure

if TYPE_CHECKING:
    from archiver.pipeline import Pipeline
    from archiver.stamp.tlog_witness import Witness
    from archiver.writer import Writer


class Witnessing:
    """The witnesses of one archive in operation; ``step`` may be called from several threads."""

    def __init__(self, pipeline: Pipeline, writer: Writer) -> None:
        self._pipeline = pipeline
        self._archive = pipeline.archive
        self._writer = writer
        self.witnesses: dict[str, Witness] = open_witnesses(pipeline.archive)
        self._turns = {name: threading.Lock() for name in self.witnesses}
        self._asked: dict[str, float] = {}

    def step(self, name: str, *, at_once: bool = False) -> StampFailure | bool:
        """Ask one witness for the cosignature it owes; True when one was placed, False when nothing was to be done.

        In turn: two at once would ask for the same, and the second would find its place taken.
        """
        with self._turns[name]:
            now, witness = time.time(), self.witnesses[name]
            if not at_once and now < self._asked.get(name, 0.0) + witness.min_interval_s:
                return False
            ledger = self._pipeline.ledger
            head = None
            if ledger.checkpoint is not None and ledger.checkpoint_bytes is not None:
                head = (ledger.checkpoint, ledger.checkpoint_bytes)
            settings = next(one for one in self._archive.settings.witnesses if one.name == name)
            subject = owed_cosignature(self._archive, settings, head, self._pipeline.now(), at_once=at_once)
            if subject is None or not (at_once or may_ask(self._archive, subject.name, name, now)):
                return False
            self._asked[name] = now
            return self._cosign(witness, subject, cosigned_size(self._archive, settings))

    def _cosign(self, witness: Witness, subject: Subject, known: int) -> StampFailure | bool:
        """Ask, stage, state, place; an answer that does not hold is noted and asked for again later."""
        archive, ledger = self._archive, self._pipeline.ledger
        given = witness.ask(
            subject.data, known, ledger.published, lambda old, new: consistency_proof(old, new, ledger.read_tile)
        )
        if isinstance(given, StampFailure):
            # In the log, for the row of the outbox is overwritten by the next failure, and lost with the database.
            if given.code == "inconsistent" and is_new_contradiction(archive, witness):
                self._writer.state(contradiction_maker(witness, subject, given.detail))
            note_failure(archive, subject, witness, given, now=time.time(), chance=random.random())
            return given
        path = cosignature_path(archive, witness.name, subject.number)
        with self._writer.stopped_by_failed_sync():
            stage_cosignature(archive, subject, given)
        self._writer.call(lambda: owe_later(archive, (witness.name, path)))
        self._writer.state(cosignature_maker(witness, subject, given, path))
        self._writer.call(lambda: self._after(witness.name, subject, path))
        return True

    def _after(self, name: str, subject: Subject, path: str) -> None:
        """Make the placed cosignature durable, then lay it beside the proofs that end with its checkpoint."""
        self._pipeline.sync_placed()
        forget_failure(self._archive, subject, name)
        add_later_token(self._archive, subject.data, (name, path))
