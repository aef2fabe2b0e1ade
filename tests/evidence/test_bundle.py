"""The pure parts of a bundle: the zip as other readers see it, the list, the order, the extract."""

from __future__ import annotations

import hashlib
import io
import string
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import FormatError
from archiver.evidence import bundle_zip
from archiver.evidence.banned import BANNED, banned_in
from archiver.evidence.bundle import BadBundle, is_listed, parse_sums, place, require_layout, sums_text, sums_tokens
from archiver.evidence.bundle_journal import (
    BadExtract,
    Extract,
    check_consistency,
    consistency_text,
    extract_lines,
    lines_of,
    read_extract,
)
from archiver.evidence.bundle_steps import openssl_time
from archiver.evidence.bundle_zip import (
    DEFLATED,
    MAX_ZIP,
    PIECE,
    STORED,
    BadZip,
    Member,
    chunks,
    directory,
    dos_moment,
    pack,
    read_members,
    stream,
)
from archiver.evidence.canonical import decode_line
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.merkle import leaf_hash, root_of
from archiver.evidence.statement import seal
from tests.bundle_vectors import build, stored

MOMENT = datetime(2026, 5, 12, 15, 9, 41, tzinfo=UTC)
NAMES = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=8), min_size=1, max_size=4).map("/x".join)


def written(files: dict[str, bytes]) -> bytes:
    out, members = bytearray(), list[Member]()
    for name, data in files.items():
        method, packed = pack(data)
        member = Member(name, method, zlib.crc32(data), len(packed), len(data), len(out), dos_moment(MOMENT))
        out += member.local_header() + packed
        members.append(member)
    return bytes(out) + directory(members)


# The zip file


