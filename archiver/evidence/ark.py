"""ARK identifiers of snapshots: made from the digest of the statement alone, so that anyone can make them again.

``ark:NAAN/blade``: the blade is the leading 77 bits of the digest as sixteen digits to the base 29, and the NOID check
character over NAAN and blade, which finds every single wrong character and every exchange of two neighbours.
"""

from __future__ import annotations

import re

from archiver.errors import FormatError, UsageError

DIGITS = "0123456789bcdfghjkmnpqrstvwxz"
"""NOID's betanumeric alphabet: no vowels, no ``l``, ``y``; 29 characters, a prime number."""
BITS = 77
WIDTH = 16
"""Digits of the blade without its check character: the most that 77 bits need."""
FOR_TESTS = frozenset({"12345", "99999"})
"""NAANs that are given to nobody: for examples and for tests."""
_ARK = re.compile(r"ark:/?([0-9]{5})/([0-9a-z]{17})", re.ASCII)


def check_character(text: str) -> str:
    """Return the NOID check character of ``NAAN/blade``: positions from 1, each times the value of its character."""
    values = (max(0, DIGITS.find(character)) for character in text)
    return DIGITS[sum(place * value for place, value in enumerate(values, 1)) % len(DIGITS)]


def ark_of(naan: str, entry: str) -> str:
    """Return the ARK of a snapshot under an organisation's number; ``entry`` is its statement's SHA-256 in hex."""
    if not re.fullmatch(r"[0-9]{5}", naan, re.ASCII) or not re.fullmatch(r"[0-9a-f]{64}", entry, re.ASCII):
        raise FormatError(f"not a NAAN of five digits and a SHA-256: {naan[:20]!r}, {entry[:80]!r}")
    number, blade = int(entry, 16) >> (256 - BITS), ""
    for _ in range(WIDTH):
        number, digit = divmod(number, len(DIGITS))
        blade = DIGITS[digit] + blade
    name = f"{naan}/{blade}"
    return f"ark:{name}{check_character(name)}"


def is_ark(text: str) -> bool:
    """Say whether the text is meant as an ARK."""
    return text[:4].lower() == "ark:"


def entries_of(ark: str) -> tuple[str, bytes, bytes]:
    """Return the NAAN of an ARK that ``ark_of`` made, and the first and last digest that it can stand for.

    ``ark:/`` and hyphens, which have no meaning in an ARK, are accepted. ``UsageError`` for a mistyped one.
    """
    match = _ARK.fullmatch(ark.strip().lower().replace("-", ""))
    if match is None:
        raise UsageError(f"not an ARK of a snapshot: {ark[:60]!r}", do="write ark:NAAN/blade as the citation has it")
    name, check = f"{match[1]}/{match[2][:-1]}", match[2][-1]
    number = 0
    for digit in match[2][:-1]:
        number = number * len(DIGITS) + max(0, DIGITS.find(digit))
    if check_character(name) != check or not set(match[2]) <= set(DIGITS) or number >> BITS:
        raise UsageError(f"{ark[:60]} is mistyped: its check character does not fit", do="copy it from the citation")
    low = number << (256 - BITS)
    return match[1], low.to_bytes(32, "big"), (low | (1 << (256 - BITS)) - 1).to_bytes(32, "big")
