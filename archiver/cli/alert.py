"""``archiver alert``: who is told of what, and whether it arrives."""

from __future__ import annotations

import click

from archiver.cli.context import Context
from archiver.cli.layout import paragraph


@click.group()
def alert() -> None:
    """List channels, rules and deliveries; send a test message."""


@alert.command("list", epilog="Example: archiver alert list")
@click.pass_obj
def list_(context: Context) -> int:
    """List channels, rules, deliveries still to be made, and those that were given up.

    Exits 1 when a delivery was given up.
    """
    import os

    from archiver.alerting import alert_standing, open_deliveries
    from archiver.alerting_channels import open_channels
    from archiver.environment import utc_now

    archive = context.archive()
    channels = open_channels(archive.settings, context.path, os.environ)
    standing = alert_standing(archive.index, utc_now().timestamp())
    pending = open_deliveries(archive.index)
    listed = [{"name": c.name, "kind": c.kind, "target": c.target} for c in channels.values()]
    rules = [{name: getattr(rule, name) for name in rule.__slots__} for rule in archive.settings.rules]
    if context.as_json:
        context.emit({"channels": listed, "rules": rules, "pending": pending, "failed": standing["failed"]})
        return 1 if standing["failed"] else 0
    for channel in listed:
        click.echo(paragraph(str(channel["target"]), f"channel {channel['name']} ({channel['kind']}): ", "  "))
    if not listed:
        context.note("no channel is set up: nobody is told of anything; docs/alerts.md says how")
    for rule in rules:
        what = [f"{name} {', '.join(rule[name])}" for name in _LISTS if rule[name]]
        told = f"{'; '.join(what)}; {rule['deliver']}, to {', '.join(rule['channels'])}"
        click.echo(paragraph(told, f"rule {rule['name']}: ", "  "))
    for item in pending:
        tried = f", {item['attempts']} failed: {item['error']}" if item["attempts"] else ""
        click.echo(
            paragraph(f"{item['alert']} to {item['channel']}, next try {item['next_try']}{tried}", "pending: ", "  ")
        )
    for item in standing["failed"]:
        click.echo(paragraph(f"{item['alert']} to {item['channel']}, {item['error']}", "given up: ", "  "))
    return 1 if standing["failed"] else 0


_LISTS = ("events", "classes", "documents", "entities", "provisions")


@alert.command(epilog="Example: archiver alert test legal")
@click.argument("channel")
@click.pass_obj
def test(context: Context, channel: str) -> None:
    """Send a message that is marked as a test to one channel, now; exits 3 when it could not be delivered."""
    import os

    from archiver.alert.interface import ChannelFailed
    from archiver.alert.message import render_test
    from archiver.alerting import plan_of
    from archiver.alerting_channels import open_channels
    from archiver.environment import utc_now
    from archiver.errors import UsageError
    from archiver.evidence.instant import format_instant

    archive = context.archive()
    channels = open_channels(archive.settings, context.path, os.environ)
    if channel not in channels:
        known = f"known: {', '.join(channels)}" if channels else "add a [[channel]] to archive.toml (docs/alerts.md)"
        raise UsageError(f"there is no channel {channel!r}", do=known)
    at = format_instant(utc_now())
    message = render_test(channel, at, plan_of(archive.settings).letterhead)
    try:
        channels[channel].send(message)
    except ChannelFailed as error:
        error.do = error.do or f"look at [[channel]] {channel} in archive.toml (docs/alerts.md), then test it again"
        raise
    if context.as_json:
        context.emit({"channel": channel, "alert": message.id, "sent_at": at})
        return
    click.echo(f"sent to {channel}, {channels[channel].target}")
