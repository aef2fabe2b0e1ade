"""Words that the software may not print about its own output: each claims more than digests, a log and tokens show.

Written in halves, so that the sources can be searched for them too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

BANNED: tuple[str, ...] = tuple(
    first + last
    for first, last in (
        ("admis", "sible"),
        ("authen", "tic"),
        ("certi", "fied"),
        ("notar", "ised"),
        ("notar", "ized"),
        ("pro", "ves"),
        ("court", "-ready"),
        ("court", " ready"),
        ("tamper", "-proof"),
        ("tamper", "proof"),
        ("perma", "nent"),
        ("legally", " valid"),
        ("suitable for", " legal filings"),
    )
)
"""Lower case; as whole words, in any case of letters."""

_PATTERN = re.compile(rf"\b(?:{'|'.join(map(re.escape, BANNED))})\b", re.IGNORECASE)


_HYPHENS = re.compile("[\u2010-\u2015\u2212]")


def banned_in(text: str) -> Iterator[str]:
    """Yield every banned word that stands in a text of ours, in the spelling that is compared.

    Spaces of any number, letters of any width and hyphens of any kind are one; a letter of another script that only
    looks the same is not found.
    """
    plain = " ".join(_HYPHENS.sub("-", unicodedata.normalize("NFKC", text)).split())
    for found in _PATTERN.finditer(plain):
        yield found[0]
