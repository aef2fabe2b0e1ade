"""Chicago bibliography: the finished string."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("chicago-bibliography", "Chicago 18 bibliography entry")
