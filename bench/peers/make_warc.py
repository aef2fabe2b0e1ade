"""Writes a WARC of response records with warcio: SHA-1 digests of block and payload, one gzip member each."""

import io
import sys
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

site, target, copies = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
pages = sorted(page for page in site.glob("*.html") if page.name != "tiny.html")
records = 0
with target.open("wb") as out:
    writer = WARCWriter(out, gzip=True)
    for copy in range(copies):
        for page in pages:
            body = page.read_bytes()
            fields = [("Server", "nginx"), ("Content-Type", "text/html"), ("Content-Length", str(len(body)))]
            head = StatusAndHeaders("200 OK", [*fields, ("X-Copy", str(copy))], protocol="HTTP/1.1")
            url = f"http://127.0.0.1/{copy}/{page.name}"
            record = writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=head)
            writer.write_record(record)
            records += 1
print(records)
