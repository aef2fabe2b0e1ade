"""A cited clause in one line: its words in full, its place, when it was seen."""

from __future__ import annotations

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line

_ON = {
    "verbatim": "the marked words",
    "moved": "the marked words, at another place",
    "reworded": "the clause in other words",
    "split": "the words of the clause at several places",
    "absent": "the document without the clause",
    "changed": "several wordings on that day",
}


def clause_phrase(record: Json) -> str | None:
    """Return the clause on one line, not yet escaped for any format; None where the record cites no clause."""
    pin, provision = record["pin"], record["provision"]
    if pin is None:
        return None
    phrases = [
        f"Clause {provision['id']}: “{one_line(pin['exact'])}”",
        f"{place_phrase(pin)}, SHA-256 of that text {pin['text_sha256']}",
        state_phrase(provision),
        f"marked words first seen {provision['first_seen'] or 'at no check'}",
        f"last seen {provision['last_seen'] or 'at no check'}",
    ]
    if provision["on"]:
        other = provision["exact_on"] if provision["exact_on"] != pin["exact"] else None
        words = f", “{one_line(other)}”" if other else ""
        phrases.append(f"on {provision['on']} {on_phrase(provision)}{words}")
    return "; ".join(phrases)


def place_phrase(pin: Json) -> str:
    """Return which characters of which text: ``characters 100 to 180 (from 0, end not included) of …``."""
    return f"characters {pin['start']} to {pin['end']} (from 0, end not included) of the text by {pin['normaliser']}"


def on_phrase(provision: Json) -> str:
    """Return what the checks tell of the asked day, and on which basis."""
    state, basis = provision["state_on"], provision["basis_on"]
    if basis == "unknown" or state not in _ON:
        return "unknown: no check tells"
    if basis == "seen":
        return f"{state}: a check of that day found {_ON[state]}"
    return f"{state}: no check of that day tells, the nearest before and after both found {_ON[state]}"


def state_phrase(provision: Json) -> str:
    """Return what the cited words are to the marked ones."""
    state = provision["state"]
    return state if state in ("verbatim", "moved") else f"{state}, {provision['score']} of 100 against the marked words"
