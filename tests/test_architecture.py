"""The import rules and house rules of docs/architecture.md, read from the source itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import archiver
import storage
from archiver.errors import ArchiverError
from storage.errors import StorageError

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400
TRAVELLER = "archiver/verifier/verify.py"  # one file by design; tests/verifier keeps it short
PLUG_INS = ("capture", "stamp", "alert", "formats", "outside")

# house of archiver -> houses it may import, besides itself. `storage` is the other package.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "deadline": frozenset(),
    "one_hop": frozenset(),
    "registry": frozenset({"errors"}),
    "evidence": frozenset({"errors"}),
    "setting_values": frozenset({"errors"}),
    "setting_keys": frozenset({"setting_values"}),
    "settings": frozenset({"errors", "evidence", "registry", "setting_keys", "setting_values"}),
    "watch": frozenset({"errors", "evidence", "registry", "setting_values"}),
    **{house: frozenset({"deadline", "errors", "evidence", "one_hop", "registry"}) for house in PLUG_INS},
}
BELOW_THE_LINE = frozenset(MAY_IMPORT) | {"storage"}
# Houses above the line, lowest first: each may import everything below the line and every house before it. A house
# of archiver that stands neither here nor above is part of the line (rank 0: ledger, pipeline, audit, …).
RANK = {"daemon": 1, "web": 2, "demo": 3, "cli": 4, "__main__": 5}

EVIDENCE_MAY_IMPORT = frozenset(
    """__future__ abc base64 binascii bisect calendar collections collections.abc contextlib dataclasses
    datetime difflib email.utils enum fractions functools hashlib heapq hmac html io ipaddress itertools
    json math operator re string struct textwrap types typing unicodedata urllib.parse uuid weakref zipfile zlib
    asn1crypto cryptography isal rfc3161_client rfc8785 archiver""".split()
)
"""What computes; whatever touches the disk, the network, a clock or a source of randomness is not here."""

IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})
IMPURE_METHODS = frozenset(
    """now utcnow today urandom uuid1 uuid4 generate generate_private_key formatdate localtime open
    read_text read_bytes write_text write_bytes""".split()
)


@dataclass(frozen=True, slots=True)
class Module:
    """One source file, parsed."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    is_package: bool

    @property
    def house(self) -> str:
        """``evidence`` for ``archiver.evidence.note``; the package's own name for its ``__init__``."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else parts[0]

    @property
    def place(self) -> str:
        return str(self.path.relative_to(ROOT))


@cache
def modules(package: str) -> tuple[Module, ...]:
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        text = path.read_text(encoding="utf-8")
        found.append(Module(name, path, text, ast.parse(text, str(path)), is_package))
    assert found, f"no source under {package}/"
    return tuple(found)


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import of a module, wherever it stands, relative ones resolved."""
    known = {m.name for m in modules("archiver")} | {m.name for m in modules("storage")}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = module.name.split(".")
                up = here[: len(here) - node.level + module.is_package]
                base = ".".join([*up, *([base] if base else [])])
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                yield node.lineno, deeper if deeper in known else base


