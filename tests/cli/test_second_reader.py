"""``verify --second-reader``: warcio's word beside ours."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.cli import run
from archiver.errors import MalformedWarc
from archiver.second_reader import read_with_warcio
from tests.simulators.archives import Workshop, workshop

VECTORS = Path(__file__).parents[1] / "vectors" / "warc"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path) as shop:
        yield shop


def test_the_second_reader_speaks_beside_check_3(
    shop: Workshop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(shop.state))
    root = shop.archive(shop.folder / "archive")
    outcomes = shop.capture(root, [shop.site.url("/terms"), shop.site.url("/terms")])
    names = [outcome.capture.body["snapshot"] for outcome in outcomes]
    assert run(["--archive", str(root), "--json", "verify", "--second-reader", *names]) == 0
    for report in json.loads(capsys.readouterr().out):
        (third,) = [check for check in report["checks"] if check["number"] == 3]
        assert third["verdict"] == "pass"
        assert "; warcio reads " in third["detail"]


@pytest.mark.parametrize("name", ["wrong-block-digest", "wrong-payload-digest"])
def test_what_warcio_objects_to_is_an_error(name: str) -> None:
    (path,) = VECTORS.glob(f"{name}.warc*")
    with path.open("rb") as source, pytest.raises(MalformedWarc, match="warcio: "):
        read_with_warcio(source)


def test_nothing_is_no_warc_file() -> None:
    with pytest.raises(MalformedWarc, match="warcio: "):
        read_with_warcio(io.BytesIO(b""))
