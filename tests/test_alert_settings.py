"""The tables ``[[channel]]`` and ``[[rule]]``: what may be said, and that what may not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.alert.interface import EVENT_KINDS
from archiver.alert.message import WHAT_CHANGED
from archiver.alert.rules import PRIORITY
from archiver.alerting import plan_of
from archiver.alerting_channels import kinds, open_channels
from archiver.errors import SettingsError
from archiver.settings import CHANGE_CLASSES, EVENTS, parse_settings, render_default

CHANNEL = '[[channel]]\nname = "legal"\nkind = "atom"\npath = "legal.atom"\n'
RULE = '[[rule]]\nname = "all"\nchannels = ["legal"]\n'


def test_a_rule_has_sensible_defaults() -> None:
    settings = parse_settings(CHANNEL + RULE)
    [channel], [rule] = settings.channels, settings.rules
    assert (channel.name, channel.kind, channel.options) == ("legal", "atom", {"path": "legal.atom"})
    assert (rule.classes, rule.events, rule.deliver) == (("wording", "reversion"), ("change",), "now")
    assert rule.documents == rule.entities == rule.provisions == ()
    [planned] = plan_of(settings).rules
    assert planned.channels == ("legal",) and planned.name == "all"


def test_the_settings_know_the_same_words_as_the_channels() -> None:
    assert EVENTS == EVENT_KINDS and set(CHANGE_CLASSES) == set(WHAT_CHANGED)
    for deliver in PRIORITY:
        assert parse_settings(CHANNEL + RULE + f'deliver = "{deliver}"\n').rules[0].deliver == deliver


BAD = [
    (RULE, "rule all: there is no channel 'legal'"),
    (CHANNEL + RULE.replace("legal", "lega"), "there is no channel 'lega'; did you mean legal"),
    (CHANNEL + CHANNEL, "two .*channel.* have the same name"),
    (CHANNEL + RULE + RULE, "two .*rule.* have the same name"),
    (CHANNEL.replace('"legal"', '"Legal"'), "channel.name must be lower-case"),
    (CHANNEL.replace('kind = "atom"\n', ""), "channel.kind is missing; every .*channel.* needs name, kind"),
    (CHANNEL + '[[rule]]\nname = "all"\n', "rule.channels is missing"),
    (CHANNEL + RULE.replace('["legal"]', "[]"), "rule.channels must name a channel"),
    (CHANNEL + RULE + 'entity = ["x"]\n', "unknown key rule.entity; did you mean entities"),
    (CHANNEL + RULE + 'classes = ["words"]\n', "rule.classes must be a list of wording, links"),
    (CHANNEL + RULE + 'classes = "wording"\n', "rule.classes must be a list"),
    (CHANNEL + RULE + 'events = ["changes"]\n', "rule.events must be a list of change"),
    (CHANNEL + RULE + 'deliver = "hourly"\n', "rule.deliver must be one of now, daily, weekly"),
    (CHANNEL + RULE + 'documents = [""]\n', "rule.documents must be a list of texts"),
    (CHANNEL + RULE + 'provisions = ["EA-P-*"]\n', "rule all: provisions fit no event"),
    ("channel = 1\n", r"\[\[channel\]\] must be an array"),
    ("rule = [1]\n", r"\[\[rule\]\] must be a table"),
    ("[rules]\n", r"unknown section \[rules\]; did you mean rule"),
    ("[alert]\nretry = 1\n", "unknown key alert.retry; did you mean retry_s"),
    ("[alert]\ndigest_hour = 24\n", "alert.digest_hour must be"),
    ('[alert]\ndigest_weekday = "Monday"\n', "alert.digest_weekday must be one of monday"),
    ('[alert]\nbase_url = "evidence.example.org"\n', "alert.base_url must be empty or begin with http"),
    ('[alert]\ngive_up_after = "7"\n', "alert.give_up_after must be a duration"),
]


@pytest.mark.parametrize(("text", "says"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_meant_is_named(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse_settings(text)


def test_a_kind_that_is_none_is_named_with_those_there_are(tmp_path: Path) -> None:
    settings = parse_settings(CHANNEL.replace("atom", "atoms"))
    with pytest.raises(SettingsError, match="unknown kind 'atoms'; known: apprise, atom, command, email, webhook"):
        open_channels(settings, tmp_path, {})


def test_no_error_repeats_what_stands_in_a_channel(tmp_path: Path) -> None:
    for line in ('pasword = "geheim"', 'password = ["geheim"]', "url = {geheim = 1}"):
        settings = parse_settings(CHANNEL + line)
        with pytest.raises(SettingsError, match=r"channel legal: (unknown key pass?word|url must be)") as error:
            open_channels(settings, tmp_path, {})
        assert "geheim" not in str(error.value)


def test_every_kind_opens_by_its_name() -> None:
    assert {name: kind.name for name, kind in kinds().items()} == {name: name for name in kinds()}


def test_the_examples_of_the_default_file_are_good_ones() -> None:
    tail = render_default().split("# [[channel]]")[1]
    text = "\n".join(
        line.removeprefix("# ") for line in ("# [[channel]]" + tail).splitlines() if "=" in line or "[[" in line
    )
    settings = parse_settings(text)
    assert [rule.name for rule in settings.rules] == ["terms"]
    open_channels(settings, Path("/nonexistent"), {})
