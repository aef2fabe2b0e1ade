"""Text and addresses inside the braces of a BibTeX or BibLaTeX field."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.evidence.clause_strings import clause_phrase
from archiver.formats.wording import captured_by, main_digest

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # not \{: BibTeX counts braces and does not know the backslash
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",  # a bare quote ends the value in some readers
}
_TABLE = str.maketrans(_ESCAPES)


def latex(text: str) -> str:
    """Return one line in which every special character of LaTeX is a balanced command."""
    return one_line(text).translate(_TABLE)


def latex_address(url: str) -> str:
    r"""Return ``\url{…}``, or plain escaped text where ``\url`` inside an argument would misread ``%`` or ``#``."""
    address = plain_url(url)
    return latex(address) if "%" in address or "#" in address else rf"\url{{{address}}}"


def entry_key(record: Json) -> str:
    """Return the key under which the entry is cited: the snapshot's identifier, then that of a cited clause."""
    key = f"{record['snapshot']}-{record['provision']['id']}" if record["provision"] else record["snapshot"]
    return "".join(sign for sign in key if sign.isascii() and (sign.isalnum() or sign == "-"))


def archive_phrase(record: Json) -> str:
    """Return the words of a cited clause, where the capture lies and the complete digest, as LaTeX."""
    digest = main_digest(record)
    at = f", {latex_address(record['resolver'])}" if record["resolver"] else ""
    of, clause = latex(digest["object"]), clause_phrase(record)
    words = f"{latex(clause)}. " if clause else ""
    return rf"{words}{latex(captured_by(record))}{at}; SHA-256 of {of} \texttt{{{digest['value']}}}"


def entry(kind: str, key: str, fields: list[tuple[str, str | None]]) -> str:
    """Return one entry; values are already LaTeX, fields without a value are left out, ``month`` is a macro."""
    written = [(name, value if name == "month" else f"{{{value}}}") for name, value in fields if value]
    body = "".join(f"  {name:<12} = {value},\n" for name, value in written)
    return f"@{kind}{{{key},\n{body}}}\n"
