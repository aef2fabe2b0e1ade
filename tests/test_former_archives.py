"""An archive made by software before 0.2: its assessments know no text, and everything goes on from there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archiver.evidence.canonical import Json
from archiver.operation import open_operation
from tests.cli.box import Box
from tests.cli.policy import DOCUMENT, Publisher
from tests.cli.test_watching import page
from tests.simulators.website import Website


@pytest.fixture
def site() -> Website:
    return Website()


@pytest.fixture
def former(tmp_path: object, site: Website, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """A watched document whose one snapshot was assessed as it was then: by its content alone."""
    with site:
        box = Box(tmp_path, site).init()  # type: ignore[arg-type]
        Publisher(box, site).check(page())
        for name, value in box.environment.items():
            monkeypatch.setenv(name, value)
        body = next(body for body in box.statements() if body["kind"] == "assessment")
        (capture,) = box.captures()
        then = "capture_seq capture_entry document normaliser gate verdict reason text_sha256 text_sha512 text_bytes"
        then += " text_lines_root links_sha256 version previous_version change outcome"
        old: Json = {name: body[name] for name in then.split()}
        content = capture["parts"][0]["content"]
        old |= {"normaliser": "identity/1", "gate": "status/1", "text_sha256": content["sha256"], "version": 1}
        old |= {"text_sha512": content["sha512"], "text_bytes": content["bytes"]}
        old |= {"text_lines_root": None, "links_sha256": None}
        with open_operation(box.root, lambda: None) as operation:
            operation.writer.state(lambda _seq, _sealed: ("assessment", dict(old)))
            operation.publish()
        yield box


def test_it_is_rebuilt_without_a_word_and_read_as_text_when_asked(
    former: Box, caplog: pytest.LogCaptureFixture
) -> None:
    former.fine("rebuild")
    former.verified()
    assert not caplog.records
    refused = former.call("provision", "add", DOCUMENT, "Keep your password secret.")
    assert refused.code == 3 and "archiver derive" in refused.error()
    assert not caplog.records, "who asked hears of it, and nobody else"
