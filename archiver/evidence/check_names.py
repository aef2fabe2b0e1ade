"""The numbered checks and what each looks at; a number keeps its meaning for ever."""

from __future__ import annotations

SNAPSHOT_NAMES = {
    1: "statement canonical",
    2: "file digests",
    3: "WARC structure and digests",
    4: "decoded content",
    5: "transport equals statement",
    6: "inclusion in the log",
    7: "checkpoint signature",
    8: "tokens over the statement",
    9: "tokens over the checkpoint",
    10: "order of the bracket",
    11: "journal line",
    12: "stamp statements",
    13: "index",
    14: "consistency with older checkpoints",
    15: "texts",
    16: "cosignatures",
    17: "revocation data",
}
"""Checks of a snapshot with its archive at hand (docs/verify-without-us.md)."""
BUNDLE_NAMES = {
    21: "zip file and layout",
    22: "SHA256SUMS",
    23: "signature over SHA256SUMS",
    24: "tokens over SHA256SUMS",
    25: "journal extract",
    26: "further tokens",
    27: "text",
    28: "citation",
    29: "cosignatures",
    30: "revocation data",
}
"""Checks of a bundle besides those of the folder in it (``verify_bundle``)."""
PACKAGE_NAMES = {
    31: "structure of the package",
    32: "files of the package",
    33: "signature of the package",
    34: "index of the package",
    35: "pages of the package",
}
"""Checks of a WACZ besides those of the folders in it (``wacz_check``)."""
IMPORT_NAMES = {41: "what importing shows", 42: "imported files"}
"""Checks of files of other people (``archiver.audit_imported``): of one, and of all together."""
REDACTED_NAMES = {
    51: "form of the redacted text",
    52: "lines and their root",
    53: "redaction in the log",
    54: "assessment in the log",
}
"""Checks of a redacted text (``verify_redaction``)."""
NAMES = {**SNAPSHOT_NAMES, **BUNDLE_NAMES, **PACKAGE_NAMES, **IMPORT_NAMES, **REDACTED_NAMES}
"""All of them."""
