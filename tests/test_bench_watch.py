"""The watch suite counts what it should: a small data set of our own, with one of each kind of observation."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.policies import corpus
from bench.policies.measures import changes, overlap, presence
from bench.policies.replay import Seen, replay

ROOT = Path(__file__).resolve().parent.parent
CLAUSE = "We keep what you write for as long as you have an account with us."
OTHER = "We keep what you write for ever, whether you have an account or not."


def page(clause: str, noise: str, link: str) -> str:
    rest = "".join(f"<p>Paragraph {n} says what paragraph {n} of such a document says.</p>" for n in range(9))
    body = f"<h1>Terms</h1><p>{clause} <a href='{link}'>More</a></p>{rest}"
    return f"<html><body><nav>{noise}</nav><main>{body}</main></body></html>"


def markdown(clause: str) -> str:
    return f"# Terms\n\n{clause} [More](x)\n\n" + "\n\n".join(
        f"Paragraph {n} says what paragraph {n} of such a document says." for n in range(9)
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    revisions: list[dict[str, Any]] = []

    def observe(number: int, kind: str, body: str, answer: str | None, **more: Any) -> None:
        at = f"2026-01-0{number}T00:00:00Z"
        (tmp_path / f"{number}.html.gz").write_bytes(gzip.compress(body.encode()))
        source = {"file": f"{number}.html.gz", "url": "https://a.example/terms", "media_type": "text/html"}
        found = {"kind": kind, "observed_at": at, "sources": [source], "declaration_commit": "c", **more}
        if answer is not None:
            (tmp_path / f"{number}.md.gz").write_bytes(gzip.compress(answer.encode()))
            found["reference"] = f"{number}.md.gz"
        revisions.append(found)

    observe(1, "first", page(CLAUSE, "a", "/1"), markdown(CLAUSE))
    observe(2, "noise-only", page(CLAUSE, "b", "/1"), None, selected_text_check="equal")
    observe(3, "link-or-markup-only", page(CLAUSE, "b", "/2"), markdown(CLAUSE))
    observe(4, "failed-capture", "<html><body><h1>Application error</h1></body></html>", None)
    observe(5, "change", page(OTHER, "b", "/2"), markdown(OTHER))
    document = {"directory": "a/terms", "service": "A", "terms": "Terms", "language": "en", "revisions": revisions}
    (tmp_path / "manifest.json").write_text(json.dumps({"documents": [document]}))
    rules = {"a/terms": {"by_commit": {"c": {"fetch": "https://a.example/terms", "select": ["main"]}}}}
    (tmp_path / "declarations.json").write_text(json.dumps(rules))
    present = [
        {"observed_at": f"2026-01-0{number}T00:00:00Z", "verbatim": verbatim}
        for number, verbatim in ((1, True), (3, True), (5, False))
    ]
    seed = {"document": "a/terms", "why": "seed: keeping", "quote": CLAUSE, "present": present}
    (tmp_path / "clauses.json").write_text(json.dumps([seed]))
    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    return tmp_path


def replayed(folder: Path) -> list[Seen]:
    return replay(corpus.load(), folder / "work", selectors=True, done=lambda _: None)


def test_each_kind_is_counted_once_and_found(folder: Path) -> None:
    seen = replayed(folder)
    counted = {share.name.split(" (")[0]: (share.hits, share.of, share.misses) for share in changes(seen)}
    assert [found[:2] for found in counted.values()] == [(1, 1), (1, 1), (1, 1), (1, 1), (4, 4), (4, 4)]
    assert [(share.hits, share.of) for share in presence(seen)] == [(3, 3), (3, 3)]
    assert overlap(seen).found == overlap(seen).jaccard == 1.0


def test_a_miss_is_named(folder: Path) -> None:
    (folder / "2.html.gz").write_bytes(gzip.compress(page(OTHER, "b", "/1").encode()))
    missed = [miss for share in changes(replayed(folder)) for miss in share.misses]
    assert [miss.split(":")[0] for miss in missed][:1] == ["a/terms 2026-01-02T00"]


def test_the_command_prints_the_tables(folder: Path, tmp_path: Path) -> None:
    scratch = {"BENCH_SCRATCH": str(tmp_path / "scratch"), "BENCH_RESULTS": str(tmp_path / "results")}
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "watch"],
        cwd=ROOT,
        env={**os.environ, **scratch, "BENCH_POLICIES": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "real changes found as wording" in done.stdout and "x trafilatura" in done.stdout
