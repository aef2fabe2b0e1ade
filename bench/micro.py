"""Single steps, in this process: where the time of a capture and of a verification goes."""

from __future__ import annotations

import io
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archiver.demo_authority import make_authority
from archiver.environment import SOFTWARE, utc_now
from archiver.evidence.canonical import decode_line, encode_line
from archiver.evidence.statement import parse_statement
from archiver.evidence.timestamp import build_request, verify_token
from archiver.evidence.warc_check import check_warc
from archiver.evidence.warc_gzip import pack
from archiver.evidence.warc_writer import write_warc
from archiver.operation import Operation, make_capturer, open_operation
from archiver.settings import parse_settings
from bench.archives import new_archive
from bench.corpus import make_site
from bench.machine import machine
from bench.measuring import measure, spread
from bench.places import SCRATCH, fresh_folder
from bench.tables import Result, Table
from bench.website import Website, served

SECONDS = 0.5
"""Time for which one step is repeated in one round."""
Figures = dict[str, list[float]]
"""Step -> how often a second, round by round; or, for the steps in ``TIMES``, milliseconds."""


def suite(rounds: int, documents: int) -> Result:
    """Measure each step ``rounds`` times; the archive has ``documents`` snapshots."""
    facts = machine()
    names = make_site(SCRATCH / "site")
    figures: Figures = {}
    times: Figures = {}
    with fresh_folder("micro") as folder, served(SCRATCH / "site", SCRATCH / "nginx") as site:
        new_archive(folder / "archive", site)
        archiver = new_archive(folder / "other", site)
        for _ in range(rounds):
            for name, rate in {**_tokens(folder / "authority"), **_captures(site, names)}.items():
                figures.setdefault(name, []).append(rate)
        _fill(folder / "archive", [site.url(name) for name in names[:documents]])
        lines = _statements(folder / "archive")
        for _ in range(rounds):
            for name, rate in _canonical(lines).items():
                figures.setdefault(name, []).append(rate)
            for name, taken in {**_recovery(folder / "archive", documents), **_publishing(folder / "other")}.items():
                times.setdefault(name, []).append(taken)
            rebuilt = measure([*archiver[:-1], str(folder / "archive"), "rebuild"])
            times.setdefault(f"archiver rebuild, {documents} snapshots", []).append(1000 * rebuilt.wall)
    tables = [_table("Steps, how many a second", "a second", figures), _table("Steps, how long", "ms", times)]
    return Result("micro", facts, tables, {"rates": figures, "ms": times})


def _table(title: str, unit: str, figures: Figures) -> Table:
    rows = [(name, spread(found, 0 if max(found) > 50 else 2)) for name, found in figures.items()]
    return Table(title, ("step", unit), rows)


def _rate(step: Callable[[], object], units: float = 1.0) -> float:
    """Repeat a step for a while; return units a second."""
    step()
    began, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < SECONDS:
        step()
        count += 1
    return units * count / passed


def _tokens(folder: Path) -> dict[str, float]:
    """Verify one token again and again, and tokens that are all different; issuing is the authority's business."""
    authority = make_authority(folder)
    root = authority.root_der
    messages = [f"statement {number}".encode() for number in range(20)]
    replies = [authority.answer(build_request(message, number)) for number, message in enumerate(messages)]
    pairs = list(zip(replies, messages, strict=True))

    def verify_all() -> None:
        for reply, message in pairs:
            verify_token(reply, message, [root])

    return {"RFC 3161 tokens verified (P-256, chain of three)": _rate(verify_all, len(pairs))}


