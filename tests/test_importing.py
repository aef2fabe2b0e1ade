"""An import that the power, a kill or the disk stops at any operation: the file is in whole, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver import importing
from archiver.acts import perform
from archiver.errors import ArchiverError, UsageError
from archiver.evidence.imported import NotImportable
from archiver.imported import INCOMING, WAITING
from storage.errors import Full, StorageError
from storage.memory import Fault, PowerLoss
from storage.powerloss import CHOICES
from tests import foreign
from tests.simulators.scripted import Life
from tests.test_recovery import Place


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes(foreign.warc())
    return path


def take_in(life: Life, path: Path) -> Any:
    return perform(life.operation, "take_in", {"path": str(path)})


def names(place: Place) -> list[str]:
    """What still lies in staging of imports."""
    return [name for name in place.files.list("staging") if name.startswith((WAITING, INCOMING))]


def goes_on(place: Place, path: Path) -> bool:
    """Start over what is left, look at everything, import again, publish, look again; say whether it was in."""
    life = place.live()
    place.audit()
    stated = place.of_kind("custody", "import")
    assert stated or names(place) == []
    made = take_in(life, path)
    assert made["new"] is (not stated)
    life.operation.publish()
    place.audit()
    assert names(place) == []
    assert len(place.of_kind("custody", "import")) == 1
    assert place.files.read(made["path"]) == path.read_bytes()
    return bool(stated)


def steps(place: Place, path: Path) -> int:
    """How many operations an import and a checkpoint over it take."""
    copy = place.copy()
    life = copy.live()
    before = len(copy.files.operations)
    take_in(life, path)
    life.operation.publish()
    return len(copy.files.operations) - before


def test_a_crash_at_every_operation_leaves_it_whole_or_not_there(theirs: Path) -> None:
    place = Place.new()
    place.live()
    count = steps(place, theirs)
    assert count >= 10
    stated = set()
    for number in range(count):
        for choice in (*CHOICES, "killed"):
            broken = place.copy()
            life = broken.live()
            broken.files.fault = Fault(len(broken.files.operations) + number, "crash_before")
            with pytest.raises(PowerLoss):
                take_in(life, theirs)
                life.operation.publish()
            left = broken.copy()
            left.index, left.head = broken.index, broken.head
            if choice != "killed":
                left.files = broken.files.after_power_loss(choice, number)  # type: ignore[arg-type]
            stated.add(goes_on(left, theirs))
    assert stated == {True, False}, "crashes before and after the commit were among them"


@pytest.mark.parametrize("error", [Full, StorageError])
def test_an_error_at_every_operation_leaves_nothing_behind(error: type[StorageError], theirs: Path) -> None:
    place = Place.new()
    place.live()
    for number in range(steps(place, theirs)):
        broken = place.copy()
        life = broken.live()
        broken.files.fault = Fault(len(broken.files.operations) + number, "refused", error)
        try:
            take_in(life, theirs)
            life.operation.publish()
        except (StorageError, ArchiverError):
            pass
        broken.files.fault = None
        left = broken.copy()
        left.index, left.head = broken.index, broken.head
        goes_on(left, theirs)


def test_what_is_no_such_file_is_not_even_copied(tmp_path: Path) -> None:
    """Sixteen GiB of zeros, or of a disk's image, must not fill the disk of a running archive first."""
    place = Place.new()
    life = place.live()
    zeros = tmp_path / "zeros.warc"
    with zeros.open("wb") as file:
        file.truncate(12 << 30)
    before = len(place.files.operations)
    with pytest.raises(NotImportable, match="neither a WARC"):
        take_in(life, zeros)
    assert [done for done in place.files.operations[before:] if not done.startswith("remove ")] == []


@pytest.mark.parametrize("change", ["grows", "shrinks"])
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    theirs: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is still writing it: its end would be that of a moment that nobody chose."""
    place = Place.new()
    life = place.live()
    whole = theirs.read_bytes()
    read = importing._read

    def and_it_changes(handle: Any, source: Path) -> bytes:
        chunk = read(handle, source)
        theirs.write_bytes(whole * 2 if change == "grows" else b"")
        return chunk

    monkeypatch.setattr(importing, "_read", and_it_changes)
    monkeypatch.setattr(importing, "CHUNK", 100)
    with pytest.raises(UsageError, match="changed while it was copied"):
        take_in(life, theirs)
    assert names(place) == [] and place.of_kind("custody", "import") == []
    monkeypatch.undo()
    theirs.write_bytes(whole)
    assert take_in(life, theirs)["new"]
