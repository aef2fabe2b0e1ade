"""Zip files that are no bundles, each with one defect and named for it; made from the members of a good one."""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Files = dict[str, bytes]


@dataclass(frozen=True)
class Entry:
    """One member as it is to be written: what its two headers say may be anything."""

    name: bytes
    data: bytes
    """As packed."""
    crc: int
    size: int
    method: int = 0
    flags: int = 0
    mode: int = 0o100644
    moment: tuple[int, int] = (0x6000, 0x5D76)
    extra: bytes = b""
    comment: bytes = b""
    local: dict[str, object] = field(default_factory=dict)
    """What the header before the bytes says otherwise."""
    offset: int | None = None
    """Where the directory says it lies, when not where it does."""
    packed: int | None = None

    def header(self) -> bytes:
        one = dataclasses.replace(self, **self.local)  # type: ignore[arg-type]
        fixed = (b"PK\3\4", 20, one.flags, one.method, *one.moment, one.crc, len(one.data), one.size)
        return struct.pack("<4s5H3I2H", *fixed, len(one.name), len(one.extra)) + one.name + one.extra

    def entry(self, offset: int) -> bytes:
        at = offset if self.offset is None else self.offset
        packed = len(self.data) if self.packed is None else self.packed
        fixed = (b"PK\1\2", 3 << 8 | 20, 20, self.flags, self.method, *self.moment, self.crc, packed, self.size)
        lengths = (len(self.name), len(self.extra), len(self.comment), 0, 0, self.mode << 16, at)
        return struct.pack("<4s6H3I5H2I", *fixed, *lengths) + self.name + self.extra + self.comment


def stored(name: str | bytes, data: bytes, **changes: object) -> Entry:
    raw = name if isinstance(name, bytes) else name.encode()
    return dataclasses.replace(Entry(raw, data, zlib.crc32(data), len(data)), **changes)  # type: ignore[arg-type]


def deflated(name: str, data: bytes, packed: bytes | None = None, **changes: object) -> Entry:
    if packed is None:
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = deflater.compress(data) + deflater.flush()
    one = Entry(name.encode(), packed, zlib.crc32(data), len(data), method=8)  # ``changes`` may say otherwise
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


def entries(files: Files) -> list[Entry]:
    return [stored(name, data) for name, data in files.items()]


def build(
    listed: Sequence[Entry],
    *,
    order: Callable[[list[bytes]], list[bytes]] = list,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    end: dict[str, int] | None = None,
) -> bytes:
    """A zip of these members; bytes may be put before, between and after them."""
    out, central = bytearray(before), []
    for number, one in enumerate(listed):
        if number == 1:
            out += between
        central.append(one.entry(len(out)))
        out += one.header() + one.data
    directory = b"".join(order(central))
    said = {"disk": 0, "count": len(listed), "length": len(directory), "start": len(out), "comment": 0, **(end or {})}
    fixed = (said["disk"], 0, said["count"], said["count"], said["length"], said["start"], said["comment"])
    return bytes(out) + directory + struct.pack("<4s4H2IH", b"PK\5\6", *fixed) + after


def replaced(files: Files, name: str, one: Entry) -> list[Entry]:
    """The members with another entry in place of one of them."""
    return [one if entry.name.decode() == name else entry for entry in entries(files)]


def added(files: Files, *more: Entry) -> list[Entry]:
    return [*entries(files), *more]


def _changed(name: str, **changes: object) -> Callable[[Files], bytes]:
    return lambda files: build(replaced(files, name, stored(name, files[name], **changes)))


def _added(*more: Entry, **options: object) -> Callable[[Files], bytes]:
    return lambda files: build(added(files, *more), **options)  # type: ignore[arg-type]


def _named(name: str | bytes) -> Callable[[Files], bytes]:
    return _added(stored(name, b"strange"))


TEXT, WARC = "PROCESS.txt", "snapshot/capture.warc.gz"
BOMB = zlib.compressobj(9, zlib.DEFLATED, -15)
BOMB_BYTES = BOMB.compress(bytes(1 << 24)) + BOMB.flush()


