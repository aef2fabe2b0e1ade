"""Rules: who is told of what, once for a channel, at the soonest time that a rule asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.alert.rules import PRIORITY, Rule, fits, route
from tests.simulators.alerts import event


def rule(**changes: Any) -> Rule:
    return Rule(**({"name": "r", "channels": ("a",)} | changes))


PROVISION = {"kind": "provision", "provision": "EA-P-000002"}
FIT: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({}, {"held": True}, False),
    ({}, {"change": "links"}, False),
    ({"classes": ("wording", "links")}, {"change": "links"}, True),
    ({"classes": ()}, {"change": "layout"}, True),
    ({"classes": ()}, {"change": None}, True),
    ({}, {"kind": "failing"}, False),
    ({"events": ()}, {"kind": "failing"}, True),
    ({"events": ("failing",)}, {"kind": "failing", "change": None}, True),
    ({"events": ("failing",)}, {}, False),
    ({"documents": ("EA-D-00001",)}, {}, True),
    ({"documents": ("EA-D-00002",)}, {}, False),
    ({"documents": ("ea-d-*1",)}, {}, True),
    ({"documents": ("terms*",)}, {}, True),
    ({"documents": ("terms",)}, {}, False),
    ({"documents": ("*",)}, {"document": None, "title": ""}, False),
    ({"entities": ("*corp", "Other")}, {}, True),
    ({"entities": ("Other",)}, {}, False),
    ({"entities": ("STRASSE*",)}, {"entity": "Straße AG"}, True),
    ({"entities": ("Example Corp",), "documents": ("EA-D-00002",)}, {}, False),
    ({"events": ("provision",), "provisions": ("EA-P-00000[12]",)}, PROVISION, True),
    ({"events": ("provision",), "provisions": ("EA-P-000001",)}, PROVISION, False),
    ({"events": ("change", "provision"), "provisions": ("*",)}, {}, False),
]  # fmt: skip


@pytest.mark.parametrize(("asks", "happens", "fit"), FIT, ids=range(len(FIT)))
def test_what_fits(asks: dict[str, Any], happens: dict[str, Any], fit: bool) -> None:
    assert fits(rule(**asks), event(**happens)) is fit


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(PRIORITY), st.booleans()), max_size=6))
def test_a_channel_is_told_once_and_at_the_soonest(asked: list[tuple[str, Any, bool]]) -> None:
    rules = [
        rule(channels=(channel,), deliver=deliver, entities=() if fit else ("Nobody",))
        for channel, deliver, fit in asked
    ]
    wanted = {name: [deliver for channel, deliver, fit in asked if fit and channel == name] for name in "ab"}
    assert route(event(), rules) == {n: min(found, key=PRIORITY.index) for n, found in wanted.items() if found}


def test_one_rule_may_name_several_channels() -> None:
    assert route(event(), [rule(channels=("a", "b", "a"))]) == {"a": "now", "b": "now"}
    assert route(event(), []) == {}
