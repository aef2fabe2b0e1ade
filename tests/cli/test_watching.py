"""A policy through its revisions, by the commands an analyst would use: every kind of change, and what is held back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import pytest

from archiver import searching
from archiver.operation import Surroundings, open_operation
from tests.cli.box import Box
from tests.simulators.website import Document, Website

DOCUMENT = "EA-D-00001"
RULE = (
    "You own what you write. We may use your content to train our models, unless you opt out in your account settings."
)
WITHOUT = "You own what you write. We use your content to train our models, and there is no way to opt out of this."


def page(
    clause: str = RULE, *, updated: str = "1 March 2026", link: str = "/help", noise: str = "a1", heading: str = "h2"
) -> bytes:
    """The policy, with what changes at every visit and says nothing."""
    return f"""<!doctype html><html lang=en><head><title>Terms of Use</title><meta charset=utf-8>
<meta name=csrf content="{noise}"><script>var nonce="{noise}"</script></head><body class="x-{noise}">
<nav><a href="/">Home</a> <a href="/login?next={noise}">Log in</a></nav>
<main><h1>Terms of Use</h1><p>Last updated: {updated}</p>
<{heading}>Your content</{heading}><p>{clause}</p>
<{heading}>Your account</{heading}><ul><li>Keep your password secret.</li><li>Be at least 16 years old.</li></ul>
<p>Questions are answered by our <a href="{link}">help pages</a>; these terms are governed by the laws of Malta.</p>
</main><footer>&copy; 2026 Example, build {noise}</footer></body></html>""".encode()


class Policy:
    """A watched policy whose publisher and analyst are the test."""

    def __init__(self, box: Box, site: Website) -> None:
        self.box = box
        self.site = site
        site.documents["/terms"] = page()
        box.fine("watch", "add", site.url("/terms"), "--entity", "Example", "--document", "Terms", "--select", "main")

    def publish(self, body: bytes, status: str = "200 OK") -> dict[str, Any]:
        """Change the page and check it."""
        self.site.documents["/terms"] = Document(body, status=status)
        return self.check()

    def check(self) -> dict[str, Any]:
        result: dict[str, Any] = self.box.call("capture", DOCUMENT, "--json").json[0]
        return result

    def history(self) -> dict[str, Any]:
        found: dict[str, Any] = self.box.fine("history", DOCUMENT, "--json").json
        return found

    def text(self, sha256: str) -> str:
        data = (self.box.root / "texts" / sha256[:2] / f"{sha256}.txt").read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256
        return data.decode()


@pytest.fixture
def policy(box: Box, site: Website) -> Policy:
    found = Policy(box, site)
    first = found.check()
    assert (first["outcome"], first["version"], first["change"]) == ("new_version", 1, None)
    return found


def outcome(check: dict[str, Any]) -> tuple[str, int | None, str | None]:
    return check["outcome"], check["version"], check["change"]


def test_the_text_keeps_structure_and_is_kept_by_its_digest(policy: Policy) -> None:
    text = policy.text(policy.history()["versions"][0]["text_sha256"])
    assert "# Terms of Use\n" in text and "## Your content\n" in text and "- Keep your password secret.\n" in text
    assert "Home" not in text and "build" not in text


def test_noise_is_no_change(policy: Policy) -> None:
    check = policy.publish(page(noise="b2"))
    assert outcome(check) == ("unchanged", 1, None)
    assert len(policy.history()["versions"]) == 1


def test_links_are_a_class_of_their_own(policy: Policy) -> None:
    assert outcome(policy.publish(page(link="/support"))) == ("unchanged", 1, "links")
    (change,) = policy.history()["link_changes"]
    told = policy.box.call(
        "diff", "EA-S-" + "0" * 0 + policy.history()["versions"][0]["snapshot"][5:], change["snapshot"], "--json"
    ).json
    assert told["class"] == "links" and not told["hunks"]
    assert {(link["kind"], link["target"].rpartition("/")[2]) for link in told["links"]} == {
        ("removed", "help"),
        ("added", "support"),
    }


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        (page(WITHOUT), "wording"),
        (page(RULE.replace(", unless", " – unless")), "punctuation"),
        (page(heading="h3"), "layout"),
        (page(RULE.replace("may use", "may not use")), "wording"),
    ],
)
def test_classes_of_change(policy: Policy, changed: bytes, kind: str) -> None:
    assert outcome(policy.publish(changed)) == ("new_version", 2, kind)
    told = policy.box.call("diff", DOCUMENT, "--json")
    assert told.code == 1 and told.json["class"] == kind and told.json["hunks"]


def test_a_silent_edit_is_told_from_an_announced_one(policy: Policy) -> None:
    policy.publish(page(WITHOUT))
    policy.publish(page(RULE.replace("train", "improve"), updated="5 June 2026"))
    _, silent, announced = policy.history()["versions"]
    assert (silent["silent_edit"], announced["silent_edit"]) == (True, False)
    assert silent["publisher_date"]["value"] == "2026-03-01"
    assert announced["publisher_date"] == {"text": "Last updated: 5 June 2026", "value": "2026-06-05"}


def test_a_text_in_force_later_is_shown_as_such(policy: Policy) -> None:
    later = page(WITHOUT).replace(b"Last updated: 1 March 2026", b"Effective from 1 January 2099")
    policy.publish(later)
    assert policy.history()["versions"][-1]["in_force_from"] == "2099-01-01"


def test_wordings_that_take_turns_are_held(policy: Policy) -> None:
    other = page(WITHOUT)
    assert outcome(policy.publish(other)) == ("new_version", 2, "wording")
    assert outcome(policy.publish(page())) == ("new_version", 1, "reversion")
    assert outcome(policy.publish(other)) == ("varying", 2, "variant")
    assert outcome(policy.publish(page())) == ("varying", 1, "variant")
    found = policy.history()
    assert found["varying"] and found["valid_versions"] == [1, 2]
    assert outcome(policy.publish(page(RULE.replace("models", "systems")))) == ("new_version", 3, "wording")


def test_an_error_page_is_held_back_and_released_by_a_person(policy: Policy) -> None:
    check = policy.publish(b"<title>Error</title><h1>503 Service Unavailable</h1>", "503 Service Unavailable")
    assert outcome(check) == ("quarantined", None, None) and "503" in check["reason"]
    gone = policy.publish(b"<html><body><main><h1>Page not found</h1><p>Sorry, this page does not exist.</p></main>")
    assert gone["outcome"] == "quarantined"
    waiting = policy.box.fine("quarantine", "list", "--json").json
    assert [item["snapshot"] for item in waiting] == [gone["snapshot"], check["snapshot"]]
    assert policy.box.call("status", "--json").json["quarantine_waiting"] == 2
    policy.box.fine("quarantine", "confirm", check["snapshot"], "--by", "Ana", "--reason", "an outage")
    (made,) = policy.box.fine("quarantine", "release", gone["snapshot"], "--by", "Ana", "--json").json
    assert (made["version"], made["change"]) == (2, "wording")
    assert policy.box.fine("quarantine", "list", "--json").json == []
    kinds = [body["kind"] for body in policy.box.statements()]
    assert kinds.count("decision") == 2 and kinds[-2:] == ["decision", "assessment"]
    again = policy.box.call("quarantine", "release", gone["snapshot"])
    assert again.code == 2 and "has passed already" in again.error()
    policy.box.verified()


def test_missing_selectors_are_a_state_and_lose_nothing(policy: Policy) -> None:
    check = policy.publish(page().replace(b"main>", b"article>"))
    assert check["outcome"] == "quarantined" and "main" in check["reason"]
    (waiting,) = policy.box.fine("quarantine", "list", "--json").json
    assert waiting["reason_code"] == "selector_missing"
    assert check["warc_sha256"]


def test_new_rules_are_not_the_publishers_doing(policy: Policy) -> None:
    policy.box.fine("watch", "edit", DOCUMENT, "--select", "main", "--remove", "ul")
    assert outcome(policy.check()) == ("new_version", 2, "extraction")
    policy.box.fine("watch", "edit", DOCUMENT, "--select", "main", "--remove", "")
    assert outcome(policy.publish(page(WITHOUT))) == ("new_version", 3, "wording")


def test_derive_reads_history_by_the_rules_of_today(policy: Policy) -> None:
    policy.publish(page(WITHOUT))
    policy.box.fine("watch", "edit", DOCUMENT, "--remove", "ul")
    before = [body for body in policy.box.statements() if body["kind"] == "assessment"]
    assert policy.box.fine("derive", "--json").json["assessed"] == 0
    made = policy.box.fine("derive", DOCUMENT, "--present-rules", "--json").json
    assert (made["normaliser"], made["assessed"]) == ("text/1", 2)
    after = [body for body in policy.box.statements() if body["kind"] == "assessment"]
    assert after[: len(before)] == before
    assert [body["supersedes"] for body in after[2:]] == [body["seq"] for body in before]
    versions = policy.history()["versions"]
    assert all("Keep your password" not in policy.text(v["text_sha256"]) for v in versions)
    policy.box.verified()


def test_a_clause_is_followed_and_leads_to_the_wire(policy: Policy) -> None:
    policy.publish(page(WITHOUT))
    policy.publish(b"<h1>502 Bad Gateway</h1>", "502 Bad Gateway")
    policy.publish(page("Other matters."))
    policy.publish(page())
    first = policy.history()["versions"][0]["snapshot"]
    quote = "We may use your content to train our models, unless you opt out in your account settings."
    made = policy.box.fine("provision", "add", first, quote, "--title", "Training", "--json").json
    states = {item["version"]: item["state"] for item in made["life"]}
    assert (made["provision"], made["exact"]) == ("EA-P-000001", quote)
    assert states == {1: "verbatim", 2: "reworded", 3: "absent"}
    assert "there is no way to opt out" in next(w["exact"] for w in made["life"] if w["version"] == 2)
    assert made["checks"] == 5 and made["telling_checks"] == 4
    assert made["last_seen"] == policy.history()["checks"][-1]["started_at"]
    wire = policy.box.fine("provision", "show", "EA-P-000001", "--json").json["wire"]
    (span,) = wire["bytes"]
    body = policy.site.documents["/terms"]
    assert isinstance(body, Document)
    assert body.body[span["start"] : span["end"]].decode() == quote
    assert span["exact"] and span["payload_range"] == [span["start"], span["end"]]
    assert policy.text(wire["text_sha256"])[wire["start"] : wire["end"]] == quote
    assert policy.box.fine("provision", "list").out.count("EA-P-000001") == 1
    day = policy.history()["checks"][0]["started_at"][:10]
    cited = policy.box.fine("cite", "EA-P-000001", "--on", day, "--format", "json").json
    assert (cited["pin"]["exact"], cited["snapshot"]) == (quote, first)
    assert cited["pin"]["heading"] == "Your content" and cited["provision"]["on"] == day
    assert cited["source"]["publisher_date"] == {
        "text": "Last updated: 1 March 2026", "value": "2026-03-01", "kind": "last-updated"
    }  # fmt: skip
    (where,) = cited["pin"]["bytes"]
    assert (where["start"], where["end"]) == (span["start"], span["end"])
    for form in ("text", "bluebook", "csl", "ris", "biblatex", "bibtex"):
        assert "EA-P-000001" in policy.box.fine("cite", "EA-P-000001", "--format", form).out
    assert quote in " ".join(policy.box.fine("cite", "EA-P-000001").out.split())
    assert policy.box.call("cite", first, "--on", day).code == 2
    policy.box.fine("provision", "remove", "EA-P-000001")
    assert policy.box.fine("provision", "list", "--json").json == []


def test_a_clause_is_cited_in_the_capture_of_its_day(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marked words that went and came back: no capture from before they went may stand for a day after it."""
    policy.box.fine("provision", "add", DOCUMENT, RULE)
    published = [page(), page("Nothing is said of this."), page(WITHOUT), page(WITHOUT), page(), page()]
    taken = {}
    for number, body in enumerate(published, 1):
        policy.site.documents["/terms"] = body
        taken[number] = _captured_on(policy.box, f"2097-0{number}-05", monkeypatch)
    of_day = {
        "2097-01-05": 1, "2097-01-20": 1, "2097-02-20": 1, "2097-03-05": 3, "2097-03-20": 3, "2097-04-05": 4,
        "2097-04-20": 3, "2097-05-05": 5, "2097-05-20": 5, "2097-06-05": 6, "2097-08-01": 5,
    }  # fmt: skip
    for day, number in of_day.items():
        cited = policy.box.fine("cite", "EA-P-000001", "--on", day, "--format", "json").json
        first = policy.history()["versions"][0]["snapshot"]
        wanted = first if (number == 1 and day != "2097-01-05") else taken[number]
        assert cited["snapshot"] == wanted, (day, number)
    assert policy.box.fine("cite", "EA-P-000001", "--format", "json").json["snapshot"] == taken[5]


