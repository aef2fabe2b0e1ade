"""What an outsider does with one snapshot folder, without this program: digests and timestamp by common tools."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Tried:
    """A command line as it can be typed, what it printed, and whether it ended with success."""

    line: str
    output: str
    fine: bool


def try_all(folder: Path, authority: str, root: Path) -> list[Tried]:
    """Digest the snapshot's files, and check the token over its statement against ``root`` (PEM)."""
    token = ("-data", "statement.json", "-in", f"statement.{authority}.tsr")
    tried = [_run(folder, ("sha256sum", "statement.json", "capture.warc.gz"), ())] if shutil.which("sha256sum") else []
    return [*tried, _run(folder, ("openssl", "ts", "-verify", *token), ("-CAfile", str(root)))]


def _run(folder: Path, words: tuple[str, ...], further: tuple[str, ...]) -> Tried:
    done = subprocess.run(
        (*words, *further),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
    )
    # openssl names its configuration file on the way; that is no result.
    lines = [line for line in done.stdout.decode(errors="replace").splitlines() if not line.startswith("Using conf")]
    line = shlex.join(words) + (f" \\\n    {shlex.join(further)}" if further else "")
    return Tried(line, "\n".join(lines), done.returncode == 0)
