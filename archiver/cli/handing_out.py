"""Handing out a file: written, stated in the log, and only then given its name; the passphrase asked for once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.cli.context import Context

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.dossier import Dossier
    from archiver.exporting import Exporter, Means


class Secret:
    """The passphrase, asked for once: a descriptor can be read once only, and nobody wants to type it twice."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: tuple[bytes | None] | None = None

    def __call__(self) -> bytes | None:
        """The passphrase, or None where there is none."""
        if self._known is None:
            self._known = (self._context.passphrase(),)
        return self._known[0]


def hand_out(
    context: Context,
    secret: Secret,
    held: list[Dossier],
    target: Path,
    means: Means,
    person: dict[str, Any] | None,
    exporter: Exporter | None = None,
) -> dict[str, Any]:
    """Write one file, state it unless ``person`` is None, and give it its name; return what ``--json`` prints of it.

    What is no version of its document can be handed out, as evidence of a check; that is said. Where the log's newest
    checkpoint is too old for it, one is published first, if we may write.
    """
    from archiver.bundling_journal import NotCovered

    for dossier in held:
        note_objection(context, dossier.archive, dossier.snapshot, dossier.capture.seq)
    try:
        return _write(context, secret, held, target, means, person, exporter)
    except NotCovered:
        if person is None:
            raise
    with work_of(context, secret) as work:
        for warning in work.settle(stamp=False):
            context.note(f"warning: {warning}")
    return _write(context, secret, held, target, means, person, exporter)


def note_objection(context: Context, archive: Archive, snapshot: str, seq: int) -> None:
    """Warn where a snapshot is no version of its document: in a citation it looks like one."""
    from archiver.objections import objection

    why = objection(archive, seq)
    if why is not None:
        context.note(f"warning: {snapshot} {why}")


def _write(
    context: Context,
    secret: Secret,
    held: list[Dossier],
    target: Path,
    means: Means,
    person: dict[str, Any] | None,
    exporter: Exporter | None,
) -> dict[str, Any]:
    """Write one file, state it, and give it its name."""
    from archiver.exporting import written

    subjects = [dossier.snapshot for dossier in held]
    with written(held[0], target, means, held[1:], exporter) as file:
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
            with work_of(context, secret) as work:
                told["statement_sha256"] = work.act("export", values)["statement_sha256"]
                for warning in work.settle(stamp=False):
                    context.note(f"warning: {warning}")
        file.publish()
    return told


@contextlib.contextmanager
def work_of(context: Context, secret: Secret) -> Iterator[Any]:
    """The archive's writer, this process or the daemon, with its warnings told."""
    from archiver.work import open_work

    with open_work(context.path, secret) as work:
        for warning in work.warnings:
            context.note(f"warning: {warning}")
        yield work