def _captured_on(box: Box, day: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The snapshot of a check that was made on some day."""
    at = datetime.fromisoformat(f"{day}T10:00:00+00:00")
    with monkeypatch.context() as patched:
        for name, value in box.environment.items():
            patched.setenv(name, value)
        with open_operation(box.root, lambda: None, surroundings=Surroundings(now=lambda: at)) as operation:
            (future,) = operation.checks.start([operation.check_of(operation.archive.document(DOCUMENT), "manual")])
            return str(future.result().capture.body["snapshot"])


@pytest.mark.parametrize(
    ("quote", "says"),
    [
        ("We sell your data to the moon.", "nearest"),
        (" ", "without words"),
        ("x" * 20_001, "20001"),
        ("x" * 1_000_000, "1000000"),
    ],
)
def test_a_clause_that_cannot_be_marked(policy: Policy, quote: str, says: str) -> None:
    result = policy.box.call("provision", "add", DOCUMENT, quote)
    assert result.code == 2 and says in result.error()


def test_a_clause_that_stands_twice_needs_its_surroundings(policy: Policy) -> None:
    policy.publish(page("Be kind. First. Be kind. Second."))
    result = policy.box.call("provision", "add", DOCUMENT, "Be kind.")
    assert result.code == 2 and "2" in result.error()
    made = policy.box.fine("provision", "add", DOCUMENT, "Be kind.", "--suffix", "Second", "--json").json
    assert made["prefix"].rstrip().endswith("First.")


def test_search_finds_past_and_present(policy: Policy) -> None:
    policy.publish(page(WITHOUT))
    hits = policy.box.fine("search", 'train "opt out"', "--json").json
    assert [(hit["versions"], hit["current"]) for hit in sorted(hits, key=lambda hit: hit["versions"])] == [
        ([1], False),
        ([2], True),
    ]
    assert [hit["text"] for hit in policy.box.fine("search", "train", "--current", "--json").json] == [WITHOUT]
    assert policy.box.call("search", "zebra").code == 1
    for odd in ('"', "AND OR NOT", "a*", "line:x", "NEAR(a b)", "x" * 2000):
        assert policy.box.call("search", odd).code in (0, 1, 2)


def test_scripts_without_spaces_are_searched_inside_their_lines(policy: Policy) -> None:
    policy.publish(page("我们不会使用您的内容训练机器学习模型。</p><p>ข้อกำหนดในการให้บริการ</p><p>AI 训练"))
    for words, times in (
        ("训练", 2),
        ("使用您的内容", 1),
        ("训练 AI", 1),
        ("训练 模型", 1),
        ("บริการ", 1),
        ("训练 不存在", 0),
    ):
        result = policy.box.call("search", words, "--json")
        assert len(result.json) == times, words
    assert policy.box.fine("search", "训练", "--json").json[0]["text"] == "AI 训练"


def test_a_scope_is_looked_through_whatever_stands_elsewhere(
    policy: Policy, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CANDIDATES", 3)
    site.documents["/long"] = page(
        f"Our {'very ' * 200} long clause speaks of a zebra too, though hardly of anything else."
    )
    site.documents["/many"] = page("</p><p>".join(f"Zebra {n}." for n in range(30)))
    for name in ("/long", "/many"):
        policy.box.fine("watch", "add", site.url(name), "--entity", name, "--document", name, "--select", "main")
    policy.box.fine("capture", "--all")
    for scope in (("--document", "/long"), ("--entity", "/long")):
        hits = policy.box.fine("search", "zebra", *scope, "--json").json
        assert [hit["title"] for hit in hits] == ["/long"]
    site.documents["/many"] = page("No striped animals any more. " + RULE)
    policy.box.fine("capture", "--all")
    assert policy.box.call("search", "zebra", "--document", "/many", "--current").code == 1
    assert policy.box.fine("search", "zebra", "--document", "/many", "--json").json


def test_a_present_wording_is_shown_in_a_snapshot_of_it(policy: Policy) -> None:
    policy.publish(page(WITHOUT, heading="h3"))
    back = policy.publish(page())
    (hit,) = policy.box.fine("search", "governed Malta", "--json").json
    first = policy.history()["versions"][0]["snapshot"]
    assert (hit["versions"], hit["current"], hit["snapshot"]) == ([1, 2], True, first)
    assert hit["last_seen"] == back["started_at"]


def test_how_others_word_it(policy: Policy, site: Website) -> None:
    for name, clause in (("/b", RULE), ("/c", "We never train on what you write."), ("/d", "Nothing of the kind.")):
        site.documents[name] = page(clause)
        policy.box.fine("watch", "add", site.url(name), "--entity", name[1:], "--document", name, "--select", "main")
    policy.box.fine("capture", "--all")
    policy.box.fine("provision", "add", DOCUMENT, RULE)
    found = policy.box.fine("provision", "others", "EA-P-000001", "--json").json
    assert [(hit["document"], hit["score"]) for hit in found["passages"]] == [("EA-D-00002", 100)]
    assert found["prevalence"]["with"] == ["EA-D-00002"]
    assert [item["document"] for item in found["prevalence"]["compared"]] == ["EA-D-00002", "EA-D-00003", "EA-D-00004"]


def test_annotations_are_versioned_and_never_in_a_citation(policy: Policy) -> None:
    add = policy.box.fine(
        "annotate",
        "add",
        DOCUMENT,
        "--version",
        "1",
        "--severity",
        "high",
        "--text",
        "opt-out only",
        "--by",
        "Ana",
        "--json",
    ).json
    assert (add["annotation"], add["revision"], add["severity"]) == ("EA-A-000001", 1, "high")
    changed = policy.box.fine("annotate", "change", "EA-A-000001", "--severity", "low", "--by", "Ben", "--json").json
    assert (changed["revision"], changed["severity"], changed["text"]) == (2, "low", "opt-out only")
    assert len(policy.box.fine("annotate", "show", "EA-A-000001", "--json").json) == 2
    bad = policy.box.call("annotate", "add", DOCUMENT, "--severity", "scary")
    assert bad.code == 2 and "low, medium, high" in bad.error()
    snapshot = policy.history()["versions"][0]["snapshot"]
    for form in ("json", "text", "csl"):
        assert "opt-out only" not in policy.box.fine("cite", snapshot, "--format", form).out
    policy.box.fine("annotate", "withdraw", "EA-A-000001", "--by", "Ana")
    assert policy.box.fine("annotate", "list", "--json").json == []


def test_the_vocabulary_is_the_users(policy: Policy) -> None:
    (policy.box.root / "vocabulary.toml").write_text('severity = ["scary"]\n')
    policy.box.fine("annotate", "add", DOCUMENT, "--severity", "scary")
    (policy.box.root / "vocabulary.toml").write_text('mood = ["bad"]\n')
    bad = policy.box.call("annotate", "add", DOCUMENT, "--severity", "scary")
    assert bad.code == 2 and "mood" in bad.error()


def test_absence_of_change_is_a_statement(policy: Policy) -> None:
    policy.check()
    policy.publish(b"<h1>502 Bad Gateway</h1>", "502 Bad Gateway")
    policy.publish(page(noise="c3"))
    day = policy.history()["checks"][0]["started_at"][:10]
    found = policy.box.fine("absence", DOCUMENT, "--from", day, "--to", day, "--json").json
    assert (found["unchanged"], found["version"], found["checks"], found["full_bodies"]) == (True, 1, 4, 3)
    assert [item["outcome"] for item in found["exceptions"]] == ["quarantined"]
    assert found["largest_gap_s"] >= 0 and policy.box.statements()[-1]["kind"] == "absence"
    assert hashlib.sha256(_line(policy.box, found["seq"])).hexdigest() == found["statement_sha256"]
    policy.publish(page(WITHOUT))
    other = policy.box.call("absence", DOCUMENT, "--from", day, "--to", day, "--dry-run", "--json")
    assert other.code == 1 and not other.json["unchanged"] and other.json["statement_sha256"] is None
    assert other.json["exceptions"][-1]["outcome"] == "other_wording"


def _line(box: Box, seq: int) -> bytes:
    lines = [line for path in sorted((box.root / "journal").iterdir()) for line in path.read_bytes().splitlines(True)]
    return lines[seq]


@pytest.mark.parametrize(
    ("first", "last"), [("2026-01-01", "2025-01-01"), ("2099-01-01", "2099-02-01"), ("soon", "later")]
)
def test_spans_that_cannot_be_meant(policy: Policy, first: str, last: str) -> None:
    result = policy.box.call("absence", DOCUMENT, "--from", first, "--to", last)
    assert result.code == 2 and result.error()


def test_everything_can_be_derived_again(policy: Policy) -> None:
    policy.publish(page(WITHOUT))
    policy.box.fine("provision", "add", DOCUMENT, WITHOUT)
    policy.box.fine("annotate", "add", "EA-P-000001", "--severity", "high")
    before = [policy.history(), policy.box.fine("provision", "show", "EA-P-000001", "--json").json]
    for name in policy.box.root.glob("archive.db*"):
        name.unlink()
    policy.box.fine("rebuild")
    assert [policy.history(), policy.box.fine("provision", "show", "EA-P-000001", "--json").json] == before
    assert policy.box.fine("search", "train", "--json").json
    policy.box.verified()


@pytest.mark.parametrize("ending", ["txt", "salt", "links"])
def test_a_changed_text_file_is_found_and_named(policy: Policy, ending: str) -> None:
    (path,) = (policy.box.root / "texts").rglob(f"*.{ending}")
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    result = policy.box.call("verify", "--all", "--json")
    failed = [check for report in result.json for check in report["checks"] if check["verdict"] == "fail"]
    assert result.code in (1, 4) and failed
    assert any(check["number"] == 15 and path.name in check["detail"] for check in failed)


def test_a_running_daemon_does_it_for_us(policy: Policy) -> None:
    policy.publish(b"<h1>404 Not Found</h1>", "404 Not Found")
    snapshot = policy.box.fine("quarantine", "list", "--json").json[0]["snapshot"]
    with policy.box.daemon() as daemon:
        policy.box.fine("quarantine", "confirm", snapshot, "--by", "Ana")
        policy.box.fine("provision", "add", DOCUMENT, "Keep your password secret.")
        policy.box.fine("annotate", "add", DOCUMENT, "--category", "security")
        refused = policy.box.call("provision", "add", DOCUMENT, "No such words at all.")
        assert refused.code == 2 and refused.error()
        assert daemon.stop() == 0
    policy.box.verified()


def test_a_clause_outlives_new_rules(policy: Policy) -> None:
    policy.publish(page(WITHOUT))
    first = policy.history()["versions"][0]["snapshot"]
    quote = "Keep your password secret."
    policy.box.fine("provision", "add", first, RULE)
    policy.box.fine("provision", "add", first, quote)
    policy.box.fine("watch", "edit", DOCUMENT, "--remove", "ul")
    policy.box.fine("derive", DOCUMENT, "--present-rules")
    found = policy.box.fine("provision", "show", "EA-P-000001", "--json").json
    assert [wording["state"] for wording in found["life"]] == ["verbatim", "reworded"]
    assert found["wire"]["bytes"] and RULE in policy.box.fine("cite", "EA-P-000001", "--format", "json").out
    for command in (("provision", "show"), ("cite",)):
        gone = policy.box.call(*command, "EA-P-000002")
        assert gone.code == 3 and first in gone.error() and "rules" in gone.error()
