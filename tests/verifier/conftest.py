"""One archive for all tests of the verifiers: a bundle of a revisit, one of a redirect, and what spoils them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.simulators.archives import small_archive, workshop
from tests.verifier.bundles import Members, Seal, members_of, seal_of, zipped
from tests.verifier.spoilt import Forgery, forgeries


@dataclass(frozen=True)
class Desk:
    """What an expert was handed, and what they have from elsewhere."""

    place: Path
    bundles: tuple[Members, ...]
    """Of a full copy, of a revisit (with a timestamp from before it), of a redirect."""
    key: Path
    roots: tuple[Path, ...]
    seal: Seal

    @property
    def members(self) -> Members:
        """The bundle that has everything: the revisit's."""
        return self.bundles[1]

    @cached_property
    def forged(self) -> list[Forgery]:
        """Bundles that contradict themselves under good sums."""
        return list(forgeries(self.members, self.bundles[2], self.seal))

    def file(self, data: bytes) -> Path:
        """Put a bundle on the desk, in the place of the one before."""
        path = self.place / "bundle.zip"
        path.write_bytes(data)
        return path

    def whole(self, number: int = 1) -> Path:
        """Put a whole bundle on the desk."""
        return self.file(zipped(self.bundles[number]))


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    place = tmp_path_factory.mktemp("expert")
    with workshop(place / "operator") as shop:
        archive = place / "operator/archive"
        snapshots = small_archive(shop, archive)
        seal = seal_of(shop, archive)
        bundles = tuple(seal.close(members_of(shop, archive, snapshot)) for snapshot in snapshots)
        roots = tuple(authority.root_pem for authority in shop.authorities.values())
        yield Desk(place, bundles, archive / "keys/log.vkey", roots, seal)
