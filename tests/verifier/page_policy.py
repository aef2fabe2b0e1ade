"""The content security policy of verify.html names the digests of its one script and its one style.

``python -m tests.verifier.page_policy`` writes them anew after a change; a test compares.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "archiver/verifier/verify.html"


def with_policy(page: str) -> str:
    """Return the page with the digests of its script and style in its policy."""
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        page = re.sub(rf"{tag}-src 'sha256-[^']*'", f"{tag}-src 'sha256-{digest}'", page, count=1)
    return page


if __name__ == "__main__":
    PAGE.write_text(with_policy(PAGE.read_text("utf-8")), "utf-8")