def _captures(site: Website, names: list[str]) -> dict[str, float]:
    """Visit a small and a large document, and write what was recorded."""
    text = f'[network]\nallow_private = ["127.0.0.0/8"]\nports = [{site.port}]\n'
    by_size = sorted(names, key=lambda name: (SCRATCH / "site" / name).stat().st_size)
    figures = {}
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        capturer = make_capturer(parse_settings(text, {}))
        spool = Path(folder) / "spool"
        for size, name in (("19 KB", by_size[len(by_size) // 2]), ("2.6 MB", by_size[-1])):
            url = site.url(name)
            visit = capturer.visit(url, spool=lambda: spool.open("w+b"))

            def write(visit: object = visit) -> bytes:
                out = io.BytesIO()
                write_warc(
                    out, visits=[visit], software=SOFTWARE, created=utc_now(),  # type: ignore[list-item]
                    new_id=lambda: f"<urn:uuid:{uuid.uuid4()}>", environment={}, transport={},
                    full_copies=lambda _: None,
                )  # fmt: skip
                return out.getvalue()

            body, warc = (SCRATCH / "site" / name).read_bytes(), write()
            figures[f"visits of a page of {size}, over one connection"] = _rate(
                lambda url=url: capturer.visit(url, spool=lambda: spool.open("w+b"))  # type: ignore[misc]
            )
            figures[f"WARCs written of a page of {size}"] = _rate(write)
            figures[f"WARCs checked of a page of {size}"] = _rate(lambda warc=warc: check_warc(io.BytesIO(warc)))  # type: ignore[misc]
            figures[f"gzip members packed of {size}"] = _rate(lambda body=body: pack(body))  # type: ignore[misc]
        capturer.close()
    return figures


@contextmanager
def _opened(root: Path) -> Iterator[Operation]:
    with open_operation(root, lambda: None) as operation:
        yield operation


def _fill(root: Path, urls: list[str]) -> None:
    """Capture without publishing: what start-up finds after a crash just before a checkpoint."""
    with _opened(root) as operation:
        checks = [operation.pipeline.new_check([url], trigger="manual") for url in urls]
        operation.capture(checks, lambda _number, _outcome: None)


def _statements(root: Path) -> list[bytes]:
    journals = sorted((root / "journal").rglob("*.jsonl"))
    lines = [line for path in journals for line in path.read_bytes().splitlines(keepends=True)]
    return [line for line in lines if b'"kind":"capture"' in line][:200]


def _canonical(lines: list[bytes]) -> dict[str, float]:
    bodies = [decode_line(line) for line in lines]
    kilobytes = sum(map(len, lines)) / len(lines) / 1000
    return {
        f"capture statements of {kilobytes:.1f} KB encoded (RFC 8785)": _rate(
            lambda: [encode_line(body) for body in bodies], len(lines)
        ),
        f"capture statements of {kilobytes:.1f} KB parsed and compared": _rate(
            lambda: [parse_statement(line) for line in lines], len(lines)
        ),
    }


def _recovery(root: Path, documents: int) -> dict[str, float]:
    """Open an archive whose last checkpoint covers none of its snapshots."""
    began = time.perf_counter()
    with _opened(root) as operation:
        taken = time.perf_counter() - began
        found = operation.recovered.statements
    return {f"start with {found} statements ({documents} snapshots) above the checkpoint": 1000 * taken}


def _publishing(root: Path) -> dict[str, float]:
    """Publish after one statement and after 256: tiles, signature, checkpoint, head copy, all synced."""
    figures = {}
    began = time.perf_counter()
    with _opened(root) as operation:
        figures["start after a clean stop"] = 1000 * (time.perf_counter() - began)
        for count, repeat in ((1, 20), (256, 4)):
            taken = 0.0
            for _ in range(repeat):
                operation.writer.state(*[_note] * count)
                began = time.perf_counter()
                operation.publish()
                taken += time.perf_counter() - began
            figures[f"publish a checkpoint over {count} new"] = 1000 * taken / repeat
        began = time.perf_counter()
        for _ in range(50):
            operation.writer.state(_note)
        figures["commit one statement, synced"] = 1000 * (time.perf_counter() - began) / 50
    return figures


def _note(_seq: int, _sealed: object) -> tuple[str, dict[str, object]]:
    return "custody", {"event": "note", "detail": "benchmark"}
