"""Takes the roots of public timestamp authorities out of certifi (Mozilla's list) and writes them beside this file.

    python config/authorities/make.py [--check]

``--check`` writes nothing. Exit 0: all equal. 1: a file differs from its fingerprint or from certifi. 3: a root is no
longer in the installed certifi, so that there is nothing to compare with; the file here stays good as long as its
fingerprint holds.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import tomllib
from pathlib import Path

import certifi

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from archiver.evidence.timestamp import chain_to_pem  # noqa: E402


def wanted() -> dict[str, list[str]]:
    """Return the fingerprints that belong into each file, in the order of ``authorities.toml``."""
    tables = tomllib.loads((HERE / "authorities.toml").read_text(encoding="utf-8"))["authority"]
    return {table["roots"]: [root["sha256"] for root in table["root"]] for table in tables}


def main() -> int:
    """Write or check; see the top of this file."""
    checking = sys.argv[1:] == ["--check"]
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----([^-]+)-----END", Path(certifi.where()).read_bytes())
    known = {hashlib.sha256(der).hexdigest(): der for der in map(base64.b64decode, blocks)}
    status = 0
    for name, fingerprints in wanted().items():
        path = HERE / name
        missing = [one for one in fingerprints if one not in known]
        if missing:
            print(f"{name}: no longer in certifi {certifi.__version__}: {', '.join(missing)}")  # noqa: T201
            status = max(status, 3)
            continue
        pem = chain_to_pem([known[one] for one in fingerprints])
        if checking and (not path.is_file() or path.read_bytes() != pem):
            print(f"{name}: differs from certifi {certifi.__version__}")  # noqa: T201
            return 1
        if not checking:
            path.write_bytes(pem)
    return status


if __name__ == "__main__":
    sys.exit(main())
