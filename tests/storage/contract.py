"""What every ``Files`` must do; each implementation's test file runs this suite with its own ``files`` fixture."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from storage.errors import Conflict, Missing, StorageError, UnsafePath
from storage.interface import HANDLE_BUFFER, Files
from storage.names import DEPTH_CEILING, NAME_CEILING, PATH_CEILING

UNSAFE = {
    "empty": "",
    "absolute": "/etc/passwd",
    "parent": "..",
    "parent-inside": "a/../../b",
    "parent-at-end": "a/..",
    "dot": "./a",
    "double-slash": "a//b",
    "trailing-slash": "a/",
    "nul": "a\0b",
    "line-feed": "a\nb",
    "delete-character": "a\x7f",
    "lone-surrogate": "a\udcffb",
    "name-too-long": "n" * (NAME_CEILING + 1),
    "name-too-long-in-utf8": "ä" * (NAME_CEILING // 2 + 1),
    "path-too-long": "/".join(["n" * 200] * (PATH_CEILING // 200)),
    "too-deep": "/".join(["d"] * (DEPTH_CEILING + 1)),
}

CALLS: dict[str, Callable[[Files, str], object]] = {
    "read": lambda files, path: files.read(path),
    "open": lambda files, path: files.open(path),
    "size": lambda files, path: files.size(path),
    "exists": lambda files, path: files.exists(path),
    "is_dir": lambda files, path: files.is_dir(path),
    "list": lambda files, path: files.list(path),
    "create": lambda files, path: files.create(path),
    "write": lambda files, path: files.write(path, b"x"),
    "append": lambda files, path: files.append(path, b"x"),
    "truncate": lambda files, path: files.truncate(path, 0),
    "renew": lambda files, path: files.renew(path),
    "replace": lambda files, path: files.replace(path, b"x"),
    "rename-from": lambda files, path: files.rename(path, "target"),
    "rename-to": lambda files, path: files.rename("source", path),
    "remove": lambda files, path: files.remove(path),
    "barrier": lambda files, path: files.barrier([path]),
    "local_path": lambda files, path: files.local_path(path),
}
ROOT_ALLOWED = {"exists", "is_dir", "list", "barrier", "local_path"}


class FilesContract:
    """The suite. A subclass gives the fixture ``files``: an empty tree."""

    @pytest.fixture
    def files(self) -> Files:
        raise NotImplementedError

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("defect", UNSAFE)
    def test_refuses_a_path_that_could_leave_the_tree(self, files: Files, call: str, defect: str) -> None:
        if defect == "empty" and call in ROOT_ALLOWED:
            CALLS[call](files, "")
            return
        with pytest.raises(UnsafePath):
            CALLS[call](files, UNSAFE[defect])
        assert files.list("") == []

    def test_allows_paths_up_to_the_ceilings(self, files: Files) -> None:
        deep = "/".join(["d"] * (DEPTH_CEILING - 1)) + "/" + "ä" * (NAME_CEILING // 2)
        files.write(deep, b"deep")
        assert files.read(deep) == b"deep"
        files.write("..a/b../.c", b"")
        assert files.list("..a/b..") == [".c"]

    def test_an_empty_tree(self, files: Files) -> None:
        assert files.exists("")
        assert files.is_dir("")
        assert files.list("") == []
        files.barrier([])
        files.barrier([""])

    def test_write_then_read(self, files: Files) -> None:
        files.write("a/b/c", b"bytes")
        assert files.read("a/b/c") == b"bytes"
        assert files.size("a/b/c") == 5
        assert (files.exists("a/b"), files.is_dir("a/b"), files.is_dir("a/b/c")) == (True, True, False)
        assert files.list("a") == ["b"]

    def test_write_the_same_again_is_fine_and_other_bytes_are_refused(self, files: Files) -> None:
        files.write("a", b"bytes")
        files.write("a", b"bytes")
        for other in (b"", b"byte", b"bytez", b"bytes!"):
            with pytest.raises(Conflict, match=r"^a: "):
                files.write("a", other)
        assert files.read("a") == b"bytes"

    def test_an_empty_file(self, files: Files) -> None:
        files.write("e", b"")
        files.append("f", b"")
        files.create("g").close()
        assert [files.read(name) for name in "efg"] == [b"", b"", b""]
        assert files.list("") == ["e", "f", "g"]

    def test_list_is_sorted(self, files: Files) -> None:
        for name in ("b", "a10", "a2", "B", "ä", ".h"):
            files.write(f"x/{name}", b"")
        assert files.list("x") == [".h", "B", "a10", "a2", "b", "ä"]
        assert files.list("nothing") == files.list("nothing/there") == []

    def test_what_is_missing(self, files: Files) -> None:
        files.write("file", b"x")
        for path in ("no", "no/no", "file/no"):
            for call in ("read", "open", "size", "truncate", "renew", "remove", "barrier", "rename-from"):
                with pytest.raises(Missing):
                    CALLS[call](files, path)
            assert not files.exists(path)
            assert not files.is_dir(path)

    def test_a_folder_is_not_a_file(self, files: Files) -> None:
        files.write("a/b", b"x")
        for call in ("read", "open", "size", "create", "write", "append", "truncate", "renew", "replace"):
            with pytest.raises(Conflict):
                CALLS[call](files, "a")
        assert files.list("") == ["a"]
        assert files.list("a") == ["b"]

    def test_a_file_is_not_a_folder(self, files: Files) -> None:
        files.write("file", b"x")
        for call in ("create", "write", "append", "replace", "list"):
            with pytest.raises(Conflict):
                CALLS[call](files, "file/inner")
        with pytest.raises(Conflict):
            files.list("file")
        files.write("other", b"y")
        with pytest.raises(Conflict):
            files.rename("other", "file/inner")
        assert (files.read("file"), files.read("other")) == (b"x", b"y")

    def test_create_gives_a_handle_to_read_and_write(self, files: Files) -> None:
        with files.create("a/new") as handle:
            assert handle.write(b"x" * 10) == 10
            handle.write(b"y" * (3 * HANDLE_BUFFER))
            assert handle.tell() == 10 + 3 * HANDLE_BUFFER
            handle.seek(8)
            assert handle.read(4) == b"xxyy"
            handle.seek(0)
            handle.write(b"Z")
            handle.seek(0, 2)
            handle.write(b"end")
            handle.flush()
            assert files.size("a/new") == 13 + 3 * HANDLE_BUFFER
        data = files.read("a/new")
        assert data == b"Z" + b"x" * 9 + b"y" * (3 * HANDLE_BUFFER) + b"end"
        with pytest.raises(Conflict, match=r"^a/new: "):
            files.create("a/new")
        assert files.read("a/new") == data

    def test_a_handle_can_shorten_its_file(self, files: Files) -> None:
        with files.create("a") as handle:
            handle.write(b"0123456789")
            handle.truncate(4)
        assert files.read("a") == b"0123"

    def test_open_reads_and_seeks_and_does_not_write(self, files: Files) -> None:
        content = bytes(range(256)) * 2000
        files.write("a", content)
        with files.open("a") as handle:
            assert handle.read(3) == b"\0\1\2"
            handle.seek(-2, 2)
            assert handle.read() == content[-2:]
            handle.seek(256 * 1000)
            assert handle.read(300) == content[:300]
            handle.seek(0)
            assert handle.read() == content
            with pytest.raises(OSError):
                handle.write(b"x")
        files.write("lines", b"one\ntwo\nthree")
        with files.open("lines") as handle:
            assert handle.readlines() == [b"one\n", b"two\n", b"three"]

    def test_handles_outlive_rename_and_removal(self, files: Files) -> None:
        files.write("a/old", b"content")
        new = files.create("a/new")
        with files.open("a/old") as old, new:
            files.rename("a", "b")
            new.write(b"late")
            new.flush()
            assert files.read("b/new") == b"late"
            files.remove("b")
            assert old.read() == b"content"
            new.write(b"r")
        assert files.list("") == []

    def test_append(self, files: Files) -> None:
        files.append("j/a", b"one")
        files.append("j/a", b"")
        files.append("j/a", b"two")
        assert files.read("j/a") == b"onetwo"

    def test_truncate_only_shortens(self, files: Files) -> None:
        files.write("a", b"0123456789")
        files.truncate("a", 10)
        files.truncate("a", 4)
        assert files.read("a") == b"0123"
        with pytest.raises(Conflict, match="cannot be cut to 5 bytes"):
            files.truncate("a", 5)
        with pytest.raises(ValueError):
            files.truncate("a", -1)
        files.append("a", b"X")
        assert files.read("a") == b"0123X"

    def test_renew_changes_nothing(self, files: Files) -> None:
        content = bytes(range(256)) * 1500
        files.write("a", content)
        for offset in (0, 7, HANDLE_BUFFER, len(content), len(content) + 5):
            files.renew("a", offset)
            assert files.read("a") == content

    def test_replace(self, files: Files) -> None:
        files.replace("log/checkpoint", b"one")
        files.replace("log/checkpoint", b"two")
        assert files.read("log/checkpoint") == b"two"
        files.write("new", b"x")
        files.replace("new", b"")
        assert files.read("new") == b""
        assert files.list("log") == ["checkpoint"]
        assert files.list("") == ["log", "new"]

    def test_replace_removes_what_an_interrupted_one_left(self, files: Files) -> None:
        files.write("log/.checkpoint.new", b"half")
        files.replace("log/checkpoint", b"whole")
        assert files.list("log") == ["checkpoint"]
        assert files.read("log/checkpoint") == b"whole"

    def test_rename_moves_a_folder_with_all_in_it(self, files: Files) -> None:
        files.write("staging/u/one", b"1")
        files.write("staging/u/in/two", b"2")
        files.rename("staging/u", "snapshots/2026/EA-S-1")
        assert files.list("staging") == []
        assert files.read("snapshots/2026/EA-S-1/one") == b"1"
        assert files.read("snapshots/2026/EA-S-1/in/two") == b"2"
        files.rename("snapshots/2026/EA-S-1/one", "one")
        assert files.read("one") == b"1"

    def test_rename_never_overwrites(self, files: Files) -> None:
        files.write("a/x", b"1")
        files.write("b/y", b"2")
        files.write("c", b"3")
        files.write("d/gone", b"")
        files.remove("d/gone")
        for source, target in [("a", "b"), ("a", "c"), ("c", "a"), ("c", "b/y"), ("a", "d"), ("a", "a"), ("c", "c")]:
            with pytest.raises(Conflict):
                files.rename(source, target)
        for target in ("a/x", "a/new", "a/new/er"):
            with pytest.raises(Conflict):
                files.rename("a", target)
        with pytest.raises(Missing):
            files.rename("none", "new/place")
        assert files.list("") == ["a", "b", "c", "d"]
        assert files.list("a") == ["x"]

    def test_remove(self, files: Files) -> None:
        files.write("a/b/c", b"1")
        files.write("a/d", b"2")
        files.remove("a/d")
        assert files.list("a") == ["b"]
        files.remove("a")
        assert files.list("") == []
        files.write("a", b"now a file")
        assert files.read("a") == b"now a file"

    def test_barrier_takes_files_and_folders(self, files: Files) -> None:
        for number in range(20):
            files.write(f"staging/{number}/capture", b"x")
            files.write(f"staging/{number}/draft", b"y")
        files.barrier(f"staging/{number}" for number in range(20))
        files.barrier(["staging/1/draft", "staging/1/draft", "staging/1", "staging", ""])
        files.rename("staging/1", "snapshots/1")
        files.barrier(["snapshots/1"])
        with pytest.raises(Missing, match=r"^staging/1: "):
            files.barrier(["staging/2", "staging/1"])
        assert files.read("snapshots/1/draft") == b"y"

    def test_free_bytes_is_a_number(self, files: Files) -> None:
        assert files.free_bytes() > 0

    def test_every_error_is_a_storage_error_with_path_and_cause(self, files: Files) -> None:
        with pytest.raises(StorageError) as caught:
            files.read("no/such")
        assert caught.value.path == "no/such"
        assert str(caught.value) == f"no/such: {caught.value.cause}"

    def test_threads_can_work_side_by_side(self, files: Files) -> None:
        together = Barrier(4)

        def work(name: int) -> None:
            together.wait()
            for number in range(12):
                folder = f"staging/{name}-{number}"
                with files.create(f"{folder}/capture") as handle:
                    handle.write(bytes([name]) * 50)
                files.write(f"{folder}/draft", b"d")
                files.barrier([folder])
                files.rename(folder, f"placed/{number % 3}/{name}-{number}")
                files.barrier([f"placed/{number % 3}/{name}-{number}"])

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(work, name) for name in range(4)]:
                done.result()
        assert files.list("staging") == []
        placed = [f"placed/{day}/{name}" for day in files.list("placed") for name in files.list(f"placed/{day}")]
        assert len(placed) == 48
        assert all(files.size(f"{folder}/capture") == 50 for folder in placed)
