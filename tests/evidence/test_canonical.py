"""Canonical lines: equal to the reference encoder, strict both ways."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import MalformedJson
from archiver.evidence.canonical import MAX_LINE, MAX_WHOLE, decode_line, encode_line, join_members, read_back

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_WHOLE, MAX_WHOLE) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(texts, values, max_size=5)


@given(objects)
def test_encoding_is_that_of_rfc_8785(value: dict[str, Any]) -> None:
    assert encode_line(value) == rfc8785.dumps(value) + b"\n"


@given(objects)
def test_decoding_is_the_inverse(value: dict[str, Any]) -> None:
    assert decode_line(encode_line(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1.5},
        {"a": 1.0},
        {"a": float("nan")},
        {"a": 2**53},
        {"a": -(2**53)},
        {1: "a"},
        {"a": (1,)},
        {"a": b"x"},
        {"a": "\ud800"},
    ],
)
def test_values_without_a_canonical_form_are_refused(value: dict[str, Any]) -> None:
    with pytest.raises(MalformedJson):
        encode_line(value)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"{}\n\n",
        b" {}\n",
        b"{} \n",
        b"[]\n",
        b'{"a":1,"a":2}\n',
        b'{"b":1,"a":2}\n',
        b'{"a":1.0}\n',
        b'{"a":1e3}\n',
        b'{"a":-0}\n',
        b'{"a":01}\n',
        b'{"a":NaN}\n',
        b'{"a":9007199254740992}\n',
        b'{"a":"\\u0061"}\n',
        b'{"a":"\\/"}\n',
        b'{"a":"\xff"}\n',
        b'{"a":"\\ud800"}\n',
        b"[" * 100_000 + b"\n",
        b'{"a":"' + b"x" * MAX_LINE + b'"}\n',
    ],
)
def test_lines_in_another_form_are_refused(line: bytes) -> None:
    with pytest.raises(MalformedJson):
        decode_line(line)


@given(st.dictionaries(st.text("abcXYZ_09", min_size=1), values, max_size=5))
def test_an_object_is_the_lines_of_its_members_joined(value: dict[str, Any]) -> None:
    lines = {name: encode_line({"": item})[4:-2] + b"\n" for name, item in value.items()}
    assert join_members(lines) == encode_line(value)
    assert read_back(encode_line(value)) == value
