"""What the figures were measured on, and with what."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import ssl
import subprocess
import zlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.places import SCRATCH


def machine() -> dict[str, str]:
    """Return name -> value: hardware, kernel, Python, libraries, tools, and how busy the machine was."""
    facts = {
        "date": _said("date", "-u", "+%Y-%m-%d"),
        "CPU": f"{os.cpu_count()} x {_field('/proc/cpuinfo', 'model name')}",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 1024**2:.0f} GiB",
        "disk": _said("stat", "-f", "-c", "%T", str(SCRATCH.parent)),
        "kernel": platform.release(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "OpenSSL": ssl.OPENSSL_VERSION.split()[1],
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "SQLite": sqlite3.sqlite_version,
    }
    for name in ("isal", "warcio", "fastwarc", "requests", "rfc3161-client"):
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            continue
    for tool, option in (("wget", "--version"), ("nginx", "-v")):
        if shutil.which(tool):
            found = re.search(r"\d+\.\d[\d.]*", _said(tool, option))
            facts[tool] = found[0] if found else "?"
    facts["load at the start"] = f"{os.getloadavg()[0]:.1f}"
    return facts


def _field(path: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.*)$", Path(path).read_text(), re.MULTILINE)
    return found[1] if found else "0"


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return (done.stdout + done.stderr).strip()
