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
_ATTRIBUTES = rf"(?:[{SPACE}/]++|{_ATTRIBUTE})*+"

# Within <!-- … --> in a script, a nested <script> hides the next </script>.
_SCRIPT = rf"script[{SPACE}/>]"
_TWICE_ESCAPED = rf"(?:[^<-]++|-(?!->)|<(?!/{_SCRIPT}))*+(?:</{_SCRIPT}|(?=-->)|\Z)"
_ESCAPED = rf"(?:[^<-]++|-(?!->)|<(?!/?{_SCRIPT})|<{_SCRIPT}{_TWICE_ESCAPED})*+(?:-->|(?=</{_SCRIPT})|\Z)"
_CODE = rf"(?:[^<]++|<(?!!--|/{_SCRIPT})|<!(?=--){_ESCAPED})*+"

RAW_TEXT = frozenset("style xmp iframe noembed noframes noscript".split())
ESCAPABLE_TEXT = frozenset("textarea title".split())
_RAW = "|".join(sorted(RAW_TEXT | ESCAPABLE_TEXT))

TOKEN = re.compile(
    rf"<(?:(?P<script>(?i:script))(?=[{SPACE}/>]){_ATTRIBUTES}>(?P<code>(?i:{_CODE}))"
    rf"|(?P<raw>(?i:{_RAW}))(?=[{SPACE}/>])(?P<raw_attributes>{_ATTRIBUTES})>(?P<inside>.*?)"
    rf"(?=</(?i:(?P=raw))[{SPACE}/>]|\Z)"
    rf"|(?P<tag>/?{_NAME})(?P<attributes>{_ATTRIBUTES})>"
    r"|!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|[!?][^>]*+(?:>|\Z)"
    r"|/(?![a-zA-Z])[^>]*+(?:>|\Z)"
    r"|/?[a-zA-Z].*\Z)",  # a tag that never ends
    re.DOTALL,
)
ATTRIBUTE = re.compile(
    rf"[{SPACE}/]*+(?P<name>=[^{SPACE}/>=]*+|[^{SPACE}/>=]++)"
    rf"(?:[{SPACE}]*+=[{SPACE}]*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?![\"'>])(?P<bare>[^{SPACE}>]++))?+)?+"
)
