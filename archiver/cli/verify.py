"""``archiver verify``: numbered checks, one verdict each, and what was not checked."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from archiver.cli.context import Context, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.audit import Audit
    from archiver.evidence.cosignature import WitnessKey
    from archiver.evidence.note import Verifier
    from archiver.evidence.verify import Report

_MARK = {"pass": "pass", "fail": "FAIL", "incomplete": "open", "none": "none", "disposed": "gone"}
IMPORTED = 41
"""The last check of an imported file."""
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")
_IDENTIFIER = re.compile(r"[A-Z0-9]{1,8}-[A-Z]-\d{1,20}", re.ASCII)


@click.command(epilog="Example: archiver verify EA-S-00000123 --key log.vkey --root tsa.pem")
@click.argument("subjects", nargs=-1, metavar="[SNAPSHOT|IMPORT|SHA256|FILE|FOLDER|BUNDLE]...")
@click.option(
    "--all", "everything", is_flag=True, help="The whole archive, every snapshot and every imported file in it."
)
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False), help="Public key of the log (vkey), for a FOLDER or BUNDLE."
)
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="PEM with roots of authorities.",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    help="Verifier key of a witness, or a file with it; no other one counts then.",
)
@click.option("--record", is_flag=True, help="State the verdicts on snapshots of this archive in its log.")
@click.option("--by", help="Who verified, for the log; default: the user's name.")
@click.option("--second-reader", is_flag=True, help="Also have warcio, another reader, check every WARC.")
@click.pass_obj
def verify(
    context: Context,
    subjects: tuple[str, ...],
    everything: bool,
    key: str | None,
    roots: tuple[str, ...],
    witnesses: tuple[str, ...],
    record: bool,
    by: str | None,
    second_reader: bool,
) -> int:
    """Verify snapshots by identifier, by SHA-256 (of WARC, payload, content or statement), by any file, or by folder.

    A FOLDER, or a BUNDLE or WACZ file made by export, needs no archive when --key and --root are given (--witness too,
    where witnesses cosigned); nor does a redacted text with --key. A WARC or WACZ file that is none of ours is checked
    for its own digests; one that was imported (EA-I-…) also against the log.
    """
    from archiver.errors import UsageError
    from archiver.exits import exit_code

    if not subjects and not everything:
        raise UsageError("nothing to verify", do="name a snapshot, a file, a folder or a SHA-256, or give --all")
    if record and (folders := [subject for subject in subjects if Path(subject).is_dir()]):
        raise UsageError(f"{folders[0]} is a folder: only snapshots of this archive are recorded", do="give --all")
    reports: list[Report] = []
    desk = _Desk(context, key, roots, witnesses)
    if everything:
        audit = desk.audit()
        with Progress("verifying", len(audit.every_snapshot())) as progress:
            reports += audit.all(progress.step, desk.audit_again)
    for subject in subjects:
        reports += desk.reports(subject)
    if second_reader:
        reports = [desk.second_opinion(report) for report in reports]
    if record:
        from archiver.cli.verify_record import state

        state(context, reports, by)
    if context.as_json:
        context.emit([report.to_json() for report in reports])
    elif everything:
        _print_many(reports)
    else:
        for report in reports:
            _print(report)
    return exit_code(reports, many=everything)


class _Desk:
    """Finds out what each subject is."""

    def __init__(
        self, context: Context, key: str | None, roots: tuple[str, ...], witnesses: tuple[str, ...] = ()
    ) -> None:
        self._context = context
        self._key = key
        self._roots = roots
        self._witnesses = witnesses
        self._audit: Audit | None = None

    def audit(self) -> Audit:
        """The archive's audit, opened once."""
        if self._audit is None:
            self._audit = self.audit_again()
        return self._audit

    def audit_again(self) -> Audit:
        """The same once more, for a process of its own."""
        from archiver.audit import Audit

        return Audit(self._context.archive(), self._root_certificates(), self._witness_keys())

    def _root_certificates(self) -> tuple[bytes, ...]:
        from archiver.errors import FormatError, UsageError
        from archiver.evidence.timestamp import certificates_from_pem

        found: list[bytes] = []
        for path in self._roots:
            try:
                found += certificates_from_pem(Path(path).read_bytes())
            except FormatError as error:
                raise UsageError(f"--root {path}: {error.what}") from error
        return tuple(found)

    def _witness_keys(self) -> tuple[WitnessKey, ...]:
        from archiver.errors import FormatError, UsageError
        from archiver.evidence.cosignature import WitnessKey

        found = []
        for given in self._witnesses:
            try:
                text = Path(given).read_text("utf-8") if Path(given).is_file() else given
                found.append(WitnessKey.from_vkey(text.strip()))
            except (FormatError, OSError, UnicodeDecodeError) as error:
                raise UsageError(
                    f"--witness {given[:80]} is no verifier key: {error}", do="give the line that the witness published"
                ) from error
        return tuple(found)

    def _verifier(self) -> Verifier | None:
        from archiver.errors import FormatError, UsageError
        from archiver.evidence.note import Verifier

        if self._key is None:
            return self.audit().archive.verifier if self._has_archive else None
        try:
            return Verifier.from_vkey(Path(self._key).read_bytes().decode("utf-8").strip())
        except (FormatError, UnicodeDecodeError) as error:
            raise UsageError(
                f"--key {self._key} is not a verifier key: {error}", do="give keys/log.vkey, or the line init printed"
            ) from error

    @property
    def _has_archive(self) -> bool:
        return (self._context.path / "archive.toml").exists()

    def reports(self, subject: str) -> list[Report]:
        """The reports on one subject; none when it is unknown."""
        path = Path(subject)
        if path.is_dir():
            return [self._folder(path)]
        if path.is_file():
            return self._file(path)
        if _HEX64.fullmatch(subject):
            return self.audit().digest(subject.lower()) or [_unmatched(subject, f"SHA-256 {subject}")]
        if not _IDENTIFIER.fullmatch(subject):
            from archiver.errors import UsageError

            # Who has no archive, or mistyped the name of a file, must not be told of archives.
            raise UsageError(
                f"{subject[:200]} is no file or folder, no SHA-256 and no identifier",
                do="name a file that is there, or a snapshot as EA-S-00000123",
            )
        return [self.audit().snapshot(subject)]

    def second_opinion(self, report: Report) -> Report:
        """The report with what warcio says of the same WARC added to check 3."""
        from dataclasses import replace

        from archiver.errors import FormatError
        from archiver.evidence.verify import CheckResult
        from archiver.second_reader import read_with_warcio

        opened = self._warc_of(report.subject)
        if opened is None:
            return report
        try:
            with opened:
                said, verdict = f"warcio reads {read_with_warcio(opened)} records", "pass"
        except FormatError as error:
            said, verdict = error.what, "fail"
        checks = [
            CheckResult(3, "fail" if verdict == "fail" else check.verdict, f"{check.detail}; {said}")
            if check.number == 3
            else check
            for check in report.checks
        ]
        return replace(report, checks=tuple(checks))

    def _warc_of(self, subject: str) -> BinaryIO | None:
        """The WARC file of a report's subject, a folder or a snapshot; None when it has none."""
        from archiver.evidence.statement import parse_snapshot_id

        path = Path(subject) / "capture.warc.gz"
        if path.is_file():
            return path.open("rb")
        seq = parse_snapshot_id(subject.rsplit(" ", 1)[-1])
        if seq is None:
            return None
        archive = self.audit().archive
        row = archive.index.row("select folder from capture where seq = ? and warc_bytes is not null", (seq,))
        if row is None or not archive.files.exists(f"{row['folder']}/capture.warc.gz"):
            return None
        return archive.files.open(f"{row['folder']}/capture.warc.gz")

    def _folder(self, path: Path) -> Report:
        from archiver.evidence.verify import Evidence, Folder, Report, verify_folder
        from archiver.folders import folder_at, sibling
        from storage.errors import StorageError

        roots = self._root_certificates()
        witnesses: Sequence[WitnessKey] = self._witness_keys()
        if self._key is None and self._has_archive:
            roots, witnesses = self.audit().roots, self.audit().witnesses

        def referent(seq: int) -> Folder | None:
            beside = sibling(path, seq)
            return self.audit().referent(seq) if beside is None and self._has_archive else beside

        evidence = Evidence(
            folder_at(path),
            self._verifier(),
            roots,
            referent=referent,
            witnesses=witnesses,
            disposed=self._disposal(path),
            unreadable=(StorageError,),
        )
        return Report(str(path), verify_folder(evidence))

    def _disposal(self, path: Path) -> str | None:
        """The disposal of a folder of the archive at hand; a copy that is elsewhere cannot know of it."""
        from archiver.custody import disposal_of
        from archiver.evidence.statement import parse_snapshot_id

        seq = parse_snapshot_id(path.resolve().name)
        if seq is None or not self._has_archive or self._context.path.resolve() not in path.resolve().parents:
            return None
        gone = disposal_of(self.audit().archive, seq)
        return None if gone is None else str(gone)

    def _wacz(self, path: Path) -> list[Report]:
        """A package is checked by itself; the archive at hand lends its key and roots if the log is the same."""
        from archiver.evidence.wacz_check import check_wacz

        roots = self._root_certificates()
        witnesses: Sequence[WitnessKey] = self._witness_keys()
        if self._key is None and self._has_archive:
            roots, witnesses = self.audit().roots, self.audit().witnesses
        with path.open("rb") as source:
            return check_wacz(source, str(path), self._key_of, roots, (OSError,), witnesses)

    def _key_of(self, origin: str) -> Verifier | None:
        """The key that was given, else that of the archive at hand if it is of this log."""
        key = self._verifier()
        return key if self._key is not None or (key is not None and key.name == origin) else None

    def _bundle(self, path: Path) -> Report:
        from archiver.evidence.verify import Report
        from archiver.evidence.verify_bundle import verify_bundle

        roots = self._root_certificates()
        witnesses: Sequence[WitnessKey] = self._witness_keys()
        if self._key is None and self._has_archive:
            roots, witnesses = self.audit().roots, self.audit().witnesses
        with path.open("rb") as source:
            return Report(str(path), verify_bundle(source, self._verifier(), roots, (OSError,), witnesses))

    def _file(self, path: Path) -> list[Report]:
        from archiver.cli.misnamed import misnamed
        from archiver.evidence.verify_redaction import looks_redacted, verify_redacted

        found = self.audit().file(path) if self._has_archive else []
        if found:
            return found
        with path.open("rb") as handle:
            start = handle.read(64)
        if looks_redacted(start):
            with path.open("rb") as source:
                return [verify_redacted(source, str(path), self._key_of)]
        mistaken = misnamed(path, start)
        if mistaken is not None:
            return [mistaken]
        if path.suffix.lower() == ".wacz":
            return self._wacz(path)
        if start[:2] == b"\x1f\x8b" or start[:5] == b"WARC/":
            from archiver.cli.foreign_warc import check_foreign

            return [check_foreign(path)]
        if start[:2] == b"PK" or path.suffix == ".zip":
            return [self._bundle(path)]
        if not self._has_archive:
            from archiver.errors import UsageError

            raise UsageError(
                f"there is no archive here to look for {path} in", do="give --archive DIR, or a FOLDER with --key"
            )
        return [_unmatched(str(path), f"{path.name}: its SHA-256")]


