"""What is written about the program is what the program is: commands, options, exit codes, settings, formats, paths."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import archiver
from archiver.errors import ArchiverError
from archiver.evidence.exchange import BLOCKED, RETRYABLE
from archiver.evidence.statement import KINDS, LIMITS
from archiver.settings import DEFAULTS, parse_settings, render_default
from tests import commands_page

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read(place: str) -> str:
    return (ROOT / place).read_text(encoding="utf-8")


def root_command() -> click.Command:
    command = importlib.import_module("archiver.cli").root
    assert isinstance(command, click.Group)
    return command


def section_of(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading!r}"
    return found[2]


# Commands


def test_every_command_and_option_is_documented() -> None:
    written = read("docs/commands.md")
    missing = []
    for path, command in commands_page.walk(root_command(), ("archiver",)):
        section = section_of(written, f"`{' '.join(path)}`")
        for option in commands_page.options(command):
            names = (*option.opts, *option.secondary_opts)
            missing += [f"{' '.join(path)} {name}" for name in names if f"`{name}`" not in section]
    assert not missing


def test_the_page_of_commands_is_the_help() -> None:
    assert read("docs/commands.md") == commands_page.page(root_command()), "write it again with `make docs`"


def test_every_command_says_what_it_does_and_every_option_what_it_means() -> None:
    silent = []
    for path, command in commands_page.walk(root_command(), ("archiver",)):
        silent += [] if command.help else [" ".join(path)]
        silent += [f"{' '.join(path)} {o.opts[0]}" for o in commands_page.options(command) if not o.help]
    assert not silent


def test_every_command_has_an_example() -> None:
    without = [
        " ".join(path)
        for path, command in commands_page.walk(root_command(), ("archiver",))
        if not isinstance(command, click.Group)
        and f"archiver {' '.join(path[1:])}" not in re.sub(r"--archive \S+ ", "", f"{command.help} {command.epilog}")
    ]
    assert not without


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the words after ``archiver`` of every command line shown in a page."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            found = re.match(r"\s*(?:\$ )?(?:\S*/)?archiver\s+(.+)", line)
            if found:
                yield re.split(r"\s[#|>&]", found[1])[0].split()


@pytest.mark.parametrize("place", [str(p.relative_to(ROOT)) for p in PAGES if p.name != "commands.md"])
def test_every_command_line_shown_can_be_typed(place: str) -> None:
    wrong = []
    for words in commands_in(read(place)):
        command = root_command()
        for word in words:
            if word.startswith("--"):
                known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
                known |= {name for p in root_command().params for name in p.opts}
                if word.split("=")[0] not in known:
                    wrong.append(f"{' '.join(words)}: no option {word}")
            elif isinstance(command, click.Group):
                child = command.get_command(click.Context(command), word)
                if child is not None:
                    command = child
        if isinstance(command, click.Group) and words[0] not in {"--help", "--version"}:
            wrong.append(f"{' '.join(words)}: names no command")
    assert not wrong


# Exit codes


def error_classes() -> set[type[ArchiverError]]:
    for found in pkgutil.walk_packages(archiver.__path__, "archiver."):
        importlib.import_module(found.name)
    seen: set[type[ArchiverError]] = set()
    waiting = [ArchiverError]
    while waiting:
        error = waiting.pop()
        seen.add(error)
        waiting += error.__subclasses__()
    return seen


def test_the_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    table = section_of(read("README.md"), "Exit codes")
    listed = {int(code) for code in re.findall(r"^\| *(\d+) *\|", table, re.MULTILINE)}
    # 0 is no error; 1 is also what a check without an exception returns.
    assert listed == {0} | {error.exit_code for error in error_classes()}


# Settings


def test_the_default_settings_file_is_what_the_program_uses() -> None:
    assert read("config/default.toml") == render_default(), "write it again from archiver.settings.render_default()"
    assert tomllib.loads(render_default()) == DEFAULTS


def test_the_default_settings_file_is_a_valid_one() -> None:
    assert dict(parse_settings(read("config/default.toml")).origins).keys() == {
        f"{section}.{key}" for section, table in DEFAULTS.items() for key in table
    }


UNITS = {"_s": "second", "_bytes": "bytes"}


def test_every_setting_is_explained_with_its_unit() -> None:
    lines = read("config/default.toml").splitlines()
    unexplained = []
    for before, line in zip(["", *lines], lines, strict=False):
        found = re.match(r"(\w+) = ", line)
        if not found:
            continue
        about = before.removeprefix("#").strip() if before.startswith("# ") else ""
        about += line.partition("  #")[2]
        unit = next((unit for suffix, unit in UNITS.items() if found[1].endswith(suffix)), "")
        if len(about.split()) < 2 or unit not in about:
            unexplained.append(line)
    assert not unexplained


def test_the_starter_watch_list_is_readable() -> None:
    documents = tomllib.loads(read("config/watchlist.toml"))["document"]
    assert len(documents) >= 25
    for document in documents:
        assert document.keys() == {"entity", "title", "urls", "every"}
        assert all(re.fullmatch(r"https://[a-z0-9.-]+/\S*", url) for url in document["urls"])
        assert re.fullmatch(r"[1-9]\d*[smhd]", document["every"])
    names = [(document["entity"], document["title"]) for document in documents]
    assert len(set(names)) == len(names)


# The stored format


def texts_in_code(pattern: str) -> set[str]:
    """Collect every string constant of archiver/ that matches a pattern as a whole."""
    found: set[str] = set()
    for path in (ROOT / "archiver").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(pattern, node.value):
                found.add(node.value)
    return found


def test_the_format_page_knows_every_kind_of_statement() -> None:
    text = read("docs/format.md")
    assert [kind for kind in sorted(KINDS) if f"`{kind}`" not in text] == []


def test_the_format_page_knows_every_limit_code() -> None:
    codes = texts_in_code(r"L\d{1,2}") | set(LIMITS)
    text = read("docs/format.md")
    assert [code for code in sorted(codes) if f"`{code}`" not in text] == []
    assert codes <= set(LIMITS), "a limit code without its sentence in archiver/evidence/statement.py"


def test_the_format_page_says_where_the_reason_codes_stand() -> None:
    assert "archiver/evidence/exchange.py" in read("docs/format.md")
    assert not BLOCKED & RETRYABLE - {"robots_unavailable"}


# Pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            broken.append(target)
        elif anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}:
                broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_source_file_named_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:archiver|storage|tests|config|docs|bench)/[\w./-]*\w\.\w+|(?:Makefile|\.ci/run))`", page.read_text()
    )
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_decisions_are_numbered_without_a_gap_or_a_double() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(name[:4]) for name in names]
    assert numbers == list(range(1, len(numbers) + 1))
    for name in names:
        assert re.match(rf"# {name[:4]} ", read(f"docs/decisions/{name}")), f"{name}: the title starts with its number"


def test_the_version_has_a_place_in_the_changelog() -> None:
    headings = re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert archiver.__version__
