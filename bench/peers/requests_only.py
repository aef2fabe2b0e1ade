"""A requests session over a list of addresses, nothing written: what the client alone costs."""

import sys
from pathlib import Path

import requests

session = requests.Session()
for url in Path(sys.argv[1]).read_text().split():
    session.get(url).raise_for_status()
