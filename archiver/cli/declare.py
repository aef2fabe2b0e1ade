"""``archiver declare``: a draft declaration for a human to fill and sign, from a template that is data."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from archiver.cli.context import Context, table


@click.command(epilog="Example: archiver declare EA-S-00000123 --regime us-902 --output declaration.docx")
@click.argument("snapshots", nargs=-1, metavar="[SNAPSHOT...]")
@click.option("--regime", metavar="NAME|PATH", help="Template: a name of --list-regimes, or a path to a TOML file.")
@click.option("--output", type=click.Path(path_type=Path), help="File: .docx or .pdf. Nothing is overwritten.")
@click.option("--list-regimes", is_flag=True, help="Print the templates and end; needs no archive.")
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who hands it out, for the log.")
@click.option("--reason", help="Why, for the log.")
@click.option("--no-record", is_flag=True, help="State nothing in the log about this draft.")
@click.option("--fonts", multiple=True, type=click.Path(path_type=Path), metavar="FOLDER", help="PDF: further fonts.")
@click.pass_obj
def declare(
    context: Context,
    snapshots: tuple[str, ...],
    regime: str | None,
    output: Path | None,
    list_regimes: bool,
    by: str,
    reason: str | None,
    no_record: bool,
    fonts: tuple[Path, ...],
) -> None:
    """Write a draft declaration about one SNAPSHOT or several, with facts and blanks.

    Facts come from the archive, each with its evidence; what it does not hold reads "not recorded". What only a person
    can say is a blank. The file says DRAFT, is not signed, and states nothing until somebody fills and signs it.

    Templates are data: the archive's own lie in its folder regimes/. docs/declarations.md says how to write one.
    """
    from archiver.cli.handing_out import Secret, hand_out
    from archiver.declaration.forms import DeclarationForm
    from archiver.declaration.shelves import PROTOCOLS, REGIMES
    from archiver.dossier import dossier_of
    from archiver.environment import utc_now
    from archiver.errors import UsageError
    from archiver.exporting import Means

    if list_regimes:
        _list(context, REGIMES.all(context.archive_if_any()))
        return
    if not snapshots or regime is None or output is None:
        raise UsageError(
            "a declaration needs snapshots, a regime and a file",
            do="archiver declare EA-S-00000123 --regime us-902 --output declaration.docx",
        )
    archive = context.archive()
    found = REGIMES.find(archive, regime)
    template = found.kept
    steps = None if template.protocol is None else PROTOCOLS.find(archive, template.protocol)
    for warning in filter(None, (found.warning, steps and steps.warning)):
        context.note(f"warning: {warning}")
    protocol = None if steps is None else steps.kept
    form = DeclarationForm(template, protocol, output.suffix.lower(), fonts)
    issued = utc_now()
    dossiers = [dossier_of(archive, name, issued) for name in dict.fromkeys(snapshots)]
    person = None if no_record else {"by": by, "reason": reason}
    made = hand_out(context, Secret(context), dossiers, output, Means(), person, form)
    draft = form.draft
    assert draft is not None, "what was handed out was written"
    if context.as_json:
        context.emit(_told(made, draft))
        return
    click.echo(f"{made['file']}  {made['file_bytes']} bytes, SHA-256 {made['file_sha256']}")
    click.echo(
        f"DRAFT, not signed: {len(draft.references)} facts with evidence, {len(draft.missing)} not recorded, "
        f"{len(draft.blanks)} blanks to fill"
    )


def _told(made: dict[str, Any], draft: Any) -> dict[str, Any]:
    return {
        **{key: value for key, value in made.items() if key != "signed"},
        "snapshots": list(draft.snapshots),
        "regime": draft.regime,
        "template_version": draft.version,
        "template_sha256": draft.template_sha256,
        "draft": True,
        "blanks": [{"label": label, "place": place} for label, place in draft.blanks],
        "not_recorded": [{"fact": fact, "place": place} for fact, place in draft.missing],
        "evidence": [
            {
                "reference": f"E{reference.number}",
                "source": draft.sources[reference.source - 1].what,
                "where": reference.where,
            }
            for reference in draft.references
        ],
    }


def _list(context: Context, found: list[Any]) -> None:
    rows = [
        {
            "regime": item.kept.regime,
            "version": item.kept.version,
            "origin": item.origin,
            "jurisdiction": item.kept.jurisdiction,
            "law": item.kept.law,
            "about": item.kept.about,
        }
        for item in found
    ]
    if context.as_json:
        context.emit(rows)
        return
    from archiver.cli.layout import folded

    click.echo(
        table(
            ("regime", "version", "from", "jurisdiction", "law"),
            [
                (
                    row["regime"],
                    row["version"],
                    row["origin"],
                    folded(row["jurisdiction"], 16),
                    folded(row["law"], 34),
                )
                for row in rows
            ],
        )
    )
