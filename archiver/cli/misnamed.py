"""A file that is empty, or not what its name says: said in these words, before any reader stumbles over its bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import is_zipfile

if TYPE_CHECKING:
    from archiver.evidence.verify import Report

_GZIP, _WARC, _ZIP = b"\x1f\x8b", b"WARC/", b"PK"
_FORMS = (
    ((".warc", ".warc.gz"), 3, (_GZIP, _WARC), "there is no WARC record in it"),
    ((".wacz",), 31, (_ZIP,), "it is no WACZ package, for it is no zip file"),
    ((".zip",), 21, (_ZIP,), "it is no zip file"),
)
"""Ends of names, the check that fails, how such a file begins, and what is said where it does not."""


def misnamed(path: Path, start: bytes) -> Report | None:
    """The report on a file that is empty or begins like no file of its name; None where it has to be read."""
    from archiver.evidence.verify import CheckResult, Report

    name = path.name.lower()
    for ends, number, begins, lacks in _FORMS:
        # Bytes before a zip file are for the reader of zip files to name: such a file is one all the same.
        zipped = _ZIP in begins and is_zipfile(path)
        if name.endswith(ends) and not start.startswith(begins) and not zipped:
            what = f"{path.name}: {lacks}: {_found(start)}"
            return Report(str(path), (CheckResult(number, "fail", what),), ())
    if start:
        return None
    return Report(str(path), (CheckResult(2, "fail", f"{path.name}: the file is empty"),), ())


def _found(start: bytes) -> str:
    """What a file is by its first bytes, and how it is checked as that."""
    if not start:
        return "the file is empty"
    for begins, what, end in ((_ZIP, "a zip file", ".zip"), (_WARC, "a WARC file", ".warc"), (_GZIP, "gzip", ".gz")):
        if start.startswith(begins):
            return f"it begins like {what}; with a name that ends in {end} it is read as that"
    return "it begins like no WARC file, no gzip and no zip file"
