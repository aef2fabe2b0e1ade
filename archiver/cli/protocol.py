"""``archiver protocol``: the steps of a capture protocol held against one snapshot, with what to do about each gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context, table

if TYPE_CHECKING:
    from archiver.declaration.protocol import Finding
    from archiver.declaration.showing import Source


@click.command(epilog="Example: archiver protocol EA-S-00000123")
@click.argument("snapshot", required=False, metavar="[SNAPSHOT]")
@click.option(
    "--protocol",
    "name",
    default="fr-constat",
    show_default=True,
    metavar="NAME|PATH",
    help="List of steps: a name of --list-protocols, or a path to a TOML file.",
)
@click.option("--gaps", is_flag=True, help="Leave out what is met.")
@click.option("--list-protocols", is_flag=True, help="Print the lists of steps and end; needs no archive.")
@click.pass_obj
def protocol(context: Context, snapshot: str | None, name: str, gaps: bool, list_protocols: bool) -> int:
    """Say which steps of a capture protocol a snapshot shows, and which it does not.

    A step is met only where the statement or the WARC shows it. Otherwise it is not met, not recorded, or needs a
    human; each gap says what to do. Ends with 1 when a step that is not optional is open.
    """
    from archiver.declaration.ground import SnapshotGround
    from archiver.declaration.looks import LOOKS
    from archiver.declaration.protocol import MET, counts, held_against
    from archiver.declaration.shelves import PROTOCOLS
    from archiver.dossier import dossier_of
    from archiver.environment import utc_now
    from archiver.errors import UsageError

    if list_protocols:
        _list(context, PROTOCOLS.all(context.archive_if_any()))
        return 0
    if snapshot is None:
        raise UsageError("no snapshot was named", do="archiver protocol EA-S-00000123")
    archive = context.archive()
    own = PROTOCOLS.find(archive, name)
    if own.warning:
        context.note(f"warning: {own.warning}")
    steps = own.kept
    ground = SnapshotGround.of(dossier_of(archive, snapshot, utc_now()))
    findings = held_against(steps, ground, {key: look for key, (_, look) in LOOKS.items()})
    found = counts(findings)
    shown = [finding for finding in findings if not gaps or finding.state != MET]
    if context.as_json:
        context.emit(
            {
                "snapshot": snapshot,
                "protocol": steps.name,
                "version": steps.version,
                "protocol_sha256": steps.sha256,
                "law": steps.law,
                "counts": found,
                "steps": [finding.to_json() for finding in shown],
            }
        )
    else:
        _print(snapshot, f"{steps.title} ({steps.name}, version {steps.version})", shown, found)
    return int(any(finding.state != MET and not finding.step.optional for finding in findings))


def _print(snapshot: str, title: str, findings: list[Finding], found: dict[str, int]) -> None:
    from archiver.cli.layout import folded, paragraph
    from archiver.declaration.protocol import MET

    click.echo(f"{snapshot}  {title}")
    click.echo(", ".join(f"{number} {state}" for state, number in found.items()))
    spare = sum(finding.state != MET and finding.step.optional for finding in findings)
    if spare:
        click.echo(f"of those that are not met, {spare} {'is' if spare == 1 else 'are'} optional")
    click.echo("")
    click.echo(
        table(
            ("no.", "step", "state"),
            [(finding.step.id, folded(finding.step.step, 46), _state(finding)) for finding in findings],
        )
    )
    sources: dict[Source, int] = {}
    for finding in findings:
        click.echo()
        click.echo(paragraph(f"{finding.step.step}: {_state(finding)}", f"{finding.step.id}  ", "     "))
        click.echo(paragraph(finding.detail, "     "))
        shown = dict.fromkeys(
            f"{seen.where} [{sources.setdefault(seen.source, len(sources) + 1)}]" for seen in finding.seen
        )
        click.echo(paragraph("; ".join(shown), "     evidence: ", "       "))
        if finding.do is not None:
            click.echo(paragraph(finding.do, "     to do: ", "       "))
    click.echo()
    for source, number in sources.items():
        checks = f"; {source.checks}" if source.checks else ""
        click.echo(paragraph(f"{source.what}{checks}", f"[{number}]  ", "     "))
        if source.sha256 is not None:
            click.echo(f"     SHA-256 {source.sha256}")


def _state(finding: Finding) -> str:
    """The state; of a step that may be left out also that: its gap is none."""
    return f"{finding.state}, optional" if finding.step.optional else finding.state


def _list(context: Context, found: list[Any]) -> None:
    rows = [
        {
            "protocol": item.kept.name,
            "version": item.kept.version,
            "origin": item.origin,
            "steps": len(item.kept.steps),
            "law": item.kept.law,
            "about": item.kept.about,
        }
        for item in found
    ]
    if context.as_json:
        context.emit(rows)
        return
    from archiver.cli.layout import folded

    told = [(row["protocol"], row["version"], row["origin"], row["steps"], folded(row["law"], 40)) for row in rows]
    click.echo(table(("protocol", "version", "from", "steps", "law"), told))
