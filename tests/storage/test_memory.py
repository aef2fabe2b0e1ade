"""MemoryFiles: the shared contract, injected faults, and what each kind of power loss leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.errors import Full, Missing, StorageError, SyncFailed
from storage.interface import Files
from storage.memory import MODES, Fault, MemoryFiles, Mode, PowerLoss
from storage.powerloss import CHOICES, Choice
from tests.storage.contract import FilesContract

SEEDS = range(200)


class TestContract(FilesContract):
    @pytest.fixture
    def files(self) -> Files:
        return MemoryFiles()


def contents(files: Files, folder: str = "") -> dict[str, bytes]:
    """Return every file of a tree."""
    found: dict[str, bytes] = {}
    for name in files.list(folder):
        path = f"{folder}/{name}" if folder else name
        if files.is_dir(path):
            found |= contents(files, path)
        else:
            found[path] = files.read(path)
    return found


def outcomes(files: MemoryFiles, choice: Choice, path: str) -> set[bytes | None]:
    """Return what a path can hold after a power loss; None where it is gone."""
    trees = (contents(files.after_power_loss(choice, seed)) for seed in SEEDS)
    return {tree.get(path) for tree in trees}


def test_what_was_never_synced_is_lost_or_kept() -> None:
    files = MemoryFiles()
    files.write("a/b", b"bytes")
    assert contents(files.after_power_loss("lost")) == {}
    assert contents(files.after_power_loss("kept")) == {"a/b": b"bytes"}
    assert contents(files) == {"a/b": b"bytes"}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("named", ["a/b/c", "a/b"])
def test_what_was_synced_stays_whatever_happens_later(choice: Choice, named: str) -> None:
    files = MemoryFiles()
    files.write("a/b/c", b"bytes")
    files.barrier([named])
    files.append("a/b/c", b"more")
    files.write("a/b/d", b"other")
    for seed in SEEDS:
        after = contents(files.after_power_loss(choice, seed))
        assert after["a/b/c"].startswith(b"bytes")


def test_a_barrier_on_a_file_covers_neither_its_siblings_nor_their_entries() -> None:
    files = MemoryFiles()
    files.write("a/b", b"1")
    files.write("a/c", b"2")
    files.barrier(["a/b"])
    assert contents(files.after_power_loss("lost")) == {"a/b": b"1"}


def test_a_barrier_on_a_folder_covers_what_lies_directly_in_it_and_no_deeper() -> None:
    files = MemoryFiles()
    files.write("a/b", b"1")
    files.write("a/in/c", b"2")
    files.barrier(["a"])
    after = files.after_power_loss("lost")
    assert contents(after) == {"a/b": b"1"}
    assert after.is_dir("a/in")


def test_torn_keeps_names_and_a_prefix_of_the_bytes_then_perhaps_zeros() -> None:
    files = MemoryFiles()
    files.append("j", b"old,")
    files.barrier(["j"])
    files.append("j", b"one,")
    files.append("j", b"x" * 10_000)
    found = outcomes(files, "torn", "j")
    whole = b"old,one," + b"x" * 10_000
    assert None not in found
    lengths = set()
    for data in found:
        assert data is not None
        kept = data.rstrip(b"\0")
        assert whole.startswith(kept)
        assert data.startswith(b"old,")
        assert len(data) == len(kept) or len(data) % 4096 == 0 or len(data) in (8, len(whole))
        lengths.add(len(kept))
    assert len(lengths) > 10
    assert any(data and data.endswith(b"\0") for data in found)


def test_reordered_lets_a_rename_survive_without_the_bytes() -> None:
    files = MemoryFiles()
    files.write("staging/u", b"bytes")
    files.barrier(["staging"])
    files.append("staging/u", b"+more")
    files.rename("staging/u", "placed")
    assert {b"bytes", b"bytes+more", None} <= outcomes(files, "reordered", "placed")
    for seed in SEEDS:
        after = contents(files.after_power_loss("reordered", seed))
        assert ("placed" in after) != ("staging/u" in after), "a rename is one step: never both, never none"


def test_reordered_lets_a_new_file_survive_empty_or_as_zeros_or_with_a_hole() -> None:
    files = MemoryFiles()
    files.append("a", b"one")
    files.append("a", b"two")
    found = outcomes(files, "reordered", "a")
    assert {None, b"", b"one", b"onetwo", b"\0\0\0two", b"\0\0\0", b"one\0\0\0"} <= found


def test_reordered_keeps_the_order_of_changes_to_one_name() -> None:
    files = MemoryFiles()
    files.write("a", b"first")
    files.barrier(["a"])
    files.remove("a")
    files.write("a", b"second")
    assert None in outcomes(files, "reordered", "a")
    assert b"first" in outcomes(files, "reordered", "a")
    files.barrier([""])
    assert outcomes(files, "reordered", "a") == {b"second"}


def test_a_renamed_folder_is_durable_as_a_whole_after_a_barrier_on_its_target() -> None:
    files = MemoryFiles()
    files.write("staging/u/w", b"bytes")
    files.barrier(["staging/u"])
    files.rename("staging/u", "s/1")
    files.write("s/1/statement", b"line")
    assert contents(files.after_power_loss("lost")) == {"staging/u/w": b"bytes"}
    files.barrier(["s/1"])
    for choice in CHOICES:
        assert contents(files.after_power_loss(choice)) == {"s/1/w": b"bytes", "s/1/statement": b"line"}


def test_a_removal_needs_a_barrier_too_and_can_be_interrupted() -> None:
    files = MemoryFiles()
    files.write("a/b", b"1")
    files.write("a/c", b"2")
    files.barrier(["a"])
    files.remove("a")
    assert contents(files.after_power_loss("lost")) == {"a/b": b"1", "a/c": b"2"}
    assert {b"1", None} == outcomes(files, "reordered", "a/b")
    assert any(len(contents(files.after_power_loss("reordered", seed))) == 1 for seed in SEEDS)
    files.barrier([""])
    assert contents(files.after_power_loss("lost")) == {}


def test_a_truncation_needs_a_barrier_too() -> None:
    files = MemoryFiles()
    files.write("a", b"0123456789")
    files.barrier(["a"])
    files.truncate("a", 3)
    assert files.after_power_loss("lost").read("a") == b"0123456789"
    files.barrier(["a"])
    assert files.after_power_loss("lost").read("a") == b"012"


@pytest.mark.parametrize("choice", CHOICES)
def test_replace_is_durable_on_return(choice: Choice) -> None:
    files = MemoryFiles()
    files.write("new/checkpoint", b"zero")
    files.replace("new/checkpoint", b"one")
    assert contents(files.after_power_loss(choice, 3)) == {"new/checkpoint": b"one"}


def test_a_barrier_covers_the_bytes_of_a_flushed_handle_only() -> None:
    files = MemoryFiles()
    with files.create("a") as handle:
        handle.write(b"flushed")
        handle.flush()
        handle.write(b" not")
        files.barrier(["a"])
        assert files.after_power_loss("kept").read("a") == b"flushed"
    assert files.after_power_loss("lost").read("a") == b"flushed"


def test_a_kill_keeps_everything_and_makes_nothing_durable() -> None:
    files = MemoryFiles()
    files.write("a", b"1")
    files.barrier(["a"])
    files.append("a", b"2")
    survivor = files.after_kill()
    assert survivor.read("a") == b"12"
    assert survivor.after_power_loss("lost").read("a") == b"1"
    survivor.barrier(["a"])
    assert survivor.after_power_loss("lost").read("a") == b"12"
    assert files.after_power_loss("lost").read("a") == b"1"


RUN: dict[str, Callable[[MemoryFiles], object]] = {
    "create staging/c": lambda files: files.create("staging/c").close(),
    "write staging/u/w": lambda files: files.write("staging/u/w", b"bytes"),
    "append journal/j": lambda files: files.append("journal/j", b"line"),
    "barrier journal/j staging/u": lambda files: files.barrier(["staging/u", "journal/j"]),
    "truncate journal/j": lambda files: files.truncate("journal/j", 2),
    "rename staging/u -> s/1": lambda files: files.rename("staging/u", "s/1"),
    "replace log/checkpoint": lambda files: files.replace("log/checkpoint", b"one"),
    "remove staging/c": lambda files: files.remove("staging/c"),
    "barrier": lambda files: files.barrier([""]),
}


def run_until_failure(files: MemoryFiles) -> BaseException | None:
    try:
        for step in RUN.values():
            step(files)
    except (StorageError, PowerLoss) as error:
        return error
    return None


def test_operations_are_named_in_order() -> None:
    files = MemoryFiles()
    assert run_until_failure(files) is None
    assert files.operations == list(RUN)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", range(len(RUN)))
def test_every_operation_can_fail_in_every_mode(number: int, mode: Mode) -> None:
    files = MemoryFiles(Fault(number, mode))
    error = run_until_failure(files)
    assert len(files.operations) == number + 1
    done = MemoryFiles()
    for step in list(RUN.values())[: number + (mode in ("done_but_failed", "crash_after"))]:
        step(done)
    if mode in ("crash_before", "crash_after"):
        assert isinstance(error, PowerLoss)
        with pytest.raises(PowerLoss):
            files.exists("")
        with pytest.raises(PowerLoss):
            files.write("late", b"")
    else:
        syncing = list(RUN)[number].split()[0] in ("barrier", "replace")
        assert type(error) is (SyncFailed if syncing else StorageError)
        assert contents(files) == contents(done)
    assert contents(files.after_power_loss("kept")) == contents(done)
    assert contents(files.after_power_loss("lost")) == contents(done.after_power_loss("lost"))


def test_the_error_of_a_fault_can_be_chosen_and_work_goes_on() -> None:
    files = MemoryFiles(Fault(0, "refused", Full))
    with pytest.raises(Full):
        files.append("j", b"x")
    files.append("j", b"y")
    assert files.read("j") == b"y"


def test_after_a_failed_sync_no_barrier_succeeds_and_the_bytes_never_arrive() -> None:
    files = MemoryFiles()
    files.append("j", b"one")
    files.barrier(["j"])
    files.append("j", b"two")
    files.fault = Fault(len(files.operations), "refused")
    for _ in range(2):
        with pytest.raises(SyncFailed):
            files.barrier(["j"])
    with pytest.raises(SyncFailed):
        files.replace("k", b"")
    # The kernel took the page for clean: a new process syncs "successfully", and yet the bytes are gone.
    survivor = files.after_kill()
    survivor.append("j", b"three")
    survivor.barrier(["j"])
    assert survivor.read("j") == b"onetwothree"
    assert survivor.after_power_loss("lost").read("j") == b"one\0\0\0three"
    # Only bytes written again arrive.
    survivor.renew("j", 2)
    survivor.barrier(["j"])
    assert survivor.after_power_loss("lost").read("j") == b"onetwothree"


def test_a_handle_is_a_numbered_operation_each_time_its_buffer_is_passed_on() -> None:
    files = MemoryFiles()
    with files.create("a") as handle:
        for _ in range(10):
            handle.write(b"x" * 100)
    assert files.operations == ["create a", "data a"]
    files.fault = Fault(3, "refused", Full)
    handle = files.create("b")
    handle.write(b"x")
    with pytest.raises(Full):
        handle.flush()
    handle.close()
    assert files.read("b") == b"x"


def test_a_handle_is_dead_after_a_power_loss() -> None:
    files = MemoryFiles(Fault(1, "crash_before"))
    handle = files.create("a")
    handle.write(b"x")
    with pytest.raises(PowerLoss):
        files.write("b", b"")
    with pytest.raises(PowerLoss):
        handle.close()
    assert contents(files.after_power_loss("kept")) == {"a": b""}


def test_a_full_disk_takes_what_fits() -> None:
    files = MemoryFiles(capacity=10)
    files.append("reserve", b"01234")
    with pytest.raises(Full):
        files.append("j", b"abcdefgh")
    assert files.read("j") == b"abcde"
    assert files.free_bytes() == 0
    with pytest.raises(Full):
        files.write("w", b"x")
    with pytest.raises(Full):
        files.replace("j", b"new bytes")
    assert contents(files) == {"reserve": b"01234", "j": b"abcde"}
    files.remove("reserve")
    files.write("w", b"x")
    with files.create("h") as handle:
        handle.write(b"123456789")
        with pytest.raises(Full):
            handle.flush()
        files.truncate("j", 0)
    assert files.read("h") == b"123456789"


def test_a_missing_path_in_a_barrier_is_no_sync_failure() -> None:
    files = MemoryFiles()
    with pytest.raises(Missing):
        files.barrier(["no"])
    files.write("a", b"")
    files.barrier(["a"])
