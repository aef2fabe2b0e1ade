"""Chicago notes: the finished string; the archive stands where the publisher of the manual puts it."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("chicago-note", "Chicago 18 note")
