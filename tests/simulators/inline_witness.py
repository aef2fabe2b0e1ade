"""The real client and the real rules of a witness without a network between: for archives in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from archiver.evidence.cosignature import WitnessKey
from archiver.settings import WitnessSettings
from archiver.signing import LogKey
from archiver.stamp.posting import Answer
from archiver.stamp.tlog_witness import Witness
from archiver.witness_server import WitnessBook
from archiver.witnessing import Witnessing
from storage.interface import Files
from tests.simulators.scripted import Life

NOW = 1_800_000_000


@cache
def key() -> LogKey:
    """The witness's key, the same in every life."""
    return LogKey.generate("expert.example.com/witness")


@dataclass(frozen=True)
class Inline:
    """Stands for the address of a witness."""

    book: WitnessBook

    def post(self, data: bytes, headers: Mapping[str, str], *, most: int, read: frozenset[int]) -> Answer:
        """Hand the request to the witness in this process."""
        reply = self.book.answer(data)
        return Answer(reply.status, reply.content_type, None, reply.body if reply.status in read else b"")


def witnessed(life: Life, record: Files) -> Witnessing:
    """Let this life ask a witness whose record lies there."""
    public = WitnessKey(key().verifier.name, key().verifier.key)
    book = WitnessBook(record, public, key().sign, [life.archive.verifier], lambda: NOW)
    settings = WitnessSettings("expert", "http://127.0.0.1:9", public.vkey, 0)
    life.archive.settings = replace(life.archive.settings, witnesses=(settings,))
    inline: Any = Inline(book)
    witnessing = Witnessing(life.operation.pipeline, life.operation.writer)
    witnessing.witnesses["expert"] = Witness("expert", public, 0, inline, "http://127.0.0.1:9")
    life.operation.witnessing = witnessing
    return witnessing
