"""Wikipedia: ``{{cite web}}``; what no parameter of it can hold (digest, clause, what is on file) follows it."""

from __future__ import annotations

import re

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import author_of, one_line, plain_url, public_address, publisher_day, title_of
from archiver.evidence.clause_strings import clause_phrase
from archiver.formats.interface import Format
from archiver.formats.wording import captured_by, digest_phrase

_SPECIAL = "&<>[]{}|'~_"
_TABLE = str.maketrans({sign: f"&#{ord(sign)};" for sign in _SPECIAL})
_IN_URLS = str.maketrans({"[": "%5B", "]": "%5D", "'": "%27"})


class Wikipedia:
    """The template of the English Wikipedia; ``access-date`` is the editor's to add."""

    name = "wikipedia"
    title = "Wikipedia {{cite web}}"
    media_type = "text/x-wiki; charset=utf-8"
    suffix = ".wikipedia.txt"

    def render(self, record: Json) -> str:
        """Return the template, then the capture and the clause; no value can end a parameter or begin markup."""
        day, copy = publisher_day(record), public_address(record)
        fields: list[tuple[str, str | None]] = [
            ("url", wiki_url(plain_url(record["source"]["url"]))),
            ("title", wikitext(title_of(record))),
            ("publisher", wikitext(author_of(record) or "")),
            ("website", wikitext(record["source"]["site"] or "")),
            ("date", "{:04d}-{:02d}-{:02d}".format(*day) if day else None),
            ("language", wikitext(record["source"]["language"] or "")),
            ("archive-url", wiki_url(copy) if copy else None),
            ("archive-date", record["dates"]["captured"][:10] if copy else None),
            ("url-status", "live" if copy and record["dates"]["last_verified"] else None),
        ]
        template = " ".join(f"|{name}={value}" for name, value in fields if value)
        said = [captured_by(record), digest_phrase(record), clause_phrase(record)]
        held = wikitext("; ".join(text for text in said if text))
        return f"{{{{cite web {template}}}}} {held}.\n"


def wikitext(text: str) -> str:
    """Return one line in which every sign that can begin or end markup is a character reference."""
    return one_line(text).translate(_TABLE)


def wiki_url(url: str) -> str:
    """Return a plain address without the signs that wikitext takes for markup inside of addresses."""
    url = url.translate(_IN_URLS).replace("__", "%5F%5F").replace("~~~", "%7E%7E%7E")
    return re.sub(r"&(?=#?[0-9A-Za-z]+;)", "&amp;", url)


PLUGIN: Format = Wikipedia()
