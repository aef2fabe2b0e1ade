"""The tags of HTML as a conforming tokeniser sees them, found by one compiled pattern: attributes, raw text, comments.

A tokeniser alone does not know in which namespace it stands (``style`` within ``svg`` is no raw text); who needs that
looks at the names it gives.
"""

from __future__ import annotations

import re

SPACE = " \\t\\n\\f\\r"
_NAME = rf"[a-zA-Z][^{SPACE}/>]*+"
# A quotation that never ends takes the rest of the page with it, and then there is no tag.
_VALUE = rf"\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|(?![\"'>])[^{SPACE}>]++"
_ATTRIBUTE = rf"(?:=[^{SPACE}/>=]*+|[^{SPACE}/>=]++)(?:[{SPACE}]*+=[{SPACE}]*+(?:{_VALUE})?+)?+"
# The commonest form stands first, for speed alone.
_ATTRIBUTES = rf"(?: [^{SPACE}/>=]++=\"[^\"]*+\"|[{SPACE}/]++|{_ATTRIBUTE})*+"

# Within <!-- … --> in a script, a nested <script> hides the next </script>.
_SCRIPT = rf"(?i:script)[{SPACE}/>]"
_TWICE_ESCAPED = rf"(?:[^<-]++|-(?!->)|<(?!/{_SCRIPT}))*+(?:</{_SCRIPT}|(?=-->)|\Z)"
_ESCAPED = rf"(?:[^<-]++|-(?!->)|<(?!/?{_SCRIPT})|<{_SCRIPT}{_TWICE_ESCAPED})*+(?:-->|(?=</{_SCRIPT})|\Z)"
_CODE = rf"(?:[^<]++|<(?!!--|/{_SCRIPT})|<!(?=--){_ESCAPED})*+"

RAW_TEXT = frozenset("style xmp iframe noembed noframes noscript".split())
ESCAPABLE_TEXT = frozenset("textarea title".split())
# Two letters tell most tags from these, and much sooner than the whole name.
_BEGINS_RAW = "[sS][cCtT]|[xX][mM]|[iI][fF]|[nN][oO]|[tT][eEiI]"
_RAW = "|".join(sorted(RAW_TEXT | ESCAPABLE_TEXT))


def _tokens(code: str, inside: str) -> str:
    return (
        rf"<(?:(?:(?={_BEGINS_RAW})(?:(?P<script>(?i:script))|(?P<raw>(?i:{_RAW})))(?=[{SPACE}/>])|(?P<tag>/?{_NAME}))"
        rf"(?P<attributes>{_ATTRIBUTES})>"
        rf"(?(script)(?{code}{_CODE})|(?(raw)(?{inside}(?:[^<]++|<(?!/(?i:(?P=raw))[{SPACE}/>]))*+)))"
        r"|!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>|\Z))"
        r"|[!?][^>]*+(?:>|\Z)"
        r"|/(?![a-zA-Z])[^>]*+(?:>|\Z)"
        r"|/?[a-zA-Z].*\Z)"  # a tag that never ends
    )


FOREIGN = frozenset({"svg", "math"})
HTML_IN_FOREIGN = frozenset("foreignobject desc title annotation-xml mi mo mn ms mtext".split())
LEAVES_FOREIGN = frozenset(
    """b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta
    nobr ol p pre ruby s small span strike strong sub sup table tt u ul var""".split()
)
"""Tags of HTML that end all foreign elements around them."""

TOKEN = re.compile(_tokens("P<code>", "P<inside>"), re.DOTALL)
"""Groups: ``tag`` with its slash, or ``script`` with ``code``, or ``raw`` with ``inside``; and ``attributes``."""
BYTES_TOKEN = re.compile(TOKEN.pattern.encode(), re.DOTALL)
"""The same for a page in UTF-8."""
BYTES_TAG = re.compile(_tokens(":", ":").encode(), re.DOTALL)
"""The same with the groups ``script``, ``raw``, ``tag``, ``attributes`` only, in this order."""
ATTRIBUTE = re.compile(
    rf"[{SPACE}/]*+(?P<name>=[^{SPACE}/>=]*+|[^{SPACE}/>=]++)"
    rf"(?:[{SPACE}]*+=[{SPACE}]*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?![\"'>])(?P<bare>[^{SPACE}>]++))?+)?+"
)
BYTES_ATTRIBUTE = re.compile(ATTRIBUTE.pattern.encode())