def _deflated(files: Files, **changes: object) -> list[Entry]:
    return replaced(files, TEXT, dataclasses.replace(deflated(TEXT, files[TEXT]), **changes))  # type: ignore[arg-type]


def _tail(files: Files, tail: bytes) -> list[Entry]:
    whole = deflated(TEXT, files[TEXT]).data
    return replaced(files, TEXT, deflated(TEXT, files[TEXT], whole + tail))


def _swapped(central: list[bytes]) -> list[bytes]:
    return [central[1], central[0], *central[2:]]


def _laid_out_of_order(files: Files) -> bytes:
    first, second, *rest = entries(files)
    return build([second, first, *rest])


def _twice_in_one_place(files: Files) -> bytes:
    """The bytes of one member are those of two: cheap to store, dear to unpack."""
    first, *rest = entries(files)
    return build([first, dataclasses.replace(rest[0], offset=1), *rest[1:]])


ZIPS: dict[str, tuple[Callable[[Files], bytes], str]] = {
    # the file
    "empty_file": (lambda _: b"", "too few for a zip file|the file is empty"),
    "no_zip_at_all": (lambda _: b"PK" + bytes(4000), "no directory at the end"),
    "cut_in_the_directory": (lambda files: build(entries(files))[:-30], "no directory at the end"),
    "archive_comment": (
        lambda files: build(entries(files), end={"comment": 4}, after=b"more"),
        "something stands after the directory",
    ),
    "bytes_added_at_the_end": (lambda files: build(entries(files), after=b"more"), "something stands after the dir"),
    "comment_announced": (lambda files: build(entries(files), end={"comment": 4}), "announces a comment"),
    "bytes_before_the_first_member": (lambda files: build(entries(files), before=b"#!/bin/sh\n"), "10 bytes between"),
    "bytes_between_members": (lambda files: build(entries(files), between=b"hidden"), "6 bytes between VERIFY.txt and"),
    "bytes_before_the_directory": (
        lambda files: build(entries(files), end={"start": 22}),
        "directory does not lie just before",
    ),
    "more_members_counted_than_listed": (
        lambda files: build(entries(files), end={"count": len(files) + 1}),
        r"ends after \d+ of \d+ members",
    ),
    "fewer_members_counted_than_listed": (
        lambda files: build(entries(files), end={"count": len(files) - 1}),
        "has bytes after its",
    ),
    "one_of_several_disks": (lambda files: build(entries(files), end={"disk": 1}), "one of several disks"),
    "zip64": (lambda files: build(entries(files), end={"start": 0xFFFFFFFF}), "uses zip64"),
    "too_many_members": (_added(*(stored(f"citation/x{n}.txt", b"") for n in range(10_000))), "members, more than"),
    # names
    "absolute_name": (_named("/etc/passwd"), "'/etc/passwd' is absolute"),
    "drive_name": (_named("C:windows"), "'C:windows' is absolute"),
    "path_traversal": (_named("snapshot/../../x"), "leads out of the folder"),
    "backslash": (_named("snapshot\\x"), "has a backslash"),
    "folder_entry": (_named("snapshot/"), "is an entry for a folder"),
    "dot_in_the_path": (_named("snapshot/./x"), "has a part that"),
    "hidden_file": (_named("snapshot/.x"), "has a part that"),
    "control_character": (_named("citation/a\nb.txt"), "has a part that"),
    "not_ascii": (_named("citation/ä.txt".encode()), "is not ASCII"),
    "no_name": (_named(""), "has 0 characters"),
    "endless_name": (_named("citation/" + "x" * 300), "has 309 characters"),
    "doubled_name": (lambda files: build(added(files, stored(TEXT, b"other"))), "two members named PROCESS.txt"),
    "name_in_other_letters": (_named("process.TXT"), "differ only in capital letters"),
    "file_and_folder": (_named("snapshot/statement.json/x"), "is a file and a folder"),
    # kinds of member
    "symbolic_link": (_added(stored("citation/link", b"/etc/passwd", mode=0o120777)), "is a symbolic link"),
    "device": (_changed(TEXT, mode=0o020644), "has the file mode 20644"),
    "executable": (_changed("verify.py", mode=0o100755), "verify.py has the file mode 100755"),
    "encrypted": (_changed(TEXT, flags=1), "is encrypted"),
    "data_descriptor": (_changed(TEXT, flags=8), "has its size after its bytes"),
    "unknown_flag": (_changed(TEXT, flags=0x800), "unknown flags 0x800"),
    "other_packing": (_changed(TEXT, method=12), "packed by method 12"),
    "extra_field": (_changed(TEXT, extra=b"\x01\x00\x00\x00"), "carries an extra field"),
    "member_comment": (_changed(TEXT, comment=b"hello"), "carries a comment"),
    "different_times": (_changed(TEXT, moment=(0, 0x5D76)), "different times"),
    # sizes
    "bomb": (_added(deflated("citation/bomb.txt", bytes(1 << 24), BOMB_BYTES)), "more than 100 times its size"),
    "bomb_that_lies": (
        lambda files: build(_deflated(files, data=BOMB_BYTES, size=len(BOMB_BYTES) * 90)),
        "unpacks to more than the",
    ),
    "stored_with_two_sizes": (_changed(TEXT, size=1), "its two sizes differ"),
    "shorter_than_said": (lambda files: build(_deflated(files, size=len(files[TEXT]) + 1)), r"unpacks to \d+ bytes"),
    "longer_than_said": (lambda files: build(_deflated(files, size=len(files[TEXT]) - 1)), "unpacks to more than"),
    "bytes_after_the_stream": (lambda files: build(_tail(files, b"hidden")), "not one whole deflate stream"),
    "stream_that_is_none": (
        lambda files: build(replaced(files, TEXT, deflated(TEXT, files[TEXT], b"\xff" * 5000))),
        "does not unpack",
    ),
    "wrong_crc": (_changed(TEXT, crc=1), "another CRC-32"),
    # places
    "directory_in_another_order": (
        lambda files: build(entries(files), order=_swapped),
        "does not list the members in the order",
    ),
    "overlapping_members": (_twice_in_one_place, r"PROCESS.txt overlaps VERIFY.txt"),
    "another_name_inside": (
        _changed(TEXT, local={"name": b"PROCESS.tx_"}),
        "the directory says PROCESS.txt, the file itself",
    ),
    "another_size_inside": (_changed(TEXT, local={"size": 1}), "what stands before PROCESS.txt is not what"),
    # the layout
    "missing_member": (
        lambda files: build(entries({name: data for name, data in files.items() if name != WARC})),
        r"snapshot/capture.warc.gz is listed and missing",
    ),
    "missing_list": (
        lambda files: build(entries({name: data for name, data in files.items() if name != "SHA256SUMS"})),
        "SHA256SUMS is missing",
    ),
    "extra_member": (_named("notes.txt"), "notes.txt does not belong in a bundle"),
    "extra_member_of_a_known_kind": (
        lambda files: build(entries(inserted(files, "citation/zzz.txt", b"more"))),
        "citation/zzz.txt is there and not listed",
    ),
    "renamed_member": (
        lambda files: build(entries(renamed(files, "citation/ris.ris", "citation/ris.txt"))),
        "citation/ris.ris lies here as citation/ris.txt: it was renamed",
    ),
    "members_in_another_order": (_laid_out_of_order, "the members are not in their order"),
    "token_without_chain": (
        lambda files: build(entries({**files_before(files, "verify.html"), "SHA256SUMS.x.tsr": b"x", **rest(files)})),
        r"SHA256SUMS.x.chain.pem is missing",
    ),
}
"""Name of the defect to the maker, and what the message must say."""


def files_before(files: Files, name: str) -> Files:
    names = list(files)
    return {one: files[one] for one in names[: names.index(name)]}


def rest(files: Files) -> Files:
    names = list(files)
    return {one: files[one] for one in names[names.index("verify.html") :]}


def renamed(files: Files, old: str, new: str) -> Files:
    return {new if name == old else name: data for name, data in files.items()}


def inserted(files: Files, name: str, data: bytes) -> Files:
    """With one more member, where the layout wants it."""
    from archiver.evidence.bundle import place

    return dict(sorted({**files, name: data}.items(), key=lambda item: place(item[0])))
