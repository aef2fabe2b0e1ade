"""A WARC file of somebody else on the command line: small and large, whole and broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.cli import foreign_warc
from archiver.cli.foreign_warc import check_foreign

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
