"""Files that somebody names: plain ones are opened, and nothing else keeps anybody waiting."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.errors import UsageError
from archiver.given_file import open_plain


def opened(path: Path) -> bytes:
    with open_plain(path, unreadable="name another", other="name a file") as handle:
        return handle.read()


def test_a_plain_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"plain")
    (tmp_path / "link").symlink_to("x")
    assert opened(tmp_path / "x") == opened(tmp_path / "link") == b"plain"


def _listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "is not a plain file; name a file"),
        (os.mkdir, "is not a plain file; name a file"),
        (lambda path: Path(path).symlink_to("/dev/zero"), "is not a plain file; name a file"),
        (lambda path: Path(path).symlink_to(path), "Too many levels of symbolic links; name another"),
        (_listening, "No such device or address; name another"),
        (lambda path: None, "No such file or directory; name another"),
    ],
)
def test_anything_else_is_refused_at_once(tmp_path: Path, make: Callable[[Path], None], why: str) -> None:
    path = tmp_path / "given"
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - no path of ours
    make(path)
    with pytest.raises(UsageError) as caught:
        opened(path)
    assert str(path) in str(caught.value) and why in str(caught.value)
    assert len(os.listdir("/proc/self/fd")) == before, "nothing stays open"  # noqa: PTH208
