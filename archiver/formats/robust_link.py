"""Robust Link: an HTML anchor to the live page that also says where, and of which day, the archived copy is."""

from __future__ import annotations

from html import escape

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import plain_url, public_address, title_of
from archiver.evidence.clause_strings import clause_phrase
from archiver.formats.interface import Format
from archiver.formats.wording import captured_by, digest_phrase, web_address


class RobustLink:
    """One ``a`` element with the ``data-`` attributes of Robust Links; text that is shown on pointing says the rest."""

    name = "robust-link"
    title = "Robust Link, HTML"
    media_type = "text/html; charset=utf-8"
    suffix = ".robust-link.html"

    def render(self, record: Json) -> str:
        """Return the element; an address that is not of http or https is stated, never linked."""
        url, copy = plain_url(record["source"]["url"]), web_address(public_address(record) or "")
        said = [captured_by(record), digest_phrase(record), clause_phrase(record)]
        attributes = [
            ("href", web_address(url)),
            ("data-originalurl", url),
            ("data-versiondate", record["dates"]["captured"][:10]),
            ("data-versionurl", copy),
            ("title", "; ".join(text for text in said if text)),
        ]
        written = "\n   ".join(f'{name}="{escape(value)}"' for name, value in attributes if value)
        return f"<a {written}>{escape(title_of(record))}</a>\n"


PLUGIN: Format = RobustLink()
