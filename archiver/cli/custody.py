"""``archiver custody``: everything that was stated about a snapshot since its capture."""

from __future__ import annotations

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import fields, moment, paragraph


@click.command(epilog="Example: archiver custody EA-S-00000123")
@click.argument("snapshot")
@click.pass_obj
def custody(context: Context, snapshot: str) -> None:
    """List the custody events of SNAPSHOT in the order of the log, with their PREMIS names: who, when and why."""
    from archiver.custody import events_of

    found = events_of(context.archive(), snapshot)
    if context.as_json:
        context.emit(found)
        return
    document = f" of {found['document']}" if found["document"] else ""
    click.echo(f"{found['snapshot']}{document}")
    for item in found["holds"]:
        on = "" if item["subject"] == found["snapshot"] else f" on {item['subject']}"
        click.echo(paragraph(f"under the hold {item['hold']}{on} since {item['set_at']}", "  "))
    if gone := found["disposed"]:
        told = f"disposed of on {gone['at']} by {gone['by']} because {gone['reason']} (statement {gone['seq']})"
        click.echo(paragraph(told, "  "))
    click.echo("")
    rows = [(e["seq"], moment(e["at"]), e["event"], e["premis"], e["by"]) for e in found["events"]]
    click.echo(table(("statement", "stated (UTC)", "event", "PREMIS event", "by"), rows))
    for event in found["events"]:
        facts = {key: value for key, value in event["detail"].items() if not isinstance(value, list | dict)}
        shown = [("reason", event["reason"])] if event["reason"] else []
        if event["concerns"] != [found["snapshot"]]:
            shown.append(("concerns", ", ".join(event["concerns"])))
        shown += [(key, value) for key, value in facts.items() if value is not None]
        for key in ("files", "kept"):
            shown += [(key, item["path"]) for item in event["detail"].get(key, ())]
        if shown:
            click.echo("")
            click.echo(f"statement {event['seq']}, {event['event']}")
            click.echo(fields(shown, wide=17))
