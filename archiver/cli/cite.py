"""``archiver cite``: citation records, one file per format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archiver.cli.context import Context, table

DSSE = ("dsse", "intoto signed with the key of the log (DSSE)", "application/vnd.dsse.envelope.v1+json", ".dsse.json")
"""An act rather than a format: it needs the key, which only the archive's writer has. Not among ``--all-formats``."""


@click.command(epilog="Example: archiver cite EA-S-00000123 --format bluebook")
@click.argument("subject", required=False, metavar="[SNAPSHOT|ARK|PROVISION]")
@click.option("--format", "formats", multiple=True, metavar="NAME", help="Format; may be repeated. Default: text.")
@click.option("--all-formats", is_flag=True, help="Every format but dsse, which needs the key of the log.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="File, or with several formats a folder; never overwritten."
)
@click.option("--on", "day", metavar="DAY", help="Of a provision: the wording in force on this day, as 2026-05-12.")
@click.option("--stamp", is_flag=True, help="First ask each timestamp authority for a token over this very statement.")
@click.option("--list-formats", is_flag=True, help="Print the formats and end.")
@click.pass_obj
def cite(
    context: Context,
    subject: str | None,
    formats: tuple[str, ...],
    all_formats: bool,
    output: Path | None,
    day: str | None,
    stamp: bool,
    list_formats: bool,
) -> None:
    """Print or write the citation record of a snapshot, or of a clause with its exact words.

    The day of access is left to the citing author. The format dsse is signed by the key of the log.
    """
    from archiver import formats as package
    from archiver.attesting import record_of
    from archiver.cli.handing_out import note_objection
    from archiver.environment import utc_now
    from archiver.errors import UsageError
    from archiver.evidence.statement import parse_snapshot_id
    from archiver.exporting import make_folder
    from archiver.formats.json_record import visible_json
    from archiver.registry import plugins

    known = plugins(package)
    if list_formats:
        rows = [*((f.name, f.title, f.media_type, f.suffix) for f in known.values()), DSSE]
        if context.as_json:
            context.emit([dict(zip(("name", "title", "media_type", "suffix"), row, strict=True)) for row in rows])
        else:
            click.echo(table(("format", "title", "media type", "file ends with"), rows))
        return
    if subject is None:
        raise UsageError("no snapshot was named", do="archiver cite EA-S-00000123")
    wanted = list(known) if all_formats else list(formats) or ["json" if context.as_json else "text"]
    suffixes = {**{name: form.suffix for name, form in known.items()}, DSSE[0]: DSSE[3]}
    for name in wanted:
        if name not in suffixes:
            raise UsageError(f"unknown format {name!r}", do=f"known: {', '.join(suffixes)}")
    record = record_of(context.archive(), subject, day, utc_now())
    if stamp:
        _stamp(context, record["snapshot"])
        record = record_of(context.archive(), subject, day, utc_now())
    seq = parse_snapshot_id(record["snapshot"])
    if seq is not None:
        note_objection(context, context.archive(), record["snapshot"], seq)
    texts = {name: known[name].render(record) for name in wanted if name in known}
    if DSSE[0] in wanted:
        with context.work() as work:
            texts[DSSE[0]] = visible_json(work.act("attest", {"subject": subject, "day": day}))
    if output is None:
        for text in texts.values():
            click.echo(text, nl=False)
        return
    if len(texts) > 1:
        make_folder(output)
    for name, text in texts.items():
        target = (
            output / f"{_file_name(subject, record)}{suffixes[name]}" if len(texts) > 1 or output.is_dir() else output
        )
        _write(target, text)
        context.note(f"wrote {target}")


def _file_name(subject: str, record: dict[str, Any]) -> str:
    """What a file is called by: the identifier that was asked for; an ARK, which has slashes, by its snapshot."""
    return subject if "-P-" in subject else str(record["snapshot"])


def _stamp(context: Context, snapshot: str) -> None:
    from archiver.evidence.statement import parse_snapshot_id
    from archiver.naming import no_snapshot

    seq = parse_snapshot_id(snapshot)
    row = None if seq is None else context.archive().index.row("select folder from capture where seq = ?", (seq,))
    if seq is None or row is None or not (row["folder"] or "").endswith(f"/{snapshot}"):
        raise no_snapshot(snapshot)
    with context.work() as work:
        for warning in work.request_stamp(seq):
            context.note(f"warning: {warning}")


def _write(target: Path, text: str) -> None:
    from archiver.errors import UsageError
    from archiver.exporting import require_folder

    try:
        require_folder(target.parent)
        with target.open("x", encoding="utf-8", newline="") as handle:
            handle.write(text)
    except FileExistsError as error:
        raise UsageError(f"{error.filename} is there already", do="give another name") from error
    except OSError as error:
        raise UsageError(f"{error.filename or target}: {error.strerror}", do="give another name") from error
