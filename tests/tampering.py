"""Changes one byte of one file after the other and says where no check noticed, or none named the file.

Runs in processes of its own, each with its own copy of the archive. The checks are the product's own, called in the
process; which ones are made for which file stands in ``NUMBERS``, so that a run takes about a millisecond.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from archiver.archive import Archive, open_archive
from archiver.audit import Audit
from archiver.audit_archive import Reading, verify_archive
from archiver.audit_ground import guarded
from archiver.errors import ArchiverError
from archiver.evidence.cosignature import WitnessKey
from archiver.evidence.note import Verifier
from archiver.evidence.timestamp import certificates_from_pem
from archiver.evidence.verify import CheckResult, Evidence, Folder, Report, run, verify_folder
from archiver.exits import exit_code
from archiver.folders import folder_at

NUMBERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    (r"capture\.warc\.gz", (1, 2, 3, 4, 5)),
    (r"statement\.json", (1, 6, 11)),
    (r"statement\.tlog-proof", (1, 6, 7)),
    (r"checkpoint\..*\.cosig", (1, 6, 16)),
    (r"(checkpoint|statement)\..*", (12,)),
    (r"before\.[a-z]+\.(tsr|subject)", (1, 10)),
    (r"before\..*", (12,)),
)
"""Which checks of a snapshot see a file."""

ALONE: tuple[tuple[str, tuple[int, ...]], ...] = (
    (r"capture\.warc\.gz", (1, 2, 3, 4, 5)),
    (r"statement\.(json|tlog-proof)", (1, 6, 7)),
    (r"statement\..*", (1, 8)),
    (r"checkpoint\..*\.cosig", (1, 6, 16)),
    (r"checkpoint\..*", (1, 6, 9)),
    (r"before\..*", (1, 10)),
)
"""The same with nothing but the folder, the key and the roots."""

Look = Callable[[], list[Report]]
_CACHE: dict[tuple[Path, str], Archive] = {}


def flipped(data: bytes, offset: int) -> bytes:
    """The data with one bit changed; another bit at every offset, so that all eight are tried."""
    changed = bytearray(data)
    changed[offset] ^= 1 << (offset * 5 + offset // 8) % 8
    return bytes(changed)


@contextmanager
def changed(path: Path, data: bytes) -> Iterator[None]:
    """The file has other bytes while the block lasts."""
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(before)


def archive_at(root: Path, state: str) -> Archive:
    """The archive, opened once a process."""
    if (root, state) not in _CACHE:
        _CACHE[root, state] = open_archive(root, environment={"XDG_STATE_HOME": state})
    return _CACHE[root, state]


def numbers_for(name: str, table: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[int, ...]:
    return next(numbers for pattern, numbers in table if re.fullmatch(pattern, name))


def look_at(root: Path, state: str, path: str) -> Look:
    """The part of the audit that must notice a change in this file."""
    if path.startswith("keys/log.vkey"):
        return lambda: [verify_archive(Audit(open_archive(root, environment={"XDG_STATE_HOME": state})))]
    archive = archive_at(root, state)
    if path.startswith("snapshots/"):
        folder, name = path.split("/")[-2:]
        audit, seq, numbers = Audit(archive), int(folder.rsplit("-", 1)[1]), numbers_for(name, NUMBERS)
        if name == "statement.json":
            return lambda: [_first_failing(audit, seq, ((1,), numbers))]
        return lambda: [audit.seq(seq, numbers)]
    if path.startswith(("stamps/", "log/tile/", "texts/")):
        reading = Reading(Audit(archive))
        reading.read()
        step, number = {
            "stamps": (reading.cosigned, 16) if path.endswith(".cosig") else (reading.stamped, 12),
            "log": (reading.consistent, 14),
            "texts": (reading.kept, 15),
        }[path.partition("/")[0]]
        return lambda: [Report("archive", (run(number, guarded(step)),))]
    if path == "log/checkpoint":
        reading = Reading(Audit(archive))
        reading.read()
        return lambda: [_with_fresh_head(reading)]
    return lambda: [Report("archive", (run(11, guarded(Reading(Audit(archive)).read)),))]


def _with_fresh_head(reading: Reading) -> Report:
    reading.audit = Audit(reading.audit.archive)
    return Report("archive", (run(14, guarded(reading.consistent)),))


def _first_failing(audit: Audit, seq: int, tries: Sequence[Sequence[int]]) -> Report:
    """The cheap check alone when it notices, else all that could."""
    for numbers in tries:
        report = audit.seq(seq, numbers)
        if report.verdict == "fail":
            break
    return report


def look_alone(
    folder: Path, key: Path, roots: Sequence[Path], referent: Path | None, witnesses: Sequence[WitnessKey]
) -> Callable[[str], Look]:
    """The same for a folder that was copied elsewhere, with only the keys and the roots."""
    verifier = Verifier.from_vkey(key.read_text().strip())
    ders = [der for path in roots for der in certificates_from_pem(path.read_bytes())]
    there: Folder = folder_at(folder)
    other = None if referent is None else folder_at(referent)

    def look(name: str) -> Look:
        numbers = numbers_for(name, ALONE)

        def looked() -> list[Report]:
            evidence = Evidence(there, verifier, ders, referent=lambda _: other, witnesses=witnesses)
            return [Report("alone", verify_folder(evidence, numbers))]

        return looked

    return look


def problem(look: Look, path: str) -> str | None:
    """What is wrong with what the audit says of a changed file; None when it fails and names the file."""
    try:
        reports = look()
    except ArchiverError as error:
        named = path in str(error) and error.exit_code in (1, 4)
        return None if named else f"raised {error!r}"
    except Exception as error:  # noqa: BLE001 - what must not happen is what we look for
        return f"escaped: {error!r}"
    if exit_code(reports) not in (1, 4):
        return f"not noticed: {[check.verdict for report in reports for check in report.checks]}"
    failed = [check for report in reports for check in report.checks if check.verdict == "fail"]
    name = path.rsplit("/", 1)[-1] if path.startswith("snapshots/") else path
    return None if any(name in check.detail for check in failed) else f"not named: {texts(failed)}"


def texts(checks: Sequence[CheckResult]) -> list[str]:
    return [f"{check.number} {check.detail}" for check in checks]


def survey(look: Look, file: Path, path: str, offsets: Sequence[int]) -> list[str]:
    """Change the byte at each offset; return the problems."""
    before = file.read_bytes()
    found = []
    try:
        with file.open("r+b", buffering=0) as handle:
            for offset in offsets:
                os.pwrite(handle.fileno(), flipped(before, offset)[offset : offset + 1], offset)
                what = problem(look, path)
                os.pwrite(handle.fileno(), before[offset : offset + 1], offset)
                if what is not None:
                    found.append(f"{path}, byte {offset}: {what}")
    finally:
        assert file.read_bytes() == before
    return found


def survey_archive(root: str, state: str, work: Sequence[tuple[str, Sequence[int]]]) -> list[str]:
    """Survey files of an archive; for a process of its own."""
    found = []
    for path, offsets in work:
        found += survey(look_at(Path(root), state, path), Path(root, path), path, offsets)
    return found
