"""Redacted texts: any lines may be hidden, the rest verifies, and none can be altered, moved or left out."""

from __future__ import annotations

import copy
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import FormatError
from archiver.evidence.canonical import encode_line
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.merkle import leaf_hash, node_hash, root_of
from archiver.evidence.note import Verifier
from archiver.evidence.redaction import (
    MalformedRedaction,
    Redacted,
    is_number_bound,
    lines_root,
    object_sha256,
    parse_redacted,
    parse_redacted_zip,
    redacted_lines,
    runs,
)
from archiver.evidence.statement import seal
from archiver.evidence.tlog_proof import TlogProof
from archiver.evidence.verify import Report
from archiver.evidence.verify_redaction import NUMBER, looks_redacted, verify_redacted
from archiver.signing import LogKey

ORIGIN = "redaction.example/log"
NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
SEED = bytes(range(32))
ENTRY = "ab" * 32
LINES = ("# Terms", "Your PIN is 4711.", "Ünder “quotes”", "- last")
Json = dict[str, Any]


@cache
def key(number: int = 0) -> LogKey:
    return LogKey.generate(ORIGIN)


def made(
    text: Sequence[str],
    hidden: Collection[int],
    *,
    shown: str | None = None,
    of_day: str | None = None,
    without: str = "",
    numbered: bool = True,
    **stated: Any,
) -> Redacted:
    """A redacted text in a log of three statements: capture, assessment, redaction. ``stated`` alters the last.

    ``shown``: which of the others is in the file; ``numbered``: whether the capture says how many lines there are;
    ``of_day``: another root that these two state; ``without``: a key that the last one lacks.
    """
    root = lines_root(redacted_lines(text, SEED, ()))
    earlier = of_day or root
    fields: Json = dict.fromkeys(
        "check watch_seq trigger attended method result reason recovered ended_at folder warc partial robots clock"
        " environment before limits".split()
    )
    fields |= {"document": "EA-D-00001", "snapshot": "EA-S-00000000", "started_at": "2026-05-12T11:00:00.000Z"}
    fields |= {"parts": [], "text_lines_root": earlier} | ({"text_lines": len(text)} if numbered else {})
    capture = seal("capture", fields, seq=0, origin=ORIGIN, at=NOON, nonce=bytes(32))
    fields = dict.fromkeys(
        "gate verdict reason text_sha256 text_sha512 text_bytes version change previous_version outcome"
        " links_sha256".split()
    )
    fields |= {"capture_seq": 0, "capture_entry": capture.entry_hex, "document": "EA-D-00001", "normaliser": "text/1"}
    fields |= {"text_lines_root": earlier, "text_lines": len(text)}
    assessment = seal("assessment", fields, seq=1, origin=ORIGIN, at=NOON, nonce=bytes(32))
    whole: Json = {
        "snapshot": "EA-S-00000000",
        "document": "EA-D-00001",
        "capture_seq": 0,
        "capture_entry": capture.entry_hex,
        "assessment_seq": 1,
        "assessment_entry": assessment.entry_hex,
        "normaliser": "text/1",
        "captured_at": "2026-05-12T11:00:00.000Z",
        "text_lines_root": root,
        "lines": redacted_lines(text, SEED, hidden),
    }
    body: Json = {
        "event": "redaction",
        "premis": "modification",
        "subjects": ["EA-S-00000000"],
        "object_sha256": object_sha256(whole),
        "lines": len(text) - len(set(hidden)),
        "of": len(text),
        "assessment_seq": 1,
        "assessment_sha256": assessment.entry_hex,
        "lines_root_sha256": root,
        "witness": shown,
        "by": "A. Clerk",
        "reason": "names",
        **stated,
    }
    body.pop(without, None)
    redaction = seal("custody", body, seq=2, origin=ORIGIN, at=NOON, nonce=bytes(32))
    one, two, three = (leaf_hash(statement.entry) for statement in (capture, assessment, redaction))
    note = sign_checkpoint(Checkpoint(ORIGIN, 3, root_of([one, two, three])), key().verifier, key().sign)
    paths = ((two, three), (one, three), (node_hash(one, two),))
    proofs = [TlogProof(n, path, note).to_bytes() for n, path in enumerate(paths)]
    witness = capture if shown == "capture" else assessment
    line = None if shown is None else witness.line
    vkey = key().verifier.vkey
    return Redacted(whole, redaction.line, proofs[2], witness.kind, line, proofs[witness.seq], ORIGIN, vkey)


