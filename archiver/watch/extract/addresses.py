"""Addresses of links made absolute, each once; those an edge network hides are read."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urljoin

from archiver.watch.extract.emails import address_of

_ABSOLUTE = re.compile(r"https?://[^/]|mailto:|tel:")
_FRAGMENT = re.compile(r"#.")
_NEIGHBOUR = re.compile(r"[\w-][^:/?#;]*(?:/[\w-][^:/?#;]*)*(?:[?#].+)?\Z")
_ROOTED = re.compile(r"/[\w-][^:/?#;]*(?:/[\w-][^:/?#;]*)*/?(?:[?#].+)?\Z")
_UPWARDS = re.compile(r"(?:\.\./)+(?=[\w-])")
_NO_LINE_BREAKS = {9: None, 10: None, 13: None}


class Addresses:
    """The addresses of one page, relative to its base."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._page, self._folder, self._origin = _parts(base)
        self._plain = self._folder.startswith(("http://", "https://"))
        self._known: dict[str, str] = {}

    def absolute(self, href: str) -> str:
        """Return where a link leads; as it was written if that is no address by any rule."""
        target = self._known.get(href)
        if target is None:
            address = href.translate(_NO_LINE_BREAKS).strip(" \x00\x0b\x0c")
            target = self._known[href] = address_of(address) or self._resolved(address)
        return target

    def _resolved(self, address: str) -> str:
        # The commonest forms need not be taken apart.
        if _ABSOLUTE.match(address):
            return address
        if not self._plain:
            return _joined(self._base, address)
        if _FRAGMENT.match(address):
            return self._page + address
        if _NEIGHBOUR.match(address):
            return self._folder + address
        if _ROOTED.match(address):
            return self._origin + address
        upwards = _UPWARDS.match(address)
        if upwards and _NEIGHBOUR.match(address, upwards.end()):
            folders = self._folder[len(self._origin) + 1 :].split("/")[: -1 - upwards.end() // 3]
            return "/".join((self._origin, *folders, address[upwards.end() :]))
        return _joined(self._base, address)


@lru_cache(maxsize=256)  # a document has the same address at each check
def _parts(base: str) -> tuple[str, str, str]:
    """The address without its fragment, up to its last slash, and up to its host."""
    folder = _joined(base, "x")[:-1]
    return base.partition("#")[0], folder, "/".join(folder.split("/", 3)[:3])


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address
