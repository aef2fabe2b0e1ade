"""Other people's WARC readers judge the files we write, and we judge the same broken files as they do, or say why not.

warcio's command exits 0 on a clipped record and only prints "digest present but not checked"; fastwarc's
``--verify-payloads`` calls every revisit a failure, because the payload is elsewhere. Both are known; the tests below
look at the text and leave that one alarm out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.evidence.exchange import Visit
from archiver.evidence.warc_check import check_warc
from archiver.evidence.warc_ours import read_our_warc
from archiver.evidence.warc_writer import WarcFacts
from tests.evidence.warc_samples import COPY, VISITS, sha256, stored, write

VECTORS = Path(__file__).parent.parent / "vectors" / "warc"
TOOLS = Path(sys.executable).parent
TIMEOUT = 60

# Broken files that a judge passes. We name the defect, because a reader by offset, or a second reader, stumbles there.
WARCIO_PASSES = {
    "duplicate-content-length.warc.gz": "takes the first length and ignores the second",
    "duplicate-record-id.warc.gz": "takes the first value",
    "empty-member.warc.gz": "passes over it",
    "empty.warc": "a file without records is no error to it",
    "half-final-crlf.warc.gz": "does not look at what follows the block",
    "header-not-utf8.warc.gz": "falls back to Latin-1",
    "header-too-large.warc.gz": "reads it whole and finds no record in it",
    "header-without-colon.warc.gz": "drops the line",
    "missing-final-crlf.warc": "does not look at what follows the block",
    "missing-final-crlf.warc.gz": "does not look at what follows the block",
    "truncated-trailer.warc.gz": "does not miss the checksum of the last member",
}
FASTWARC_PASSES = WARCIO_PASSES.keys() - {"header-too-large.warc.gz"} | {
    "two-members-one-header.warc.gz",  # reads members as one stream
    "two-members-one-record.warc.gz",
    "whole-file.warc.gz",
}


def warcio(command: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [TOOLS / "warcio", command, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    return done.returncode, done.stdout + done.stderr


def fastwarc(folder: Path, path: Path, *options: str) -> tuple[int, list[str]]:
    """Exit code, and what is said of each record: ``OK, PAYLOAD_OK``."""
    lines = folder / "fastwarc.txt"
    done = subprocess.run(
        [TOOLS / "fastwarc", "check", "-q", *options, "-o", lines, path],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    text = lines.read_text() if lines.exists() else ""
    return done.returncode, [line.partition(": ")[2] or line for line in text.splitlines()]


def put(folder: Path, data: bytes) -> Path:
    path = folder / "capture.warc.gz"
    path.write_bytes(data)
    return path


def judged(path: Path, facts: WarcFacts) -> None:
    code, text = warcio("check", "-v", str(path))
    assert code == 0, text
    kinds = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    assert len(kinds) == len(facts.records)
    for record, said in zip(facts.records, kinds, strict=True):
        expected = "digest present but not checked (revisit)" if record.type == "revisit" else "digest pass"
        assert said == expected, record
    code, text = warcio("index", "-f", "offset,warc-type", str(path))
    places = [json.loads(line) for line in text.splitlines()]
    assert [(int(place["offset"]), place["warc-type"]) for place in places] == [
        (record.offset, record.type) for record in facts.records
    ]


@pytest.mark.parametrize("name", VISITS)
def test_every_kind_of_visit(name: str, tmp_path: Path) -> None:
    data, facts = write(VISITS[name])
    path = put(tmp_path, data)
    judged(path, facts)
    for options in ((), ("--verify-payloads",)):
        code, said = fastwarc(tmp_path, path, *options)
        assert code == 0, said
    assert check_warc(BytesIO(data)).ok
    same_payloads(data, facts)


def same_payloads(data: bytes, facts: WarcFacts) -> None:
    """warcio cuts the same head and the same body out of each record as we meant."""
    ours = read_our_warc(BytesIO(data))
    for theirs, mine, fact in zip(_iterate(data), ours.records, facts.records, strict=True):
        assert theirs.rec_headers.headers == list(mine.fields)
        body = theirs.raw_stream.read()
        if fact.payload_sha256 is not None:
            assert sha256(body) == fact.payload_sha256
        assert stored(mine.block).endswith(body)


def _iterate(data: bytes) -> Any:
    return ArchiveIterator(BytesIO(data), no_record_parse=False)


def test_a_revisit(tmp_path: Path) -> None:
    data, facts = write(VISITS["redirect"], copies=lambda payload: COPY)
    path = put(tmp_path, data)
    judged(path, facts)
    code, said = fastwarc(tmp_path, path)
    assert code == 0, said
    assert [record.type for record in facts.records].count("revisit") == 2


def test_all_visits_in_one_file(tmp_path: Path) -> None:
    visits: list[Visit] = list(VISITS.values())
    data, facts = write(*visits)
    judged(put(tmp_path, data), facts)


BROKEN = [path for path in sorted(VECTORS.glob("*.*arc*")) if "bomb" not in path.name]  # the judges inflate bombs


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_verdicts_on_broken_files(path: Path, tmp_path: Path) -> None:
    with path.open("rb") as source:
        ok = check_warc(source).ok
    code, text = warcio("check", "-v", str(path))
    assert (code == 0 and "but not checked\n" not in text) == (ok or path.name in WARCIO_PASSES), text
    code, said = fastwarc(tmp_path, path, "--verify-payloads")
    assert (code == 0) == (ok or path.name in FASTWARC_PASSES), said
