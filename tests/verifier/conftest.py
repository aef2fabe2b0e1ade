"""One archive for all tests of the verifiers: a bundle of a revisit, one of a redirect, and what spoils them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import ZIP_DEFLATED

import pytest

from archiver.watch.entry import WatchEntry
from tests.simulators.archives import TERMS, Workshop, look_for_revocations, small_archive, workshop
from tests.verifier.browsers import Browser, Chromium, Firefox
from tests.verifier.bundles import Members, Seal, members_of, seal_of, zipped
from tests.verifier.lies import lies
from tests.verifier.page_policy import PAGE
from tests.verifier.spoilt import Forgery, forgeries


@dataclass(frozen=True)
class Desk:
    """What an expert was handed, and what they have from elsewhere."""

    place: Path
    bundles: tuple[Members, ...]
    """Of a full copy, of a revisit (with a timestamp from before it), of a redirect, of three coded pages."""
    key: Path
    roots: tuple[Path, ...]
    witness: Path
    """The witness's verifier key."""
    seal: Seal

    @property
    def members(self) -> Members:
        """The bundle that has everything: the revisit's."""
        return self.bundles[1]

    @cached_property
    def forged(self) -> list[Forgery]:
        """Bundles that contradict themselves under good sums."""
        return [*forgeries(self.members, self.bundles[2], self.seal), *lies(self.members, self.seal)]

    def file(self, data: bytes) -> Path:
        """Put a bundle on the desk, in the place of the one before."""
        path = self.place / "bundle.zip"
        path.write_bytes(data)
        return path

    def whole(self, number: int = 1) -> Path:
        """Put a whole bundle on the desk."""
        return self.file(zipped(self.bundles[number], ZIP_DEFLATED))


def of_many_codings(shop: Workshop, archive: Path) -> str:
    """Capture a document of three pages: chunked, deflated as zlib does, and deflated bare in chunks."""
    bare = zlib.compressobj(9, zlib.DEFLATED, -15)
    bodies = {
        "/one": (b"Transfer-Encoding: chunked", in_chunks(TERMS, b";name=value")),
        "/two": (b"Content-Encoding: deflate", zlib.compress(TERMS)),
        "/three": (
            b"Content-Encoding: deflate\r\nTransfer-Encoding: chunked",
            in_chunks(bare.compress(TERMS) + bare.flush()),
        ),
    }
    for path, (coding, body) in bodies.items():
        length = b"" if b"chunked" in coding else b"Content-Length: %d\r\n" % len(body)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%b%b\r\n\r\n" % (length, coding)
        shop.site.scripts[path] = [head + body]
    urls = tuple(shop.site.url(path) for path in bodies)
    with shop.open(archive) as operation:
        operation.watch("added", [(None, WatchEntry("Example", "Pages", urls, 3600))])
    (outcome,) = shop.capture(archive, [urls[0]])
    return str(outcome.capture.body["snapshot"])


def in_chunks(body: bytes, extension: bytes = b"") -> bytes:
    """The body in three chunks."""
    pieces = (body[:7], body[7:8], body[8:])
    return b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    place = tmp_path_factory.mktemp("expert")
    with workshop(place / "operator", witnesses=["expert"], revocation=True) as shop:
        archive = place / "operator/archive"
        snapshots = [*small_archive(shop, archive), of_many_codings(shop, archive)]
        with shop.open(archive) as operation:
            look_for_revocations(operation)
        seal = seal_of(shop, archive)
        bundles = tuple(seal.close(members_of(shop, archive, snapshot)) for snapshot in snapshots)
        roots = tuple(authority.root_pem for authority in shop.authorities.values())
        vkey = place / "expert.vkey"
        vkey.write_text(f"{shop.witnesses['archive-expert'].key.vkey}\n")
        yield Desk(place, bundles, archive / "keys/log.vkey", roots, vkey, seal)


@pytest.fixture(scope="session", params=[Chromium, Firefox], ids=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Each browser, started once for all tests of the page."""
    with request.param(tmp_path_factory.mktemp("profile")) as found:
        found.open(PAGE.as_uri())
        yield found
