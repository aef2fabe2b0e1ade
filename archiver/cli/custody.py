"""``archiver custody``: everything that was stated about a snapshot, or an imported file, since it came in."""

from __future__ import annotations

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import fields, moment, paragraph


@click.command(epilog="Example: archiver custody EA-S-00000123")
@click.argument("subject", metavar="SNAPSHOT|IMPORT")
@click.pass_obj
def custody(context: Context, subject: str) -> None:
    """List the custody events of SNAPSHOT in the order of the log, with their PREMIS names: who, when and why.

    The same of an imported file (EA-I-…).
    """
    from archiver.custody import events_of, events_of_import
    from archiver.imported import import_named
    from archiver.naming import is_of_import

    archive = context.archive()
    if is_of_import(subject):
        found = events_of_import(archive, import_named(archive, subject))
    else:
        found = events_of(archive, subject)
    name = found.get("import") or found["snapshot"]
    if context.as_json:
        context.emit(found)
        return
    document = f" of {found['document']}" if found["document"] else ""
    click.echo(f"{name}{document}")
    for item in found["holds"]:
        on = "" if item["subject"] == name else f" on {item['subject']}"
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
        if event["concerns"] != [name]:
            shown.append(("concerns", ", ".join(event["concerns"])))
        shown += [(key, value) for key, value in facts.items() if value is not None]
        for key in ("files", "kept"):
            shown += [(key, item["path"]) for item in event["detail"].get(key, ())]
        if shown:
            click.echo("")
            click.echo(f"statement {event['seq']}, {event['event']}")
            click.echo(fields(shown, wide=17))
