"""What a bundle holds: the names of its members, their order, and ``SHA256SUMS``. docs/bundle.md explains each.

``SHA256SUMS`` lists every member but itself, its signature and its tokens, in the form of ``sha256sum -c``. The log
key signs these bytes. A checkpoint, which the same key signs, has no space in its first line; a line of
``SHA256SUMS`` has two: neither can be taken for the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from archiver.errors import FormatError

VERIFY_TXT, PROCESS_TXT, SUMS, SIGNATURE = "VERIFY.txt", "PROCESS.txt", "SHA256SUMS", "SHA256SUMS.sig"
CITATION, TEXT, SALT, LINKS = "citation/citation.json", "text/text.md", "text/text.salt", "text/links.jsonl"
ASSESSMENT, EXTRACT = "text/assessment.json", "journal/extract.jsonl"
CHECKPOINT, CONSISTENCY = "log/checkpoint", "log/consistency.json"
VKEY, PUBLIC_PEM = "keys/log.vkey", "keys/log.pub.pem"
VERIFIERS = ("verify.html", "verify.py")
MAX_SUMS = 4 * 1024 * 1024

_AUTHORITY = r"[a-z0-9][a-z0-9-]*"
_FILE = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_SNAPSHOT = r"[A-Za-z0-9]+-S-[0-9]{8,}"
_ORDER: tuple[str, ...] = (
    r"VERIFY\.txt",
    r"PROCESS\.txt",
    r"SHA256SUMS",
    r"SHA256SUMS\.sig",
    rf"SHA256SUMS\.{_AUTHORITY}\.(?:tsr|chain\.pem)",
    r"verify\.html",
    r"verify\.py",
    rf"snapshot/{_FILE}",
    rf"referents/{_SNAPSHOT}/{_FILE}",
    rf"stamps/[1-9][0-9]*/(?:checkpoint|{_AUTHORITY}(?:\.[2-9][0-9]*)?\.(?:tsr|chain\.pem|cosig))",
    r"text/(?:assessment\.json|links\.jsonl|text\.md|text\.salt)",
    r"citation/citation\.json",
    rf"citation/{_FILE}",
    r"journal/extract\.jsonl",
    r"log/checkpoint",
    r"log/consistency\.json",
    r"keys/log\.vkey",
    r"keys/log\.pub\.pem",
    rf"keys/witness-{_AUTHORITY}\.(?:pub\.pem|vkey)",
    rf"roots/{_AUTHORITY}\.pem",
    rf"revocation/{_AUTHORITY}-[1-9][0-9]*\.(?:crl|ocsp)",
)
"""Patterns of names, in the order of the file; within one, names in the order of their bytes."""

_GROUPS = tuple(re.compile(pattern, re.ASCII) for pattern in _ORDER)
_UNLISTED = re.compile(rf"SHA256SUMS(?:\.sig|\.{_AUTHORITY}\.(?:tsr|chain\.pem))?", re.ASCII)
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._/-]*)", re.ASCII)
REQUIRED = (
    VERIFY_TXT,
    PROCESS_TXT,
    SUMS,
    *VERIFIERS,
    "snapshot/statement.json",
    CITATION,
    EXTRACT,
    CHECKPOINT,
    VKEY,
    PUBLIC_PEM,
)


class BadBundle(FormatError):
    """Not a bundle as docs/bundle.md says; the text names the member."""


def place(name: str) -> tuple[int, str]:
    """Where a member stands among the others; ``BadBundle`` for a name that a bundle does not have."""
    for number, pattern in enumerate(_GROUPS):
        if pattern.fullmatch(name):
            return number, name
    raise BadBundle(f"{name} does not belong in a bundle")


def witness_key(witness: str, form: str) -> str:
    """Where a witness's key lies, ``form`` being ``vkey`` or ``pub.pem``."""
    return f"keys/witness-{witness}.{form}"


def is_listed(name: str) -> bool:
    """Say whether ``SHA256SUMS`` lists a member of this name."""
    return _UNLISTED.fullmatch(name) is None


def sums_tokens(names: Iterable[str]) -> list[str]:
    """The authorities that gave a token over ``SHA256SUMS``, from the names of the members."""
    found = (re.fullmatch(rf"SHA256SUMS\.({_AUTHORITY})\.tsr", name) for name in names)
    return sorted(match[1] for match in found if match)


def require_layout(names: Iterable[str]) -> None:
    """``BadBundle`` unless these are the names of a bundle, in its order: nothing strange, nothing missing."""
    given = list(names)
    places = [place(name) for name in given]
    for name in REQUIRED:
        if name not in given:
            raise BadBundle(f"{name} is missing")
    for token in (name for name in given if name.startswith(f"{SUMS}.") and name != SIGNATURE):
        base = token.removesuffix(".tsr").removesuffix(".chain.pem")
        for other in (f"{base}.tsr", f"{base}.chain.pem"):
            if other not in given:
                raise BadBundle(f"{other} is missing, {token} is there")
    for before, after, name in zip(places, places[1:], given[1:], strict=False):
        if after < before:
            raise BadBundle(f"{name} does not stand where docs/bundle.md puts it: the members are not in their order")


def sums_text(digests: Mapping[str, str]) -> bytes:
    """``SHA256SUMS`` for these members: digest, two spaces, name; sorted by name."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(digests.items()) if is_listed(name))
    return "".join(lines).encode("ascii")


def parse_sums(data: bytes) -> dict[str, str]:
    """Digest by name; ``BadBundle`` unless ``sums_text`` gives the same bytes back."""
    if len(data) > MAX_SUMS:
        raise BadBundle(f"{SUMS} has {len(data)} bytes, more than {MAX_SUMS}")
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("ascii", "replace").split("\n")[:-1], 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadBundle(f"{SUMS}, line {number} is not a digest, two spaces and a name: {line[:80]!r}")
        if match[2] in found:
            raise BadBundle(f"{SUMS}, line {number} lists {match[2]} again")
        found[match[2]] = match[1]
    if not found:
        raise BadBundle(f"{SUMS} lists nothing")
    if sums_text(found) != data:
        raise BadBundle(f"{SUMS} is not sorted by name, lists what it must not, or does not end with a line feed")
    return found
