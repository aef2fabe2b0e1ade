"""``stored_zip.py TARGET FILE…``: the least that a package is: every file stored in a zip, its SHA-256 taken."""

import hashlib
import sys
import zipfile
from pathlib import Path

with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_STORED) as target:
    for name in sys.argv[2:]:
        digest = hashlib.sha256()
        with Path(name).open("rb") as source, target.open(f"archive/{Path(name).name}", "w") as out:
            while piece := source.read(1 << 20):
                digest.update(piece)
                out.write(piece)
