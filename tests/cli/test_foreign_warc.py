"""A WARC file of somebody else on the command line: small and large, whole and broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.cli import foreign_warc
from archiver.cli.foreign_warc import check_foreign
from tests.cli.box import Box

VECTORS = Path(__file__).parent.parent / "vectors" / "warc"
GOOD = (VECTORS / "good.warc.gz").read_bytes()


@pytest.fixture(params=["one by one", "side by side"])
def copies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many copies of the file make one that is read in this way."""
    if request.param == "one by one":
        return 1
    monkeypatch.setattr(foreign_warc, "PIECE", 4096)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    return 20


def test_a_file_in_order(copies: int, tmp_path: Path) -> None:
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes(GOOD * copies)
    assert (foreign_warc._side_by_side(path) is None) == (copies == 1)
    report = check_foreign(path)
    assert report.verdict == "pass"
    assert report.checks[0].detail == f"{3 * copies} records, digests of {3 * copies} hold, 0 have none"


def test_the_first_defect_is_named_with_its_place(copies: int, tmp_path: Path) -> None:
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes(GOOD * copies + (VECTORS / "wrong-block-digest.warc.gz").read_bytes())
    report = check_foreign(path)
    assert report.verdict == "fail"
    assert "(block_digest)" in report.checks[0].detail
    place = int(report.checks[0].detail.split("at byte ")[1].split(":")[0])
    assert place > len(GOOD) * copies


def test_a_file_without_records(tmp_path: Path) -> None:
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes((VECTORS / "not-warc.gz").read_bytes())
    assert check_foreign(path).verdict == "fail"
    assert "no WARC record could be read: at byte 0" in check_foreign(path).checks[0].detail


@pytest.mark.parametrize(
    ("name", "data", "number", "said"),
    [
        ("x.warc.gz", b"", 3, "x.warc.gz: there is no WARC record in it: the file is empty"),
        ("x.WARC", b"hello", 3, "there is no WARC record in it: it begins like no WARC file, no gzip and no zip file"),
        ("x.warc.gz", b"PK\x03\x04", 3, "it begins like a zip file; with a name that ends in .zip it is read as that"),
        ("x.wacz", b"", 31, "it is no WACZ package, for it is no zip file: the file is empty"),
        ("x.zip", GOOD, 21, "it is no zip file: it begins like gzip; with a name that ends in .gz it is read as that"),
        ("x.zip", b"WARC/1.1", 21, "it is no zip file: it begins like a WARC file"),
        ("notes.txt", b"", 2, "notes.txt: the file is empty"),
    ],
)
def test_what_is_not_what_its_name_says_is_told_what_it_is(
    box: Box, tmp_path: Path, name: str, data: bytes, number: int, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    elsewhere = Box(tmp_path)
    elsewhere.root = tmp_path / "nowhere"
    for asked in (box, elsewhere):
        result = asked.call("verify", str(tmp_path / name), "--json")
        (check,) = result.json[0]["checks"]
        assert (result.code, check["number"], check["verdict"]) == (1, number, "fail")
        assert said in check["detail"]


@pytest.mark.parametrize("name", ["x.gz", "x"])
def test_a_warc_file_of_another_name_is_read_by_its_first_bytes(box: Box, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(GOOD)
    assert "3 records, digests of 3 hold" in box.fine("verify", str(tmp_path / name)).out
