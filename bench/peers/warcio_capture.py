"""The usual few lines of Python: warcio's capture_http around a requests session, one WARC."""

import sys
from pathlib import Path

from warcio.capture_http import capture_http

import requests  # isort: skip  # after capture_http, as warcio asks

session = requests.Session()
with capture_http(sys.argv[2]):
    for url in Path(sys.argv[1]).read_text().split():
        session.get(url).raise_for_status()