def _unmatched(subject: str, what: str) -> Report:
    from archiver.evidence.verify import CheckResult, Report

    return Report(subject, (CheckResult(2, "fail", f"{what} is of nothing that this archive knows"),), ())


def _print(report: Report) -> None:
    click.echo(f"{report.subject}: {report.verdict}")
    for check in report.checks:
        click.echo(_wrapped(f"  {check.number:>2} {_MARK[check.verdict]}  {check.name}: {check.detail}"))
    if report.not_checked:
        click.echo("  not checked:")
    for text in report.not_checked:
        click.echo(f"    - {text}")


def _wrapped(line: str) -> str:
    """The line, on a terminal broken at spaces under its text; a pipe gets it whole, and digests are never cut."""
    if not sys.stdout.isatty():
        return line
    width = max(60, shutil.get_terminal_size().columns)
    return "\n".join(
        textwrap.wrap(line, width, subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False)
    )


def _print_many(reports: list[Report]) -> None:
    """The archive in full, then a line for each snapshot that did not pass."""
    verdicts = ("pass", "fail", "incomplete", "disposed")
    kinds = {kind: dict.fromkeys(verdicts, 0) for kind in ("snapshots", "imported files")}
    for number, report in enumerate(reports):
        counts = kinds["imported files" if report.checks[-1].number == IMPORTED else "snapshots"]
        counts[report.verdict] += number > 0
        if number == 0 or report.verdict == "fail":
            _print(report)
        elif report.verdict == "incomplete":
            details = "; ".join(check.detail for check in report.checks if check.verdict == "incomplete")
            click.echo(f"{report.subject}: incomplete: {details}")
        elif report.verdict == "disposed":
            click.echo(f"{report.subject}: {next(c.detail for c in report.checks if c.verdict == 'disposed')}")
    for kind, counts in kinds.items():
        if kind == "snapshots" or any(counts.values()):
            gone = f", {counts['disposed']} disposed" if counts["disposed"] else ""
            told = f"{counts['pass']} pass, {counts['fail']} fail, {counts['incomplete']} incomplete{gone}"
            click.echo(f"{kind}: {told}")
