"""Watch lists in XML: OPML outlines and Atom feeds, read only. Pure.

The parser calls back for each tag and builds no tree, so that a deep or a large file costs little; a document type
declaration, where entities and outside references stand, is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from archiver.errors import UsageError
from archiver.watch.catalogue_listing import Listed, at, default_entity, one_line
from archiver.watch.entry import WatchEntry, checked_entry, checked_url

ATOM = "http://www.w3.org/2005/Atom"
MAX_DEPTH = 100
Attributes = dict[str, str]


def read_outlines(data: bytes, form: str | None, every_s: int) -> tuple[list[Listed], list[str]]:
    """Return the documents of an OPML or Atom file, and remarks on what is none.

    ``form`` (``opml``, ``atom``) must be what the file is; None: either.
    """
    reader = _Reader(form, every_s)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    reader.line = lambda: parser.CurrentLineNumber
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UsageError(f"not XML: {error}") from error
    except (LookupError, ValueError) as error:  # an encoding that the first line names and nobody knows
        raise UsageError(f"not XML: {error}") from error
    return reader.listed, reader.notes


def _refuse(*_: object) -> None:
    raise UsageError("a document type declaration is not read: it could name other files", do="take it out")


class _Reader:
    """What the parser calls; the root element decides which kind of list it is."""

    def __init__(self, form: str | None, every_s: int) -> None:
        self.listed: list[Listed] = []
        self.notes: list[str] = []
        self.line: Callable[[], int] = lambda: 0
        self._form = form
        self._kind: _Outlines | _Feed | None = None
        self._every_s = every_s
        self._depth = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UsageError(f"line {self.line()}: nested more than {MAX_DEPTH} deep")
        if self._kind is None:
            self._kind = self._of_root(tag)
        self._kind.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        assert self._kind is not None
        self._kind.end(tag)

    def text(self, words: str) -> None:
        if self._kind is not None:
            self._kind.text(words)

    def add(self, line: int, entity: str, title: str, url: str, notes: tuple[str, ...]) -> None:
        """List one document, with the host as entity and the address as title where none are given."""
        place = f"line {line}"
        with at(place):
            checked = checked_url(url.strip())
            names = (one_line(entity) or default_entity([checked]), one_line(title) or checked)
            self.listed.append(Listed(place, checked_entry(WatchEntry(*names, (checked,), self._every_s)), notes=notes))

    def _of_root(self, tag: str) -> _Outlines | _Feed:
        found = {"opml": "opml", f"{ATOM} feed": "atom"}.get(tag)
        if found is None:
            name = tag.rpartition(" ")[2]
            raise UsageError(f"neither OPML nor Atom: the file begins with <{name[:50]}>")
        if self._form not in (None, found):
            raise UsageError(f"not {self._form}: the file is {found}", do=f"read it with --format {found}")
        return _Outlines(self) if found == "opml" else _Feed(self)


class _Outlines:
    """OPML: an outline with an address is a document, the nearest outline around it without one its entity."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._groups: list[str] = []
        self._is_leaf = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag != "outline":
            return
        given = {name: attributes.get(name, "").strip() for name in ("htmlUrl", "xmlUrl", "url")}
        title = attributes.get("title", "").strip() or attributes.get("text", "")
        entity = next((group for group in reversed(self._groups) if group), "")
        url = given["htmlUrl"] or given["xmlUrl"] or given["url"]
        self._groups.append("" if url else one_line(title))
        self._is_leaf = not url
        if url:
            both = bool(given["htmlUrl"] and given["xmlUrl"]) and given["htmlUrl"] != given["xmlUrl"]
            notes = (f"its page is watched, its feed {one_line(given['xmlUrl'])} is not",) if both else ()
            self._reader.add(self._reader.line(), entity, title, url, notes)

    def end(self, tag: str) -> None:
        if tag == "outline":
            name = self._groups.pop()
            if self._is_leaf:
                self._reader.notes.append(f"line {self._reader.line()}: {name[:100]!r} has no address")
            self._is_leaf = False

    def text(self, words: str) -> None:
        """Outlines say everything in attributes."""


class _Feed:
    """Atom: an entry is a document, its link the address, its author (else the feed's title) the entity."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._path: list[str] = []
        self._words: list[str] = []
        self._feed_title = ""
        self._title = self._author = ""
        self._links: list[str] = []
        self._line = 0
        self._entries: list[tuple[int, str, str, list[str]]] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        name = tag.removeprefix(f"{ATOM} ")
        if "title" not in self._path:  # whose words may stand in elements of their own
            self._words = []
        self._path.append(name)
        if self._path == ["feed", "entry"]:
            self._line = self._reader.line()
            self._title = self._author = ""
            self._links = []
        elif self._path == ["feed", "entry", "link"] and attributes.get("rel", "alternate") == "alternate":
            self._links.append(attributes.get("href", ""))

    def text(self, words: str) -> None:
        self._words.append(words)

    def end(self, tag: str) -> None:
        match self._path:
            case ["feed", "title"]:
                self._feed_title = "".join(self._words)
            case ["feed", "entry", "title"]:
                self._title = "".join(self._words)
            case ["feed", "entry", "author", "name"]:
                self._author = self._author or "".join(self._words)
            case ["feed", "entry"]:
                self._entries.append((self._line, self._author, self._title, self._links))
            case ["feed"]:
                self._tell()
        self._path.pop()

    def _tell(self) -> None:
        """List the entries; only now the feed's title is known, wherever it stood."""
        for line, author, title, links in self._entries:
            if not links:
                raise UsageError(f"line {line}: the entry has no link", do='it needs <link href="https://…"/>')
            notes = tuple(f"{one_line(link)}: not watched, the entry has a link before it" for link in links[1:])
            self._reader.add(line, author or self._feed_title, title, links[0], notes)
