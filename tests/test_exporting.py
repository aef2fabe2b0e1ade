"""What is handed out has the digest that is stated of it, however its form writes it."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import exporting
from archiver.dossier import Dossier
from archiver.errors import ArchiveError
from archiver.exporting import Means, Out, written

NOBODY = cast(Dossier, None)
"""The form below writes pieces of its own and asks nothing of a snapshot."""


@dataclass
class Pieces:
    """A form of export that writes given pieces; some it writes from a buffer that it uses again at once."""

    pieces: list[tuple[int, bool]]
    form: str = "pieces"

    def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
        buffer = bytearray(1 << 20)
        for number, (size, borrowed) in enumerate(self.pieces):
            data = bytes([number % 256]) * size
            if borrowed:
                buffer[:size] = data
                out.write(memoryview(buffer)[:size])
                buffer[:size] = bytes(size)
            else:
                out.write(data)
        return []


SIZES = st.sampled_from([0, 1, 5_000, (1 << 18) - 1, 1 << 18, 400_000])


@given(pieces=st.lists(st.tuples(SIZES, st.booleans()), max_size=6))
def test_the_digest_is_that_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bool]]
) -> None:
    target = tmp_path_factory.mktemp("out") / "x.bin"
    with written(NOBODY, target, Means(None), exporter=Pieces(pieces)) as file:
        assert not target.exists()
        file.publish()
    data = target.read_bytes()
    assert data == b"".join(bytes([number % 256]) * size for number, (size, _) in enumerate(pieces))
    assert (file.sha256, file.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert [path.name for path in target.parent.iterdir()] == ["x.bin"]


def test_what_could_not_be_finished_leaves_nothing(tmp_path: Path) -> None:
    class Broken(Pieces):
        def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
            super().write(dossier, out, means)
            raise OSError(28, "No space left on device")

    with (
        pytest.raises(ArchiveError, match="No space left"),
        written(NOBODY, tmp_path / "x.bin", Means(None), exporter=Broken([(1 << 20, False)])),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_disk_that_fails_while_a_large_file_is_written_hands_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    calls = []

    def sync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:  # a kernel tells of a page that was lost once
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(exporting, "SYNC_EVERY", 1 << 18)
    monkeypatch.setattr("os.fdatasync", sync)
    large = Pieces([(1 << 18, False)] * pieces)
    with (
        pytest.raises(ArchiveError, match="Input/output error"),
        written(NOBODY, tmp_path / "x", Means(), exporter=large),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
