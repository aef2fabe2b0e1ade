"""Placing a stated reply: another stated token is never overwritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archiver.errors import ArchiveDamaged
from archiver.stamping import place_stamp, staging_of
from tests.simulators.archives import workshop


def test_a_token_is_never_placed_over_another_stated_one(tmp_path: Path) -> None:
    with workshop(tmp_path, ["north"]) as shop:
        root = shop.archive(shop.folder / "archive")
        shop.capture(root, [shop.site.url("/terms")])
        with shop.open(root) as operation:
            archive = operation.archive
            row = archive.index.row("select seq, path from stamp where event = 'token' and subject = 'checkpoint'")
            assert row is not None
            before = archive.files.read(row["path"])
            stated = archive.statement(row["seq"])
            other = replace(stated, body={**stated.body, "token_sha256": "0" * 64})
            archive.files.write(f"{staging_of('0' * 64)}/token.tsr", b"another reply")
            with pytest.raises(ArchiveDamaged, match="another one was to be placed there"):
                place_stamp(archive, other)
            assert archive.files.read(row["path"]) == before
            archive.files.remove(staging_of("0" * 64))
