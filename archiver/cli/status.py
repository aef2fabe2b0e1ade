"""``archiver status``: how the archive stands."""

from __future__ import annotations

from typing import Any

import click

from archiver.cli.context import Context
from archiver.cli.layout import paragraph


@click.command(epilog="Example: archiver status --json")
@click.pass_obj
def status(context: Context) -> int:
    """Say what is watched, what fails, what is pending; exits 1 when something needs a person."""
    from archiver.control import daemon_pid
    from archiver.environment import utc_now
    from archiver.errors import NotCheckable
    from archiver.standing import standing

    facts = standing(context.archive(), utc_now())
    try:
        facts["daemon"] = daemon_pid(context.path)
    except NotCheckable as error:
        facts["daemon"] = None
        facts["warnings"].append(error.what)
    if context.as_json:
        context.emit(facts)
    else:
        _print(facts)
    bad = ("failing", "quarantined", "stamps_overdue", "witness_contradictions")
    return 1 if any(facts[key] for key in bad) or facts["revocation"]["revoked"] else 0


def _print(facts: dict[str, Any]) -> None:
    daemon = f"process {facts['daemon']}" if facts["daemon"] else "not running"
    lines = [
        ("daemon", daemon),
        ("documents", facts["documents"]),
        ("snapshots", facts["snapshots"]),
        ("checks in 24 h", facts["checks_24h"]),
        ("log", f"{facts['log_size']} statements, checkpoint over {facts['checkpoint_size']}"),
        ("covered until", facts["checkpoint_time"] or "nothing is covered"),
        ("timestamps", f"{facts['stamps_pending']} pending, {facts['stamps_overdue']} overdue"),
        ("cosignatures", f"{facts['cosignatures_pending']} pending, {facts['cosignatures_overdue']} overdue"),
        ("quarantine", _waiting(facts["quarantine_waiting"])),
        ("alerts", f"{facts['alerts']['pending']} pending, {facts['alerts']['overdue']} overdue"),
        ("outside copies", f"{facts['outside']['pending']} pending, {len(facts['outside']['failed'])} given up"),
        ("disk free", f"{facts['disk_free_bytes'] / 1e9:.1f} GB"),
    ]
    for name, value in lines:
        click.echo(f"{name:<15} {value}")
    for item in facts["failing"]:
        click.echo(paragraph(f"{item['document']} {item['title']}: {item['reason']}", "failing: ", "  "))
    for item in facts["quarantined"]:
        click.echo(paragraph(f"{item['snapshot']} of {item['document']}: {item['reason']}", "quarantined: ", "  "))
    for item in facts["alerts"]["failed"]:
        click.echo(paragraph(f"{item['alert']} to {item['channel']}: {item['error']}", "alert given up: ", "  "))
    for item in facts["outside"]["failed"]:
        click.echo(paragraph(f"{item['snapshot']} at {item['archive']}: {item['error']}", "no copy: ", "  "))
    for warning in facts["warnings"]:
        click.echo(paragraph(warning, "warning: ", "  "))


def _waiting(count: int) -> str:
    if not count:
        return "nothing waits for a decision"
    return f"{count} {'waits' if count == 1 else 'wait'} for a decision: archiver quarantine list"
