"""A robots.txt behind a redirect: every hop is kept, not only the last."""

from __future__ import annotations

from pathlib import Path

from archiver.archive import open_archive
from archiver.audit import Audit
from archiver.evidence.warc_ours import read_our_warc
from tests.simulators.archives import workshop
from tests.simulators.website import redirect


def test_every_hop_of_a_redirected_robots_file_is_in_the_warc(tmp_path: Path) -> None:
    with workshop(tmp_path) as shop:
        shop.site.scripts["/robots.txt"] = [redirect("/elsewhere/robots.txt")]
        shop.site.documents["/elsewhere/robots.txt"] = (b"User-agent: *\nAllow: /\n", "text/plain")
        root = shop.archive(shop.folder / "archive")
        (outcome,) = shop.capture(root, [shop.site.url("/terms")])
        archive = open_archive(root, environment=shop.environment)
        with archive.files.open(f"{outcome.capture.body['folder']}/capture.warc.gz") as source:
            warc = read_our_warc(source)
            asked = [exchange.answer.get("WARC-Target-URI") for exchange in warc.exchanges if exchange.answer]
            assert warc.transport is not None
            told = [exchange["url"] for exchange in warc.transport["exchanges"]]
        wanted = [shop.site.url(path) for path in ("/robots.txt", "/elsewhere/robots.txt", "/terms")]
        assert asked == told == wanted
        report = Audit(archive).seq(outcome.capture.seq)
        assert report.verdict == "pass", report.to_json()
        archive.index.close()
