"""Zip files: what we write, other readers read; what could be read in two ways, we refuse."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.zip_read import MalformedZip, ZipReading
from archiver.evidence.zip_write import ZipWriting

MOMENT = datetime(2026, 5, 12, 15, 9, 41, tzinfo=UTC)
FILES = {"archive/a.warc.gz": b"stored" * 50, "pages/p.jsonl": b"deflated " * 80, "empty": b""}


def written(files: dict[str, bytes], stored: Callable[[str], bool] = lambda name: name.startswith("archive/")) -> bytes:
    out = io.BytesIO()
    writing = ZipWriting(out)
    for name, data in files.items():
        if stored(name):
            half = len(data) // 2
            writing.put_stored(name, [data[:half], memoryview(data)[half:]], len(data), zlib.crc32(data), MOMENT)
        else:
            writing.put(name, data, MOMENT, packed=True)
    writing.finish()
    return out.getvalue()


names = st.from_regex(r"[a-z]{1,6}/[A-Z0-9]{1,6}\.[a-z]{1,4}", fullmatch=True)


@given(st.dictionaries(names, st.binary(max_size=3000), min_size=1), st.booleans())
def test_what_is_written_is_read_back(files: dict[str, bytes], stored: bool) -> None:
    data = written(files, lambda name: stored)
    reading = ZipReading(io.BytesIO(data))
    assert {name: reading.read(name, 3000) for name in reading.members} == files
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        assert {info.filename: packed.read(info) for info in packed.infolist()} == files
        assert {info.date_time for info in packed.infolist()} == {(2026, 5, 12, 15, 9, 40)}


def test_other_programs_read_it(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(written(FILES))
    assert subprocess.run(["unzip", "-tq", path], capture_output=True, check=False).returncode == 0
    said = subprocess.run(["unzip", "-p", path, "pages/p.jsonl"], capture_output=True, check=True).stdout
    assert said == FILES["pages/p.jsonl"]


def test_a_stored_member_is_read_in_place() -> None:
    reading = ZipReading(io.BytesIO(written(FILES)))
    with reading.stream("archive/a.warc.gz", 0) as handle:
        handle.seek(6)
        assert handle.read(6) == b"stored"
        assert handle.seek(0, io.SEEK_END) == 300
        assert handle.read() == b""
    with reading.stream("pages/p.jsonl", 1000) as handle:
        assert handle.read() == FILES["pages/p.jsonl"]
    with pytest.raises(MalformedZip, match="more than 10"):
        reading.stream("pages/p.jsonl", 10)


def test_too_few_bytes_are_no_member() -> None:
    writing = ZipWriting(io.BytesIO())
    with pytest.raises(ValueError, match="announced"):
        writing.put_stored("a/b", [b"abc"], 4, 0, MOMENT)


class Sparse:
    """A file on disk in which zeros take no room."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle

    def write(self, data: bytes | memoryview, /) -> int:
        if len(data) == len(ZEROS) and data == ZEROS:
            self._handle.seek(len(data), io.SEEK_CUR)
        else:
            self._handle.write(data)
        return len(data)


ZEROS = bytes(16 * 1024 * 1024)


