"""The decoded contents of a stored capture, read again from its WARC: the way from stored bytes back to words."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.check import WARC
from archiver.custody import require_kept
from archiver.errors import ArchiveDamaged, FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.citation_custody import referring_to
from archiver.evidence.exchange import Bytes
from archiver.evidence.http_message import DEFAULT_LIMITS
from archiver.evidence.response import iter_content, read_response
from archiver.watch.reading import Source
from storage.errors import StorageError

if TYPE_CHECKING:
    from archiver.evidence.warc_reader import Record

MAX_CONTENT = 64 * 1024 * 1024
"""Decoded bytes of one part that are read; of a larger one only the beginning is, and the reader refuses it."""


def decoded(response: Bytes, method: str) -> bytes:
    """The decoded content of a recorded response, up to one byte more than ``MAX_CONTENT``."""
    content = bytearray()
    for piece in iter_content(response, method, DEFAULT_LIMITS):
        content += piece
        if len(content) > MAX_CONTENT:
            return bytes(content[: MAX_CONTENT + 1])
    return bytes(content)


def content_type_of(exchange: Json) -> str | None:
    """The ``Content-Type`` of a response, verbatim."""
    value = exchange["fields"]["content_type"] if exchange["fields"] else None
    return None if value is None else str(value)


def sources_of(archive: Archive, capture: Json, folder: str | None = None) -> tuple[Source, ...]:
    """Every part of a stored capture with its decoded content; ``folder`` where it does not lie in its place yet.

    A revisit record's body is read from the full copy it refers to. ``ArchiveDamaged`` where the WARC does not hold
    what the statement says, ``Disposed`` where it, or such a full copy, was disposed of.
    """
    for seq in (*([] if folder or "seq" not in capture else [capture["seq"]]), *referring_to(capture)):
        require_kept(archive, seq)
    place = folder or str(capture["folder"])
    wanted = [part for part in capture["parts"] if part["content"] is not None]
    found: dict[str, Source] = {}
    try:
        for part in wanted:
            last = part["exchanges"][-1]
            content = _content(archive, place, last)
            if len(content) <= MAX_CONTENT and hashlib.sha256(content).hexdigest() != part["content"]["sha256"]:
                raise FormatError(f"the content of {part['final_url']} has another digest than was stated")
            found[part["url"]] = Source(part["final_url"], content, content_type_of(last))
    except (FormatError, StorageError) as error:
        what = capture.get("snapshot") or "--all"  # a draft has no number yet
        why = error.cause if isinstance(error, StorageError) else error
        raise ArchiveDamaged(f"{place}/{WARC}: {why}", do=f"run archiver verify {what}") from error
    return tuple(found.get(part["url"], Source(part["final_url"], b"", None)) for part in capture["parts"])


def _content(archive: Archive, folder: str, exchange: Json) -> bytes:
    from archiver.evidence.verify_warc import Joined  # every capture imports this module, few read a WARC again

    with contextlib.ExitStack() as opened:
        record = _record(archive, opened, folder, exchange["record"])
        revisit = exchange["revisit"]
        if revisit is None:
            return decoded(record.block, exchange["method"])
        full = _record(archive, opened, str(archive.statement(revisit["seq"]).body["folder"]), revisit["record"])
        framing = read_response(full.block).framing
        if framing is None:
            raise FormatError(f"record {revisit['record']} holds no HTTP response")
        head = (record.block, 0, record.block.size)
        return decoded(Joined((head, (full.block, framing.head_end, framing.end))), exchange["method"])


def _record(archive: Archive, opened: contextlib.ExitStack, folder: str, record_id: str) -> Record:
    from archiver.evidence.warc_ours import read_our_warc

    handle = opened.enter_context(archive.files.open(f"{folder}/{WARC}"))
    for record in read_our_warc(handle).records:
        if record.id == record_id:
            return record
    raise FormatError(f"there is no record {record_id}")
