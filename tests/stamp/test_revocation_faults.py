"""Revocation data when the power goes or the disk fails at every operation between what came and its statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from archiver.revocation_asking import ask_issuers, state_round
from archiver.revocations import Chain, chains_of, sweep_revocations
from tests import test_faults as faults
from tests.invariants import Told, walk
from tests.simulators import revocations as made
from tests.simulators.scripted import Life

PAIR = (made.SIGNER, made.ISSUING)


@cache
def files() -> tuple[bytes, ...]:
    """Two lists: made once, for a signature is never the same twice."""
    return tuple(made.List(since=made.NOON - n * made.DAY).der for n in range(2))


def state(life: Life, told: Told, *numbers: int) -> None:
    """State a round that had these lists; what the forge's own chain has none of stands in for the network."""
    chains = chains_of(life.archive, "forge")
    if not chains:
        return  # the fault took the token
    chain = chains[0]
    found = ask_issuers(life.archive, Chain(chain.authority, chain.sha256, chain.path, chain.newest), made.NOON)
    assert not found.items and {one["code"] for one in found.failures} == {"no_source"}
    for number in numbers:
        found.add("crl", files()[number], "http://lists.example/issuing.crl", *map(made.der, PAIR))
    state_round(life.operation, found)
    told.hear_of(life.archive.files)


def revocation(life: Life, told: Told) -> Iterator[Callable[[], object]]:
    """A token, then rounds: one file, the same and another one, and a checkpoint over them."""
    yield lambda: faults.published(life, told)
    yield lambda: life.operation.stamp_step("forge", at_once=True)
    yield lambda: state(life, told, 0)
    yield lambda: state(life, told, 0, 1)
    yield lambda: faults.published(life, told)


@pytest.fixture(autouse=True)
def _script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(faults.SCRIPTS, "revocation", (faults.with_history, revocation))


def operations() -> tuple[tuple[str, int, str], ...]:
    return tuple(one for one in faults.operations("revocation") if ".crl" in one[2] or one[1] % 3 == 0)


@pytest.mark.parametrize("manner", faults.MANNERS)
def test_the_invariants_hold_after_a_fault_at_each_operation(manner: str) -> None:
    how = faults.MANNERS[manner]
    chosen = operations()
    assert sum("revocation/" in name for _, _, name in chosen) >= 4

    def cases() -> Iterator[tuple[str, Callable[[], None]]]:
        for where, number, name in chosen:
            run = faults.fail("revocation", where, number, how)
            for aftermath, database in how.states:
                disks = run.after(aftermath, database)
                yield (
                    f"{where} {number} {name[:100]}: {aftermath}, database {database}",
                    lambda run=run, disks=disks: faults.restart_and_go_on(disks, run.told),  # type: ignore[misc]
                )

    count, broken = faults.tried(cases())
    assert count >= 4 and not broken, f"{len(broken)} of {count} cases\n" + "\n".join(broken[:20])


def test_a_file_that_no_statement_names_is_swept_and_one_that_is_named_stays() -> None:
    run = faults.begin("revocation")
    run.play(revocation)
    stored = run.disks.files
    named = set(walk(stored, "revocation"))
    assert len(named) == 2
    stored.write(f"revocation/ab/{'ab' * 32}.crl", b"left by a crash")
    sweep_revocations(run.life.archive)
    assert set(walk(stored, "revocation")) == named
