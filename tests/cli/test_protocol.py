"""Gap reports: a step is met only where the statement or the WARC shows it, and each gap says what to do."""

from __future__ import annotations

import copy
import datetime
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archiver.archive import open_archive
from archiver.declaration.ground import SnapshotGround
from archiver.declaration.looks import LOOKS
from archiver.declaration.protocol import HUMAN, MET, NOT_MET, NOT_RECORDED, STATES
from archiver.dossier import dossier_of
from archiver.evidence.banned import banned_in
from archiver.evidence.statement import Statement
from tests.cli.box import Box
from tests.cli.conftest import TERMS
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Close, Website, redirect, response
from tests.tampering import changed, flipped

AT = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.UTC)
STEP = {"id", "step", "optional", "state", "detail", "evidence", "do"}
SHOWN = {"source", "source_sha256", "where", "checks"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Box, dict[str, str]]]:
    """An archive with snapshots of several fates, by what became of them."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "authority").mkdir()
    robots = b"User-agent: *\nDisallow: /private\n"
    with (
        Website(documents={"/terms": TERMS, "/robots.txt": robots}) as site,
        TimestampAuthority(folder / "authority") as authority,
    ):
        box = Box(folder, site, authority).init()
        given = (("Set-Cookie", "a=b"), ("Location", "/terms?2"))
        site.scripts["/moved"] = [response(status="302 Found", fields=given)]
        site.scripts["/plain"] = [redirect("/terms?3")]
        site.scripts["/cut"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nabc", Close()]
        box.fine("watch", "add", site.url("/terms"), site.url("/terms?2"), "--entity", "Example", "--document", "T")
        names = {}
        for name, what in {
            "stored": site.url("/terms"), "cookie": site.url("/moved"), "cut": site.url("/cut"),
            "blocked": site.url("/private/x"), "plain": site.url("/plain"),
        }.items():  # fmt: skip
            names[name] = box.call("capture", what, "--json").json[0]["snapshot"]
        box.fine("watch", "edit", "EA-D-00001", "--url", site.url("/terms"), "--conditional")
        box.call("capture", "EA-D-00001")
        site.documents["/terms"] = TERMS.replace(b"year", b"month")
        names["conditional"] = box.call("capture", "EA-D-00001", "--json").json[0]["snapshot"]
        yield box, names


@pytest.fixture
def of(kept: tuple[Box, dict[str, str]]) -> Any:
    """The ground of a snapshot by what became of it, and a change of its statement."""
    box, names = kept

    def ground(name: str, **changes: Any) -> SnapshotGround:
        dossier = dossier_of(open_archive(box.root, environment=box.environment), names[name], AT)
        found = SnapshotGround.of(dossier)
        if changes:
            body = copy.deepcopy(dossier.capture.body) | changes
            found.dossier = replace(dossier, capture=Statement(dossier.capture.line, body))
        return found

    return ground


def look(name: str, ground: SnapshotGround) -> tuple[str, str]:
    seen = LOOKS[name][1](ground)
    return seen.state, seen.detail


def with_requests(ground: SnapshotGround, *lines: bytes) -> SnapshotGround:
    """The same snapshot, whose requests for the document had these lines too."""
    assert ground.requests
    more = b"".join(line + b"\r\n" for line in lines)
    ground.__dict__["requests"] = [(url, sent[:-2] + more + b"\r\n") for url, sent in ground.requests]
    return ground


def steps(box: Box, *words: str) -> dict[str, Any]:
    return {step["id"]: step for step in box.call("protocol", *words, "--json").json["steps"]}


# -- the command -----------------------------------------------------------------------------------


def test_a_plain_capture_by_the_french_list(kept: tuple[Box, dict[str, str]]) -> None:
    box, names = kept
    result = box.call("protocol", names["stored"], "--json")
    assert result.code == 1, "steps are open"
    told = result.json
    found = {step["id"]: step["state"] for step in told["steps"]}
    assert list(found) == [f"F{n}" for n in range(1, 28)]
    clock = found.pop("F12"), found.pop("F10")  # of this host
    assert set(clock) <= {MET, NOT_MET, NOT_RECORDED}
    by = {state: {key for key, value in found.items() if value == state} for state in STATES}
    assert by[MET] == {"F13", "F15", "F17", "F18", "F20", "F21"}
    assert by[NOT_MET] == {"F4", "F6", "F16", "F19", "F22", "F23", "F27"}
    assert by[NOT_RECORDED] == {"F1", "F2", "F3", "F5", "F7", "F8", "F9", "F11", "F14", "F24", "F25"}
    assert by[HUMAN] == {"F26"}
    assert sum(told["counts"].values()) == 27 and set(told["counts"]) == set(STATES)


def test_json_keeps_its_keys(kept: tuple[Box, dict[str, str]]) -> None:
    box, names = kept
    told = box.call("protocol", names["stored"], "--json").json
    assert {"snapshot", "protocol", "version", "protocol_sha256", "law", "counts", "steps"} == told.keys()
    for step in told["steps"]:
        assert step.keys() == STEP and step["evidence"] and step["state"] in STATES
        assert (step["do"] is None) == (step["state"] == MET)
        for shown in step["evidence"]:
            assert shown.keys() == SHOWN
            assert shown["source_sha256"] is None or re.fullmatch("[0-9a-f]{64}", shown["source_sha256"])
    rows = box.fine("protocol", "--list-protocols", "--json").json
    assert [(row["protocol"], row["steps"], row["origin"]) for row in rows] == [
        ("berkeley-155", 3, "shipped"), ("fr-constat", 27, "shipped"),
    ]  # fmt: skip


def test_on_a_terminal_each_gap_says_what_to_do(kept: tuple[Box, dict[str, str]]) -> None:
    box, names = kept
    told = box.call("protocol", names["stored"])
    found = box.call("protocol", names["stored"], "--json").json
    assert told.out.count("to do: ") == sum(step["do"] is not None for step in found["steps"])
    assert max(map(len, told.lines)) <= 80 and list(banned_in(told.out)) == []
    assert f"\n[1]  statement of {names['stored']}" in told.out and "SHA-256 " in told.out
    gaps = box.call("protocol", names["stored"], "--gaps")
    assert "\nF18" not in gaps.out and "\nF19" in gaps.out and gaps.code == 1
    optional = next(step for step in found["steps"] if step["optional"])
    assert optional["id"] == "F23" and optional["state"] == NOT_MET
    assert "not met, optional\n" in told.out.partition("\nF23 ")[2].split("F24")[0]
    assert "of those that are not met, 1 is optional" in told.out


def test_the_lists_are_there_without_an_archive_and_cut_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = Box(tmp_path)
    for words, law in (
        (
            ("protocol", "--list-protocols"),
            "Berkeley Protocol on Digital Open Source Investigations (HR/PUB/20/2)",
        ),
        (
            ("declare", "--list-regimes"),
            "Bharatiya Sakshya Adhiniyam, 2023, section 63(4)(c) and Schedule",
        ),
    ):
        told, listed = nowhere.fine(*words), nowhere.fine(*words, "--json")
        assert f"no archive in {nowhere.root}: listed is what the software brings" in told.err
        assert max(map(len, told.lines)) <= 80 and "…" not in told.out
        assert any(row["law"].startswith(law) and row["origin"] == "shipped" for row in listed.json)
        named = "protocol" if words[0] == "protocol" else "regime"
        words_told = set(told.out.split())
        for row in listed.json:
            assert row[named] in words_told and set(row["law"].split()) <= words_told


def test_the_minimum_of_the_berkeley_protocol(kept: tuple[Box, dict[str, str]]) -> None:
    box, names = kept
    found = steps(box, names["stored"], "--protocol", "berkeley-155")
    assert [step["state"] for step in found.values()] == [MET, MET, NOT_MET]
    assert "No screenshot was made" in found["155 c"]["detail"]


OWN = """format = 1
protocol = "ours"
version = "1"
title = "Ours"
law = "House rule"
about = "ours"
[[step]]
id = "1"
step = "No cookie"
shows = ["wire.no_cookies", "capture.started"]
gap = "Again."
[[step]]
id = "2"
step = "A witness"
shows = ["human.observes"]
gap = "Ask one."
optional = true
"""


def test_a_protocol_is_added_without_code(kept: tuple[Box, dict[str, str]], tmp_path: Path) -> None:
    box, names = kept
    (tmp_path / "ours.toml").write_text(OWN)
    told = box.fine("protocol", names["stored"], "--protocol", str(tmp_path / "ours.toml"), "--json").json
    assert [step["state"] for step in told["steps"]] == [MET, HUMAN], "what is optional is no finding"
    (tmp_path / "ours.toml").write_text(OWN.replace("no_cookies", "cookies"))
    wrong = box.call("protocol", names["stored"], "--protocol", str(tmp_path / "ours.toml"))
    assert wrong.code == 2 and "step 1 '1': nothing looks at 'wire.cookies'; did you mean" in wrong.error()


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "no snapshot was named"), (("EA-S-99999999",), "there is no snapshot EA-S-99999999"),
     (("EA-S-1", "--protocol", "x"), "there is no protocol 'x'; known: berkeley-155, fr-constat")],
)  # fmt: skip
def test_what_cannot_be_meant_is_said(kept: tuple[Box, dict[str, str]], words: tuple[str, ...], told: str) -> None:
    result = kept[0].call("protocol", *words)
    assert result.code == 2 and told in result.error()


# -- the looks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stored", "cookie", "cut", "blocked", "plain", "conditional"])
def test_every_look_says_something_of_every_snapshot(of: Any, name: str) -> None:
    ground = of(name)
    for key, (_, show) in LOOKS.items():
        seen = show(ground)
        assert seen.state in STATES and seen.detail and seen.where, key
        assert not seen.detail.endswith("."), key


def test_a_damaged_file_shows_nothing(kept: tuple[Box, dict[str, str]], of: Any) -> None:
    box, names = kept
    (body,) = [b for b in box.captures() if b["snapshot"] == names["stored"]]
    warc = box.root / body["folder"] / "capture.warc.gz"
    data = warc.read_bytes()
    warc.chmod(0o644)
    with changed(warc, flipped(data, len(data) // 2)):
        ground = SnapshotGround.of
        archive = open_archive(box.root, environment=box.environment)
        dossier = dossier_of(archive, names["stored"], AT)
        with pytest.raises(Exception, match="no citation is made"):
            ground(dossier)
        result = box.call("protocol", names["stored"])
    assert result.code == 3 and "its statement says" in result.error()


def test_a_failed_check_takes_met_away(of: Any) -> None:
    ground = of("stored")
    checks = tuple(replace(c, verdict="fail", detail="x") if c.number == 3 else c for c in ground.report.checks)
    ground.report = replace(ground.report, checks=checks)
    for name in ("warc.source", "warc.listed", "wire.no_cookies", "wire.no_cache", "wire.fresh", "wire.direct"):
        assert look(name, ground) == (NOT_MET, "check 3 of archiver verify fails: x"), name


def test_cookies_that_the_visit_was_given_are_told_apart(of: Any) -> None:
    assert look("wire.no_cookies", of("stored")) == (MET, "The first request for each address carried no cookie")
    state, detail = look("wire.no_cookies", of("cookie"))
    assert state == MET and "1 later requests carried cookies" in detail
    assert look("wire.no_cookies", with_requests(of("stored"), b"cOOkie: x=y"))[0] == NOT_MET
    # Led back to where it began, with the cookie it was given on the way: the first request had none all the same.
    led = of("cookie")
    robots = {rule["url"] for rule in led.body["robots"]}
    url, sent = next((url, sent) for url, sent in led.requests if url not in robots)
    led.__dict__["requests"] = [*led.requests, (url, sent[:-2] + b"Cookie: a=b\r\n\r\n")]
    assert url in {part["exchanges"][0]["url"] for part in led.body["parts"]}
    assert look("wire.no_cookies", led)[0] == MET


def test_an_earlier_copy_is_no_empty_cache(of: Any) -> None:
    assert look("wire.no_cache", of("stored"))[0] == MET
    assert look("wire.no_cache", of("conditional"))[0] == NOT_MET
    assert "If-None-Match" in look("wire.no_cache", of("conditional"))[1]


def test_what_was_never_asked_for_shows_nothing(of: Any) -> None:
    for name in ("wire.no_cache", "wire.no_cookies", "wire.fresh", "wire.first_page", "wire.direct"):
        assert look(name, of("blocked"))[0] == NOT_RECORDED, name


def test_a_fresh_copy_is_asked_for_in_every_request_or_not_at_all(of: Any) -> None:
    assert look("wire.fresh", of("stored"))[0] == NOT_MET
    for line in (b"Cache-Control: max-age=0, no-cache", b"pragma: no-cache"):
        assert look("wire.fresh", with_requests(of("stored"), line))[0] == MET
    assert look("wire.fresh", with_requests(of("stored"), b"X-Cache-Control: no-cache"))[0] == NOT_MET


def test_a_proxy_would_be_seen_in_the_request(of: Any) -> None:
    assert look("wire.direct", of("stored"))[0] == MET
    ground = of("stored")
    ground.__dict__["requests"] = [(url, b"GET http://a.example/ HTTP/1.1\r\n\r\n") for url, _ in ground.requests]
    assert look("wire.direct", ground) == (NOT_MET, "A request was worded for a proxy")
    ground = of("stored")
    ground.body["parts"][0]["exchanges"][0]["connection"]["resolved"] = ["192.0.2.1"]
    assert "did not lead to an address" in look("wire.direct", ground)[1]


def test_the_first_page_is_the_document(of: Any) -> None:
    state, detail = look("wire.first_page", of("plain"))
    assert state == MET and "/plain" in detail
    ground = of("plain")
    ground.__dict__["requests"] = list(reversed(ground.requests or []))
    assert look("wire.first_page", ground)[0] == NOT_MET
    parts = of("stored").body["parts"]
    assert look("wire.first_page", of("stored", parts=[*parts, *parts]))[0] == NOT_MET


@pytest.mark.parametrize(
    ("clock", "state"),
    [
        ({"synchronised": True, "max_error_us": 4000, "source": "adjtimex"}, MET),
        ({"synchronised": True, "max_error_us": 1_000_001, "source": "adjtimex"}, NOT_MET),
        ({"synchronised": False, "max_error_us": 4000, "source": "adjtimex"}, NOT_MET),
        ({"synchronised": None, "max_error_us": None, "source": None}, NOT_RECORDED),
        (None, NOT_RECORDED),
    ],
)
def test_a_clock_is_met_only_when_it_kept_time(of: Any, clock: Any, state: str) -> None:
    assert look("clock.synchronised", of("stored", clock=clock))[0] == state


def test_a_human_who_watched_is_recorded(of: Any) -> None:
    assert look("capture.attended", of("stored", attended=True))[0] == MET
    assert look("capture.attended", of("stored"))[0] == HUMAN


def test_a_browser_is_met_only_with_what_the_statement_says(of: Any) -> None:
    assert look("browser.version", of("stored"))[0] == NOT_MET
    assert look("browser.version", of("stored", method="browser"))[0] == NOT_RECORDED
    environment = {"browser": {"version": "Chromium 142", "extensions": []}}
    browsed = of("stored", method="browser", environment=environment)
    assert look("browser.version", browsed) == (MET, "Recorded: browser Chromium 142")


def test_source_code_needs_a_stored_document(of: Any) -> None:
    assert look("warc.source", of("stored"))[0] == MET
    for name in ("cut", "blocked"):
        assert look("warc.source", of(name))[0] == NOT_MET


def test_a_bundle_that_was_handed_out_closes_the_last_step(stamped: Box, site: Website, tmp_path: Path) -> None:
    (item,) = stamped.fine("capture", site.url("/terms"), "--json").json
    assert steps(stamped, item["snapshot"])["F27"]["state"] == NOT_MET
    stamped.fine("export", item["snapshot"], "--output", str(tmp_path / "a.zip"), "--no-record")
    assert steps(stamped, item["snapshot"])["F27"]["state"] == NOT_MET
    stamped.fine("export", item["snapshot"], "--output", str(tmp_path / "b.zip"))
    found = steps(stamped, item["snapshot"])["F27"]
    assert found["state"] == MET and "b.zip" in found["detail"]