def verified(data: bytes, verifier: Verifier | None = None) -> Report:
    return verify_redacted(io.BytesIO(data), "x", lambda _: verifier or key().verifier)


def verdicts(report: Report) -> list[str]:
    return [check.verdict for check in report.checks]


WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30), min_size=1)


@settings(max_examples=60, deadline=None)
@given(
    lines=WORDS.filter(lambda lines: len(lines) <= 40),
    data=st.data(),
    shown=st.sampled_from([None, "capture", "assessment"]),
)
def test_any_lines_may_be_hidden(lines: list[str], data: st.DataObject, shown: str | None) -> None:
    hidden = data.draw(st.sets(st.integers(0, len(lines) - 1)))
    found = made(lines, hidden, shown=shown)
    packed = found.to_bytes()
    assert parse_redacted(packed) == found and parse_redacted_zip(io.BytesIO(found.to_zip())) == found
    for data_ in (packed, found.to_zip()):
        report = verified(data_)
        assert verdicts(report) == ["pass"] * 4, report
        assert looks_redacted(data_[:64])
        assert ("withheld" in report.not_checked[0]) == (shown is None)
    told = report.checks[1].detail
    assert told.startswith(f"{len(lines) - len(hidden)} of {len(lines)} lines are shown, {len(hidden)} hidden")
    for number, line in enumerate(found.lines):
        assert line.keys() == ({"leaf"} if number in hidden else {"salt", "text"})
    assert SEED.hex().encode() not in packed


def _swapped(lines: list[Json], one: int, other: int) -> None:
    lines[one], lines[other] = lines[other], lines[one]


@settings(max_examples=120, deadline=None)
@given(
    lines=WORDS.filter(lambda lines: 2 <= len(lines) <= 20),
    data=st.data(),
    shown=st.sampled_from([None, "capture", "assessment"]),
)
def test_nothing_of_it_can_be_altered(lines: list[str], data: st.DataObject, shown: str | None) -> None:
    hidden = data.draw(st.sets(st.integers(0, len(lines) - 1)))
    found = made(lines, hidden, shown=shown)
    body = copy.deepcopy(found.object)
    at = data.draw(st.integers(0, len(lines) - 1))
    line = body["lines"][at]
    ways: dict[str, Callable[[], Any]] = {
        "left out": lambda: body["lines"].pop(at),
        "doubled": lambda: body["lines"].insert(at, dict(line)),
        "moved": lambda: _swapped(body["lines"], at, (at + 1) % len(lines)),
        "another root": lambda: body.update(text_lines_root=hashlib.sha256(b"x").hexdigest()),
        "another snapshot": lambda: body.update(snapshot="EA-S-00000008"),
    }
    if "text" in line:
        ways["altered"] = lambda: line.update(text=line["text"] + "x")
        ways["another salt"] = lambda: line.update(salt=hashlib.sha256(b"x").hexdigest())
        ways["hidden too"] = lambda: body["lines"].__setitem__(at, redacted_lines(lines, SEED, {at})[at])
    else:
        ways["another leaf"] = lambda: line.update(leaf=hashlib.sha256(line["leaf"].encode()).hexdigest())
        ways["shown after all"] = lambda: body["lines"].__setitem__(at, redacted_lines(lines, SEED, ())[at])
    ways[data.draw(st.sampled_from(sorted(ways)))]()
    other = replace(found, object=body)
    assert verified(other.to_bytes()).verdict == "fail"
    assert verified(other.to_zip()).verdict == "fail"


