"""Verdicts on files of any origin: each defect by its name, in bounded memory, by batch as by single record."""

from __future__ import annotations

import io
import runpy
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.evidence.warc_batch import MAX_INFLATED
from archiver.evidence.warc_check import WarcCheck, check_warc
from archiver.evidence.warc_feed import Damage
from archiver.evidence.warc_verdict import Wanted
from archiver.evidence.warc_walk import Walker
from tests.evidence.warc_samples import COPY, VISITS, write

VECTORS = Path(__file__).parent.parent / "vectors" / "warc"
PASS, FAIL, UNREAD = ("pass", "pass"), ("fail", "fail"), ("unchecked", "unchecked")

EXPECTED: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    # file: codes of its findings, verdicts on block and payload of each record that has a header
    "good.warc.gz": ([], [PASS, PASS, PASS]),
    "good.warc": ([], [PASS, PASS, PASS]),
    "flipped-byte.warc.gz": (["gzip_damaged"], [PASS, PASS]),
    "flipped-crc.warc.gz": (["gzip_damaged"], [PASS, PASS]),
    "flipped-length.warc.gz": (["gzip_damaged"], [PASS, PASS]),
    "truncated.warc.gz": (["truncated"], [PASS, PASS, UNREAD]),
    "truncated-trailer.warc.gz": (["truncated"], [PASS, PASS, PASS]),
    "truncated.warc": (["truncated"], [PASS, UNREAD]),
    "missing-final-crlf.warc.gz": (["final_crlf_missing"], [PASS, PASS, PASS]),
    "half-final-crlf.warc.gz": (["final_crlf_missing"], [PASS, PASS, PASS]),
    "missing-final-crlf.warc": (["final_crlf_missing"], [PASS, PASS]),
    "wrong-block-digest.warc.gz": (["block_digest"], [PASS, ("fail", "pass"), PASS]),
    "wrong-payload-digest.warc.gz": (["payload_digest"], [PASS, ("pass", "fail"), PASS]),
    "malformed-digest.warc.gz": (["digest_malformed"], [PASS, ("fail", "pass"), PASS]),
    "spare-digest-bits.warc.gz": (["digest_malformed"], [PASS, ("fail", "pass"), PASS]),
    "content-length-too-long.warc.gz": (["length_too_long"], [PASS, UNREAD, PASS]),
    "content-length-too-short.warc.gz": (
        ["length_too_short", "block_digest", "payload_digest"], [PASS, FAIL, PASS],
    ),
    "content-length-too-short.warc": (
        ["length_too_short", "trailing_garbage", "block_digest", "payload_digest"], [PASS, FAIL],
    ),
    "trailing-garbage.warc.gz": (["trailing_garbage"], [PASS, PASS, PASS]),
    "trailing-zeros.warc.gz": (["trailing_garbage"], [PASS, PASS, PASS]),
    "garbage-between.warc.gz": (["trailing_garbage"], [PASS, PASS, PASS]),
    "garbage-in-member.warc.gz": (["length_too_short"], [PASS, PASS, PASS]),
    "whole-file.warc.gz": (["whole_file_gzip"], [PASS, PASS, PASS]),
    "two-members-one-record.warc.gz": (["length_too_long", "record_spans_members"], [PASS, UNREAD, PASS]),
    "two-members-one-header.warc.gz": (["head_malformed", "record_spans_members"], [PASS, PASS]),
    "empty-member.warc.gz": (["not_a_record"], [PASS, PASS]),
    "header-not-utf8.warc.gz": (["head_not_utf8"], [PASS, PASS, PASS]),
    "header-without-colon.warc.gz": (["head_malformed"], [PASS, PASS, PASS]),
    "header-without-end.warc.gz": (["head_malformed"], [PASS, PASS]),
    "header-too-large.warc.gz": (["head_too_large"], [PASS, PASS]),
    "duplicate-content-length.warc.gz": (["duplicate_field", "length_malformed"], [PASS, UNREAD, PASS]),
    "duplicate-record-id.warc.gz": (["duplicate_field"], [PASS, PASS, PASS]),
    "negative-content-length.warc.gz": (["length_malformed"], [PASS, UNREAD, PASS]),
    "no-content-length.warc.gz": (["length_malformed"], [PASS, UNREAD, PASS]),
    "huge-content-length.warc.gz": (["length_malformed"], [PASS, UNREAD, PASS]),
    "bomb.warc.gz": (["block_digest", "payload_digest"], [PASS, FAIL, PASS]),
    "hidden-bomb.warc.gz": (["length_too_short"], [PASS, PASS, PASS]),
    "not-warc.gz": (["not_a_record"], []),
    "not-warc.txt": (["not_warc"], []),
    "empty.warc": (["not_warc"], []),
}  # fmt: skip


