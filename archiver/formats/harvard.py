"""Harvard as Cite Them Right has it: the finished string; the day of access is the citing author's."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString(
    "harvard", "Harvard reference (Cite Them Right 12), day of access left blank (*…* marks italics)"
)
