"""Archives to measure with, made by the command itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.places import program
from bench.website import Website


def new_archive(folder: Path, site: Website | None, *settings: str) -> list[str]:
    """Make an archive that may visit ``site``; return the beginning of every command on it.

    The head copy lies beside it: in production it belongs on another disk, here it must only not be left out.
    """
    chosen = [
        "archive.origin=bench.example.org/log",
        f"archive.head_copy={folder}.head",
        *settings,
    ]
    if site is not None:
        chosen.append("network.allow_private=127.0.0.0/8")
        chosen.append(f"network.ports={site.port},{site.tls_port}")
        chosen.append(f"network.ca_file={site.ca}")
    words = [word for assignment in chosen for word in ("--set", assignment)]
    done = subprocess.run(
        [program("archiver"), "init", str(folder), "--no-passphrase", *words],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"archiver init failed: {done.stderr}")
    return [program("archiver"), "--archive", str(folder)]
