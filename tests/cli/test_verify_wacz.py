"""``archiver verify x.wacz``: with an archive at hand, with nothing but keys from elsewhere, and with neither."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.box import Box, Result
from tests.packages import Forgery, Shelf, shelf


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with shelf(tmp_path_factory.mktemp("shelf")) as made:
        yield made


@pytest.fixture(scope="module")
def package(stock: Shelf) -> Path:
    return stock.export(stock.folder / "policy.wacz", stock.snapshots[0])


def verify(stock: Shelf, *words: str | Path, archive: Path | None = None) -> Result:
    return Box(stock.folder).call(
        "verify", *map(str, words), environment={"ARCHIVER_ARCHIVE": str(archive or stock.root)}
    )


def keys(stock: Shelf) -> list[str | Path]:
    roots = [word for name in ("north", "south") for word in ("--root", stock.root / f"authorities/{name}.pem")]
    return ["--key", stock.root / "keys/log.vkey", *roots]


def test_with_the_archive_at_hand(stock: Shelf, package: Path) -> None:
    result = verify(stock, package)
    assert result.code == 0, result
    assert "policy.wacz: pass" in result.out and f"policy.wacz/{stock.snapshots[0]}: pass" in result.out
    assert "33 pass  signature of the package" in result.out


def test_with_keys_from_elsewhere_and_no_archive(stock: Shelf, package: Path, tmp_path: Path) -> None:
    result = verify(stock, "--json", package, *keys(stock), archive=tmp_path)
    assert result.code == 0, result
    assert [report["verdict"] for report in result.json] == ["pass", "pass"]
    assert {check["name"] for check in result.json[0]["checks"]} >= {"index of the package", "pages of the package"}


def test_without_keys_it_is_incomplete(stock: Shelf, package: Path, tmp_path: Path) -> None:
    assert verify(stock, package, archive=tmp_path).code == 3


def test_an_archive_of_another_log_lends_no_key(stock: Shelf, package: Path, tmp_path: Path) -> None:
    """Its key would make a good package look false."""
    other = Box(tmp_path).init()
    result = verify(stock, package, archive=other.root)
    assert result.code == 3 and "FAIL" not in result.out, result


def test_the_suffix_decides_whatever_its_case(stock: Shelf, package: Path, tmp_path: Path) -> None:
    shutil.copy(package, tmp_path / "POLICY.WACZ")
    assert verify(stock, tmp_path / "POLICY.WACZ").code == 0


def test_a_changed_package_fails(stock: Shelf, package: Path, tmp_path: Path) -> None:
    forged = Forgery(package)
    forged[f"text/{stock.snapshots[0]}.md"] += b"more\n"
    result = verify(stock, forged.write(tmp_path / "forged.wacz"))
    assert result.code == 1
    assert "32 FAIL" in result.out and "15 FAIL" in result.out


def test_a_file_that_is_none_fails_in_one_line(stock: Shelf, tmp_path: Path) -> None:
    (tmp_path / "x.wacz").write_bytes(b"no zip file at all, but of some length")
    result = verify(stock, tmp_path / "x.wacz")
    assert result.code == 1
    assert "31 FAIL  structure of the package: x.wacz: it is no WACZ package, for it is no zip file" in result.out
