"""``archiver redact``: a text with some of its lines hidden, in a file that others can check."""

from __future__ import annotations

import getpass
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Context
from archiver.cli.layout import paragraph

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.evidence.redaction import Redacted
    from archiver.evidence.statement import Statement
    from archiver.exporting import Out

SUFFIXES = (".json", ".zip")
WITNESSES = ("capture", "assessment", "nothing")
ORACLES = {
    "assessment": "the assessment states digests of the whole text: whoever has this file can try out guesses at what"
    " is hidden; a short line, a name or a number, can be found that way",
    "capture": "the capture's statement has digests and sizes of the whole page as it was sent: whoever knows all"
    " the rest of that page byte for byte, from another copy of it or from the site, can try out guesses at a short"
    " hidden line",
}
"""What each witness gives away: what was handed out cannot be taken back, so whoever hands it out is told each time."""


@click.command(
    epilog="Example: archiver redact EA-S-00000123 --hide 4,7-9 --reason 'names of third parties' --output terms.json"
)
@click.argument("snapshot")
@click.option("--hide", multiple=True, metavar="LINES", help="Lines to hide, from 1, like 3,5-7.")
@click.option("--hide-matching", multiple=True, metavar="REGEX", help="Hide every line in which this matches.")
@click.option("--reason", help="Why; one line, in the log and in the file. It must not quote what is hidden.")
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who redacts, for the log.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="The file: .json, or .zip with the same and its parts as files."
)
@click.option(
    "--show",
    type=click.Choice(WITNESSES),
    show_default="capture, where it can witness the text",
    help="Which older statement the lines rest on: that of the capture, with which those who know all the rest"
    " of the page, byte for byte, can try guesses at a short hidden line; the assessment, with which anybody can;"
    " or nothing, which gives nothing away.",
)
@click.pass_obj
def redact(
    context: Context,
    snapshot: str,
    hide: tuple[str, ...],
    hide_matching: tuple[str, ...],
    reason: str | None,
    by: str,
    output: Path | None,
    show: str | None,
) -> None:
    """Hand out the text of SNAPSHOT with some lines hidden. The original stays as it is.

    Every line that is shown can be checked: archiver verify FILE says which are, and that they stand where they stood
    in the text that the log knows. Without --hide the lines are listed with their numbers, and nothing is made.

    The capture's statement goes into the file too, so that the lines are shown to be as old as the capture. It has
    digests of the whole page: who knows all the rest of it, byte for byte, can try guesses at a short hidden line.
    --show nothing avoids that. Where the capture cannot witness the text, nothing is shown, and it is said why.
    """
    from archiver.errors import UsageError
    from archiver.exporting import drafted
    from archiver.redaction import chosen, handed_out, text_of

    assessment, lines = text_of(context.archive(), snapshot)
    if not hide and not hide_matching and output is not None:
        raise UsageError("nothing is to be hidden", do="name lines with --hide; archiver redact SNAPSHOT lists them")
    if not hide and not hide_matching:
        _list(context, lines)
        return
    hidden = chosen(lines, hide, hide_matching)
    if reason is None or output is None:
        raise UsageError("a redaction needs --reason and --output")
    if output.suffix not in SUFFIXES:
        raise UsageError(f"no form of a redacted text ends like {output.name!r}", do="name a .json or a .zip")
    if output.exists() or output.is_symlink():
        raise UsageError(f"{output} is there already", do="give another name")
    _require_place(output.parent)
    witness, unwitnessed = _witness(context.archive(), assessment, [lines[number] for number in hidden], show)
    values = {
        "snapshot": snapshot,
        "assessment": assessment.seq,
        "hidden": hidden,
        "witness": witness,
        "by": by,
        "reason": reason,
    }
    with context.work() as work:
        made = work.act("redact", values)
        for warning in work.settle(stamp=False):
            context.note(f"warning: {warning}")
    data = _bytes(handed_out(context.archive(), made, hidden), output)

    def fill(out: Out) -> list[str]:
        out.write(data)
        return []

    # Should this fail, the same command makes the file again: what is stated once is not stated a second time.
    with drafted(output, "redacted text", fill) as file:
        file.publish()
    if witness is None:
        context.note(f"note: that the lines are as old as the capture is not in the file: {unwitnessed}")
    else:
        context.note(f"warning: {ORACLES[witness]}; --show nothing avoids that")
    _tell(context, {**made, "unwitnessed": unwitnessed}, hidden, output, data)


def _witness(
    archive: Archive, assessment: Statement, secret: list[str], show: str | None
) -> tuple[str | None, str | None]:
    """The statement to show, or None and why none is: by default the capture's, where it can witness the text.

    What was asked for by name is not exchanged for less: the act refuses it where it cannot be.
    """
    from archiver.redaction import why_no_capture

    if show in ("capture", "assessment"):
        return show, None
    refused = why_no_capture(archive, assessment, secret)
    if show == "nothing":
        return None, refused or "--show capture puts it there"
    return ("capture", None) if refused is None else (None, refused)


def _bytes(found: Redacted, output: Path) -> bytes:
    return found.to_zip() if output.suffix == ".zip" else found.to_bytes()


def _list(context: Context, lines: tuple[str, ...]) -> None:
    if context.as_json:
        context.emit([{"line": number, "text": line} for number, line in enumerate(lines, 1)])
        return
    for number, line in enumerate(lines, 1):
        click.echo(paragraph(line, f"{number:>5}  "))


def _tell(context: Context, made: dict[str, object], hidden: list[int], output: Path, data: bytes) -> None:
    from archiver.evidence.redaction import runs

    told = {
        "snapshot": made["subjects"][0],  # type: ignore[index]
        "file": str(output),
        "file_sha256": hashlib.sha256(data).hexdigest(),
        "file_bytes": len(data),
        "object_sha256": made["object_sha256"],
        "lines": made["lines"],
        "of": made["of"],
        "hidden": [number + 1 for number in hidden],
        "witness": made["witness"],
        "unwitnessed": made["unwitnessed"],
        "gives_away": None if made["witness"] is None else ORACLES[str(made["witness"])],
        "seq": made["seq"],
        "statement_sha256": made["statement_sha256"],
    }
    if context.as_json:
        context.emit(told)
        return
    click.echo(f"{output}  {made['lines']} of {made['of']} lines shown; hidden: {runs(hidden)}")
    click.echo(f"  SHA-256 {told['file_sha256']}, {len(data)} bytes (statement {made['seq']})")


def _require_place(folder: Path) -> None:
    """``UsageError`` when no file can be written there: said before the log states a redaction."""
    from archiver.errors import UsageError
    from archiver.exporting import require_folder

    require_folder(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", do="give another name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder} cannot be written", do="give another name")