def verdicts(check: WarcCheck) -> tuple[list[str], list[tuple[str, str]]]:
    return [f.code for f in check.findings], [(r.block, r.payload) for r in check.records]


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED.keys())
def test_each_defect_by_its_name(name: str, expected: tuple[list[str], list[tuple[str, str]]]) -> None:
    with (VECTORS / name).open("rb") as source:
        check = check_warc(source)
    assert verdicts(check) == expected
    assert check.ok == (not expected[0])
    assert check.checked + check.unchecked == len(check.records)


def test_every_vector_is_expected_and_is_what_its_source_makes() -> None:
    made = runpy.run_path(str(VECTORS / "make.py"))["defects"](bombs=False)
    assert made.keys() == EXPECTED.keys()
    stored = {path.name for path in VECTORS.iterdir() if path.is_file()} - {"make.py", "README.md"}
    assert stored == EXPECTED.keys()
    for name, data in made.items():  # compressed bytes depend on the version of zlib: compare what they hold
        assert "bomb" in name or verdicts(check_warc(io.BytesIO(data))) == EXPECTED[name], name


@pytest.mark.parametrize("name", ["bomb.warc.gz", "hidden-bomb.warc.gz", "header-too-large.warc.gz"])
def test_a_bomb_does_not_fill_memory(name: str) -> None:
    with (VECTORS / name).open("rb") as source:
        tracemalloc.start()
        check_warc(source)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MAX_INFLATED + 8_000_000


def walk_only(data: bytes) -> tuple[list[str], list[tuple[int, str, str]]]:
    """The verdicts of the bounded walk alone."""
    findings: list[str] = []
    records: list[tuple[int, str, str]] = []
    try:
        walker = Walker(io.BytesIO(data), Wanted)
    except Damage as damage:
        return [damage.code], []
    while (walked := walker.next()) is not None:
        findings += [finding.code for finding in walked.findings]
        if walked.head is not None:
            wanted = walked.observer if isinstance(walked.observer, Wanted) else Wanted(walked.head, 0)
            block, payload = wanted.fed() if walked.whole else wanted.unread()
            findings += [finding.code for finding in wanted.findings]
            records.append((walked.offset, block, payload))
    return findings, records


def by_batch(data: bytes, pool: ThreadPoolExecutor | None) -> tuple[list[str], list[tuple[int, str, str]]]:
    check = check_warc(io.BytesIO(data), ahead=pool)
    return [f.code for f in check.findings], [(r.offset, r.block, r.payload) for r in check.records]


GOOD = (VECTORS / "good.warc.gz").read_bytes()
OURS = write(*(sample for name, sample in VISITS.items() if name != "five-megabytes"))[0]
DEFECTIVE = sorted(set(EXPECTED) - {"bomb.warc.gz", "hidden-bomb.warc.gz", "header-too-large.warc.gz"})


@settings(max_examples=40)
@given(names=st.lists(st.sampled_from(DEFECTIVE), max_size=4), repeat=st.sampled_from([0, 1, 50, 700]))
def test_batches_and_single_records_agree(names: list[str], repeat: int) -> None:
    data = GOOD * repeat + b"".join((VECTORS / name).read_bytes() for name in names) + GOOD * repeat
    expected = walk_only(data)
    with ThreadPoolExecutor(1) as pool:
        assert by_batch(data, pool) == expected
    assert by_batch(data, None) == expected


@settings(max_examples=150)
@given(at=st.integers(0, len(OURS) - 1), bit=st.integers(0, 7), drop=st.booleans())
def test_damage_anywhere_is_judged_the_same_both_ways(at: int, bit: int, drop: bool) -> None:
    data = bytearray(OURS)
    data[at] ^= 1 << bit
    changed = bytes(data[:at] + data[at + 1 :]) if drop else bytes(data)
    assert by_batch(changed, None) == walk_only(changed)
    if drop:
        assert not check_warc(io.BytesIO(changed)).ok


def test_our_own_files_have_no_findings() -> None:
    check = check_warc(io.BytesIO(OURS))
    assert check.findings == ()
    assert {record.block for record in check.records} == {"pass"}
    assert {record.payload for record in check.records} == {"pass", "absent"}


def test_a_revisit_is_checked_by_its_block_alone() -> None:
    data, _ = write(VISITS["plain"], copies=lambda payload: COPY)
    records = check_warc(io.BytesIO(data)).records
    assert [(r.block, r.payload) for r in records if r.type == "revisit"] == [("pass", "unchecked")]


def test_block_digests_alone() -> None:
    with (VECTORS / "wrong-payload-digest.warc.gz").open("rb") as source:
        check = check_warc(source, payloads=False)
    assert check.ok
    assert {(record.block, record.payload) for record in check.records} == {("pass", "unchecked")}


def test_more_records_than_allowed() -> None:
    for allowed in (1, 2, 7):
        check = check_warc(io.BytesIO(GOOD * 5000), max_records=allowed)
        assert [finding.code for finding in check.findings] == ["too_many_records"]
    assert check_warc(io.BytesIO(GOOD), max_records=3).ok
