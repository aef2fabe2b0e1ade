"""``archiver export``: a snapshot with all that others need to check it, as one file."""

from __future__ import annotations

import getpass
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context
from archiver.cli.export_pages import page_options, require_used, typed
from archiver.cli.handing_out import Secret, hand_out

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.dossier import Dossier
    from archiver.exporting import Means, Stamper
    from archiver.stamp.interface import StampFailure
    from archiver.stamping import Verified


@click.command(epilog="Example: archiver export EA-S-00000123 --output EA-S-00000123.zip")
@click.argument("snapshots", nargs=-1, required=True, metavar="SNAPSHOT...")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The file, whose suffix says the form; of several snapshots a folder, or one .wacz. Nothing is overwritten.",
)
@click.option("--form", default=".zip", show_default=True, metavar="SUFFIX", help="The form of files in a folder.")
@click.option("--stamp", is_flag=True, help="Ask each timestamp authority for a token over the list of digests.")
@click.option("--no-sign", is_flag=True, help="Leave the list of digests unsigned; then no passphrase is needed.")
@click.option("--no-record", is_flag=True, help="State nothing in the log about this export.")
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who hands it out, for the log.")
@click.option("--reason", help="Why, for the log.")
@page_options
@click.pass_obj
def export(
    context: Context,
    /,
    snapshots: tuple[str, ...],
    output: Path,
    form: str,
    stamp: bool,
    no_sign: bool,
    no_record: bool,
    by: str,
    reason: str | None,
    **pages: Any,
) -> None:
    """Write an evidence bundle of each SNAPSHOT: a zip file that a stranger can check without this software.

    A name that ends with .pdf makes a certificate instead, one with .exhibit.pdf an exhibit with its load file, and
    one with .wacz a WACZ for replay software, of all that are named.

    The log states what was handed out, unless --no-record; VERIFY.txt in the bundle says how to check it.
    """
    from archiver.dossier import dossier_of
    from archiver.environment import utc_now
    from archiver.exhibit_load import EXHIBIT_ENDS
    from archiver.exporting import make_folder, require_folder

    targets = _targets(snapshots, output, form)
    require_used(targets, output)
    require_folder(output.parent)
    archive = context.archive()
    issued = utc_now()
    dossiers = [dossier_of(archive, snapshot, issued) for snapshot in targets]
    secret = Secret(context)
    on_paper = all(target.suffix == ".pdf" for target in targets.values())
    means = _means(archive, secret, sign=not (no_sign or on_paper), stamp=stamp)
    if on_paper:
        from archiver.cli.export_pages import binder_of, require_free, write_beside

        binder = binder_of(archive, pages)
        means = replace(means, binder=binder)
        require_free(targets, binder)
        for dossier in dossiers:
            if targets[dossier.snapshot].name.endswith(EXHIBIT_ENDS):
                binder.require_pages(dossier)
    elif means.key is None and not no_sign:
        context.note("warning: the file's list of digests is not signed: the passphrase of the log key was not given")
    person = {"by": by, "reason": reason}
    if output not in targets.values():
        make_folder(output)
    told = []
    files: dict[Path, list[Dossier]] = {}
    for dossier in dossiers:
        files.setdefault(targets[dossier.snapshot], []).append(dossier)
    try:
        for target, held in files.items():
            made = hand_out(context, secret, held, target, means, None if no_record else person)
            told.append(made)
            if not context.as_json:
                click.echo(f"{made['file']}  {made['file_bytes']} bytes, SHA-256 {made['file_sha256']}")
    finally:
        # Where a later one fails, what was handed out before it still gets the files that belong beside it.
        if means.binder is not None:
            for path in write_beside(targets, means.binder, {item["snapshot"] for item in told}):
                context.note(f"wrote {path}")
    if context.as_json:
        context.emit(told)


def _targets(snapshots: tuple[str, ...], output: Path, form: str) -> dict[str, Path]:
    """The file of each snapshot; ``UsageError`` for a form that is not known, or one file for more than it holds."""
    from archiver.errors import UsageError
    from archiver.exporting import Gatherer, end_of, exporter_for

    wanted = list(dict.fromkeys(snapshots))
    if end_of(output.name) is not None and not output.is_dir() and isinstance(exporter_for(output.name), Gatherer):
        return dict.fromkeys(wanted, output)
    named = "form" in typed(click.get_current_context()) and end_of(output.name) is None
    if len(wanted) > 1 or output.is_dir() or named:
        exporter_for(form)
        if end_of(form) != form:
            raise UsageError(f"--form {form[:60]!r} is more than the end of a name", do=f"--form {end_of(form)}")
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file", do="name a folder for several snapshots")
        if not output.is_dir() and (end := end_of(output.name)) is not None:
            # A folder that is called like a file would hold files of another form than its name says.
            raise UsageError(
                f"{output.name} is the name of one file, and a {end} holds one snapshot",
                do=f"name a folder and the form: --output FOLDER --form {end}",
            )
        return {snapshot: output / f"{snapshot}{form}" for snapshot in wanted}
    exporter_for(output.name)
    return {wanted[0]: output}


def _means(archive: Archive, secret: Secret, *, sign: bool, stamp: bool) -> Means:
    from archiver.exporting import Means
    from archiver.key_file import read_key

    key = read_key(archive.files, archive.origin, secret) if sign else None
    return Means(key, _stampers(archive) if stamp else {})


def _stampers(archive: Archive) -> dict[str, Stamper]:
    """How each configured authority is asked, at the pace it wants; ``UsageError`` when there is none."""
    import secrets

    from archiver.errors import UsageError
    from archiver.stamping import Subject, ask, open_authorities

    opened = open_authorities(archive)
    if not opened:
        raise UsageError("no timestamp authority is configured", do="leave out --stamp, or add an [[authority]]")
    settings = {authority.name: authority for authority in archive.settings.authorities}
    asked: dict[str, float] = {}

    def stamper(name: str) -> Stamper:
        def ask_one(data: bytes) -> Verified | StampFailure:
            if name in asked:
                time.sleep(max(0.0, asked[name] + opened[name].min_interval_s - time.monotonic()))
            asked[name] = time.monotonic()
            roots = archive.roots_of(settings[name])
            return ask(opened[name], settings[name], roots, Subject("bundle", 0, data), secrets.randbits(64))

        return ask_one

    return {name: stamper(name) for name in opened}
