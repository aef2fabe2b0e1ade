"""An import that the power, a kill or the disk stops at any operation: the file is in whole, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.acts import perform
from archiver.errors import ArchiverError
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
