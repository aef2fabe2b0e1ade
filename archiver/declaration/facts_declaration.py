"""Facts about the archive and the draft itself that a template may name in any section."""

from __future__ import annotations

from collections.abc import Callable

from archiver.declaration.ground import DeclarationGround
from archiver.declaration.showing import Fact, Source, listed, shown
from archiver.environment import SOFTWARE

Show = Callable[[DeclarationGround], Fact]


def _founded(*path: str) -> Show:
    return lambda g: g.founded(*path)


def _template(value: str, where: str) -> Show:
    return lambda g: Fact(
        shown(getattr(g.template, value)), Source(f"template {g.template.regime}", g.template.sha256), where
    )


def _made(g: DeclarationGround) -> Fact:
    return Fact(g.issued, g.looked, "clock of the host that made this draft, UTC")


def _incidents(g: DeclarationGround) -> Fact:
    return Fact(
        str(len(g.incidents)),
        g.looked,
        "recovery statements, and custody statements clock_step and storage_full, counted over the whole log",
    )


def _size(g: DeclarationGround) -> Fact:
    row = g.archive.index.row("select count(*) as n from statement")
    return Fact(str(row["n"]) if row else None, g.looked, "statements in the journal, counted")


def _authorities(g: DeclarationGround) -> Fact:
    told = [f"{authority.name} ({authority.url})" for authority in g.archive.settings.authorities]
    return Fact(listed(told), Source("archive.toml, settings in force"), "authority")


def _captures(g: DeclarationGround) -> Fact:
    row = g.archive.index.row("select count(*) as n from capture")
    return Fact(str(row["n"]) if row else None, g.looked, "capture statements, whatever their result, counted")


def _absent(where: str) -> Show:
    return lambda g: Fact(None, g.looked, where)


DECLARATION_FACTS: dict[str, tuple[str, Show]] = {
    "declaration.made": ("when this draft was made, UTC", _made),
    "declaration.software": ("software that made it", lambda g: Fact(SOFTWARE, g.looked, "name and version")),
    "declaration.snapshots": (
        "identifiers of the snapshots it is about",
        lambda g: Fact(", ".join(s.name for s in g.snapshots), g.looked, "as named on the command line"),
    ),
    "declaration.regime": ("the regime's name", _template("regime", "key regime")),
    "declaration.version": ("version of its template", _template("version", "key version")),
    "archive.name": ("name of the archive", lambda g: g.setting("archive.name")),
    "archive.origin": ("name of its log", lambda g: g.founded("origin")),
    "archive.started": ("when the log began", _founded("at")),
    "archive.software": ("software that began it", _founded("software")),
    "archive.key": ("the log's verifier key (C2SP signed note)", _founded("vkey")),
    "archive.key_sha256": ("SHA-256 of its public key (SubjectPublicKeyInfo, DER)", _founded("spki_sha256")),
    "archive.statements": ("statements in its log", _size),
    "archive.captures": ("checks its log states", _captures),
    "archive.authorities": ("timestamp authorities it asks", _authorities),
    "archive.kept_until": ("until when its operator promises to keep it", lambda g: g.setting("archive.keep_until")),
    "archive.kept_by": ("who promises that", lambda g: g.setting("archive.keep_by")),
    "incidents.count": (
        "crashes, damaged journals, clocks that went back and full disks that the log states", _incidents),
    "process.description": (
        "version of a written description of the process", _absent("no statement names a process description")),
    "process.validation": ("latest validation run of the process", _absent("no statement names a validation run")),
}  # fmt: skip
"""Name, meaning, and how it is shown."""
