"""McGill: the finished string, because the style built from CSL drops the archive."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("mcgill", "McGill 10 string (*…* marks italics)")
