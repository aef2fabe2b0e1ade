"""E-mail addresses that an edge network hides anew at every visit, decoded.

The address stands in hexadecimal: the first byte is the key, each byte after it is one of the address, exclusive-or'ed
with the key. The key is drawn for every answer, so the bytes differ at each visit while the address does not.
"""

from __future__ import annotations

import re

_HIDDEN_LINK = re.compile(r"/cdn-cgi/l/email-protection#([0-9a-fA-F]{4,2000})")


def decoded(code: str) -> str | None:
    """Return the text behind a hexadecimal code, or None if it is none."""
    try:
        key, *hidden = bytes.fromhex(code)
        return bytes(key ^ byte for byte in hidden).decode()
    except ValueError:
        return None


def address_of(href: str) -> str | None:
    """Return the ``mailto:`` address that a hidden link stands for, or None for any other link."""
    found = _HIDDEN_LINK.search(href)
    address = decoded(found[1]) if found else None
    return None if address is None else f"mailto:{address}"
