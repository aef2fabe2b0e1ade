"""What ``archiver demo`` tells: short lines as things happen, then the evidence by the ordinary commands."""

from __future__ import annotations

import shutil
import sys
import textwrap
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context, has_terminal

if TYPE_CHECKING:
    from archiver.demo.stage import Stage, Visit
    from archiver.demo.story import Revision
    from archiver.evidence.verify import Report

WIDTH = 100
"""Columns of the story on a wide terminal and in a pipe."""
CITATION_BLOCKS = 2
"""Paragraphs of the citation record that are shown: what it cites, and the clause in its words."""


class Tour:
    """The story; with ``as_json`` it goes to standard error and the ordinary commands are left out."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._interactive = not as_json and has_terminal() and sys.stdout.isatty()
        self._clause = ""
        self._width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)

    def _say(self, text: str = "", **style: Any) -> None:
        click.secho(text, err=self._as_json, **style)

    def _paragraph(self, text: str, first: str = "", rest: str | None = None, **style: Any) -> None:
        further = " " * len(first) if rest is None else rest
        lines = textwrap.wrap(
            text,
            self._width,
            initial_indent=first,
            subsequent_indent=further,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self._say("\n".join(lines), **style)

    def _heading(self, text: str) -> None:
        self._say()
        self._say(f"── {text} {'─' * max(3, self._width - len(text) - 4)}", bold=True)

    # -- before and during the visits --------------------------------------------------------------

    def opening(self) -> None:
        """The first line, before anything takes time."""
        self._say("A tour of the archiver on this machine alone: no account, no network, about 20 seconds.")
        self._say()

    def stage(self, stage: Stage) -> None:
        """What was set up, and where."""
        from archiver.demo.story import SELECT

        rows = (
            ("site", stage.site.url, f"a made-up policy; selector: {SELECT}"),
            ("authority", stage.authority_url, "RFC 3161 timestamps by openssl ts"),
            ("witness", stage.witness_url, "cosigns heads of the log (C2SP tlog-witness)"),
            ("archive", str(stage.root), "new signing key, new log"),
            ("daemon", f"process {stage.daemon_pid}", f"archiver run; it logs to {stage.log.name}"),
        )
        wide = max(len(what) for _, what, _ in rows)
        for name, what, about in rows:
            self._say(f"  {name:<10} {what:<{wide}}  {about}")
        self._say()
        self._paragraph(
            "Six visits. The daemon makes the first by its own schedule, the others because it is asked to, as archiver"
            " capture would: an hour between two is too long for a tour. Times are UTC."
        )

    def revision(self, revision: Revision) -> None:
        """What the site serves from now on."""
        self._say()
        self._say(f"{revision.number}  {revision.headline}", bold=True)
        if revision.clause and revision.clause != self._clause:
            self._clause = revision.clause
            self._paragraph(f"“{revision.clause}”", "   ", "    ")

    def visit(self, visit: Visit) -> None:
        """What the check came to."""
        check = visit.check
        outcome, change = str(check["outcome"]), check["change"]
        if check["version"] is not None:
            outcome += f" v{check['version']}{f' ({change})' if change else ''}"
        between = f"sealed between {_clock(visit.before)} and {_clock(visit.after)}"
        colour = "yellow" if check["outcome"] == "quarantined" else "green"
        if not visit.as_expected:
            colour, outcome = "red", f"{outcome}, NOT what was expected"
        self._say(f"   → {check['snapshot'] or 'no snapshot'}  {click.style(outcome, fg=colour)}, {between}")
        if visit.revision.remark:
            self._paragraph(visit.revision.remark, "     ")

    # -- the evidence ------------------------------------------------------------------------------

    def evidence(self, stage: Stage, visits: list[Visit], provision: str) -> bool:
        """Redline, a clause's life, one snapshot verified by us and by others' tools, citations; False if one fails."""
        from archiver.cli.diff import diff
        from archiver.cli.history import history
        from archiver.cli.provision import show
        from archiver.cli.verify import verify
        from archiver.cli.witness import list_
        from archiver.demo.story import CLAUSE_TITLE, COMPARED

        snapshot = cited(visits).check["snapshot"]
        fine = self._command(stage, "history", history, stage.document)
        fine &= self._command(stage, "diff", diff, stage.document, *map(str, COMPARED), code=1)
        self._heading("one clause of the first visit is marked, and followed from there")
        self._say(f"$ archiver provision add {visits[0].check['snapshot']} \\")
        self._say(f"    '{visits[0].revision.clause}' \\")
        self._say(f"    --title '{CLAUSE_TITLE}'")
        fine &= self._command(stage, "provision show", show, provision)
        fine &= self._command(stage, "verify", verify, snapshot)
        stage.wait("a cosignature", lambda: stage.cosigned)
        fine &= self._command(stage, "log witness list", list_)
        fine &= self._outsider(stage, snapshot)
        self._string(stage, snapshot)
        self._citation(stage, provision)
        return fine

    def _command(self, stage: Stage, name: str, command: click.Command, *arguments: str, code: int = 0) -> bool:
        """Run an ordinary command as if it had been typed, and say whether it ended with the code it should."""
        if self._as_json:
            return True
        self._heading(f"archiver {name} {' '.join(arguments)}")
        context = Context(str(stage.root), False, False, None, None)
        result = command.main(list(arguments), f"archiver {name}", standalone_mode=False, obj=context)
        return (result if isinstance(result, int) else 0) == code

    def _string(self, stage: Stage, snapshot: str) -> None:
        """A finished citation string; the command prints it in one line, which is longer than those of the story."""
        from archiver.attesting import record_of
        from archiver.environment import utc_now
        from archiver.formats.bluebook import PLUGIN

        record = stage.read(lambda archive: record_of(archive, snapshot, None, utc_now()))
        self._heading(f"archiver cite {snapshot} --format bluebook")
        self._paragraph(PLUGIN.render(record))

    def _citation(self, stage: Stage, provision: str) -> None:
        """The beginning of the clause's citation record as text, and how much more there is."""
        from archiver.citing_clause import clause_record
        from archiver.environment import utc_now
        from archiver.formats.text import PLUGIN

        record = stage.read(lambda archive: clause_record(archive, provision, None, utc_now()))
        text = PLUGIN.render(record)
        *shown, rest = text.split("\n\n", CITATION_BLOCKS)
        self._heading(f"archiver cite {provision}")
        self._say("\n\n".join(shown))
        self._say()
        left = len(rest.splitlines())
        self._paragraph(
            f"… and {left} more lines: dates, digests, files, timestamps, log, transport, limits, what the record"
            " lacks. It calls itself incomplete as long as it lacks anything."
        )

    def _outsider(self, stage: Stage, snapshot: str) -> bool:
        from archiver.demo.outsider import try_all
        from archiver.demo.stage import AUTHORITY

        self._heading("the same snapshot without the archiver, in its folder")
        folder = stage.folder_of(snapshot)
        tried = try_all(folder, AUTHORITY, stage.authority_root)
        self._say(f"$ cd {folder}")
        for one in tried:
            self._say(f"$ {one.line}")
            self._say(one.output)
        self._paragraph(
            "The first digest is the entry that the log holds, the second stands in the statement: both as above."
        )
        return all(one.fine for one in tried)

    def verdict(self, reports: list[Report]) -> bool:
        """The verdict on the whole archive in a line; False unless all pass."""
        passed = sum(report.verdict == "pass" for report in reports[1:])
        self._heading("archiver verify --all, in short")
        self._say(f"{reports[0].subject}: {reports[0].verdict}; {passed} of {len(reports) - 1} snapshots pass")
        return all(report.verdict == "pass" for report in reports)

    # -- the end -----------------------------------------------------------------------------------

    def closing(self, stage: Stage, visits: list[Visit], provision: str) -> None:
        """What was shown and what not, and what to try next."""
        check = cited(visits).check
        snapshot, day = check["snapshot"], check["started_at"][:10]
        self._heading("what this showed, and what not")
        for text in _lessons(visits):
            self._paragraph(text, "  - ")
        self._heading("try next")
        program = _program()
        self._say(f"cd {stage.root}")
        folder = stage.folder_of(snapshot).relative_to(stage.root)
        rows = (
            (f"{program} search train object", "every wording ever seen"),
            (f"{program} provision show {provision}", "a clause, down to the bytes"),
            (f"{program} cite {provision} --format csl", "formats: cite --list-formats"),
            (f"{program} absence {stage.document} --from {day} --to {day}", "did it stay the same?"),
            (f"{program} quarantine list", "what waits for a person"),
            (f"{program} verify --all", "the log and every snapshot"),
            (f"{program} log prove {snapshot}", "inclusion proof, signed head"),
            (f"gzip -dc {folder}/capture.warc.gz | less", "what passed the wire"),
        )
        wide = min(max(len(line) for line, _ in rows), WIDTH - 32)
        for line, about in rows:
            if len(line) > wide:  # the remark goes below, in its column
                self._say(line)
                line = ""
            self._say(f"{line:<{wide}}  # {about}")

    def wait_for_enter(self) -> None:
        """On a terminal, leave all running until Enter, Ctrl-D or Ctrl-C; elsewhere return at once."""
        if not self._interactive:
            return
        self._say()
        self._paragraph(
            "Site, authority and daemon are still running: try these in another terminal, archiver capture too."
        )
        try:
            input("Press Enter to end. ")
        except (EOFError, KeyboardInterrupt):
            self._say()

    def stopped(self, stage: Stage, code: int, *, fine: bool) -> None:
        """How it all ended, and what is left."""
        self._say()
        if not fine:
            self._say("NOT everything came out as it should: see above.", fg="red", bold=True)
        how = "stopped in order" if code == 0 else f"ended with code {code}, see {stage.log}"
        self._say(f"The daemon {how}; nothing is left running. Kept: {stage.folder}")

    def interrupted(self, stage: Stage) -> None:
        """The tour was ended from outside."""
        self._say()
        self._say(f"Ended early; nothing is left running. Kept: {stage.folder}")


