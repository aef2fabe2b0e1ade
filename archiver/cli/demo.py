"""``archiver demo``: a tour on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context

if TYPE_CHECKING:
    from archiver.demo.stage import Stage, Visit
    from archiver.evidence.verify import Report


@click.command(epilog="Example: archiver demo --folder my-demo")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="New or empty folder to work in; default: a new temporary one. It is kept.",
)
@click.pass_obj
def demo(context: Context, folder: Path | None) -> int:
    """Show the main job without account or network: a policy that changes, a clause that is followed, a citation.

    Runs the daemon, a site and a timestamp authority on loopback, about twenty seconds. Exits 1 when something
    does not verify. On a terminal all keeps running until Enter, for trials of your own; elsewhere it ends by itself.
    """
    from archiver.cli.tour import Tour
    from archiver.demo.stage import Stage
    from archiver.demo.story import REVISIONS

    _shield()
    tour = Tour(context.as_json)
    stage = Stage(folder)
    tour.opening()
    visits: list[Visit] = []
    try:
        with stage:
            tour.stage(stage)
            for revision in REVISIONS:
                tour.revision(revision)
                visits.append(stage.visit(revision))
                tour.visit(visits[-1])
            fine = all(visit.as_expected for visit in visits)
            clause = stage.mark(visits[0])
            fine &= tour.evidence(stage, visits, clause["provision"])
            reports = stage.verify_all()
            fine &= tour.verdict(reports)
            tour.closing(stage, visits, clause["provision"])
            found = _found(stage, clause) if context.as_json else {}
            tour.wait_for_enter()
            stopped = stage.stop_daemon()
    except KeyboardInterrupt:
        tour.interrupted(stage)
        return 130
    fine &= stopped == 0
    tour.stopped(stage, stopped, fine=fine)
    if context.as_json:
        context.emit({**_document(stage, visits, reports, fine=fine), **found})
    return 0 if fine else 1


def _shield() -> None:
    """Keep the user's own settings out, and make every ordinary way of ending this process stop the daemon too."""
    import os
    import signal

    for name in [name for name in os.environ if name.startswith("ARCHIVER_")]:
        del os.environ[name]

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def _document(stage: Stage, visits: list[Visit], reports: list[Report], *, fine: bool) -> dict[str, object]:
    return {
        "folder": str(stage.folder),
        "archive": str(stage.root),
        "document": stage.document,
        "url": stage.site.url,
        "visits": [
            {
                "revision": visit.revision.number,
                "snapshot": visit.check["snapshot"],
                "outcome": visit.check["outcome"],
                "version": visit.check["version"],
                "change": visit.check["change"],
                "expected": visit.as_expected,
                "sealed_after": visit.before,
                "sealed_before": visit.after,
            }
            for visit in visits
        ],
        "verify": [{"subject": report.subject, "verdict": report.verdict} for report in reports],
        "verdict": "pass" if fine else "fail",
    }


def _found(stage: Stage, clause: dict[str, Any]) -> dict[str, object]:
    """The redline that the tour shows, the clause's life, and what cites it."""
    from archiver.citing_clause import clause_record
    from archiver.demo.story import COMPARED
    from archiver.differences import told, version_side
    from archiver.environment import utc_now

    old, new = COMPARED
    redline = stage.read(
        lambda archive: told(version_side(archive, stage.document, old), version_side(archive, stage.document, new))
    )
    record = stage.read(lambda archive: clause_record(archive, clause["provision"], None, utc_now()))
    cited = {name: record[name] for name in ("citation_id", "snapshot", "completeness", "pin")}
    return {"diff": redline, "provision": clause, "citation": cited}
