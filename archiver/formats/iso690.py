"""ISO 690: the finished string; the day of access is the citing author's."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("iso690", "ISO 690 reference, day of access left blank (*…* marks italics)")
