"""A small archive made through the real operation: a real web site over TLS, real timestamp authorities.

with workshop(tmp_path) as shop:
    archive = shop.archive(shop.folder / "archive")
    shop.capture(archive, [shop.site.url("/terms")])
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from archiver.archive import read_verifier
from archiver.operation import Operation, create_archive, open_operation
from archiver.outcome import Outcome
from archiver.revocation_asking import revocation_step
from archiver.settings import SCHEMA, Value, parse_settings, render
from archiver.stamp.interface import StampFailure
from archiver.watch.entry import WatchEntry
from storage.local import LocalFiles
from tests.simulators.authority import TimestampAuthority
from tests.simulators.certificates import Authority
from tests.simulators.website import Document, Website, redirect
from tests.simulators.witness import LoopbackWitness, witness

ORIGIN = "evidence.example.org/log"
TERMS = (
    b"<!doctype html><meta charset=utf-8><title>Terms</title>\n"
    b"<h1>Terms</h1>\n<p>You may cancel within fourteen days, in writing, and without saying why.</p>\n"
    b'<p>What is not said here is said in <a href="/rules">the rules of the house</a>, which change seldom.</p>\n'
)


@dataclass(frozen=True)
class Workshop:
    """A site, some authorities, and a folder to work in."""

    folder: Path
    site: Website
    authorities: Mapping[str, TimestampAuthority]
    witnessed_by: Sequence[str] = ()
    """Witnesses of archives made from now on, in folders of that name."""
    stack: ExitStack = field(default_factory=ExitStack)
    witnesses: dict[str, LoopbackWitness] = field(default_factory=dict)
    """Those that are being served, by their names in the settings."""

    @property
    def state(self) -> Path:
        """Where head copies lie, as ``XDG_STATE_HOME``."""
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        """What the operation and the audit take from the environment."""
        return {"XDG_STATE_HOME": str(self.state)}

    def archive(self, root: Path, origin: str = ORIGIN) -> Path:
        """Make an archive that trusts the site and stamps with every authority."""
        ca = self.folder / "ca.pem"
        ca.write_bytes(self.site.ca_pem)
        changes: dict[str, Value] = {
            "archive.origin": origin,
            "archive.prefix": "EA",
            "archive.name": "Example Evidence Archive",
            "network.allow_private": ["127.0.0.0/8"],
            "network.ports": [self.site.port],
            "network.ca_file": str(ca),
            "network.per_host_interval_s": 0,
        }
        values = {key.path: key.default for key in SCHEMA} | changes
        text = render(values, only=frozenset(changes))
        for name, authority in self.authorities.items():
            text += f'\n[[authority]]\nname = "{name}"\nurl = "{authority.url}"\n'
            text += f'roots = "authorities/{name}.pem"\nmin_interval_s = 0\n'
        create_archive(root, text, parse_settings(text, {}), None, environment=self.environment).index.close()
        (root / "authorities").mkdir()
        for name, authority in self.authorities.items():
            (root / "authorities" / f"{name}.pem").write_bytes(authority.root_pem.read_bytes())
        for name in self.witnessed_by:
            log = read_verifier(LocalFiles(root), origin)
            served = self.stack.enter_context(witness(self.folder / f"{root.name}-{name}", [log]))
            self.witnesses[served.name] = served
            (root / "archive.toml").write_text((root / "archive.toml").read_text() + served.settings)
        return root

    def open(self, root: Path) -> Operation:
        """Open an archive for work."""
        return open_operation(root, lambda: None, environment=self.environment)

    def capture(self, root: Path, urls: Sequence[str], *, stamp: bool = True) -> list[Outcome]:
        """Check documents and addresses, publish, and have everything owed stamped."""
        with self.open(root) as operation:
            outcomes = capture(operation, urls)
            operation.publish()
            if stamp:
                stamp_all(operation)
        return outcomes


def capture(operation: Operation, urls: Sequence[str]) -> list[Outcome]:
    """Check addresses; one that is watched as the document it belongs to."""
    watched = {w.entry.urls[0]: w for w in operation.archive.watched()}
    checks = [
        operation.check_of(watched[url], "manual")
        if url in watched
        else operation.pipeline.new_check([url], trigger="manual")
        for url in urls
    ]
    found: dict[int, Outcome] = {}
    operation.capture(checks, found.__setitem__)
    return [found[number] for number in range(len(checks))]


def stamp_all(operation: Operation) -> None:
    """Ask every authority until it owes nothing, and publish over the ``stamp`` statements."""
    for name in operation.authorities:
        while answer := operation.stamp_step(name, at_once=True):
            assert not isinstance(answer, StampFailure), answer
    for name in operation.witnessing.witnesses:
        answer = operation.witnessing.step(name, at_once=True)
        assert not isinstance(answer, StampFailure), answer
    operation.publish()


def look_for_revocations(operation: Operation) -> None:
    """Fetch what the issuers of every authority's certificates say, where it is owed, and publish over that."""
    for name in operation.authorities:
        while revocation_step(operation, name) is not None:
            pass
    operation.publish()


def documents() -> dict[str, Document]:
    """What the site serves besides its redirect."""
    coded = Document(gzip.compress(TERMS, mtime=0), fields=(("Content-Encoding", "gzip"),))
    return {"/terms": coded, "/robots.txt": Document(b"User-agent: *\nDisallow: /private\n", "text/plain")}


@contextmanager
def workshop(
    folder: Path,
    names: Sequence[str] = ("north", "south"),
    witnesses: Sequence[str] = (),
    *,
    revocation: bool = False,
) -> Iterator[Workshop]:
    """A TLS site, authorities, witnesses: the first authority sends its chain of three certificates, no other does.

    ``revocation``: the authorities' certificates name where lists and OCSP responses can be had.
    """
    with ExitStack() as stack:
        site = stack.enter_context(Website(documents(), tls=Authority().valid("127.0.0.1")))
        site.scripts["/old-terms"] = [redirect("/terms", "301 Moved Permanently")]
        authorities = {
            name: stack.enter_context(
                TimestampAuthority(
                    folder / name,
                    chain=number == 0,
                    intermediate=number == 0,
                    fraction=number == 0,
                    revocation=revocation,
                )
            )
            for number, name in enumerate(names)
        }
        yield Workshop(folder, site, authorities, witnesses, stack)


def small_archive(shop: Workshop, root: Path) -> list[str]:
    """Make an archive of three snapshots (a full copy, a revisit, a redirect), each stamped; return their names.

    The second and third have tokens on both sides; the first has tokens over its statement alone.
    """
    shop.archive(root)
    terms = shop.site.url("/terms")
    with shop.open(root) as operation:
        operation.watch("added", [(None, WatchEntry("Example", "Terms", (terms,), 3600))])
    outcomes = []
    for url in (terms, terms, shop.site.url("/old-terms")):
        outcomes += shop.capture(root, [url])
    return [str(outcome.capture.body["snapshot"]) for outcome in outcomes]
