"""MLA: the finished string, with the archive as second container."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("mla", "MLA 9 entry, the archive as second container (*…* marks italics)")
