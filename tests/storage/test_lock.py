"""The writer's lock: between processes, between threads, after a kill, and against a file put in its place."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.errors import Locked, StorageError, UnsafePath
from storage.lock import WriterLock

HOLDER = """
import sys, time
from pathlib import Path
from storage.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@contextmanager
def other_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_lock_is_held_within_the_block_and_names_its_holder(path: Path) -> None:
    lock = WriterLock(path)
    states = [lock.held]
    for _ in range(2):
        with lock:
            states.append(lock.held)
            assert path.read_text() == f"{os.getpid()}\n"
            assert lock.holder() == os.getpid()
        states.append(lock.held)
        assert path.read_bytes() == b""
    lock.release()
    assert states == [False, True, False, True, False]


def test_two_objects_of_one_process_exclude_each_other(path: Path) -> None:
    with WriterLock(path) as lock:
        with pytest.raises(Locked) as caught:
            WriterLock(path).acquire()
        assert caught.value.pid == os.getpid()
        with pytest.raises(Locked, match="its own object"):
            lock.acquire()
        assert lock.held
    WriterLock(path).acquire()


def test_another_process_is_named_and_waited_for(path: Path) -> None:
    with other_process(path) as process:
        lock = WriterLock(path)
        started = time.monotonic()
        with pytest.raises(Locked, match=f"held by process {process.pid}") as caught:
            lock.acquire(0.2)
        assert time.monotonic() - started >= 0.2
        assert caught.value.pid == process.pid
        assert process.stdin is not None
        process.stdin.close()
        lock.acquire(30)
        assert lock.holder() == os.getpid()
        lock.release()


def test_a_killed_holder_releases(path: Path) -> None:
    with other_process(path) as process:
        process.kill()
        process.wait()
        with WriterLock(path) as lock:
            assert lock.held


def test_only_one_thread_at_a_time(path: Path) -> None:
    inside: list[int] = []

    def enter(number: int) -> int:
        lock = WriterLock(path)
        lock.acquire(30)
        inside.append(number)
        time.sleep(0.002)
        seen = len(inside)
        inside.remove(number)
        lock.release()
        return seen

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(enter, range(16))) == {1}


def sleep_in_child(started: str, seconds: float) -> None:
    Path(started).touch()
    time.sleep(seconds)


def test_a_forked_child_does_not_keep_the_lock(path: Path, tmp_path: Path) -> None:
    lock = WriterLock(path)
    lock.acquire()
    started = tmp_path / "started"
    child = multiprocessing.get_context("fork").Process(target=sleep_in_child, args=(str(started), 30))
    child.start()
    try:
        while not started.exists():
            time.sleep(0.005)
        with pytest.raises(Locked):
            WriterLock(path).acquire()
        lock.release()
        with WriterLock(path) as again:
            assert again.held
    finally:
        child.kill()
        child.join()


def test_a_child_forked_to_work_for_the_holder_keeps_the_lock_until_it_ends(path: Path, tmp_path: Path) -> None:
    lock = WriterLock(path)
    lock.acquire()
    started = tmp_path / "started"
    with lock.shared():
        child = multiprocessing.get_context("fork").Process(target=sleep_in_child, args=(str(started), 30))
        child.start()
    other = multiprocessing.get_context("fork").Process(target=sleep_in_child, args=(str(tmp_path / "other"), 30))
    other.start()
    try:
        while not started.exists():
            time.sleep(0.005)
        lock.release()
        with pytest.raises(Locked):
            WriterLock(path).acquire(0.1)
        child.kill()
        child.join()
        with WriterLock(path) as again:
            assert again.held, "the other child, forked outside the block, has no part in it"
    finally:
        for process in (child, other):
            process.kill()
            process.join()


def test_a_lock_on_a_file_that_was_replaced_is_not_taken_for_the_lock(path: Path) -> None:
    with WriterLock(path):
        path.unlink()
        with WriterLock(path) as second:
            assert second.held
            with pytest.raises(Locked):
                WriterLock(path).acquire()


def test_a_file_replaced_while_we_lock_it_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, calls = fcntl.flock, []

    def replace_first(descriptor: int, operation: int) -> None:
        calls.append(operation)
        if len(calls) == 1:
            path.unlink()
            path.touch()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", replace_first)
    lock = WriterLock(path)
    lock.acquire(1)
    with lock:
        assert len(calls) == 2
        with pytest.raises(Locked):
            WriterLock(path).acquire()


@pytest.mark.parametrize("text", [b"", b"junk\n", b"-3\n", b"9" * 400, "٣\n".encode()])
def test_a_holder_that_is_no_number_is_unknown(path: Path, text: bytes) -> None:
    with WriterLock(path):
        path.write_bytes(text)
        with pytest.raises(Locked) as caught:
            WriterLock(path).acquire()
        assert caught.value.pid is None or text == b"9" * 400


def test_a_link_in_its_place_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"data")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(UnsafePath):
        WriterLock(path).acquire()
    assert (tmp_path / "precious").read_bytes() == b"data"


def test_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        WriterLock(tmp_path / "no" / "lock").acquire()
    assert WriterLock(tmp_path / "no" / "lock").holder() is None