@given(st.dictionaries(NAMES, st.binary(max_size=400) | st.builds(bytes, st.integers(0, 9000)), max_size=6))
def test_what_is_written_is_read_by_us_and_by_others(files: dict[str, bytes]) -> None:
    folders = {name[:at] for name in files for at, letter in enumerate(name) if letter == "/"}
    data = written(files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == files
    if folders & files.keys():
        with pytest.raises(BadZip, match="is a file and a folder"):
            read_members(io.BytesIO(data))
        return
    members = read_members(io.BytesIO(data))
    assert {one.name: b"".join(chunks(io.BytesIO(data), one)) for one in members} == files
    assert {one.name: stream(io.BytesIO(data), one).read() for one in members} == files


def test_unzip_finds_nothing_wrong(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(written({"a/b.txt": b"text " * 99, "c.gz": bytes(range(256))}))
    subprocess.run(["unzip", "-tqq", "x.zip"], cwd=tmp_path, check=True, stdout=subprocess.PIPE)


@given(st.binary(max_size=600))
def test_no_bytes_at_all_make_the_reader_fall(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_members(io.BytesIO(data + b"\0" if data[-22:-18] == b"PK\5\6" else data))


@given(st.integers(0, 500), st.integers(0, 7))
def test_a_changed_bit_is_noticed_or_changes_no_member(offset: int, bit: int) -> None:
    """The spare bits at the end of a deflate stream say nothing; every other bit counts."""
    files = {"a.txt": b"1234567890", "b/c.txt": b"text, " * 20}
    good = written(files)
    data = bytearray(good)
    offset %= len(data)
    data[offset] ^= 1 << bit
    source = io.BytesIO(bytes(data))
    last = read_members(io.BytesIO(good))[1]
    try:
        found = {one.name: b"".join(chunks(source, one)) for one in read_members(source)}
    except BadZip:
        return
    assert found == files and last.start <= offset < last.end


def test_a_stored_member_is_read_in_place_at_any_point() -> None:
    data = hashlib.sha512(b"what cannot shrink is stored").digest()
    source = io.BytesIO(written({"a": b"x", "b.gz": data}))
    member = read_members(source)[1]
    assert member.method == STORED
    handle = stream(source, member)
    assert handle.seekable() and handle.readable()
    handle.seek(60)
    assert handle.read() == data[60:]
    handle.seek(-4, io.SEEK_END)
    assert (handle.tell(), handle.read(2)) == (60, data[60:62])
    handle.seek(1000)
    assert handle.read() == b""


def test_more_output_waits_inside_after_the_last_input() -> None:
    """A piece can be full when no input is left: the rest still has to be asked for."""
    for size in (PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7):
        data = (hashlib.sha256(b"%d" % size).digest() * (1 + size // 32))[:size]
        source = io.BytesIO(written({"a.txt": data}))
        (member,) = read_members(source)
        assert b"".join(chunks(source, member)) == data


def test_what_would_shrink_absurdly_is_stored() -> None:
    assert pack(bytes(100_000))[0] == STORED
    assert pack(b"text, " * 20)[0] == DEFLATED
    assert pack(bytes(60))[0] == DEFLATED, "of a few bytes the ratio says nothing"
    assert pack(b"")[0] == STORED


def test_the_ceiling_of_all_members_together() -> None:
    one = Member("a", DEFLATED, 0, MAX_ZIP // 60, MAX_ZIP // 2, 0, (0, 33))
    with pytest.raises(BadZip, match="the members would unpack to"):
        bundle_zip._check_sizes([one, one, one])


def test_times_before_and_after_what_the_format_can_say() -> None:
    assert dos_moment(datetime(1970, 1, 1, tzinfo=UTC)) == (0, 33)
    assert dos_moment(datetime(2026, 5, 12, 15, 9, 41, tzinfo=UTC)) == (15 << 11 | 9 << 5 | 20, 46 << 9 | 5 << 5 | 12)
    assert dos_moment(datetime(2300, 12, 31, tzinfo=UTC))[1] >> 9 == 127


def test_a_packed_member_too_large_for_memory_is_read_in_pieces_only() -> None:
    member = Member("a", DEFLATED, 0, 1 << 26, bundle_zip.MAX_WHOLE + 1, 0, (0, 33))
    with pytest.raises(BadZip, match="is packed and larger than"):
        stream(io.BytesIO(), member)


def test_a_directory_of_nothing() -> None:
    assert read_members(io.BytesIO(directory(()))) == ()
    with pytest.raises(BadBundle, match=r"VERIFY\.txt is missing"):
        require_layout(())


def test_a_cut_member_is_told(tmp_path: Path) -> None:
    data = build([stored("a", b"0123456789")])
    (member,) = read_members(io.BytesIO(data))
    with pytest.raises(BadZip, match="is cut"):
        list(chunks(io.BytesIO(data[:35]), member))


# The list and the layout


@given(st.dictionaries(st.sampled_from(["VERIFY.txt", "text/text.md", "keys/log.vkey", "SHA256SUMS.sig"]), st.binary()))
def test_the_list_reads_back(files: dict[str, bytes]) -> None:
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    listed = {name: digest for name, digest in digests.items() if is_listed(name)}
    if listed:
        assert parse_sums(sums_text(digests)) == listed
    else:
        with pytest.raises(BadBundle, match="lists nothing"):
            parse_sums(sums_text(digests))


A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (f"{A}  x\n{A}  x\n", "line 2 lists x again"),
        (f"{A}  y\n{B}  x\n", "is not sorted"),
        (f"{A.upper()}  x\n", "line 1 is not a digest"),
        (f"{A} *x\n", "line 1 is not a digest"),
        (f"{A}  x\n{B}  y", "does not end with a line feed"),
        (f"{A}  /x\n", "line 1 is not a digest"),
        (f"{A}  ../x\n", "line 1 is not a digest"),
        (f"\\{A}  x\\n\n", "line 1 is not a digest"),
        (f"{A}  SHA256SUMS.sig\n", "lists what it must not"),
        (f"{A}  x\r\n", "line 1 is not a digest"),
        (f"{A}  ä\n", "line 1 is not a digest"),
        ("", "lists nothing"),
        ("log.example\n4\nABC=\n", "line 1 is not a digest"),
        (f"{A}  x\n" * 70_000, "more than"),
    ],
)
def test_a_list_that_is_none(data: str, message: str) -> None:
    with pytest.raises(BadBundle, match=message):
        parse_sums(data.encode())


def test_a_checkpoint_and_a_list_are_never_the_same_bytes() -> None:
    """One key signs both."""
    body = Checkpoint("log.example", 4, bytes(32)).body()
    with pytest.raises(BadBundle):
        parse_sums(body)
    with pytest.raises(FormatError):
        Checkpoint.from_body(sums_text({"x": A, "y": B, "z": A}))


@pytest.mark.parametrize(
    "name",
    [
        "verify.txt",
        "README.txt",
        "SHA256SUMS.sig.sig",
        "SHA256SUMS..tsr",
        "SHA256SUMS.A.tsr",
        "snapshot/a/b",
        "snapshot/.x",
        "snapshot",
        "referents/x/statement.json",
        "referents/EA-S-00000001",
        "stamps/0/checkpoint",
        "stamps/01/checkpoint",
        "stamps/1/other",
        "text/other.md",
        "citation/a/b",
        "log/other",
        "keys/log.key.pem",
        "roots/a.der",
        "VERIFY.txt\n",
        "roots/ä.pem",
    ],
)
def test_names_that_a_bundle_does_not_have(name: str) -> None:
    with pytest.raises(BadBundle, match="does not belong in a bundle"):
        place(name)


def test_authorities_are_told_from_the_names() -> None:
    assert sums_tokens(["SHA256SUMS.b.tsr", "SHA256SUMS.a-1.tsr", "SHA256SUMS.a-1.chain.pem", "SHA256SUMS"]) == [
        "a-1",
        "b",
    ]
    assert not is_listed("SHA256SUMS") and not is_listed("SHA256SUMS.a.chain.pem") and is_listed("SHA256SUMSX")


# The extract


def lines(count: int) -> list[bytes]:
    made = []
    for seq in range(count):
        fields = {"event": "storage_full", "detail": str(seq)}
        made.append(seal("custody", fields, seq=seq, origin="log.example", at=MOMENT, nonce=bytes([seq]) * 32).line)
    return made


@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.integers(1, 40), st.integers(1, 999))
def test_an_extract_leads_to_the_roots_of_the_journal(count: int, full: set[int], size: int, cut: int) -> None:
    journal = lines(count)
    entries = [hashlib.sha256(line).digest() for line in journal]
    shown = {seq: journal[seq] for seq in full if seq < count}
    data = b"".join(extract_lines(entries, shown))
    pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
    found = read_extract(lines_of(pieces), {min(size, count)})
    leaves = [leaf_hash(entry) for entry in entries]
    assert found.size == count and found.root == root_of(leaves)
    assert found.roots == {min(size, count): root_of(leaves[: min(size, count)])}
    assert {seq: one.line for seq, one in found.statements.items()} == shown
    for seq in set(range(count)) - shown.keys():
        assert decode_line(data.splitlines(keepends=True)[seq]) == {"entry": entries[seq].hex(), "seq": seq}


def test_a_line_without_end_stops_the_reader() -> None:
    with pytest.raises(BadExtract, match="a line has more than"):
        list(lines_of(b"x" * (1 << 20) for _ in range(9)))


def test_numbers_out_of_order_are_told() -> None:
    first, second = lines(2)
    for order, message in (([second], "line 1 says number 1, 0"), ([first, first], "line 2 says number 0, 1")):
        with pytest.raises(BadExtract, match=message):
            read_extract(order)
    with pytest.raises(BadExtract, match="line 1 says number 1, 0"):
        read_extract([b'{"entry":"%s","seq":1}\n' % (b"0" * 64)])
    assert Extract().size == 0


def test_consistency_reads_back_and_is_about_these_checkpoints() -> None:
    leaves = [leaf_hash(hashlib.sha256(line).digest()) for line in lines(4)]
    old, new = Checkpoint("log.example", 3, root_of(leaves[:3])), Checkpoint("log.example", 4, root_of(leaves))
    hashes = [leaves[2], leaves[3], root_of(leaves[:2])]
    body = decode_line(consistency_text(old, new, hashes))
    check_consistency(body, old, new)
    for wrong in (
        {**body, "hashes": body["hashes"][:-1]},
        {**body, "hashes": ["x"]},
        {**body, "from": body["to"]},
        {**body, "to": {}},
        {**body, "hashes": 1},
        {},
    ):
        with pytest.raises(FormatError):
            check_consistency(wrong, old, new)


# Words and times


def test_banned_words_are_found_as_whole_words_in_any_letters() -> None:
    for word in BANNED:
        assert list(banned_in(f"It is {word.title()}.")) == [word.title()]
    assert list(banned_in("moved permanently, server authentication, approves")) == []


def test_a_token_s_time_is_written_as_openssl_writes_it() -> None:
    assert openssl_time("2026-05-02T15:09:41.204Z") == "May  2 15:09:41.204 2026 GMT"
    assert openssl_time("2026-11-22T05:43:37Z") == "Nov 22 05:43:37 2026 GMT"
