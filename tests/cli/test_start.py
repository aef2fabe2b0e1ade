"""What a command loads before it does anything: whoever captures one page waits for it."""

from __future__ import annotations

import subprocess
import sys

SELDOM = ("requests", "urllib3", "rfc3161_client", "asn1crypto", "lxml", "OpenSSL", "archiver.evidence.cosignature")


def test_the_writer_starts_without_what_only_some_archives_need() -> None:
    code = f"import sys, archiver.work; print([name for name in {SELDOM!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert loaded.stdout.strip() == "[]", loaded.stdout
