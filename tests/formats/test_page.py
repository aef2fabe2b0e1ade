"""The page of citations lists every format with what it really makes, and every key of a record."""

from __future__ import annotations

import re

from archiver.cli.cite import DSSE
from tests.formats.page import PAGE, written
from tests.formats.records import FORMATS, record


def test_every_format_has_its_example() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "write it again with python -m tests.formats.page"
    assert re.findall(r"^### `([a-z0-9-]+)`$", page, re.MULTILINE) == [*FORMATS, DSSE[0]]


def test_every_key_of_a_record_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## Citation of a clause")[0]
    unexplained = {"schema", "version", "supersedes", "reason", "archive", "document", "exhibit", "number_note"} | {
        "snapshot", "capture", "assessment", "clock", "environment", "files",
    }  # fmt: skip
    assert [key for key in record("public") if f"`{key}" not in page and key not in unexplained] == []