def test_a_statement_anew_does_not_make_a_line_original() -> None:
    """An archive that states another digest for an altered text is stopped by the root alone."""
    found = made(LINES, {1})
    body = copy.deepcopy(found.object)
    body["lines"][0]["text"] = "# Other terms"
    lying = replace(made(LINES, {1}, object_sha256=object_sha256(body)), object=body)
    assert verdicts(verified(lying.to_bytes())) == ["pass", "fail", "pass", "pass"]


@pytest.mark.parametrize("shown", ["capture", "assessment"])
def test_the_statement_of_the_day_must_state_this_root(shown: str) -> None:
    """All else is in order: the entries are in the log, and the archive states the redaction of a text it made up."""
    lying = made(LINES, {1}, shown=shown, of_day="ab" * 32)
    report = verified(lying.to_bytes())
    assert verdicts(report) == ["pass", "pass", "pass", "fail"]
    assert f"the {shown} says another text_lines_root" in report.checks[3].detail


def test_neighbours_cannot_be_told_as_one_hidden_line() -> None:
    """The node over two hidden lines, told as a leaf, leads to the same root: the number of lines is stated too."""
    found = made(LINES, range(4))
    leaves = [bytes.fromhex(line["leaf"]) for line in found.lines]
    pairs = [{"leaf": root_of(leaves[:2]).hex()}, {"leaf": root_of(leaves[2:]).hex()}]
    whole = {**found.object, "lines": pairs}
    assert lines_root(pairs) == whole["text_lines_root"]
    for of, witness in itertools.product((2, 4), ("assessment", "capture")):
        # Even an archive that states it anew is caught by its own statement of the day.
        lying = made(LINES, range(4), shown=witness, object_sha256=object_sha256(whole), of=of, lines=0)
        other = replace(lying, object=whole)
        report = verified(other.to_bytes())
        assert verdicts(report)[1] == "pass" and report.verdict == "fail"
        assert verdicts(report)[2:] == (["pass", "fail"] if of == 2 else ["fail", "fail"])
        assert f"the {witness} says another text_lines" in report.checks[3].detail and NUMBER not in report.not_checked
    # Without it, as of a capture of former software, nothing in the file shows the number, and that is said.
    whole = {**made(LINES, range(4), numbered=False).object, "lines": pairs}
    for shown in ("capture", None):
        lying = made(LINES, range(4), shown=shown, numbered=False, object_sha256=object_sha256(whole), of=2, lines=0)
        report = verified(replace(lying, object=whole).to_bytes())
        assert report.verdict == "pass" and NUMBER in report.not_checked


def _overlay(told: int, first: int, count: int) -> list[tuple[int, int]] | None:
    """Where each leaf of a tree of ``told`` leaves stands in the tree over ``count`` lines, as a range of those."""
    if told == 1:
        return [(first, count)]
    if count == 1:
        return None
    half, left = 1 << (told - 1).bit_length() - 1, 1 << (count - 1).bit_length() - 1
    parts = _overlay(half, first, left), _overlay(told - half, first + left, count - left)
    return None if parts[0] is None or parts[1] is None else parts[0] + parts[1]


def _told_as_fewer(count: int, told: int) -> list[Json] | None:
    """The ``count`` lines of a text told as ``told``: all are shown but those that have to hide several."""
    ranges = _overlay(told, 0, count)
    if ranges is None:
        return None
    lines = redacted_lines([f"line {n}" for n in range(count)], SEED, ())
    hidden = redacted_lines([f"line {n}" for n in range(count)], SEED, range(count))
    node = {
        (at, size): root_of([bytes.fromhex(line["leaf"]) for line in hidden[at : at + size]]) for at, size in ranges
    }
    return [lines[at] if size == 1 else {"leaf": node[at, size].hex()} for at, size in ranges]


def test_lines_that_can_be_told_as_fewer_are_never_called_bound() -> None:
    """Every way to tell the lines of a text as fewer that leads to the same root, of all texts up to 40 lines."""
    found = 0
    for count in range(2, 41):
        whole = lines_root(redacted_lines([f"line {n}" for n in range(count)], SEED, ()))
        for told in range(1, count):
            lines = _told_as_fewer(count, told)
            if lines is not None:
                found += 1
                assert lines_root(lines) == whole, (count, told)
                assert not is_number_bound(["text" in line for line in lines]), (count, told)
        assert is_number_bound([True] * count)
    assert found > 100


