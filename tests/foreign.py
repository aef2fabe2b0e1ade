"""Files as other people make them: WARCs by warcio, packages by zipfile, and what goes wrong with them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

PAGE = b"<h1>Terms</h1><p>You may cancel within fourteen days.</p>"
URLS = ("http://a.example/terms", "http://a.example/ünder")
DATES = ("2019-05-12T10:00:00Z", "2019-05-12T09:59:59Z")


def warc(*, gz: bool = True, version: str = "1.1", body: bytes = PAGE) -> bytes:
    """A warcinfo record and a response for each address, as warcio writes them."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=gz, warc_version=version)
    records = [writer.create_warcinfo_record("theirs.warc", {"software": "theirs/1"})]
    records[0].rec_headers.replace_header("WARC-Date", DATES[1])
    for url, date in zip(URLS, DATES, strict=True):
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        fields = {"WARC-Date": date}
        records.append(
            writer.create_warc_record(
                url, "response", payload=io.BytesIO(body), http_headers=head, warc_headers_dict=fields
            )
        )
    for record in records:
        writer.write_record(record)
        record.raw_stream.close()
    return out.getvalue()


def in_one_member() -> bytes:
    """A WARC that was compressed as a whole."""
    return gzip.compress(warc(gz=False), mtime=0)


def wacz(members: Mapping[str, bytes] | None = None, *, extra: Mapping[str, bytes] | None = None) -> bytes:
    """A package of other people, unsigned and without an index; ``extra`` members are in it and not listed."""
    held = {
        "archive/data.warc.gz": warc(),
        "pages/pages.jsonl": b'{"format":"json-pages-1.0","id":"pages","title":"All"}\n'
        + json.dumps({"url": URLS[0], "ts": DATES[0]}).encode()
        + b"\n",
        **(members or {}),
    }
    resources = [
        {"name": name.rpartition("/")[2], "path": name, "bytes": len(data), "hash": f"sha256:{_sha256(data)}"}
        for name, data in held.items()
    ]
    package = json.dumps({"profile": "data-package", "wacz_version": "1.1.1", "resources": resources}).encode()
    digest = json.dumps({"path": "datapackage.json", "hash": f"sha256:{_sha256(package)}"}).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in {**held, "datapackage.json": package, "datapackage-digest.json": digest}.items():
            file.writestr(name, data)
        for name, data in (extra or {}).items():
            file.writestr(name, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
