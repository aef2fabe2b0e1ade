"""The archiver's WARC checker with block digests alone, as ``fastwarc check`` does by default."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from archiver.evidence.warc_check import check_warc

with Path(sys.argv[1]).open("rb") as source, ThreadPoolExecutor(1) as ahead:
    sys.exit(not check_warc(source, payloads=False, ahead=ahead).ok)
