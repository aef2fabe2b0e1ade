"""LocalFiles: the shared contract, hostile trees, full and read-only disks, what is synced, equality with memory."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import durable, linux
from storage.errors import Conflict, Full, Missing, StorageError, SyncFailed, UnsafePath, Unwritable
from storage.handles import translated
from storage.interface import Files
from storage.local import LocalFiles
from storage.memory import MemoryFiles
from tests.storage.contract import CALLS, FilesContract

NEVER = 1 << 62


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalFiles]:
    with LocalFiles(tmp_path / "archive", make=True) as files:
        yield files


class TestContract(FilesContract):
    @pytest.fixture
    def files(self, local: LocalFiles) -> Files:
        return local


class TestContractWithoutNewSystemCalls(FilesContract):
    """The same on a kernel without openat2 and without a syncfs that reports errors."""

    @pytest.fixture
    def files(self, local: LocalFiles) -> Files:
        return old_kernel(local)


def old_kernel(files: LocalFiles) -> LocalFiles:
    files._open = linux.walk_beneath
    files.barriers._open = linux.walk_beneath
    files.barriers.syncfs_from = NEVER
    return files


# Hostile trees


@pytest.fixture(params=["openat2", "walk"])
def hostile(request: pytest.FixtureRequest, local: LocalFiles, tmp_path: Path) -> LocalFiles:
    """Give an archive into which somebody put links to a folder and a file outside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (local.root / "folder-link").symlink_to(outside)
    (local.root / "file-link").symlink_to(outside / "secret")
    (local.root / "dangling").symlink_to(outside / "new")
    return local if request.param == "openat2" else old_kernel(local)


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"rename-from", "remove"}))
@pytest.mark.parametrize("path", ["folder-link/secret", "folder-link/new", "file-link", "dangling"])
def test_symbolic_links_are_never_followed(hostile: LocalFiles, tmp_path: Path, call: str, path: str) -> None:
    hostile.write("source", b"")
    if call == "replace" and "/" not in path:
        CALLS[call](hostile, path)  # puts a file in the place of the link, as rename(2) does
        assert hostile.read(path) == b"x"
    else:
        with pytest.raises(Conflict if call in ("create", "rename-to") and "/" not in path else UnsafePath):
            CALLS[call](hostile, path)
    outside = tmp_path / "outside"
    assert [entry.name for entry in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_links_within_the_tree_are_not_followed_either(hostile: LocalFiles) -> None:
    hostile.write("journal/x", b"")
    (hostile.root / "inner-link").symlink_to("journal")
    for call in ("read", "append", "barrier", "list"):
        with pytest.raises(UnsafePath):
            CALLS[call](hostile, "inner-link" if call == "list" else "inner-link/x")


def test_removing_a_folder_removes_links_not_what_they_point_to(local: LocalFiles, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    local.write("a/b", b"")
    (local.root / "a" / "link").symlink_to(tmp_path / "kept")
    local.remove("a")
    assert (tmp_path / "kept" / "file").exists()


@pytest.mark.parametrize("call", ["read", "open", "append", "truncate", "renew"])
def test_a_planted_fifo_does_not_stop_us(local: LocalFiles, call: str) -> None:
    os.mkfifo(local.root / "fifo")
    with pytest.raises(UnsafePath):
        CALLS[call](local, "fifo")
    with pytest.raises(UnsafePath):
        local.barrier(["fifo"])


def test_the_tree_is_reached_through_its_descriptor_even_when_it_moves(local: LocalFiles, tmp_path: Path) -> None:
    local.root.rename(tmp_path / "moved")
    local.write("a", b"x")
    assert (tmp_path / "moved" / "a").read_bytes() == b"x"


def test_a_tree_must_exist_or_be_made(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        LocalFiles(tmp_path / "no")
    LocalFiles(tmp_path / "a" / "b", make=True).close()
    LocalFiles(tmp_path / "a" / "b", make=True).close()
    with LocalFiles(tmp_path / "a" / "b") as files:
        assert files.local_path("x/y") == tmp_path / "a" / "b" / "x" / "y"
        assert files.local_path("") == tmp_path / "a" / "b"


# Disks that refuse


def test_a_full_disk_is_full(tmp_path: Path) -> None:
    """A child may write 100 kB a file (RLIMIT_FSIZE, EFBIG): every way of writing says Full and leaves no ruin."""
    child = """
import resource, signal, sys
from pathlib import Path
from storage.errors import Full
from storage.local import LocalFiles
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
files = LocalFiles(Path(sys.argv[1]))
def full(call):
    try:
        call()
    except Full as error:
        print(error)
    else:
        raise SystemExit("not full")
big = b"x" * 150_000
full(lambda: files.write("w", big))
full(lambda: files.append("a", big))
files.replace("r", b"old")
full(lambda: files.replace("r", big))
handle = files.create("h")
handle.write(big[:90_000])
full(lambda: (handle.write(big), handle.flush()))
files.truncate("a", 5)
files.append("a", b"again")
try:
    handle.close()
except Full:
    pass
"""
    with LocalFiles(tmp_path) as files:
        done = subprocess.run([sys.executable, "-c", child, str(tmp_path)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["w", "a", ".r.new", "h"]
        assert files.list("") == ["a", "h", "r"]
        assert files.read("a") == b"xxxxxagain"
        assert files.read("r") == b"old"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, Full),
        (errno.EDQUOT, Full),
        (errno.EFBIG, Full),
        (errno.EROFS, Unwritable),
        (errno.EACCES, Unwritable),
        (errno.EPERM, Unwritable),
        (errno.ELOOP, UnsafePath),
        (errno.ENOENT, Missing),
        (errno.EEXIST, Conflict),
        (errno.EIO, StorageError),
    ],
)
def test_the_kernels_answer_decides_the_error(code: int, kind: type[StorageError]) -> None:
    error = translated(OSError(code, os.strerror(code)), "journal/x")
    assert type(error) is kind
    assert str(error).startswith("journal/x: ")


def test_a_folder_of_somebody_else_is_unwritable(local: LocalFiles) -> None:
    local.write("a/b", b"x")
    (local.root / "a").chmod(0o555)
    (local.root / "a" / "b").chmod(0o444)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may write everywhere
    try:
        for call in ("append", "truncate", "remove", "replace", "rename-from"):
            with pytest.raises(Unwritable):
                CALLS[call](local, "a/b")
        for call in ("create", "write"):
            with pytest.raises(Unwritable):
                CALLS[call](local, "a/c")
        assert local.read("a/b") == b"x"
    finally:
        os.seteuid(user)
        (local.root / "a").chmod(0o755)


# What a barrier reaches


class Recorder:
    """Stands between us and the kernel's sync calls and writes down which inodes were synced."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.calls: list[str] = []
        self.fail = False
        fsync, syncfs = os.fsync, linux.syncfs

        def record(name: str) -> None:
            self.calls.append(name)
            if self.fail:
                raise OSError(errno.EIO, "Input/output error")

        def fsync_too(descriptor: int) -> None:
            record(str(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(root)))
            fsync(descriptor)

        def syncfs_too(descriptor: int) -> None:
            record("syncfs")
            syncfs(descriptor)

        patch.setattr(os, "fsync", fsync_too)
        patch.setattr(durable, "syncfs", syncfs_too)

    def take(self) -> list[str]:
        """Return the calls since last asked."""
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def synced(local: LocalFiles, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    local.barriers.syncfs_from = NEVER
    return Recorder(local.root, monkeypatch)


def test_bytes_are_synced_before_the_entries_that_lead_to_them(local: LocalFiles, synced: Recorder) -> None:
    local.write("s/u/one", b"1")
    local.write("s/u/two", b"2")
    local.barrier(["s/u"])
    calls = synced.take()
    assert set(calls[:2]) == {"s/u/one", "s/u/two"}
    assert calls[2:] == ["s/u", "s", "."]


def test_a_folder_is_synced_again_only_after_it_changed(local: LocalFiles, synced: Recorder) -> None:
    local.append("journal/j", b"1")
    local.barrier(["journal/j"])
    assert synced.take() == ["journal/j", "journal", "."]
    local.append("journal/j", b"2")
    local.barrier(["journal/j"])
    assert synced.take() == ["journal/j"]
    local.append("journal/k", b"2")
    local.barrier(["journal/k"])
    assert synced.take() == ["journal/k", "journal"]


def test_a_new_process_trusts_no_folder(local: LocalFiles, synced: Recorder) -> None:
    local.write("a/b", b"")
    local.barrier(["a/b"])
    synced.take()
    with LocalFiles(local.root) as again:
        again.barriers.syncfs_from = NEVER
        again.barrier(["a/b"])
    assert synced.take() == ["a/b", "a", "."]


def test_a_rename_is_synced_at_both_ends(local: LocalFiles, synced: Recorder) -> None:
    local.write("staging/u/w", b"")
    local.barrier(["staging/u"])
    synced.take()
    local.rename("staging/u", "s/day/1")
    local.barrier(["s/day/1"])
    calls = synced.take()
    assert calls[:2] == ["s/day/1/w", "s/day/1"]
    assert sorted(calls[2:]) == [".", "s", "s/day", "staging"]


@pytest.mark.parametrize("gone", ["moved", "removed"])
def test_what_was_known_of_a_folder_is_forgotten_with_it(local: LocalFiles, synced: Recorder, gone: str) -> None:
    local.write("a/in/x", b"")
    local.barrier(["a/in/x"])
    local.remove("a") if gone == "removed" else local.rename("a", "z")
    local.write("b/in/x", b"")
    local.rename("b", "a")
    synced.take()
    local.barrier(["a/in/x"])
    assert synced.take() == ["a/in/x", "a/in", "a", "."]


def test_many_paths_cost_one_syncfs(local: LocalFiles, synced: Recorder) -> None:
    local.barriers.syncfs_from = durable.SYNCFS_FROM
    for number in range(16):
        local.write(f"staging/{number}/intent", b"")
    local.barrier(f"staging/{number}" for number in range(16))
    assert synced.take() == ["syncfs"]
    local.append("staging/3/intent", b"x")
    local.barrier(["staging/3/intent"])
    assert synced.take() == ["staging/3/intent"]


def test_forgetting_costs_only_syncs(local: LocalFiles, synced: Recorder) -> None:
    local.write("a/b", b"")
    local.barrier(["a/b"])
    for number in range(durable.REMEMBERED + 1):
        local.barriers.changed(f"other/{number}")
    synced.take()
    local.barrier(["a/b"])
    assert synced.take() == ["a/b", "a", "."]


def test_replace_syncs_the_bytes_then_the_name(local: LocalFiles, synced: Recorder) -> None:
    local.replace("log/checkpoint", b"one")
    assert synced.take() == ["log/.checkpoint.new", "log", "."]
    local.replace("log/checkpoint", b"two")
    assert synced.take() == ["log/.checkpoint.new", "log"]


@pytest.mark.parametrize("way", ["fsync", "syncfs", "replace"])
def test_after_a_failed_sync_no_other_succeeds(local: LocalFiles, synced: Recorder, way: str) -> None:
    local.write("a", b"")
    local.write("b", b"old")
    local.barriers.syncfs_from = 1 if way == "syncfs" else NEVER
    synced.fail = True
    with pytest.raises(SyncFailed, match="Input/output error"):
        local.replace("b", b"new") if way == "replace" else local.barrier(["a"])
    synced.fail = False
    with pytest.raises(SyncFailed, match="earlier sync failed"):
        local.barrier(["a"])
    with pytest.raises(SyncFailed, match="earlier sync failed"):
        local.replace("b", b"new")
    assert local.read("b") == b"old"
    assert local.list("") == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [(0x01021994, "in memory"), (0x6969, "NFS"), (0x794C7630, "file by file"), (0xEF53, "")],
)
def test_weak_file_systems_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int, words: str) -> None:
    monkeypatch.setattr(durable, "file_system_type", lambda descriptor: kind)
    monkeypatch.setattr(durable, "kernel_at_least", lambda major, minor: True)
    with LocalFiles(tmp_path) as files:
        assert words in "".join(files.warnings)
        assert bool(files.warnings) == bool(words)
        assert (files.barriers.syncfs_from == NEVER) == bool(words)


# The system calls themselves


def test_rename_falls_back_where_the_file_system_lacks_noreplace(
    local: LocalFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Old:
        def renameat2(self, *_: object) -> int:
            ctypes.set_errno(errno.EINVAL)
            return -1

    monkeypatch.setattr(linux, "_LIBC", Old())
    old_kernel(local)
    local.write("a", b"1")
    local.rename("a", "b")
    local.write("c", b"2")
    with pytest.raises(Conflict):
        local.rename("c", "b")
    assert (local.read("b"), local.read("c")) == (b"1", b"2")


@pytest.mark.parametrize(("release", "new"), [("5.8.0", True), ("5.7.19-x", False), ("6.1", True), ("odd", False)])
def test_kernel_at_least(monkeypatch: pytest.MonkeyPatch, release: str, new: bool) -> None:
    monkeypatch.setattr("platform.release", lambda: release)
    assert linux.kernel_at_least(5, 8) is new


def test_no_descriptor_is_left_open(local: LocalFiles) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for call in CALLS.values():
        for path in ("a", "a/b", "source", "no/such"):
            try:
                handle = call(local, path)
            except StorageError:
                continue
            if hasattr(handle, "close"):
                handle.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# LocalFiles and MemoryFiles are the same thing

PATHS = st.sampled_from(["a", "b", "a/x", "a/y", "b/x", "a/x/deep", "b/x/deep/er", "c/x", "../a", "a/"])
DATA = st.sampled_from([b"", b"1", b"22", b"one\n", b"x" * 5000])
STEPS = st.one_of(
    st.tuples(st.just("create"), PATHS, DATA),
    st.tuples(st.sampled_from(["write", "append", "replace"]), PATHS, DATA),
    st.tuples(st.just("truncate"), PATHS, st.integers(0, 5)),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.sampled_from(["remove", "read", "size", "exists", "is_dir", "list", "barrier", "renew"]), PATHS),
)


def outcome(files: Files, step: tuple[object, ...]) -> object:
    name, *arguments = step
    try:
        if name == "create":
            path, data = arguments
            assert isinstance(path, str)
            assert isinstance(data, bytes)
            with files.create(path) as handle:
                return handle.write(data)
        if name == "barrier":
            files.barrier([str(arguments[0])])
            return None
        return getattr(files, str(name))(*arguments)
    except StorageError as error:
        return type(error)


def tree(files: Files, folder: str = "") -> list[tuple[str, bytes | None]]:
    found: list[tuple[str, bytes | None]] = []
    for name in files.list(folder):
        path = f"{folder}/{name}".lstrip("/")
        found.append((path, None if files.is_dir(path) else files.read(path)))
        if files.is_dir(path):
            found += tree(files, path)
    return found


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=25), old=st.booleans())
def test_local_and_memory_behave_equally(steps: list[tuple[object, ...]], old: bool) -> None:
    memory = MemoryFiles()
    with tempfile.TemporaryDirectory() as folder, LocalFiles(Path(folder)) as local:
        if old:
            old_kernel(local)
        for step in steps:
            assert outcome(local, step) == outcome(memory, step), step
        assert tree(local) == tree(memory)
