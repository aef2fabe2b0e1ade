"""``archiver doctor``: whether this host can run the archive."""

from __future__ import annotations

import click

from archiver.cli.context import Context


@click.command(epilog="Example: archiver doctor")
@click.pass_obj
def doctor(context: Context) -> int:
    """Check settings, folders, clock, keys, roots and disk; exits 1 when something is wrong."""
    from archiver.doctor import examine

    findings = examine(context.path)
    if context.as_json:
        context.emit([{"name": f.name, "fine": f.fine, "detail": f.detail} for f in findings])
    else:
        for finding in findings:
            click.echo(f"{'fine' if finding.fine else 'LOOK'}  {finding.name}: {finding.detail}")
    return 0 if all(finding.fine for finding in findings) else 1
