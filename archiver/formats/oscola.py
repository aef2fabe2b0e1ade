"""OSCOLA: the finished string, because the style built from CSL drops the archive."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("oscola", "OSCOLA 4 string, day of access left blank (*…* marks italics)")
