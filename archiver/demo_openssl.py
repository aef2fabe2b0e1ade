"""Running the ``openssl`` program for the demonstration authority."""

from __future__ import annotations

import subprocess
from pathlib import Path

from archiver.errors import ArchiverError

TIMEOUT_S = 30  # one run of openssl takes milliseconds


class DemoAuthorityError(ArchiverError):
    """The ``openssl`` program is missing or refused to work."""


def openssl(directory: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Run ``openssl`` in a directory and return what it prints; ``DemoAuthorityError`` when it refuses."""
    try:
        done = subprocess.run(
            ["openssl", *arguments],
            cwd=directory,
            input=given,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except FileNotFoundError:
        raise DemoAuthorityError("the openssl program is not installed") from None
    except subprocess.TimeoutExpired:
        raise DemoAuthorityError(f"openssl did not end within {TIMEOUT_S} s") from None
    except subprocess.CalledProcessError as error:
        raise DemoAuthorityError(f"openssl {arguments[0]} failed: {error.stderr.decode()[-400:]}") from error
    return done.stdout