def test_lines_that_are_not_called_bound_can_be_told_as_fewer() -> None:
    """No reader is warned for nothing: of each such choice of lines to show there is a longer text with this root."""
    warned = 0
    for told in range(1, 10):
        longer = [ranges for count in range(told + 1, 4 * told) if (ranges := _overlay(told, 0, count)) is not None]
        for shown in itertools.product((True, False), repeat=told):
            fits = any(all(size == 1 or not plain for (_, size), plain in zip(r, shown, strict=True)) for r in longer)
            assert is_number_bound(shown) is not fits, shown
            warned += fits
    assert warned > 100


@pytest.mark.parametrize("hidden", [{1}, {0, 2}, {3}, {2, 3}, {0, 1}, {0, 1, 2, 3}])
def test_the_number_is_settled_by_what_is_shown_or_that_is_said(hidden: set[int]) -> None:
    """Without a statement that has the number: of a tree over four lines, one of the first two shown will do."""
    for shown in ("capture", None):
        report = verified(made(LINES, hidden, shown=shown, numbered=False).to_bytes())
        assert report.verdict == "pass" and (NUMBER in report.not_checked) is ({0, 1} <= hidden)
    for shown in ("capture", "assessment"):
        assert NUMBER not in verified(made(LINES, hidden, shown=shown).to_bytes()).not_checked


@pytest.mark.parametrize(
    ("change", "number", "why"),
    [
        ({"event": "export"}, 53, "not of a redaction"),
        ({"object_sha256": "00" * 32}, 53, "another object_sha256"),
        ({"subjects": ["EA-S-00000000", "EA-S-00000008"]}, 53, "another subjects"),
        ({"lines": 4}, 53, "another lines"),
        ({"of": 5}, 53, "another of"),
        ({"assessment_seq": 5}, 53, "another assessment_seq"),
        ({"witness": "assessment"}, 53, "another witness"),
        ({"witness": "capture"}, 53, "another witness"),
    ],
)
def test_the_statement_must_be_of_this_text(change: Json, number: int, why: str) -> None:
    report = verified(made(LINES, {1}, **change).to_bytes())
    (failed,) = (check for check in report.checks if check.verdict == "fail")
    assert failed.number == number and why in failed.detail


@pytest.mark.parametrize("missing", ["by", "reason", "premis"])
def test_a_statement_that_leaves_something_out_is_read_all_the_same(missing: str) -> None:
    """Another log may state less than ours does: that is no crash."""
    report = verified(made(LINES, {1}, without=missing).to_bytes())
    assert verdicts(report) == ["pass"] * 4


def test_the_name_of_the_snapshot_is_that_of_its_statement() -> None:
    """The text of one snapshot, in the name of another: the archive itself may lie so."""
    found = made(LINES, {1})
    whole = {**found.object, "snapshot": "EA-S-00000008"}
    lying = made(LINES, {1}, object_sha256=object_sha256(whole), subjects=["EA-S-00000008"])
    report = verified(replace(lying, object=whole).to_bytes())
    assert verdicts(report) == ["pass", "pass", "fail", "pass"]
    assert "is not the snapshot of statement 0" in report.checks[2].detail


