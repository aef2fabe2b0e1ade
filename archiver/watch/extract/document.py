"""What every reader of one media type returns, whatever it read."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.watch.reading import Link, Problem


@dataclass(frozen=True, slots=True)
class Document:
    """The lines of one part in the form that ``Reading`` defines, with what stands beside them.

    The lines of links count from 0 within this document. A reader never raises: what it could not read is a problem.
    """

    lines: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    problems: tuple[Problem, ...] = ()
    title: str = ""
    headings: tuple[str, ...] = ()
    """The words of the first ten headings of level 1 and 2, without their ``#``."""
