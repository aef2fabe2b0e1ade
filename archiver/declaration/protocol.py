"""A capture protocol's steps held against one snapshot: met, not met, not recorded, or a human's, with what shows it.

The list of steps is data (``archiver/protocols/``): each step names the looks that decide it. A step is only as good as
its worst look, and met only where the statement or the WARC shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archiver.declaration.ground import SnapshotGround
from archiver.declaration.showing import Source
from archiver.declaration.strict_toml import flag_of, known_keys, line_of, list_of, require_modest, tables_of
from archiver.declaration.template import FORMAT, NAME
from archiver.errors import SettingsError
from archiver.evidence.canonical import Json

MET, NOT_MET, NOT_RECORDED, HUMAN = "met", "not met", "not recorded", "needs a human"
STATES = (NOT_MET, NOT_RECORDED, HUMAN, MET)
"""Worst first."""
MAX_STEPS, MAX_LOOKS = 200, 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found."""

    state: str
    detail: str
    source: Source
    where: str


Look = Callable[[SnapshotGround], Seen]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a protocol, and the looks that decide it."""

    id: str
    step: str
    shows: tuple[str, ...]
    gap: str
    """What to do where it is not met."""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """A list of steps with its name and version."""

    name: str
    version: str
    title: str
    law: str
    about: str
    steps: tuple[Step, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One step held against one snapshot."""

    step: Step
    state: str
    seen: tuple[Seen, ...]

    @property
    def detail(self) -> str:
        """What was found, in sentences."""
        return " ".join(dict.fromkeys(f"{seen.detail}." for seen in self.seen))

    @property
    def do(self) -> str | None:
        """What to do about the gap; None where there is none."""
        return None if self.state == MET else self.step.gap

    def to_json(self) -> Json:
        """One item of ``steps`` in ``archiver protocol --json``."""
        return {
            "id": self.step.id,
            "step": self.step.step,
            "optional": self.step.optional,
            "state": self.state,
            "detail": self.detail,
            "evidence": [
                {
                    "source": seen.source.what,
                    "source_sha256": seen.source.sha256,
                    "where": seen.where,
                    "checks": seen.source.checks or None,
                }
                for seen in self.seen
            ],
            "do": self.do,
        }


def parse_protocol(data: bytes, place: str, looks: Mapping[str, Look]) -> Protocol:
    """Return the protocol in a file; ``SettingsError`` names the file, the step in it and what is wrong."""
    head = ("format", "protocol", "version", "title", "law", "about", "step")
    table = known_keys(tables_of(data, place), place, head)
    if table["format"] != FORMAT or isinstance(table["format"], bool):
        raise SettingsError(f"{place}: format must be {FORMAT}")
    name = line_of(table, "protocol", place, most=40)
    if not NAME.fullmatch(name):
        raise SettingsError(f"{place}: protocol must have lower-case letters, digits and hyphens")
    steps: dict[str, Step] = {}
    for number, item in enumerate(list_of(table["step"], "step", place, MAX_STEPS), 1):
        step = _step(item, f"{place}: step {number}", looks)
        if step.id in steps:
            raise SettingsError(f"{place}: step {number}: the id {step.id!r} is taken by an earlier step")
        steps[step.id] = step
    texts = {key: line_of(table, key, place) for key in ("title", "law", "about")}
    for text in texts.values():
        require_modest(text, place)
    return Protocol(
        name=name,
        version=line_of(table, "version", place, most=20),
        **texts,
        steps=tuple(steps.values()),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _step(item: object, place: str, looks: Mapping[str, Look]) -> Step:
    import difflib

    table = known_keys(item, place, ("id", "step", "shows", "gap"), ("optional",))
    place = f"{place} {str(table['id'])[:20]!r}"
    shows = list_of(table["shows"], "shows", place, MAX_LOOKS)
    for name in shows:
        if name not in looks:
            close = difflib.get_close_matches(str(name), looks, 1)
            do = f"did you mean {close[0]}?" if close else "docs/declarations.md lists them"
            raise SettingsError(f"{place}: nothing looks at {name!r}", do=do)
    found = Step(
        id=line_of(table, "id", place, most=12),
        step=line_of(table, "step", place),
        shows=tuple(shows),
        gap=line_of(table, "gap", place, most=500),
        optional=flag_of(table, "optional", place),
    )
    require_modest(f"{found.step} {found.gap}", place)
    return found


def held_against(protocol: Protocol, ground: SnapshotGround, looks: Mapping[str, Look]) -> tuple[Finding, ...]:
    """Return what each step comes to, in the protocol's order."""
    findings = []
    for step in protocol.steps:
        seen = tuple(looks[name](ground) for name in step.shows)
        findings.append(Finding(step, min((look.state for look in seen), key=STATES.index), seen))
    return tuple(findings)


def counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    """How many steps are in each state, every state named."""
    return {state: sum(finding.state == state for finding in findings) for state in (MET, *STATES[:-1])}
