"""Every observation in order through the real capture and the real pipeline: a site, an archive, a check for each."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from archiver.operation import Operation, open_operation
from archiver.outcome import Outcome
from archiver.texts import read_lines
from archiver.watch.entry import WatchEntry
from archiver.watch.reading import PageRules
from bench.archives import new_archive
from bench.policies.corpus import Observation, Policy

ROUND = 64
"""Documents checked together: one observation of each."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the archive made of one observation."""

    policy: Policy
    number: int
    outcome: Outcome
    lines: tuple[str, ...] | None

    @property
    def observation(self) -> Observation:
        """The observation itself."""
        return self.policy.observations[self.number]

    @property
    def name(self) -> str:
        """How a miss is named."""
        return f"{self.policy.name} {self.observation.at}"

    @property
    def judged(self) -> bool:
        """Whether there is a text, and the rules are those of the reference."""
        return self.lines is not None and self.observation.sure and not self.observation.flagged

    @property
    def change(self) -> str | None:
        """The class of the change, or None."""
        return None if self.outcome.assessment is None else self.outcome.assessment.body["change"]


def replay(policies: list[Policy], folder: Path, *, selectors: bool, done: Callable[[int], None]) -> list[Seen]:
    """Replay all observations; without ``selectors`` the archive has to find the documents by itself."""
    site = folder / "site"
    site.mkdir(parents=True)
    with listening(site) as port:
        archive = folder / "archive"
        new_archive(
            archive,
            None,
            "network.allow_private=127.0.0.0/8",
            f"network.ports={port}",
            "network.per_host_interval_s=0",
            "network.robots=record",
        )
        with open_operation(archive, lambda: None, environment={**os.environ}) as operation:
            return _rounds(policies, operation, site, f"http://127.0.0.1:{port}", selectors, done)


class _Handler(SimpleHTTPRequestHandler):
    """Files of one folder, without a word in the log."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening(site: Path) -> Iterator[int]:
    """Serve a folder on loopback; nothing is timed here, so any server will do."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _rounds(
    policies: list[Policy],
    operation: Operation,
    site: Path,
    root: str,
    selectors: bool,
    done: Callable[[int], None],
) -> list[Seen]:
    names: dict[str, str] = {}
    entries: dict[str, WatchEntry] = {}
    seen: list[Seen] = []
    for number in range(max(len(policy.observations) for policy in policies)):
        due = [policy for policy in policies if number < len(policy.observations)]
        for policy in due:
            entry = _entry(policy, policy.observations[number], site, root, selectors)
            if policy.name not in names:
                (names[policy.name],) = operation.watch("added", [(None, entry)])
            elif entry != entries[policy.name]:
                operation.watch("changed", [(names[policy.name], entry)])
            entries[policy.name] = entry
        for first in range(0, len(due), ROUND):
            seen += _check(operation, names, due[first : first + ROUND], number)
            done(len(seen))
        operation.publish()
    return seen


def _check(operation: Operation, names: dict[str, str], policies: list[Policy], number: int) -> list[Seen]:
    found: dict[int, Outcome] = {}
    archive = operation.archive
    checks = [operation.check_of(archive.document(names[policy.name]), "manual") for policy in policies]
    operation.capture(checks, lambda place, outcome: found.update({place: outcome}))
    return [
        Seen(policy, number, found[place], _lines(operation, found[place])) for place, policy in enumerate(policies)
    ]


def _lines(operation: Operation, outcome: Outcome) -> tuple[str, ...] | None:
    assessment = outcome.assessment
    if assessment is None or assessment.body["text_sha256"] is None:
        return None
    return read_lines(operation.archive.files, assessment.body["text_sha256"])


def _entry(policy: Policy, observation: Observation, site: Path, root: str, selectors: bool) -> WatchEntry:
    """Put the pages of an observation onto the site, and say how the document is watched then."""
    urls = []
    for page in observation.pages:
        ending = "pdf" if page.media_type == "application/pdf" else "html"
        name = f"{policy.name}/{page.slug}.{ending}"
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(page.body)
        urls.append(f"{root}/{name}")
    entry = WatchEntry(policy.entity, policy.title, tuple(urls), 3600)
    rules = observation.rules if selectors else (PageRules(),) * len(urls)
    return replace(entry, pages=rules)
