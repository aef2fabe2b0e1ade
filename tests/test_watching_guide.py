"""docs/watching.md does what it says: its commands run against its pages, and its lists are those of the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from archiver import settings
from archiver.annotations import TERMS
from archiver.evidence.citation_clause import STATES_ON
from archiver.outcome import GOOD
from archiver.watch import anchor, follow, gate_page, provision, variants
from archiver.watch.extract import hidden
from archiver.watch.gate import GateLimits
from tests.cli.box import SOURCE, Box
from tests.simulators.website import Document, Website

TEXT = (SOURCE / "docs/watching.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|text|html|http)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
MARK = "@@ last command"
FINDING = re.compile(r"archiver (?:diff|absence|provision others) ")
"""Commands whose exit code 1 the page explains: the two differ, it changed, there is none."""


def blocks() -> list[tuple[str, str]]:
    """Kind and content of every block, in order."""
    return [(match[1], match[2]) for match in BLOCK.finditer(TEXT)]


def script(block: str, *, down: bool) -> str:
    """A block as a script that stops at the first command that does not end as the page says; its last one is shown."""
    lines = ["set -eu", f'archiver() {{ {sys.executable} -m archiver "$@"; }}']
    commands = block.rstrip("\n").replace("\\\n", " ").split("\n")
    for number, line in enumerate(commands, 1):
        finding = FINDING.match(line) or (down and line.startswith("archiver capture "))
        lines += [f"echo '{MARK}'"] if number == len(commands) else []
        lines.append(f"if {line}; then false; else [ $? = 1 ]; fi" if finding else line)
    return "\n".join(lines) + "\n"


def plain(text: str, site: Website) -> str:
    """Without what differs from run to run: digests, times, addresses and what depends on their length."""
    text = text.replace(site.url(""), "https://example.com").replace(f"127.0.0.1:{site.port}", "example.com")
    text = text.replace("127.0.0.1", "example.com")
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "MINUTE", text)
    text = re.sub(r"captured \w+\.? \d+, \d{4}, \d\d:\d\d:\d\d UTC", "captured TIME", text)
    text = re.sub(r"<urn:uuid:[0-9a-f-]{36}>", "RECORD", text)
    text = re.sub(r"at byte \d+", "at byte N", text)
    text = re.sub(r"-{3,}", "---", text)
    return " ".join(text.split())


def document(kind: str, block: str) -> Document:
    """What the site serves from a page's block on."""
    if kind == "html":
        return Document(block.encode())
    head, _, body = block.partition("\n\n")
    return Document(body.encode(), "text/html", status=head.split("\n")[0].removeprefix("HTTP/1.1 "))


def ran(text: str, box: Box, site: Website) -> str:
    """What a script prints, once it ended well."""
    environment = {
        **box.environment,
        "ARCHIVER_ARCHIVE": "archive",
        "ARCHIVER_NETWORK_ALLOW_PRIVATE": "127.0.0.0/8",
        "ARCHIVER_NETWORK_PORTS": str(site.port),
    }
    done = subprocess.run(
        ["bash", "-c", text.replace("https://example.com", site.url(""))],
        cwd=box.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, text + done.stdout[-2000:] + done.stderr
    assert "Traceback" not in done.stderr and "error:" not in done.stderr, done.stderr
    return done.stdout.partition(f"{MARK}\n")[2]


def test_every_command_runs_and_prints_what_is_shown(tmp_path: Path) -> None:
    with Website(documents={"/robots.txt": b""}) as site:
        box = Box(tmp_path, site)
        printed, down = "", False
        shown = 0
        for kind, block in blocks():
            if kind == "sh":
                printed = ran(script(block, down=down), box, site)
            elif kind == "text":
                assert plain(block, site) == plain(printed, site), printed
                shown += 1
            else:
                site.documents["/terms"], down = document(kind, block), kind == "http"
        assert shown >= 7 and len(site.hits) >= 3


def rows(heading: str, column: str) -> list[str]:
    """The first cells of the table under a heading whose first column has this name, code marks taken off."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert section, heading
    table = re.search(rf"^\| {column} \|.*\n\|[-|]+\n((?:\|.*\n)+)", section[1], re.MULTILINE)
    assert table, column
    return [cell for line in table[1].splitlines() for cell in re.findall(r"`(\w+)`", line.split(" | ")[0])]


def calls(place: str, name: str) -> Iterator[ast.Call]:
    tree = ast.parse((SOURCE / place).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def constant(call: ast.Call, place: int) -> str:
    argument = call.args[place]
    assert isinstance(argument, ast.Constant) and isinstance(argument.value, str), ast.unparse(call)
    return argument.value


def test_every_reason_of_the_gate_is_listed() -> None:
    codes = {constant(call, 0) for call in calls("archiver/watch/gate.py", "_held")} | set(gate_page.FAMILIES)
    codes |= {constant(call, 4) for call in calls("archiver/assessor.py", "Judgement") if len(call.args) > 4}
    assert {"error_status", "shrunk", "block_page", "internal"} <= codes
    listed = rows("The gate and the quarantine", "reason")
    assert sorted(listed) == sorted(codes)
    # A refusal has no other makers than these two.
    makers = {ast.unparse(call.args[1]) for call in calls("archiver/watch/gate.py", "Refusal")}
    assert makers == {"code", "finding.family", "refusal.code"}


def test_every_problem_of_a_reading_is_listed() -> None:
    places = [*(SOURCE / "archiver/watch/extract").glob("*.py"), SOURCE / "archiver/assessor.py"]
    made = [call for place in places for call in calls(str(place.relative_to(SOURCE)), "Problem")]
    codes = {constant(call, 0) for call in made if not isinstance(call.args[0], ast.Name)}
    codes |= {constant(call, 1) for call in calls("archiver/watch/extract/text_1.py", "_failed")}
    assert sorted(rows("From a page to a text", "problem")) == sorted(codes)


def test_classes_states_and_figures_are_those_of_the_code() -> None:
    assert set(rows("Versions and changes", "class")) == set(settings.CHANGE_CLASSES)
    outcomes = rows("Versions and changes", "outcome")
    assert set(outcomes) >= GOOD | {"quarantined", "blocked", "robots_denied", "failed", "skipped"}
    assert set(rows("Following a clause", "state")) == STATES_ON - {"changed"}
    assert all(f"`{term}`" in TEXT for term in TERMS)
    for text in (
        f"score of {follow.REWORDED_IN_PLACE} of 100",
        f"with {follow.REWORDED_ELSEWHERE} or more",
        f"at most {anchor.MAX_CLAUSE:,} characters",
        f"has {hidden.PROSE} words or more",
        f"within {variants.RETURN_WITHIN_S // 86400} days (A, B, A, B)",
        f"{variants.SETTLED_CHECKS} checks in a row over at least a day",
        f"throughout {variants.SETTLED_S // 86400} days in at least {variants.SETTLED_FEW} checks",
        f"more than {GateLimits().shrink_percent} per cent of the words",
    ):
        assert text in " ".join(TEXT.split()), text
    assert variants.SETTLED_CHECKS_S == 86400
    assert (provision.VOLATILE_CHANGES, provision.VOLATILE_MONTHS) == (2, 3)
    assert "at least two changes, and at least one in three months monitored" in TEXT
    assert settings.DEFAULTS["gate"]["shrink_percent"] == GateLimits().shrink_percent
