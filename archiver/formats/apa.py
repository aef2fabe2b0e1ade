"""APA: the finished string; the day of retrieval is the citing author's."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("apa", "APA 7 reference, day of retrieval left blank (*…* marks italics)")
