"""The journal: order, rotation, torn tails, damage by name, and every fault of every durable operation."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import Conflict, Corrupt, Full, StorageError, SyncFailed
from storage.interface import Files
from storage.journal import LINE_CEILING, Journal
from storage.memory import MODES, Fault, MemoryFiles, Mode, PowerLoss
from storage.powerloss import CHOICES
from storage.segments import Position, Segment, parse_segment, segment_path

DAY = date(2026, 5, 12)
NEXT = DAY + timedelta(days=1)
FIRST = "journal/000000000-2026-05-12.jsonl"


def line(number: int) -> bytes:
    """Return a line that can be recognised: its number and a filling of its own length."""
    return b"%d:" % number + b"x" * (number * 7 % 50) + b"\n"


def lines(first: int, count: int) -> list[bytes]:
    return [line(first + number) for number in range(count)]


def found(files: Files, from_seq: int = 0) -> list[tuple[int, bytes]]:
    return [(entry.seq, entry.data) for entry in Journal(files).lines(from_seq)]


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
def three_days(files: MemoryFiles) -> MemoryFiles:
    """Lines 0-4, 5-6 and 7-9, on three days."""
    journal = Journal(files)
    for first, count, day in ((0, 5, DAY), (5, 2, NEXT), (7, 3, NEXT + timedelta(days=30))):
        journal.append(first, lines(first, count), day)
    journal.sync()
    return files


def test_an_empty_journal(files: MemoryFiles) -> None:
    journal = Journal(files)
    assert journal.segments() == []
    assert list(journal.lines()) == []
    tail = journal.tail()
    assert (tail.next_seq, tail.path, tail.offset, tail.torn) == (0, None, 0, b"")
    assert journal.append(0, [], DAY) == []
    journal.sync()
    assert files.operations == []


def test_append_gives_positions_that_read_gives_back(files: MemoryFiles) -> None:
    journal = Journal(files)
    positions = journal.append(0, lines(0, 3), DAY) + journal.append(3, lines(3, 2), DAY)
    assert [journal.read(position) for position in positions] == lines(0, 5)
    assert positions[0] == Position(FIRST, 0, 3)
    assert [entry.position for entry in journal.lines()] == positions
    assert files.read(FIRST) == b"".join(lines(0, 5))


def test_nothing_is_durable_before_sync_and_all_is_after(files: MemoryFiles) -> None:
    journal = Journal(files)
    journal.append(0, lines(0, 2), DAY)
    assert found(files.after_power_loss("lost")) == []
    journal.sync()
    journal.append(2, lines(2, 1), DAY)
    assert [seq for seq, _ in found(files.after_power_loss("lost"))] == [0, 1]


def test_a_batch_costs_one_write_and_one_sync(files: MemoryFiles) -> None:
    journal = Journal(files)
    journal.append(0, lines(0, 16), DAY)
    journal.sync()
    journal.sync()
    assert files.operations == [f"append {FIRST}", f"barrier {FIRST}"]


def test_a_new_day_begins_a_new_file_and_a_clock_gone_back_does_not(three_days: MemoryFiles) -> None:
    journal = Journal(three_days)
    assert [(segment.first_seq, str(segment.day)) for segment in journal.segments()] == [
        (0, "2026-05-12"),
        (5, "2026-05-13"),
        (7, "2026-06-12"),
    ]
    (position,) = journal.append(10, lines(10, 1), DAY)
    assert position.path == "journal/000000007-2026-06-12.jsonl"
    assert found(three_days) == list(enumerate(lines(0, 11)))


@pytest.mark.parametrize("start", range(12))
def test_lines_from_a_seq_open_only_the_files_needed(three_days: MemoryFiles, start: int) -> None:
    assert found(three_days, start) == list(enumerate(lines(0, 10)))[start:]
    if start >= 5:
        three_days.truncate(FIRST, 1)
        assert found(three_days, start) == list(enumerate(lines(0, 10)))[start:]


def test_a_reopened_journal_goes_on(three_days: MemoryFiles) -> None:
    journal = Journal(three_days)
    tail = journal.tail()
    assert tail.next_seq == 10
    assert tail.offset == three_days.size(tail.path or "")
    for wrong in (0, 9, 11):
        with pytest.raises(Conflict, match="the next is 10"):
            journal.append(wrong, lines(wrong, 1), NEXT)
    journal.append(10, lines(10, 1), NEXT + timedelta(days=60))
    assert len(found(three_days)) == 11


def test_the_first_sync_covers_what_a_killed_process_left(files: MemoryFiles) -> None:
    Journal(files).append(0, lines(0, 3), DAY)
    survivor = files.after_kill()
    journal = Journal(survivor)
    assert journal.tail().next_seq == 3
    journal.sync()
    assert len(found(survivor.after_power_loss("lost"))) == 3


@pytest.mark.parametrize(
    "bad",
    [b"", b"no line feed", b"two\nlines\n", b"\n\n", b"x" * LINE_CEILING + b"\n"],
    ids=["empty", "no-line-feed", "two-lines", "two-line-feeds", "too-long"],
)
def test_a_malformed_line_is_refused_with_its_whole_batch(files: MemoryFiles, bad: bytes) -> None:
    with pytest.raises(ValueError, match="line feed"):
        Journal(files).append(0, [b"good\n", bad], DAY)
    assert files.operations == []


def test_the_longest_line(files: MemoryFiles) -> None:
    longest = b"x" * (LINE_CEILING - 1) + b"\n"
    journal = Journal(files)
    (position,) = journal.append(0, [longest], DAY)
    assert journal.read(position) == longest
    assert found(files) == [(0, longest)]


# Torn tails


def test_a_torn_tail_is_named_cut_and_never_written_behind(three_days: MemoryFiles) -> None:
    path = "journal/000000007-2026-06-12.jsonl"
    size = three_days.size(path)
    three_days.append(path, b"torn")
    journal = Journal(three_days)
    tail = journal.tail()
    assert (tail.next_seq, tail.path, tail.offset, tail.torn) == (10, path, size, b"torn")
    assert found(three_days) == list(enumerate(lines(0, 10)))
    with pytest.raises(Corrupt, match="must be set aside first"):
        journal.append(10, lines(10, 1), NEXT)
    assert journal.rest(path, size) == b"torn"
    assert journal.cut(path, size) == b"torn"
    assert journal.tail().torn == b""
    journal.append(10, lines(10, 1), NEXT)
    journal.sync()
    assert found(three_days.after_power_loss("lost")) == list(enumerate(lines(0, 11)))


def test_cut_removes_whole_lines_too_when_asked(three_days: MemoryFiles) -> None:
    journal = Journal(three_days)
    entry = list(journal.lines())[8]
    assert journal.cut(entry.path, entry.offset) == line(8) + line(9)
    assert journal.tail().next_seq == 8
    journal.append(8, lines(8, 1), NEXT)
    journal.sync()
    assert found(three_days.after_power_loss("lost")) == list(enumerate(lines(0, 9)))


def test_cut_refuses_what_is_no_tail(three_days: MemoryFiles) -> None:
    journal = Journal(three_days)
    path = "journal/000000007-2026-06-12.jsonl"
    for where, offset in ((FIRST, 0), (path, 1), (path, -1), (path, 10**6), ("journal/none", 0)):
        with pytest.raises(Conflict):
            journal.cut(where, offset)
    assert found(three_days) == list(enumerate(lines(0, 10)))


def test_an_empty_newest_file_takes_the_next_line_and_the_new_day(three_days: MemoryFiles) -> None:
    journal = Journal(three_days)
    path = "journal/000000007-2026-06-12.jsonl"
    journal.cut(path, 0)
    assert found(three_days) == list(enumerate(lines(0, 7)))
    journal.append(7, lines(7, 1), NEXT + timedelta(days=90))
    journal.sync()
    assert journal.segments()[-1] == Segment("journal/000000007-2026-08-11.jsonl", 7, date(2026, 8, 11))
    assert found(three_days.after_power_loss("lost")) == list(enumerate(lines(0, 8)))


def test_rotation_syncs_the_old_file_first(files: MemoryFiles) -> None:
    journal = Journal(files)
    journal.append(0, lines(0, 2), DAY)
    journal.append(2, lines(2, 2), NEXT)
    assert files.operations[1] == f"barrier {FIRST}"
    for choice, seed in itertools.product(CHOICES, range(30)):
        after = files.after_power_loss(choice, seed)
        assert [seq for seq, _ in found(after)][:2] == [0, 1]


# Damage


@pytest.mark.parametrize(
    ("stranger", "words"),
    [
        ("README", "does not belong here"),
        (".000000007-2026-06-12.jsonl.new", "does not belong here"),
        ("00000012-2026-06-13.jsonl", "does not belong here"),
        ("0000000012-2026-06-13.jsonl", "needless zeros"),
        ("000000012-2026-06-31.jsonl", "no such day"),
        ("000000012-2026-06-13.jsonl.gz", "does not belong here"),
        ("٠٠٠٠٠٠٠١٢-2026-06-13.jsonl", "does not belong here"),
        ("000000012-2026-06-12.jsonl", "earlier or the same day"),
        ("000000012-2026-01-01.jsonl", "earlier or the same day"),
        ("000000005-2026-05-14.jsonl", "the same line"),
    ],
)
def test_a_stranger_in_the_folder_is_named(three_days: MemoryFiles, stranger: str, words: str) -> None:
    three_days.write(f"journal/{stranger}", b"")
    for use in (Journal(three_days).segments, Journal(three_days).tail, lambda: found(three_days)):
        with pytest.raises(Corrupt, match=words) as caught:
            use()
        assert stranger in str(caught.value)


def test_a_missing_beginning_is_corrupt(three_days: MemoryFiles) -> None:
    three_days.remove(FIRST)
    with pytest.raises(Corrupt, match="the journal's beginning is missing"):
        Journal(three_days).segments()


def test_a_missing_file_in_the_middle_is_corrupt(three_days: MemoryFiles) -> None:
    three_days.remove("journal/000000005-2026-05-13.jsonl")
    with pytest.raises(Corrupt, match="ends before line 5, but the next file begins with line 7"):
        found(three_days)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (b"".join(lines(0, 4)), "ends before line 4, but the next file begins with line 5"),
        (b"".join(lines(0, 6)), "holds line 5, with which the next file begins"),
        (b"".join(lines(0, 5))[:-1], "line 4 at offset .* has no line feed"),
        (b"x" * (LINE_CEILING + 1) + b"\n", "line 0 at offset 0 is longer than 4 MiB"),
        (b"", "ends before line 0"),
    ],
    ids=["line-missing", "line-too-many", "torn-in-the-middle", "line-too-long", "emptied"],
)
def test_damage_below_the_newest_file_is_corrupt(three_days: MemoryFiles, damage: bytes, words: str) -> None:
    three_days.replace(FIRST, damage)
    with pytest.raises(Corrupt, match=words) as caught:
        found(three_days)
    assert caught.value.path == FIRST


@pytest.mark.parametrize("position", [(0, 2), (0, 4), (1, 2), (3, 3), (4, 10**3)])
def test_read_refuses_a_position_that_is_not_one_line(three_days: MemoryFiles, position: tuple[int, int]) -> None:
    with pytest.raises(Corrupt, match="no line of"):
        Journal(three_days).read(Position(FIRST, *position))


@pytest.mark.parametrize(
    "position",
    [Position(FIRST, 0, 0), Position(FIRST, -1, 2), Position(FIRST, 0, LINE_CEILING + 1), Position("keys/a", 0, 2)],
)
def test_read_refuses_an_impossible_position(three_days: MemoryFiles, position: Position) -> None:
    with pytest.raises(ValueError, match="Position"):
        Journal(three_days).read(position)


@given(seq=st.integers(0, 10**18 - 1), day=st.dates())
def test_file_names_both_ways(seq: int, day: date) -> None:
    path = segment_path(seq, day)
    assert parse_segment(path.removeprefix("journal/")) == Segment(path, seq, day)


# Faults


def test_a_full_disk_leaves_a_journal_that_can_go_on() -> None:
    files = MemoryFiles(capacity=100)
    files.write("reserve", bytes(40))
    journal = Journal(files)
    journal.append(0, [b"a" * 29 + b"\n"], DAY)
    with pytest.raises(Full):
        journal.append(1, [b"b" * 59 + b"\n"], DAY)
    files.remove("reserve")
    journal.append(1, [b"full\n"], DAY)
    journal.sync()
    assert [data for _, data in found(files.after_power_loss("lost"))] == [b"a" * 29 + b"\n", b"full\n"]


def test_a_full_disk_on_the_first_line_of_a_day() -> None:
    files = MemoryFiles(capacity=50)
    journal = Journal(files)
    journal.append(0, [b"a" * 39 + b"\n"], DAY)
    with pytest.raises(Full):
        journal.append(1, [b"b" * 39 + b"\n"], NEXT)
    journal.append(1, [b"full\n"], NEXT + timedelta(days=1))
    assert [segment.first_seq for segment in journal.segments()] == [0, 1]
    assert [seq for seq, _ in found(files)] == [0, 1]


def test_a_failed_clean_up_stops_the_journal(files: MemoryFiles) -> None:
    class Breaking(MemoryFiles):
        def truncate(self, path: str, size: int) -> None:
            raise StorageError(path, "input/output error")

    breaking = Breaking(Fault(1, "refused", Full))
    journal = Journal(breaking)
    journal.append(0, lines(0, 1), DAY)
    with pytest.raises(Full):
        journal.append(1, lines(1, 1), DAY)
    with pytest.raises(SyncFailed, match="must be opened again"):
        journal.append(1, lines(1, 1), DAY)
    with pytest.raises(SyncFailed, match="must be opened again"):
        journal.sync()


def test_a_failed_sync_stops_the_journal() -> None:
    files = MemoryFiles(Fault(1, "refused"))
    journal = Journal(files)
    journal.append(0, lines(0, 1), DAY)
    with pytest.raises(SyncFailed):
        journal.sync()
    for use in (journal.sync, lambda: journal.append(1, lines(1, 1), DAY), lambda: journal.cut(FIRST, 0)):
        with pytest.raises(SyncFailed, match="must be opened again"):
            use()


def work(files: MemoryFiles) -> tuple[int, int]:
    """Append and sync over three days until a fault; return how many lines were promised, and how many tried."""
    journal = Journal(files)
    promised = tried = 0
    try:
        for number, count in enumerate((3, 1, 4, 2, 5)):
            day = DAY + timedelta(days=number // 2)
            for part in (count, 1):
                first, tried = tried, tried + part
                journal.append(first, lines(first, part), day)
            journal.sync()
            promised = tried
    except (PowerLoss, StorageError):
        pass
    return promised, tried


def recover(files: MemoryFiles) -> int:
    """Do what the ledger does at start-up: cut from the first bad line on; return the number of good lines."""
    journal = Journal(files)
    tail = journal.tail()
    if tail.torn and tail.path is not None:
        journal.cut(tail.path, tail.offset)
    good = 0
    for entry in journal.lines():
        if entry.data != line(entry.seq):
            journal.cut(entry.path, entry.offset)
            break
        good += 1
    journal.sync()
    assert journal.tail().next_seq == good
    return good


def total_operations() -> int:
    files = MemoryFiles()
    work(files)
    return len(files.operations)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", range(total_operations()))
def test_no_promised_line_is_ever_lost(number: int, mode: Mode) -> None:
    files = MemoryFiles(Fault(number, mode))
    promised, tried = work(files)
    worlds = [files.after_power_loss(choice, seed) for choice in CHOICES for seed in range(8)]
    worlds.append(files.after_kill())
    for world in worlds:
        good = recover(world)
        assert promised <= good <= tried
        again = world.after_power_loss("lost")
        assert recover(again) == good
        journal = Journal(again)
        journal.append(good, lines(good, 2), DAY + timedelta(days=9))
        journal.sync()
        assert found(again) == list(enumerate(lines(0, good + 2)))


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 3), st.booleans()), max_size=12))
def test_any_history_reads_back_as_it_was_written(batches: list[tuple[int, int, bool]]) -> None:
    files = MemoryFiles()
    journal, written, day, positions = Journal(files), 0, DAY, list[Position]()
    for count, days, reopen in batches:
        day += timedelta(days=days)
        positions += journal.append(written, lines(written, count), day)
        written += count
        if reopen:
            journal.sync()
            journal = Journal(files)
    assert found(files) == list(enumerate(lines(0, written)))
    assert [journal.read(position) for position in positions] == lines(0, written)
