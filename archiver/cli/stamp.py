"""``archiver stamp``: timestamps had and owed."""

from __future__ import annotations

from typing import Any

import click

from archiver.cli.context import Context, table


@click.group()
def stamp() -> None:
    """List timestamps, cosignatures and what is still owed; try again now."""


@stamp.command("list", epilog="Example: archiver stamp list")
@click.option("--limit", type=click.IntRange(1), default=50, help="Newest ones to show; default 50.")
@click.pass_obj
def list_(context: Context, limit: int) -> None:
    """List the newest verified tokens and cosignatures, and what is owed, with the reason why it is not there."""
    from archiver.environment import utc_now
    from archiver.revocations import revocation_standing
    from archiver.standing import counted, owed_stamps

    archive = context.archive()
    tokens = [
        {
            "statement": r["seq"],
            "authority": r["authority"],
            "subject": f"checkpoint of size {r['size']}"
            if r["subject"] == "checkpoint"
            else f"statement {r['subject_seq']}",
            "gen_time": r["gen_time"],
            "serial": r["serial"],
            "token_sha256": r["token_sha256"].hex(),
            "path": r["path"],
        }
        for r in archive.index.rows("select * from stamp where event = 'token' order by seq desc limit ?", (limit,))
    ]
    cosignatures = [
        {
            "statement": r["seq"],
            "witness": r["witness"],
            "subject": f"checkpoint of size {r['size']}",
            "time": r["time"],
            "key": r["vkey"],
            "cosignature_sha256": r["cosignature_sha256"].hex(),
            "path": r["path"],
        }
        for r in archive.index.rows("select * from cosignature order by seq desc limit ?", (limit,))
    ]
    pending = owed_stamps(archive, utc_now())
    revocation = revocation_standing(archive, utc_now())
    if context.as_json:
        told = {"tokens": tokens, "cosignatures": cosignatures, "pending": pending, "revocation": revocation}
        context.emit(told)
        return
    rows = [(t["statement"], t["authority"], t["subject"], t["gen_time"], t["serial"]) for t in tokens]
    click.echo(table(("statement", "authority", "covers", "time", "serial"), rows))
    if cosignatures:
        lines = [(c["statement"], c["witness"], c["subject"], c["time"]) for c in cosignatures]
        click.echo(table(("statement", "witness", "covers", "time"), lines))
    for item in pending:
        state = "overdue" if item["overdue"] else "pending"
        tried = f"{counted(item['attempts'], 'failed try').replace('trys', 'tries')}: {item['error']}"
        why = tried if item["attempts"] else "not asked for yet"
        what = "cosignature over the checkpoint" if item["kind"] == "cosignature" else item["subject"]
        click.echo(f"{state}: {what} from {item['authority']} since {item['since']}, {why}")
    for chain in revocation:
        click.echo(_about_revocation(chain))
        for one in chain["certificates"]:
            words = one["reason"] or "no reason stated" if one["status"] == "revoked" else one["url"] or ""
            source = one["source"] or "asked"
            click.echo(f"  certificate {one['certificate_sha256'][:16]}…: {one['status']}, {source}, {words}")


def _about_revocation(chain: dict[str, Any]) -> str:
    """One line on the revocation data of one chain of an authority."""
    name = f"revocation data of {chain['authority']} (chain {chain['chain_sha256'][:16]}…)"
    if not chain["sources"]:
        return f"{name}: none, its certificates name nobody who could be asked"
    asked = "not asked for yet" if chain["asked_at"] is None else f"asked for at {chain['asked_at']}"
    owed = ", overdue" if chain["overdue"] else ", owed" if chain["owed"] else ""
    tried = f", to be tried again at {chain['next_try']}: {chain['error']}" if chain["next_try"] else ""
    return f"{name}: {asked}{owed}{tried}"


@stamp.command(epilog="Example: archiver stamp retry")
@click.pass_obj
def retry(context: Context) -> int:
    """Publish a checkpoint and ask every authority and witness now, without waiting for the time of the next try.

    Exits 3 when one of them did not answer, or did not answer well.
    """
    from archiver.environment import utc_now
    from archiver.standing import owed_stamps

    with context.work() as work:
        warnings = work.settle(stamp=True)
    pending = owed_stamps(context.archive(), utc_now())
    for warning in warnings:
        context.note(f"warning: {warning}")
    if context.as_json:
        context.emit({"warnings": warnings, "pending": pending})
    else:
        click.echo(f"{len(pending)} pending" if pending else "nothing is pending")
    return 3 if warnings else 0