def cited(visits: list[Visit]) -> Visit:
    """The visit that is verified and cited."""
    from archiver.demo.story import CITED

    return next(visit for visit in visits if visit.revision.number == CITED)


def _clock(instant: str | None) -> str:
    """Time of day with milliseconds; authorities leave final zeros out."""
    return "?" if instant is None else datetime.fromisoformat(instant).strftime("%H:%M:%S.%f")[:-3]


def _lessons(visits: list[Visit]) -> list[str]:
    shown = (
        "Shown: what this client got from the site in six visits, outage included, each record sealed between two"
        " timestamps and held by a signed log. Both can be checked without this program."
    )
    not_shown = (
        "Not shown: that the publisher sent it, or what others saw (TLS does not sign content: limits L1, L2); what"
        " stood there between two visits."
    )
    toy = (
        "Authority and witness are toys: they run here, by this machine's clock. A public authority and a witness of"
        " other people are tables in archive.toml, [[authority]] and [[witness]]; then it is someone else's word."
    )
    lessons = [shown, not_shown, toy]
    if any("L16" in visit.check["limits"] for visit in visits):
        lessons.append("This machine's clock is not synchronised. Every record says so: limit L16.")
    return lessons


def _program() -> str:
    """The archiver as it can be typed from any folder."""
    called = Path(sys.argv[0])
    found = shutil.which("archiver")
    if called.name == "__main__.py":
        return f"{sys.executable} -m archiver"
    if found is not None and called.exists() and called.samefile(found):
        return "archiver"
    return str(called.absolute())
