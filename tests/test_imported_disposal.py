"""Disposals of imported files that a crash, a backup or somebody else came between; and what shares their bytes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.acts import perform
from archiver.audit import Audit
from archiver.disposal import planned
from archiver.errors import ArchiveDamaged, NotCheckable, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_import_id
from archiver.imported import import_named
from archiver.ledger import Maker
from storage.memory import Fault, PowerLoss
from storage.powerloss import CHOICES
from tests import foreign
from tests.simulators.scripted import Life
from tests.test_recovery import Place

WHY = {"by": "A. Clerk", "reason": "it was sent back"}


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


@pytest.fixture
def place() -> Place:
    return Place.new()


def take_in(life: Life, path: Path) -> Json:
    made: Json = perform(life.operation, "take_in", {"path": str(path)})
    return made


def kept(place: Place, path: Path) -> tuple[Life, Json]:
    """One imported file, published."""
    life = place.live()
    made = take_in(life, path)
    life.operation.publish()
    return life, made


def dispose(life: Life, *names: str) -> Any:
    return perform(life.operation, "dispose", {"snapshots": list(names), **WHY})


def verdicts(life: Life, name: str) -> dict[int, str]:
    return {check.number: check.verdict for check in Audit(life.archive).snapshot(name).checks}


def test_a_crash_at_every_operation_leaves_it_there_or_disposed_of(place: Place, theirs: Path) -> None:
    life, made = kept(place, theirs)
    name, path = made["import"], made["path"]
    clean = place.copy()
    place.files.operations.clear()
    dispose(life, name)
    count = len(place.files.operations)
    gone = place.files.operations.index(f"remove {path}")
    life.operation.publish()
    assert not place.files.exists(path) and gone < count
    seen = set()
    for number in range(count + 1):
        for choice in (*CHOICES, "killed"):
            broken = clean.copy()
            life = broken.live()
            broken.files.operations.clear()
            broken.files.fault = Fault(number, "crash_before")
            with pytest.raises(PowerLoss):
                dispose(life, name)
                life.operation.publish()
            left = broken.copy()
            left.index, left.head = broken.index, broken.head
            if choice != "killed":
                left.files = broken.files.after_power_loss(choice, number)  # type: ignore[arg-type]
            after = left.live()
            left.audit()
            stated = bool(left.of_kind("custody", "disposal"))
            assert left.files.exists(path) is not stated, "statement first; a start does the rest"
            assert number <= gone or stated
            assert verdicts(after, name)[2] == ("disposed" if stated else "pass")
            after.operation.publish()
            again = take_in(after, theirs)
            assert again["new"] is stated
            after.operation.publish()
            left.audit()
            seen.add(stated)
    assert seen == {True, False}


def test_it_comes_back_only_by_a_new_import(place: Place, theirs: Path) -> None:
    life, first = kept(place, theirs)
    dispose(life, first["import"])
    life.operation.publish()
    assert verdicts(life, first["import"]) == {
        2: "disposed", 3: "disposed", 6: "pass", 7: "pass", 8: "none", 9: "incomplete", 11: "pass", 41: "incomplete"
    }  # fmt: skip
    second = take_in(life, theirs)
    life.operation.publish()
    assert second["new"] and second["import"] != first["import"] and second["path"] == first["path"]
    place.audit()
    life = place.live()
    assert life.operation.recovered.warnings == (), "a start takes nothing from the new one"
    assert place.files.exists(second["path"])
    report = Audit(life.archive).snapshot(first["import"])
    assert report.verdict == "disposed"
    assert f"the same bytes lie there as {second['import']}" in report.checks[0].detail
    assert verdicts(life, second["import"])[2] == "pass"
    assert take_in(life, theirs)["import"] == second["import"]
    dispose(life, second["import"])
    life.operation.publish()
    place.audit()
    assert not place.files.exists(second["path"])
    with pytest.raises(UsageError, match="was disposed of on"):
        dispose(life, first["import"])


def test_what_came_back_is_told_and_deleted(place: Place, theirs: Path) -> None:
    """From a backup, or by hand: the verification fails until a start has deleted it again."""
    life, made = kept(place, theirs)
    dispose(life, made["import"])
    life.operation.publish()
    place.files.write(made["path"], theirs.read_bytes())
    assert verdicts(life, made["import"])[2] == "fail"
    (archive, *_) = Audit(life.archive).all(lambda: None)
    (check,) = [check for check in archive.checks if check.number == 42]
    assert check.verdict == "fail" and f"{made['path']} is there, although it was disposed of" in check.detail
    life = place.live()
    (warning,) = life.operation.recovered.warnings
    assert warning == f"what was disposed of lay there again and was deleted: {made['path']}"
    place.copy().audit()
    (archive, *_) = Audit(life.archive).all(lambda: None)
    (check,) = [check for check in archive.checks if check.number == 42]
    assert check.verdict == "pass" and check.detail.endswith("; 1 disposed of")


def test_a_missing_file_is_excused_by_its_own_disposal_only(place: Place, theirs: Path, tmp_path: Path) -> None:
    life, made = kept(place, theirs)
    other = tmp_path / "other.warc"
    other.write_bytes(foreign.warc(gz=False))
    gone = take_in(life, other)
    life.operation.publish()
    dispose(life, gone["import"])
    life.operation.publish()
    place.files.remove(made["path"])
    (archive, *_) = Audit(life.archive).all(lambda: None)
    (check,) = [check for check in archive.checks if check.number == 42]
    assert check.verdict == "fail" and f"{made['path']} is missing" in check.detail
    with pytest.raises(ArchiveDamaged, match="is missing: nothing was disposed of"):
        dispose(life, made["import"])


def test_a_checkpoint_must_cover_it_first(place: Place, theirs: Path) -> None:
    life, made = kept(place, theirs)
    with pytest.raises(NotCheckable, match=f"{made['import']} is not covered by a published checkpoint"):
        planned(life.archive, [made["import"]], made["seq"])
    assert planned(life.archive, [made["import"]], made["seq"] + 1).files


def test_a_file_that_two_imports_have_goes_with_the_second(place: Place, theirs: Path) -> None:
    """As former software, or a journal from elsewhere, could leave it: nothing is taken from the one that stays."""
    life, first = kept(place, theirs)
    body = {key: value for key, value in import_named(life.archive, first["import"]).body.items() if key not in _COMMON}
    maker: Maker = lambda seq, _sealed: ("custody", {**body, "subjects": [f"EA-I-{seq:08d}"]})  # noqa: E731
    life.writer.call(lambda: life.operation.pipeline.commit([], [maker]))
    life.operation.publish()
    second = place.of_kind("custody", "import")[-1]["subjects"][0]
    made = dispose(life, first["import"])
    assert made["files"] == [] and made["kept"] == [{"path": first["path"], "why": "shared"}]
    assert place.files.exists(first["path"])
    life.operation.publish()
    life = place.live()
    assert (verdicts(life, first["import"])[2], verdicts(life, second)[2]) == ("disposed", "pass")
    (archive, *_) = Audit(life.archive).all(lambda: None)
    assert {check.number: check.verdict for check in archive.checks}[42] == "pass"
    made = dispose(life, second)
    assert [item["path"] for item in made["files"]] == [first["path"]] and made["kept"] == []
    assert not place.files.exists(first["path"])
    life.operation.publish()
    assert place.live().operation.recovered.warnings == ()


def test_both_of_them_go_in_one_act(place: Place, theirs: Path) -> None:
    life, first = kept(place, theirs)
    body = {key: value for key, value in import_named(life.archive, first["import"]).body.items() if key not in _COMMON}
    maker: Maker = lambda seq, _sealed: ("custody", {**body, "subjects": [f"EA-I-{seq:08d}"]})  # noqa: E731
    life.writer.call(lambda: life.operation.pipeline.commit([], [maker]))
    life.operation.publish()
    second = place.of_kind("custody", "import")[-1]["subjects"][0]
    made = dispose(life, second, first["import"])
    assert [item["path"] for item in made["files"]] == [first["path"]], "named once"
    assert made["kept"] == [] and not place.files.exists(first["path"])


_COMMON = ("v", "kind", "seq", "origin", "at", "nonce", "subjects")


@pytest.mark.parametrize("path", ["keys/log.pub.pem", "log/checkpoint", "snapshots/x/capture.warc.gz"])
def test_an_import_that_was_put_in_lets_nothing_else_be_deleted(place: Place, theirs: Path, path: str) -> None:
    """Above the checkpoint nothing is sealed: an import that names another file must not have that deleted."""
    life, made = kept(place, theirs)
    body = {key: value for key, value in import_named(life.archive, made["import"]).body.items() if key not in _COMMON}
    seq = life.operation.pipeline.ledger.next_seq
    name = f"EA-I-{seq:08d}"
    assert parse_import_id(name) == seq
    forged = {**body, "subjects": [name], "path": path}
    disposal: Json = {"event": "disposal", "premis": "deletion", "subjects": [name], "kept": [], **WHY}
    disposal["files"] = [{"path": path, "bytes": 1, "sha256": "0" * 64}]
    life.operation.pipeline.ledger.commit(
        [lambda _seq, _sealed: ("custody", dict(forged)), lambda _seq, _sealed: ("custody", dict(disposal))]
    )
    before = place.everything()
    with pytest.raises(ArchiveDamaged, match="which is no content of its subjects"):
        place.live()
    assert place.everything() == before


def test_an_older_checkpoint_is_no_reason_to_miss_it(place: Place, theirs: Path) -> None:
    """``log/`` and head copy were lost: the start meets the import and its disposal above the one that is left."""
    life = place.live()
    life.operation.publish()
    old = place.files.read("log/checkpoint")
    made = take_in(life, theirs)
    life.operation.publish()
    dispose(life, made["import"])
    life.operation.publish()
    for path in [path for path in place.everything() if path.startswith("archive: log/")]:
        place.files.remove(path.removeprefix("archive: "))
    for name in place.head.list(""):
        place.head.remove(name)
    size = int(old.split(b"\n")[1])
    place.files.write(f"stamps/{size}/checkpoint", old)
    place.told.checkpoints.clear()
    life = place.live()
    assert verdicts(life, made["import"])[2] == "disposed"
    assert not place.files.exists(made["path"])