def zeros(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield ZEROS


def test_more_than_four_gigabytes(tmp_path: Path) -> None:
    size = 260 * len(ZEROS)
    path = tmp_path / "large.zip"
    with path.open("wb") as handle:
        writing = ZipWriting(Sparse(handle))
        writing.put_stored("archive/a", zeros(260), size, 0, MOMENT)
        writing.put("after", b"beyond the first four", MOMENT, packed=False)
        writing.finish()
    with path.open("rb") as handle:
        reading = ZipReading(handle)
        assert (reading.members["archive/a"].size, reading.members["after"].header > 1 << 32) == (size, True)
        assert reading.read("after", 100) == b"beyond the first four"
    with zipfile.ZipFile(path) as packed:
        assert packed.getinfo("archive/a").file_size == size
        assert packed.read("after") == b"beyond the first four"
    assert path.stat().st_blocks * 512 < size // 100


def test_more_than_65535_members() -> None:
    data = written({f"a/{number}": b"" for number in range(70_000)}, lambda name: True)
    assert len(ZipReading(io.BytesIO(data)).members) == 70_000
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert len(packed.namelist()) == 70_000


# -- what is refused ---------------------------------------------------------------------------------

DATA = written(FILES)
END = DATA.rindex(b"PK\x05\x06")
DIRECTORY = struct.unpack_from("<L", DATA, END + 16)[0]
SECOND = DATA.index(b"PK\x03\x04", 4)
ENTRY = DATA.index(b"PK\x01\x02", DIRECTORY + 4)


def changed(at: int, new: bytes) -> bytes:
    return DATA[:at] + new + DATA[at + len(new) :]


def with_entry_twice() -> bytes:
    """The directory lists the first member a second time."""
    entry = DATA[DIRECTORY:ENTRY]
    end = bytearray(DATA[END:])
    struct.pack_into("<HHL", end, 8, 4, 4, END - DIRECTORY + len(entry))
    return DATA[:END] + entry + bytes(end)


def shifted(at: int, extra: bytes) -> bytes:
    """Bytes between two members, and a directory that knows where everything lies then."""
    moved = bytearray(DATA[:at] + extra + DATA[at:])
    place = DIRECTORY + len(extra)
    struct.pack_into("<L", moved, END + len(extra) + 16, place)
    for _ in FILES:
        (header,) = struct.unpack_from("<L", moved, place + 42)
        struct.pack_into("<L", moved, place + 42, header + (len(extra) if header >= at else 0))
        place += 46 + struct.unpack_from("<H", moved, place + 28)[0]
    return bytes(moved)


def doubled(*pairs: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    writing = ZipWriting(out)
    for name, data in pairs:
        writing.put(name, data, MOMENT, packed=False)
    writing.finish()
    return out.getvalue()


BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not a zip file"),
    "text": (b"x" * 100, "not a zip file"),
    "no members": (doubled(), "nothing in it"),
    "a name twice": (doubled(("a/b", b"1"), ("a/b", b"2")), "twice"),
    "a name twice but for its case": (doubled(("a/b", b"1"), ("A/b", b"2")), "twice"),
    "an entry twice": (with_entry_twice(), "bytes between it|twice"),
    "after the end": (DATA + b"more", "not a zip file, or bytes follow"),
    "before the beginning": (shifted(0, b"more"), "before the first member"),
    "between members": (shifted(SECOND, b"more"), "4 bytes between"),
    "before the directory": (shifted(DIRECTORY, b"more"), "4 bytes between"),
    "another name before the member": (changed(30, b"archive/b"), "another name"),
    "another size before the member": (changed(22, b"\x01"), "another size"),
    "another method before the member": (changed(8, b"\x08"), "not the one in the directory"),
    "another method in both": (changed(DIRECTORY + 10, b"\x0c"), "not plain"),
    "encrypted": (changed(DIRECTORY + 8, b"\x01"), "encrypted"),
    "a remark at the end": (changed(END + 20, b"\x01"), "bytes follow"),
    "one member fewer than there are": (changed(END + 8, b"\x02\x00\x02\x00"), "more than its members"),
    "one member more than there are": (changed(END + 8, b"\x04\x00\x04\x00"), "before its last member"),
    "on two disks": (changed(END + 4, b"\x01"), "does not stand"),
    "cut": (DATA[:-1], "not a zip file"),
    "a folder": (doubled(("a/", b"")), "leave its folder"),
    "up and away": (doubled(("a/../../b", b"")), "leave its folder"),
    "from the root": (doubled(("/a", b"")), "leave its folder"),
    "another system's path": (doubled(("a\\b", b"")), "leave its folder"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_structure_is_refused(name: str) -> None:
    data, why = BROKEN[name]
    with pytest.raises(MalformedZip, match=why):
        ZipReading(io.BytesIO(data))


@pytest.mark.parametrize("name", [name for name, data in FILES.items() if data])
def test_changed_content_is_refused(name: str) -> None:
    member = ZipReading(io.BytesIO(DATA)).members[name]
    at = member.start + member.packed // 2
    broken = DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :]
    with pytest.raises(MalformedZip):
        ZipReading(io.BytesIO(broken)).read(name, 10_000)


def test_a_bomb_is_stopped_at_its_stated_size() -> None:
    """A member that inflates to more than it says is given up as soon as it does."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflater.compress(bytes(50_000_000)) + deflater.flush()
    data = bytearray(doubled(("a/b", packed)))
    start = data.index(b"PK\x01\x02")
    for at in (8, start + 10):
        struct.pack_into("<H", data, at, 8)
    for at in (22, start + 24):
        struct.pack_into("<L", data, at, 100)
    reading = ZipReading(io.BytesIO(bytes(data)))
    with pytest.raises(MalformedZip, match="size and checksum"):
        reading.read("a/b", 1000)


@given(st.binary(max_size=200), st.integers(0, 3))
def test_garbage_never_crashes(garbage: bytes, keep: int) -> None:
    for data in (garbage, garbage + DATA[END:], DATA[: keep * 40] + garbage + DATA[END:]):
        try:
            reading = ZipReading(io.BytesIO(data))
            for name in reading.members:
                reading.read(name, 1000)
        except MalformedZip:
            pass
