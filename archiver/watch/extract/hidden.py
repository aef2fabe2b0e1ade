"""What a page does not show at first: closed panels are text of the document, messages and menus in waiting are not.

Terms are often folded away until a reader opens them, by ``hidden`` or ``display: none``; such a panel holds prose.
Hidden labels, notices and dialogs hold a few words or say what they are. ``aria-hidden`` speaks to screen readers only:
what carries it is mostly in plain sight, so it decides nothing here; nor do ``details``, which any reader can open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_MAYBE_HIDDEN = '[hidden], [style*="display" i], dialog, [popover]'
PROSE = 20
"""Words; a hidden element with fewer is a label or a message."""
MAX_EXAMINED = 20_000_000
"""Characters looked at to tell prose from labels; hidden elements beyond are left out unseen."""

_POPUPS = frozenset("alert alertdialog combobox dialog grid listbox log menu menubar status timer tooltip tree".split())


def hidden_in(parts: Iterable[LexborHTMLParser | LexborNode]) -> list[LexborNode]:
    """Return the elements that say of themselves that they are not shown at first."""
    return [node for part in parts for node in part.css(_MAYBE_HIDDEN) if _is_hidden(node)]


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if "popover" in attributes or (node.tag == "dialog" and "open" not in attributes):
        return True
    if "hidden" in attributes and (attributes["hidden"] or "").lower() != "until-found":
        return True
    style = (attributes.get("style") or "").lower()
    return "display:none" in style or "display: none" in style


def leave_out_hidden(hidden: list[LexborNode], chosen: Iterable[LexborNode]) -> list[LexborNode]:
    """Take hidden elements out of their tree; not those that were chosen, or hold what was chosen.

    Returned are all that are hidden, closed panels among them.
    """
    if not hidden:
        return hidden
    holding: set[int] = set()
    for node in chosen:
        above: LexborNode | None = node
        while above is not None and above.mem_id not in holding:
            holding.add(above.mem_id)
            above = above.parent
    examined = 0
    for node in hidden:
        if node.mem_id in holding:
            continue
        if examined < MAX_EXAMINED and not _is_popup(node):
            text = node.text(separator=" ")
            examined += len(text)
            if len(text.split()) >= PROSE:
                continue
        node.remove(recursive=False)
    return hidden


def _is_popup(node: LexborNode) -> bool:
    attributes = node.attributes
    role = (attributes.get("role") or "").strip().lower()
    return node.tag == "dialog" or "popover" in attributes or "aria-modal" in attributes or role in _POPUPS
