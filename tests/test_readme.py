"""The README does what it says: every command of its ``sh`` blocks runs in order, and prints what the page shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.box import SOURCE, Box
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website

TEXT = (SOURCE / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
MARK = "@@ end of block"
ENDS_WITH_A_FINDING = {"archiver doctor", "archiver protocol EA-S-00000002 --gaps"}
"""Commands of which the page says that they end with 1."""


def blocks() -> list[tuple[str, str]]:
    """What to run, and what the last command of it prints (empty: not shown)."""
    found = [(match[1], match[2] or "") for match in BLOCK.finditer(TEXT)]
    assert len(found) >= 8
    return found


def script() -> str:
    """All blocks as one script, which stops at the first command that does not end as the page says."""
    lines = ["set -eu", f'archiver() {{ {sys.executable} -m archiver "$@"; }}']
    for block, shown in blocks():
        *before, last = block.rstrip("\n").split("\n")
        if "--key log.vkey" in block:
            lines += ["unset ARCHIVER_ARCHIVE", "mv archive/snapshots/*/*/*/EA-S-00000002 ."]
            lines += ["cp archive/keys/log.vkey .", "cp root.pem authority-root.pem"]
        lines += before
        lines.append(f"echo '{MARK}: shown'" if shown else f"echo '{MARK}'")
        lines.append(f"if {last}; then false; else [ $? = 1 ]; fi" if last in ENDS_WITH_A_FINDING else last)
        lines.append(f"echo '{MARK}'")
    return "\n".join(lines) + "\n"


def plain(text: str, site: Website) -> str:
    """Without what differs from run to run: digests, times, the simulated site's address."""
    text = text.replace(site.url(""), "https://example.com").replace(f"127.0.0.1:{site.port}", "example.com")
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
    text = re.sub(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?", "DAY", text)
    text = re.sub(r"captured \w+\.? \d+, \d{4}, \d\d:\d\d:\d\d UTC", "captured TIME", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()).replace("127.0.0.1 (", "example.com (")


def test_every_command_runs_and_prints_what_is_shown(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        Website(documents={"/terms": (b"<p>Be nice</p>", "text/html")}) as site,
        TimestampAuthority(tmp_path_factory.mktemp("authority")) as authority,
    ):
        box = Box(tmp_path, site)
        shutil.copytree(SOURCE / "config", tmp_path / "config")
        for name in ("config/authorities/digicert.pem", "root.pem"):
            (tmp_path / name).write_bytes(authority.root_pem.read_bytes())
        (tmp_path / "passphrase").write_text("correct horse\n")
        text = (
            script()
            .replace("https://example.com", site.url(""))
            .replace("http://timestamp.digicert.com", authority.url)
        )
        environment = {
            **box.environment,
            "ARCHIVER_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
            "ARCHIVER_NETWORK_ALLOW_PRIVATE": "127.0.0.0/8",
            "ARCHIVER_NETWORK_PORTS": str(site.port),
        }
        del environment["ARCHIVER_ARCHIVE"]
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    printed = re.findall(rf"{MARK}: shown\n(.*?){MARK}\n", done.stdout, re.DOTALL)
    shown = [text for _, text in blocks() if text]
    assert [plain(text, site) for text in printed] == [plain(text, site) for text in shown]
    assert "Traceback" not in done.stderr and "error:" not in done.stderr


def test_commands_are_in_blocks_that_run() -> None:
    """A plain block may only hold what needs a clone, an installation or a daemon."""
    others = re.findall(r"^```\n(.*?)^```\n", re.sub(BLOCK, "", TEXT), re.MULTILINE | re.DOTALL)
    commands = {line.split()[0] for block in others for line in block.splitlines() if line.strip()}
    assert commands <= {"git", "make", "python3", "/opt/evidence-archiver/bin/pip"}
