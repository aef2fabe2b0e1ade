"""The citation of the record in a brief or motion: exhibit and declaration are the citing author's to fill."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("brief", "Record citation for a brief or motion, exhibit and declaration left blank")
