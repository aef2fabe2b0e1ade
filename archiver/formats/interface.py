"""What an output format of a citation record is; a new format is one new file with a ``PLUGIN`` of this shape."""

from __future__ import annotations

from typing import Protocol

from archiver.evidence.canonical import Json


class Format(Protocol):
    """One way to write a citation record; pure, so the same record always gives the same text."""

    @property
    def name(self) -> str:
        """What ``cite --format`` takes, lower-case ASCII."""
        ...

    @property
    def title(self) -> str:
        """One line for ``cite --list-formats``."""
        ...

    @property
    def media_type(self) -> str:
        """Media type of the file, with its charset where the type has one."""
        ...

    @property
    def suffix(self) -> str:
        """What follows the snapshot's identifier in the file's name, dot included."""
        ...

    def render(self, record: Json) -> str:
        """Return the text of the file, line feed at the end; encode it as UTF-8.

        ``record`` is what ``archiver.evidence.citation.build`` returns. Titles and names in it are not
        trusted: no value may open a field, close one, or hide characters from the reader.
        """
        ...
