"""How the files of a package are named; every one lies in one folder, none deeper, so that all readers find it."""

from __future__ import annotations

import re

STATEMENT, PROOF = "statement.json", "statement.tlog-proof"
KEY_NOTE = "proofs/package-key.note"
VKEY, KEY_PEM = "proofs/log.vkey", "proofs/log.pub.pem"
_SNAPSHOT = r"[A-Z0-9]{1,8}-S-\d{8,18}"
_OWN = re.compile(
    rf"archive/{_SNAPSHOT}\.warc\.gz"
    r"|indexes/index\.(?:cdx\.gz|idx)"
    r"|pages/pages\.jsonl"
    rf"|text/{_SNAPSHOT}\.(?:md|links\.jsonl|assessment\.json|assessment\.tlog-proof)"
    rf"|proofs/(?:{_SNAPSHOT}\.[a-z0-9.-]+|[a-z0-9-]+\.root\.pem|log\.vkey|log\.pub\.pem|package-key\.note)"
    r"|datapackage(?:-digest)?\.json",
    re.ASCII,
)
_STATED = re.compile(rf"proofs/({_SNAPSHOT})\.statement\.json", re.ASCII)


def warc_name(snapshot: str) -> str:
    """Where the WARC of a snapshot lies."""
    return f"archive/{snapshot}.warc.gz"


def proof_name(snapshot: str, name: str) -> str:
    """Where any other file of its folder lies."""
    return f"proofs/{snapshot}.{name}"


def text_name(snapshot: str, name: str) -> str:
    """Where its text (``md``), links (``links.jsonl``) and the assessment that states them lie."""
    return f"text/{snapshot}.{name}"


def root_name(authority: str) -> str:
    """Where the roots of a timestamp authority lie."""
    return f"proofs/{authority}.root.pem"


def is_own_name(name: str) -> bool:
    """Say whether a package of ours may hold a file of this name; readers act on others that merely lie there."""
    return _OWN.fullmatch(name) is not None


def snapshots_in(names: list[str]) -> list[str]:
    """The snapshots whose statements are among these names."""
    return sorted({found[1] for name in names if (found := _STATED.fullmatch(name))})
