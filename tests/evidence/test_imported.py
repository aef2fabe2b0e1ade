"""What is read of a file of other people: its claims, and why it is called broken; never an exception, never a bomb."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.evidence.canonical import encode_line
from archiver.evidence.imported import NotImportable, examine
from archiver.evidence.imported_tally import MAX_PROBLEMS, Ceilings, Tally
from archiver.evidence.warc_feed import MAX_GUESSES
from tests import foreign

SMALL = Ceilings(records=100, ratio=50, free=1 << 20)


def read(data: bytes, ceilings: Ceilings = SMALL) -> Tally:
    return examine(io.BytesIO(data), len(data), ceilings)


GOOD = {
    "gzip per record": foreign.warc(),
    "plain": foreign.warc(gz=False),
    "WARC/1.0": foreign.warc(version="1.0"),
    "one gzip member": foreign.in_one_member(),
    "package": foreign.wacz(),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_others_write_is_read_and_only_claimed(name: str) -> None:
    found = read(GOOD[name])
    assert found.problems == []
    told = found.to_json()
    assert told["records"] == 3 and told["types"] == {"response": 2, "warcinfo": 1}
    assert told["digests_hold"] == 3
    assert told["urls"] == list(foreign.URLS) and told["urls_total"] == 2
    assert (told["first_date"], told["format"]) == (foreign.DATES[1], "wacz" if name == "package" else "warc")
    assert told["last_date"] > told["first_date"]
    codes = [remark["code"] for remark in told["remarks"]]
    assert codes == (["whole_file_gzip"] if name == "one gzip member" else [])
    assert found.suffix == {"plain": "warc", "package": "wacz"}.get(name, "warc.gz")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "neither a WARC file"),
        (gzip.compress(b"a tar perhaps", mtime=0), "neither a WARC file"),
        (b"filedesc://x.arc 0.0.0.0 20190101000000 text/plain 1\n", "ARC file"),
        (gzip.compress(b"filedesc://x.arc 0.0.0.0 20190101000000", mtime=0), "ARC file"),
    ],
)
def test_what_is_something_else_is_refused_with_its_reason(data: bytes, words: str) -> None:
    with pytest.raises(NotImportable, match=words):
        read(data)


def altered(data: bytes) -> bytes:
    return data.replace(b"fourteen", b"nineteen")


BOMB = b"\0" * (3 << 20)
BROKEN = {
    "cut": (foreign.warc()[:-20], "truncated", "ends inside a gzip member"),
    "damaged": (foreign.warc()[:-8] + bytes(8), "gzip_damaged", "does not inflate"),
    "digest": (altered(foreign.warc(gz=False)), "block_digest", "the header states"),
    "length": (foreign.warc(gz=False).replace(b"Content-Length: ", b"Content-Length: x", 1), "length_malformed", "x"),
    "bomb": (foreign.warc(body=BOMB), "ceiling", "inflate to more than"),
    "path": (foreign.wacz(extra={"../../etc/cron.d/evil": b"x"}), "zip", "could leave its folder"),
    "absolute": (foreign.wacz(extra={"/etc/passwd": b"x"}), "zip", "could leave its folder"),
    "zip bomb": (foreign.wacz(extra={"more.bin": BOMB}), "ceiling", "a zip bomb"),
    "twice": (foreign.wacz(extra={"PAGES/pages.jsonl": b"x"}), "zip", "stands twice"),
    "unlisted": (foreign.wacz(extra={"more.txt": b"x"}), "package", "does not list it"),
    "bomb in a package": (foreign.wacz({"archive/x.warc.gz": foreign.warc(body=BOMB)}), "ceiling", "inflate to more"),
    "no WARC in it": (foreign.wacz({"archive/data.warc.gz": b"rubbish"}), "not_warc", "neither gzip nor"),
    "not a zip": (b"PK\x03\x04" + bytes(100), "zip", "not a zip file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_way_to_be_broken_has_its_own_problem(name: str) -> None:
    data, code, words = BROKEN[name]
    found = read(data)
    assert any(problem.code == code and words in problem.detail for problem in found.problems), found.problems
    encode_line(found.to_json())


def test_more_records_than_may_be_are_a_problem_and_the_first_ones_count() -> None:
    found = read(foreign.warc(), Ceilings(records=2))
    assert (found.records, [problem.code for problem in found.problems]) == (2, ["ceiling"])


def test_a_file_of_rubbish_members_is_left_alone_before_long() -> None:
    found = read(foreign.warc() + gzip.compress(b"x", mtime=0) * (2 * MAX_PROBLEMS))
    assert found.records == 3 and len(found.problems) == MAX_PROBLEMS + 1
    assert len(found.to_json()["problems"]) == 20


def test_bytes_that_only_look_like_gzip_do_not_cost_an_hour() -> None:
    """Each such place costs an inflater: a second for a MiB of them, and a file may have thousands of MiB."""
    found = read(foreign.warc() + b"\x1f\x8b\x08\0" * (MAX_GUESSES + 10) + foreign.warc())
    assert found.records == 3
    assert "too much in it looks like gzip" in found.problems[-1].detail
    found = read(foreign.warc() + b"\x1f\x8b\x08\0" * 1000 + foreign.warc())
    assert found.records == 6, "what is damaged by accident is read on"


def test_a_hostile_address_stays_on_its_line() -> None:
    record = foreign.warc(gz=False).replace(b"http://a.example/terms", b"http://a.example/\x1b[31m\xe2\x80\xae")
    assert read(record).to_json()["urls"][0] == "http://a.example/<U+001B>[31m<U+202E>"


def test_the_number_of_addresses_that_are_kept_has_an_end() -> None:
    one = b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: urn:x:%06d\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    found = read(b"".join(one % number for number in range(1200)), Ceilings()).to_json()
    assert (len(found["urls"]), found["urls_total"], found["records"]) == (1000, 1200, 1200)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_no_damage_makes_it_raise(name: str, data: st.DataObject) -> None:
    whole = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(whole)))
    try:
        encode_line(read(bytes(whole[:cut])).to_json())
    except NotImportable:
        assert not bytes(whole[:cut]).startswith((b"WARC/", b"PK\x03\x04"))


def test_a_changed_byte_of_a_payload_is_always_found() -> None:
    whole = foreign.warc(gz=False)
    place = whole.index(b"fourteen")
    for offset in range(8):
        assert read(whole[: place + offset] + b"?" + whole[place + offset + 1 :]).problems
