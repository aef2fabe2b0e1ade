"""The documents that are captured: made here, the same each time, with sizes like those of real documentation.

1000 pages of HTML: half of them below 19 KB, a tenth above 85 KB, the largest 2.6 MB, 42 MB together; gzip makes a
quarter to a fifth of them. ``BENCH_SITE`` may name a folder of real HTML files instead, ``/usr/share/doc`` for one.
"""

from __future__ import annotations

import math
import os
import random
from pathlib import Path
from statistics import NormalDist

DOCUMENTS = 1000
MEDIAN, NINETIETH, LARGEST = 19_000, 85_000, 2_600_000
LARGE = 200 * 1024 * 1024
"""Bytes of the one large response."""
SEED = 20261122
CLASSES = b'class="clause text-base leading-7 text-slate-700 dark:text-slate-300 mt-4 max-w-prose break-words"'
STYLED = 1.25
"""Bytes of a page with these style classes, as a multiple of those without."""


def make_site(folder: Path) -> list[str]:
    """Return the paths of the documents below ``folder``, written there unless they are already."""
    real = os.environ.get("BENCH_SITE")
    if real:
        return _real(Path(real), folder)
    names = [f"policy-{number:04d}.html" for number in range(DOCUMENTS)]
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        rng = random.Random(SEED)
        sentences = _sentences(rng)
        for name, size in zip(names, sizes(rng), strict=True):
            (folder / name).write_bytes(document(rng, sentences, name, size))
        (folder / "tiny.html").write_bytes(b"<!doctype html><title>Tiny</title><p>Be nice.\n")
        (folder / "complete").touch()
    return names


def _real(source: Path, folder: Path) -> list[str]:
    pages = sorted(page for page in source.rglob("*.html") if page.is_file() and page.stat().st_size > 500)
    chosen = random.Random(SEED).sample(pages, min(DOCUMENTS, len(pages)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.html").write_bytes(b"<!doctype html><title>Tiny</title><p>Be nice.\n")
    names = []
    for number, page in enumerate(chosen):
        names.append(f"real-{number:04d}.html")
        (folder / names[-1]).write_bytes(page.read_bytes())
    return names


def sizes(rng: random.Random) -> list[int]:
    """Return the sizes in bytes: a log-normal law taken at even steps, one page the largest, shuffled."""
    sigma = math.log(NINETIETH / MEDIAN) / NormalDist().inv_cdf(0.9)
    law = NormalDist(math.log(MEDIAN), sigma)
    steps = [(number + 0.5) / (DOCUMENTS - 1) for number in range(DOCUMENTS - 1)]
    found = [max(600, min(LARGEST, round(math.exp(law.inv_cdf(step))))) for step in steps]
    found.append(LARGEST)
    rng.shuffle(found)
    return found


def document(rng: random.Random, sentences: list[str], name: str, size: int) -> bytes:
    """Return one page of about this many bytes: head, navigation, numbered clauses, footer."""
    parts = [
        "<!doctype html>\n<html lang=en>\n<head><meta charset=utf-8>\n"
        f"<title>Policy {name}</title>\n<link rel=stylesheet href=policy.css></head>\n<body>\n<nav>"
        + "".join(f"<a href=policy-{n:04d}.html>Section {n}</a>" for n in range(5))
        + f"</nav>\n<main><h1>Policy {name}</h1>\n"
    ]
    length = len(parts[0])
    section = 0
    while length < size - 60:
        section += 1
        title = rng.choice(sentences)[:40]
        piece = [f'<section id="section-{section}"><h2 class="heading">{section}. {title}</h2>\n']
        for clause in range(rng.randint(2, 6)):
            words = " ".join(rng.choices(sentences, k=rng.randint(1, 5)))
            piece.append(
                f'<p class="clause" id="clause-{section}-{clause}"><a class="permalink" '
                f'href="#clause-{section}-{clause}">{section}.{clause}</a> {words}</p>\n'
            )
        piece.append("</section>\n")
        parts.append("".join(piece))
        length += len(parts[-1])
    text = "".join(parts)[: size - 60]
    return f"{text}</main><footer>Version {rng.randint(1, 9)}.0</footer></body></html>\n".encode("ascii")


def _sentences(rng: random.Random) -> list[str]:
    """Return sentences of words that are as unequally frequent as those of a language."""
    syllables = "ba be ci con de di er fa ge in la lo men na no or per que ra re se ta ter ti tor ur va ver".split()
    words = ["".join(rng.choices(syllables, k=rng.choice((1, 1, 2, 2, 3, 4)))) for _ in range(4000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    return [" ".join(rng.choices(words, weights, k=rng.randint(6, 24))).capitalize() + "." for _ in range(20_000)]


def make_large(folder: Path) -> str:
    """Return the name of a text of ``LARGE`` bytes below ``folder``, written there unless it is already."""
    path = folder / "large.txt"
    if not path.exists() or path.stat().st_size != LARGE:
        folder.mkdir(parents=True, exist_ok=True)
        rng = random.Random(SEED)
        sentences = _sentences(rng)
        with path.open("wb") as out:
            left = LARGE
            while left:
                piece = "\n".join(rng.choices(sentences, k=5000)).encode("ascii")[:left]
                out.write(piece)
                left -= len(piece)
    return path.name


def make_pages(folder: Path, count: int, size: int) -> list[str]:
    """Return the names of ``count`` pages of about ``size`` bytes below ``folder``, written unless they are there.

    gzip makes a fifth of them, as it does of real policies: 4.9 times smaller over 370 pages, names of style classes
    included, of which theirs are full.
    """
    names = [f"clauses-{number:04d}-{size}.html" for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not (folder / name).exists()]
    rng = random.Random(SEED)
    sentences = _sentences(rng) if missing else []
    for name in missing:
        page = document(rng, sentences, name, round(size / STYLED))
        (folder / name).write_bytes(page.replace(b'class="clause"', CLASSES))
    return names


def make_dense(folder: Path, count: int, size: int) -> list[str]:
    """Return the names of ``count`` files of ``size`` bytes that no packing makes smaller, written unless there."""
    names = [f"dense-{number:04d}-{size}.png" for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        if not (folder / name).exists():
            (folder / name).write_bytes(random.Random(f"{SEED} {number}").randbytes(size))
    return names
