"""Bluebook: the finished string, because CSL-built law styles drop the archive."""

from __future__ import annotations

from archiver.formats.interface import Format
from archiver.formats.style import StyleString

PLUGIN: Format = StyleString("bluebook", "Bluebook string (*…* marks italics)")