def houses_imported(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and house for each import of our own two packages."""
    for line, name in imports(module):
        package, *rest = name.split(".")
        if package == "storage":
            yield line, "storage"
        elif package == "archiver" and rest:
            yield line, rest[0]


def allowed(house: str, target: str) -> bool:
    """Say whether a house of archiver may import another one, or ``storage``."""
    if target == house:
        return True
    if house in MAY_IMPORT:
        return target in MAY_IMPORT[house]
    return target in BELOW_THE_LINE or RANK.get(target, 0) < RANK.get(house, 0) or _both_of_the_line(house, target)


def _both_of_the_line(house: str, target: str) -> bool:
    return RANK.get(house, 0) == RANK.get(target, 0) == 0


def report(findings: list[str]) -> None:
    assert not findings, "\n" + "\n".join(findings)


def test_the_rules_themselves() -> None:
    assert allowed("cli", "pipeline")
    assert allowed("pipeline", "ledger")
    assert allowed("pipeline", "storage")
    assert not allowed("pipeline", "cli")
    assert not allowed("web", "cli")
    assert not allowed("evidence", "storage")
    assert not allowed("capture", "stamp")
    assert not allowed("formats", "settings")
    assert not allowed("ledger", "daemon")


def test_imports_point_one_way() -> None:
    findings = [
        f"{module.place}:{line}: {module.house} may not import {target}"
        for module in modules("archiver")
        for line, target in houses_imported(module)
        if module.name != "archiver" and not allowed(module.house, target)
    ]
    report(findings)


def test_the_package_itself_imports_nothing() -> None:
    package = next(m for m in modules("archiver") if m.name == "archiver")
    assert [name for _, name in imports(package) if name != "__future__"] == []


def test_houses_form_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module in modules("archiver"):
        targets = {target for _, target in houses_imported(module)} - {module.house}
        graph.setdefault(module.house, set()).update(targets)
    open_houses: list[str] = []
    done: set[str] = set()

    def visit(house: str) -> None:
        assert house not in open_houses, f"a circle: {' → '.join([*open_houses, house])}"
        if house in done:
            return
        open_houses.append(house)
        for target in sorted(graph.get(house, ())):
            visit(target)
        open_houses.pop()
        done.add(house)

    for house in sorted(graph):
        visit(house)


def test_storage_knows_nothing_of_evidence() -> None:
    permitted = set(sys.stdlib_module_names) | {"storage", "sqlite_utils", "_typeshed"}
    findings = [
        f"{module.place}:{line}: storage may not import {name}"
        for module in modules("storage")
        for line, name in imports(module)
        if name.split(".")[0] not in permitted
    ]
    report(findings)


def test_evidence_imports_no_input_or_output() -> None:
    findings = [
        f"{module.place}:{line}: evidence is pure, {name} is not on its list"
        for module in modules("archiver")
        if module.house == "evidence"
        for line, name in imports(module)
        if name not in EVIDENCE_MAY_IMPORT and name.split(".")[0] not in EVIDENCE_MAY_IMPORT
    ]
    report(findings)


def impure_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield node.lineno, node.func.id
        elif isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS:
            yield node.lineno, node.func.attr


def test_evidence_asks_no_clock_no_disk_no_dice() -> None:
    findings = [
        f"{module.place}:{line}: evidence is pure, {call}() is not"
        for module in modules("archiver")
        if module.house == "evidence"
        for line, call in impure_calls(module.tree)
    ]
    report(findings)


@pytest.mark.parametrize(
    "source",
    ["open('x')", "datetime.now(UTC)", "datetime.datetime.utcnow()", "os.urandom(1)", "Ed25519PrivateKey.generate()"],
)
def test_an_impure_call_is_seen(source: str) -> None:
    assert list(impure_calls(ast.parse(source)))


def exceptions_defined_in(package: str) -> Iterator[type[BaseException]]:
    top = importlib.import_module(package)
    names = [package, *(found.name for found in pkgutil.walk_packages(top.__path__, f"{package}."))]
    for name in names:
        module = importlib.import_module(name)
        for _, value in inspect.getmembers(module, inspect.isclass):
            if issubclass(value, BaseException) and value.__module__ == name:
                yield value


def test_every_exception_of_archiver_descends_from_its_root() -> None:
    # The verifier that travels with a bundle imports nothing of ours.
    found = [e for e in exceptions_defined_in(archiver.__name__) if not e.__module__.startswith("archiver.verifier.")]
    assert ArchiverError in found
    report([f"{e.__module__}.{e.__qualname__}" for e in found if not issubclass(e, ArchiverError)])


def test_every_exception_of_storage_descends_from_its_root() -> None:
    # A simulated loss of power must pass through every `except Exception`, so it alone may be a bare BaseException.
    found = [e for e in exceptions_defined_in(storage.__name__) if issubclass(e, Exception)]
    assert StorageError in found
    report([f"{e.__module__}.{e.__qualname__}" for e in found if not issubclass(e, StorageError)])


def sources() -> tuple[Module, ...]:
    return modules("archiver") + modules("storage")


def test_no_module_is_long() -> None:
    lengths = [(module.text.count("\n"), module.place) for module in sources() if module.place != TRAVELLER]
    report([f"{place}: {lines} lines, more than {MAX_LINES}" for lines, place in lengths if lines > MAX_LINES])


VAGUE = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?)(?:_|$)")


def words_of(name: str) -> str:
    """``FileManager`` → ``file_manager``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def test_no_name_is_vague() -> None:
    assert VAGUE.search(words_of("FileManager"))
    findings = []
    for module in sources():
        names = [(1, module.path.stem)] + [
            (node.lineno, node.name)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        findings += [f"{module.place}:{line}: {name}" for line, name in names if VAGUE.search(words_of(name))]
    report(findings)


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public_things(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            if any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list):
                continue
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_things(node.body)


def test_every_public_thing_says_what_it_promises() -> None:
    findings = []
    for module in sources():
        things: list[tuple[int, str, Documented]] = [(1, module.name, module.tree)]
        things += [(node.lineno, node.name, node) for node in public_things(module.tree.body)]
        findings += [f"{module.place}:{line}: {name}" for line, name, node in things if not ast.get_docstring(node)]
    report(findings)


# Words that claim more than a digest, a log and a timestamp can show; written in halves so that this file may
# be searched for them too.
CLAIMS = [
    first + last
    for first, last in (
        ("admis", "sible"),
        ("authen", "tic"),
        ("certi", "fied"),
        ("notar", "ised"),
        ("notar", "ized"),
        ("pro", "ves"),
        ("court", "-ready"),
        ("court", " ready"),
        ("tamper", "-proof"),
        ("tamper", "proof"),
        ("perma", "nent"),
    )
]
CLAIM = re.compile(rf"\b(?:{'|'.join(CLAIMS)})\b", re.IGNORECASE)

# Traces of one machine, and the hosts of package registries: a clone must build anywhere, with any mirror.
TRACES = [
    "/tmp/" + "venv",
    "/work/" + "main",
    "/work/" + "shared",
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npm" + "js",
    "proxy.golang" + ".org",
    "deb.debian" + ".org",
]

PLACES = ("archiver", "storage", "config", "docs", "tests", "bench", ".ci")


def repository_texts() -> Iterator[tuple[str, str]]:
    """Yield place and text of every text file of the repository's own folders and its top level."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    for place in PLACES:
        paths += [path for path in (ROOT / place).rglob("*") if path.is_file()]
    for path in sorted(paths):
        relative = path.relative_to(ROOT)
        if any(part in {"__pycache__", "node_modules"} or part.endswith("_cache") for part in relative.parts):
            continue
        if relative.parts[:2] in {("bench", "scratch"), ("bench", "results")}:
            continue  # what a measurement left, which is no part of the repository
        try:
            yield str(relative), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a vector, a token, an icon


def lines_with(pattern: re.Pattern[str], places: tuple[str, ...]) -> list[str]:
    return [
        f"{place}:{number}: {found[0]}"
        for place, text in repository_texts()
        if place.startswith(places)
        for number, line in enumerate(text.splitlines(), 1)
        if (found := pattern.search(line))
    ]


def test_the_software_states_facts_only() -> None:
    assert CLAIM.search(f"a {CLAIMS[0]} exhibit")
    assert not CLAIM.search("server authentication, moved permanently")
    report(lines_with(CLAIM, ("archiver/", "storage/", "config/", "docs/", "README", "CHANGELOG", "pyproject")))


def test_nothing_names_one_machine_or_one_registry() -> None:
    report(lines_with(re.compile("|".join(map(re.escape, TRACES))), ("",)))
