"""``archiver export``: a snapshot with all that others need to check it, as one file."""

from __future__ import annotations

import contextlib
import getpass
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context
from archiver.cli.export_pages import page_options

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

    targets = _targets(snapshots, output, form)
    archive = context.archive()
    issued = utc_now()
    dossiers = [dossier_of(archive, snapshot, issued) for snapshot in targets]
    secret = _Secret(context)
    on_paper = all(target.suffix == ".pdf" for target in targets.values())
    means = _means(archive, secret, sign=not (no_sign or on_paper), stamp=stamp)
    if on_paper:
        from archiver.cli.export_pages import binder_of, require_free

        binder = binder_of(archive, pages)
        means = replace(means, binder=binder)
        require_free(targets, binder)
    elif means.key is None and not no_sign:
        context.note("warning: the list of digests is not signed: the passphrase of the log key was not given")
    person = {"by": by, "reason": reason}
    told = []
    files: dict[Path, list[Dossier]] = {}
    for dossier in dossiers:
        files.setdefault(targets[dossier.snapshot], []).append(dossier)
    for target, held in files.items():
        made = _one(context, secret, held, target, means, None if no_record else person)
        told.append(made)
        if not context.as_json:
            click.echo(f"{made['file']}  {made['file_bytes']} bytes, SHA-256 {made['file_sha256']}")
    if means.binder is not None:
        from archiver.cli.export_pages import write_beside

        for path in write_beside(targets, means.binder):
            context.note(f"wrote {path}")
    if context.as_json:
        context.emit(told)


def _targets(snapshots: tuple[str, ...], output: Path, form: str) -> dict[str, Path]:
    """The file of each snapshot; ``UsageError`` for a form that is not known, or one file for more than it holds."""
    from archiver.errors import UsageError
    from archiver.exporting import EXPORTERS, Gatherer, exporter_for

    wanted = list(dict.fromkeys(snapshots))
    if (
        output.name.endswith(tuple(EXPORTERS))
        and not output.is_dir()
        and isinstance(exporter_for(output.name), Gatherer)
    ):
        return dict.fromkeys(wanted, output)
    if len(wanted) > 1 or output.is_dir():
        exporter_for(form)
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file", do="name a folder for several snapshots")
        return {snapshot: output / f"{snapshot}{form}" for snapshot in wanted}
    exporter_for(output.name)
    return {wanted[0]: output}


class _Secret:
    """The passphrase, asked for once: a descriptor can be read once only, and nobody wants to type it twice."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: tuple[bytes | None] | None = None

    def __call__(self) -> bytes | None:
        if self._known is None:
            self._known = (self._context.passphrase(),)
        return self._known[0]


def _means(archive: Archive, secret: _Secret, *, sign: bool, stamp: bool) -> Means:
    from archiver.exporting import Means
    from archiver.operation import read_key

    key = read_key(archive.files, archive.origin, secret) if sign else None
    return Means(key, _stampers(archive) if stamp else {})


def _stampers(archive: Archive) -> dict[str, Stamper]:
    """How each configured authority is asked, at the pace it wants; ``UsageError`` when there is none."""
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


def _one(
    context: Context, secret: _Secret, held: list[Dossier], target: Path, means: Means, person: dict[str, Any] | None
) -> dict[str, Any]:
    """Hand out one file; where the log's newest checkpoint is too old for it, publish one first if we may write."""
    from archiver.bundling_journal import NotCovered

    try:
        return _write(context, secret, held, target, means, person)
    except NotCovered:
        if person is None:
            raise
    with _work(context, secret) as work:
        for warning in work.settle(stamp=False):
            context.note(f"warning: {warning}")
    return _write(context, secret, held, target, means, person)


def _write(
    context: Context, secret: _Secret, held: list[Dossier], target: Path, means: Means, person: dict[str, Any] | None
) -> dict[str, Any]:
    """Write one file, state it, and give it its name; what ``--json`` prints of it."""
    from archiver.exporting import written

    subjects = [dossier.snapshot for dossier in held]
    with written(held[0], target, means, held[1:]) as file:
        for warning in file.warnings:
            context.note(f"warning: {warning}")
        told: dict[str, Any] = {
            "snapshot": subjects[0],
            **({"snapshots": subjects} if len(subjects) > 1 else {}),
            "file": str(target),
            "form": file.form,
            "file_sha256": file.sha256,
            "file_bytes": file.size,
            "signed": means.key is not None,
            "statement_sha256": None,
        }
        if person is not None:
            values = {"subjects": subjects, "name": target.name, **person}
            values |= {name: told[name] for name in ("form", "file_sha256", "file_bytes")}
            with _work(context, secret) as work:
                told["statement_sha256"] = work.act("export", values)["statement_sha256"]
                for warning in work.settle(stamp=False):
                    context.note(f"warning: {warning}")
        file.publish()
    return told


@contextlib.contextmanager
def _work(context: Context, secret: _Secret) -> Iterator[Any]:
    from archiver.work import open_work

    with open_work(context.path, secret) as work:
        for warning in work.warnings:
            context.note(f"warning: {warning}")
        yield work