def test_keys_and_proofs() -> None:
    found = made(LINES, {1}, shown="assessment")
    report = verify_redacted(io.BytesIO(found.to_bytes()), "x", lambda _: None)
    assert verdicts(report) == ["pass", "pass", "incomplete", "incomplete"]
    other = LogKey.generate(ORIGIN).verifier
    assert "names the key of" in verified(found.to_bytes(), other).checks[2].detail
    named = replace(found, vkey=other.vkey)
    assert verdicts(verified(named.to_bytes(), other)) == ["pass", "pass", "fail", "fail"], "signed by someone else"
    swapped = replace(found, redaction_proof=found.witness_proof)
    assert "is for entry 1, not 2" in verified(swapped.to_bytes()).checks[2].detail
    assert found.witness is not None
    forged = replace(found, witness=found.witness.replace(b"text/1", b"text/2"))
    assert "another normaliser" in verified(forged.to_bytes()).checks[3].detail
    forged = replace(found, witness=found.witness.replace(b'"nonce":"00', b'"nonce":"01'))
    assert "another entry" in verified(forged.to_bytes()).checks[3].detail
    early = made(LINES, {1}, shown="capture")
    assert "the capture, stated on" in verified(early.to_bytes()).checks[3].detail and early.witness is not None
    forged = replace(early, witness=early.witness.replace(b'"nonce":"00', b'"nonce":"01'))
    assert "another entry" in verified(forged.to_bytes()).checks[3].detail
    forged = replace(early, witness=early.witness.replace(b"EA-D-00001", b"EA-D-00002"))
    assert "the capture says another document" in verified(forged.to_bytes()).checks[3].detail
    forged = replace(found, witness_kind="capture")
    assert "is of kind assessment, not capture" in verified(forged.to_bytes()).checks[3].detail
    forged = replace(found, redaction=found.redaction.replace(b"A. Clerk", b"B. Clerk"))
    assert "does not lead to the root" in verified(forged.to_bytes()).checks[2].detail


def _with(**changes: Any) -> bytes:
    found = made(LINES, {1})
    return replace(found, object={**found.object, **changes}).to_bytes()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no line feed"),
        (b"{}\n", "the format is None"),
        (b'{"format":"redacted-text/2"}\n', "this software reads redacted-text/1"),
        (encode_line({"format": "redacted-text/1"}), "the file lacks or has too much: log, object"),
        (_with(lines=[]), "a text of 0 lines"),
        (_with(lines=[{"leaf": "00" * 31}]), "line 1: salt or leaf is not 64 hex digits"),
        (_with(lines=[{"leaf": "00" * 32, "text": "x"}]), "line 1 is neither"),
        (_with(lines=[{"salt": "00" * 32, "text": "a\nb"}]), "line 1 is not one line of text"),
        (_with(lines=[{"salt": "00" * 33, "text": "a"}]), "line 1: salt or leaf"),
        (_with(lines=["a"]), "line 1 is neither"),
        (_with(lines={}), "object: lines is of the wrong kind"),
        (_with(title="a"), "object lacks or has too much: title"),
        (_with(capture_seq="7"), "object: capture_seq is of the wrong kind"),
        (replace(made(LINES, {1}), witness_kind="capture").to_bytes(), "witness: kind 'capture' cannot be meant"),
        (_with(capture_entry="AB" * 32), "object: capture_entry is not 64 hex digits"),
        (made(LINES, {1}).to_bytes().replace(b'{"format"', b'{ "format"'), "not in canonical form"),
    ],
    ids=range(16),
)
def test_what_is_no_redacted_text_is_told_why(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=re.escape(why)):
        parse_redacted(data)
    report = verified(data)
    assert verdicts(report) == ["fail", "incomplete", "incomplete", "incomplete"] and why in report.checks[0].detail


def test_a_zip_file_is_what_its_first_member_says() -> None:
    whole = made(LINES, {1}).to_zip()
    for number in range(0, len(whole), 97):
        data = whole[:number] + bytes([whole[number] ^ 1]) + whole[number + 1 :]
        assert verified(data).verdict == "fail", number
    with pytest.raises(MalformedRedaction, match="is not what"):
        parse_redacted_zip(io.BytesIO(whole.replace(b"[line hidden]", b"[nothing was]")))
    with pytest.raises(FormatError):
        parse_redacted_zip(io.BytesIO(whole + b"more"))


def test_lines_are_told_as_people_count_them() -> None:
    assert runs([]) == "none"
    assert runs([0]) == "1"
    assert runs([0, 1, 2, 6, 8, 9]) == "1-3, 7, 9-10"
    assert runs(range(0, 200, 2)).endswith(", 79, …")
