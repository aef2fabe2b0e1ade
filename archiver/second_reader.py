"""A second opinion on our WARC files by warcio, a reader that shares no code with ours."""

from __future__ import annotations

from typing import BinaryIO

from archiver.errors import MalformedWarc

CHUNK = 256 * 1024


def read_with_warcio(source: BinaryIO) -> int:
    """Read every record to its end and compare its digests; return how many there are.

    ``MalformedWarc`` with the first thing that warcio objects to. Revisits carry the digest of a payload that lies
    elsewhere, so only their block is compared.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    count = 0
    try:
        for record in ArchiveIterator(source, check_digests=True):
            stream = record.raw_stream if record.rec_type == "revisit" else record.content_stream()
            while stream.read(CHUNK):
                pass
            checker = record.digest_checker
            if checker.passed is False:
                raise MalformedWarc(f"warcio: {record.rec_headers.get_header('WARC-Record-ID')}: {checker.problems[0]}")
            count += 1
    except ArchiveLoadFailed as error:
        raise MalformedWarc(f"warcio: {error}") from error
    if not count:
        raise MalformedWarc("warcio: no records")
    return count
