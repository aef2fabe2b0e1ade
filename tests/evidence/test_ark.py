"""ARKs: the check character of NOID's own example, one name for one digest, and no mistyped one found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import FormatError, UsageError
from archiver.evidence.ark import DIGITS, ark_of, check_character, entries_of, is_ark

ENTRIES = st.binary(min_size=32, max_size=32)
NAANS = st.from_regex(r"[0-9]{5}", fullmatch=True)


def test_the_check_character_is_noids() -> None:
    # the worked example of the NOID manual: 13030/xf93gt2 gets q
    assert check_character("13030/xf93gt2") == "q"
    assert len(set(DIGITS)) == 29


@given(NAANS, ENTRIES)
def test_an_ark_leads_back_to_the_digest_it_was_made_from(naan: str, entry: bytes) -> None:
    ark = ark_of(naan, entry.hex())
    assert ark == ark_of(naan, entry.hex())
    assert is_ark(ark)
    found, low, high = entries_of(ark)
    assert found == naan
    assert low <= entry <= high
    assert ark_of(naan, low.hex()) == ark_of(naan, high.hex()) == ark


@given(NAANS, ENTRIES, st.integers(0, 22), st.sampled_from(DIGITS))
def test_one_wrong_character_is_found(naan: str, entry: bytes, place: int, other: str) -> None:
    name = ark_of(naan, entry.hex()).removeprefix("ark:")
    if name[place] in ("/", other):
        return
    with pytest.raises(UsageError):
        entries_of(f"ark:{name[:place]}{other}{name[place + 1 :]}")


@given(ENTRIES, st.integers(6, 21))
def test_neighbours_that_change_places_are_found(entry: bytes, place: int) -> None:
    ark = ark_of("99999", entry.hex()).removeprefix("ark:")
    swapped = f"{ark[:place]}{ark[place + 1]}{ark[place]}{ark[place + 2 :]}"
    if swapped != ark:
        with pytest.raises(UsageError, match="mistyped"):
            entries_of(f"ark:{swapped}")


def test_other_spellings_of_one_ark_are_the_same() -> None:
    ark = ark_of("99999", "5a" * 32)
    name = ark.removeprefix("ark:99999/")
    for spelt in (f"ark:/99999/{name}", f"ARK:99999/{name[:4]}-{name[4:]}", f" {ark} "):
        assert entries_of(spelt) == entries_of(ark)


@pytest.mark.parametrize("text", ["ark:", "ark:99999/", "ark:99999/zz", "ark:99999/é23456789bcdfghjk", "ark:9/x", "x"])
def test_what_is_no_ark_of_a_snapshot_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        entries_of(text)


@pytest.mark.parametrize(("naan", "entry"), [("9999", "0" * 64), ("99999", "0" * 63), ("abcde", "0" * 64)])
def test_nothing_else_gets_an_ark(naan: str, entry: str) -> None:
    with pytest.raises(FormatError):
        ark_of(naan, entry)
