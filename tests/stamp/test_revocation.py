"""Revocation data of real authorities: fetched, stated, swept, made again by rebuild, and what verify says of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive import open_archive
from archiver.audit import Audit
from archiver.audit_revocation import LATER_REPORTS, NO_LATER_REVOCATION
from archiver.demo_revocation import revocation_list, revoke
from archiver.evidence.revocation import MAX_CRL, MAX_OCSP
from archiver.evidence.verify import NO_REVOCATION, CheckResult, Report
from archiver.operation import Surroundings, open_operation
from archiver.rebuilding import rebuild_archive
from archiver.revocation_asking import ask_issuers, state_round
from archiver.revocation_data import _chosen, standings
from archiver.revocations import chains_of, missing_certificates, owed_chains, revocation_standing, revoked
from archiver.standing import standing
from archiver.work import LocalWork
from storage.index import Index
from tests.simulators.archives import Workshop, workshop
from tests.simulators.authority import TimestampAuthority

Json = dict[str, Any]
DAY = timedelta(days=1)


@dataclass
class Desk:
    """A workshop with one authority, an archive with one stamped snapshot, and a clock that can be put forward."""

    shop: Workshop
    root: Path
    ahead: timedelta = timedelta(0)

    @property
    def authority(self) -> TimestampAuthority:
        return self.shop.authorities["north"]

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def work(self) -> LocalWork:
        outside = replace(Surroundings(), now=self.now)
        return LocalWork(
            open_operation(self.root, lambda: None, environment=self.shop.environment, surroundings=outside)
        )

    def settle(self) -> list[str]:
        """What ends a one-off capture."""
        with self.work() as work:
            return work.settle(stamp=True)

    @property
    def stated(self) -> list[Json]:
        """Bodies of all statements about revocation."""
        archive = open_archive(self.root, environment=self.shop.environment)
        rows = archive.index.rows("select seq from stamp where event = 'revocation' order by seq")
        return [archive.statement(row["seq"]).body for row in rows]

    def set(self, text: str) -> None:
        """Change the settings."""
        path = self.root / "archive.toml"
        old, new = text.split(" -> ")
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def verify(self) -> list[Report]:
        """The archive, then its snapshots."""
        audit = Audit(open_archive(self.root, environment=self.shop.environment))
        return list(audit.all(lambda: None))

    def check_17(self) -> tuple[CheckResult, CheckResult]:
        """Of the archive, and of its one snapshot."""
        first, second = (next(check for check in report.checks if check.number == 17) for report in self.verify())
        return first, second

    def files(self) -> list[Path]:
        return sorted(path for path in (self.root / "revocation").rglob("*") if path.is_file())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with workshop(tmp_path, ["north"], revocation=True) as shop:
        root = shop.archive(shop.folder / "archive")
        shop.capture(root, [shop.site.url("/terms")])
        yield Desk(shop, root)


def behind(desk: Desk) -> None:
    """The root's list is older than every token, whatever second it is asked for in: data stays owed."""
    desk.authority.says["/root.crl"] = lambda _: revocation_list(
        desk.authority.made.directory, "root", since=desk.now() - DAY
    )


def failures(desk: Desk) -> list[tuple[str, str]]:
    (body,) = desk.stated
    return [(one["code"], one["detail"]) for one in body["failures"]]


def test_both_kinds_are_fetched_stated_and_checked(desk: Desk) -> None:
    assert desk.settle() == []
    assert desk.authority.looked == ["/intermediate.crl", "/ocsp", "/root.crl"]
    (body,) = desk.stated
    assert [(item["source"], item["status"]) for item in body["items"]] == [
        ("crl", "good"),
        ("ocsp", "good"),
        ("crl", "good"),
    ]
    assert body["failures"] == []
    assert sorted(item["path"] for item in body["items"]) == [str(path.relative_to(desk.root)) for path in desk.files()]
    archive, snapshot = desk.check_17()
    assert (archive.verdict, archive.detail) == ("pass", "3 files, each stated and verified")
    assert snapshot.verdict == "pass" and snapshot.detail.count("good by the") == 2
    whole, of_snapshot = desk.verify()
    assert NO_REVOCATION not in of_snapshot.not_checked and NO_REVOCATION in whole.not_checked
    assert (NO_LATER_REVOCATION in of_snapshot.not_checked) == ("before the token's time" in snapshot.detail)
    # The statement itself is stamped and covered like any other; nothing more is owed.
    assert desk.settle() == [] and len(desk.stated) == 1


def test_openssl_confirms_what_was_kept(desk: Desk, tmp_path: Path) -> None:
    desk.settle()
    (crl,) = [path for path in desk.files() if path.suffix == ".crl" and b"Issuing" in path.read_bytes()]
    issuer = str(tmp_path / "north" / "intermediate.pem")
    command = ["openssl", "crl", "-inform", "DER", "-in", str(crl), "-CAfile", issuer, "-noout"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "verify OK" in done.stderr


def test_data_is_owed_daily_until_it_is_of_the_newest_tokens_time(desk: Desk) -> None:
    behind(desk)
    desk.settle()
    desk.ahead = DAY / 2
    desk.settle()
    assert len(desk.stated) == 1
    desk.ahead = DAY + timedelta(seconds=1)
    # A list of then: the simulator's own clock stays behind.
    for issuer in ("intermediate", "root"):
        desk.authority.says[f"/{issuer}.crl"] = lambda _, by=issuer: revocation_list(
            desk.authority.made.directory, by, since=desk.now()
        )  # type: ignore[misc]
    desk.settle()
    assert len(desk.stated) == 2
    _, snapshot = desk.check_17()
    assert snapshot.verdict == "pass" and snapshot.detail.count("at or after the token's time") == 2
    left = set(desk.verify()[1].not_checked)
    assert not {NO_REVOCATION, NO_LATER_REVOCATION} & left and LATER_REPORTS in left
    desk.ahead = 3 * DAY
    with desk.work() as work:
        assert list(owed_chains(work.operation.archive, "north", desk.now())) == []


def test_zero_fetches_nothing_and_check_17_says_so(desk: Desk) -> None:
    desk.set("[network] -> [stamp]\nrevocation_every_s = 0\n[network]")
    desk.settle()
    assert desk.stated == [] and desk.authority.looked == []
    archive, snapshot = desk.check_17()
    assert archive.verdict == snapshot.verdict == "none"
    assert snapshot.detail.startswith("none of 2 certificates: whether it was revoked is not known")
    assert NO_REVOCATION in desk.verify()[1].not_checked


def test_a_chain_that_names_nobody_is_no_failure_and_no_statement(tmp_path: Path) -> None:
    with workshop(tmp_path, ["north"]) as shop:
        desk = Desk(shop, shop.archive(shop.folder / "archive"))
        shop.capture(desk.root, [shop.site.url("/terms")])
        assert desk.settle() == [] and desk.stated == []
        archive = open_archive(desk.root, environment=shop.environment)
        (chain,) = revocation_standing(archive, desk.now())
        assert (chain["sources"], chain["owed"], chain["overdue"]) == (False, False, False)


@pytest.mark.parametrize(
    ("reason", "verdict", "words"),
    [
        ("keyCompromise", "fail", "the token does not count (RFC 3161, section 4)"),
        (None, "fail", "reason not stated"),
        ("superseded", "pass", "good by the crl"),
    ],
)
def test_a_later_revocation_counts_by_its_reason(desk: Desk, reason: str | None, verdict: str, words: str) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=2)
    desk.authority.says["/intermediate.crl"] = lambda _: revocation_list(
        desk.authority.made.directory, "intermediate", since=moment
    )
    desk.authority.says["/ocsp"] = lambda _: 404
    revoke(desk.authority.made.directory, "signer", moment, reason)
    (warning,) = desk.settle()
    assert "was revoked" in warning and (reason or "not stated") in warning
    archive, snapshot = desk.check_17()
    assert (archive.verdict, snapshot.verdict) == ("pass", verdict)
    assert words in snapshot.detail or verdict == "pass"
    opened = open_archive(desk.root, environment=desk.shop.environment)
    (told,) = revoked(opened)
    assert told["reason"] == reason
    assert any(text.startswith("REVOKED: certificate ") for text in standing(opened, desk.now())["warnings"])


def test_a_revocation_before_the_token_ends_it_whatever_the_reason(desk: Desk) -> None:
    revoke(desk.authority.made.directory, "intermediate", datetime.now(UTC) - DAY, "superseded")
    desk.settle()
    _, snapshot = desk.check_17()
    assert snapshot.verdict == "fail" and "reason superseded" in snapshot.detail


SPOILT: dict[str, tuple[str, Any, str, str]] = {
    "rubbish": ("/intermediate.crl", b"<!doctype html>", "unusable", "not a revocation list that can be read"),
    "an empty answer": ("/ocsp", b"", "empty", "empty body"),
    "not found": ("/root.crl", 404, "http_status", "HTTP status 404"),
    "an endless list": ("/intermediate.crl", "endless", "too_large", f"more than {MAX_CRL} bytes"),
    "an endless response": ("/ocsp", "endless", "too_large", f"more than {MAX_OCSP} bytes"),
    "a redirect to a private address": (
        "/root.crl",
        "http://10.1.2.3/root.crl",
        "address_refused",
        "10.1.2.3 is not public",
    ),
    "a redirect to a file": ("/root.crl", "file:///etc/passwd", "redirect", "without a usable target"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_cannot_be_had_is_a_failure_of_the_statement(desk: Desk, name: str) -> None:
    path, answer, code, detail = SPOILT[name]
    desk.authority.says[path] = lambda _: answer
    assert desk.settle() == []
    ((found, told),) = failures(desk)
    assert found == code and detail in told
    assert len(desk.stated[0]["items"]) == 2


def test_a_redirect_to_an_address_that_may_be_asked_is_followed(desk: Desk) -> None:
    desk.authority.says["/moved.crl"] = desk.authority.says["/root.crl"]
    desk.authority.says["/root.crl"] = lambda _: "/moved.crl"
    desk.settle()
    assert failures(desk) == []


def test_lists_of_other_times_and_issuers_are_told_apart(desk: Desk) -> None:
    made = desk.authority.made.directory
    past = datetime.now(UTC) - 30 * DAY
    desk.authority.says["/intermediate.crl"] = lambda _: revocation_list(
        made, "intermediate", since=past, until=past + DAY
    )
    desk.authority.says["/root.crl"] = lambda _: revocation_list(made, "intermediate")
    desk.settle()
    (stale, other) = failures(desk)
    assert stale[0] == "stale" and "it was to be replaced by" in stale[1]
    assert other[0] == "unusable" and "the list is of" in other[1]


def test_private_addresses_are_asked_only_where_the_settings_name_them(desk: Desk) -> None:
    desk.set('allow_private = ["127.0.0.0/8"] -> allow_private = []')
    desk.settle()
    assert {code for code, _ in failures(desk)} == {"address_refused"} and desk.authority.looked == []


def test_what_was_not_had_is_tried_again_and_stated_when_it_comes(desk: Desk) -> None:
    good = desk.authority.says["/root.crl"]
    desk.authority.says["/root.crl"] = lambda _: 503
    desk.settle()
    archive = open_archive(desk.root, environment=desk.shop.environment)
    (chain,) = revocation_standing(archive, desk.now())
    assert chain["attempts"] == 1 and chain["error"] == "http_status: HTTP status 503"
    looked = len(desk.authority.looked)
    desk.settle()
    assert len(desk.authority.looked) == looked, "the pause is kept"
    desk.ahead = timedelta(hours=1)
    desk.settle()
    assert len(desk.authority.looked) > looked and len(desk.stated) == 1, "nothing new is not stated again"
    desk.authority.says["/root.crl"] = good
    desk.ahead = timedelta(hours=12)
    desk.settle()
    assert len(desk.stated) == 2 and desk.stated[1]["failures"] == []
    (chain,) = revocation_standing(archive, desk.now())
    assert chain["attempts"] == 0


def test_it_is_overdue_after_two_intervals(desk: Desk) -> None:
    def overdue(ahead: timedelta) -> int:
        archive = open_archive(desk.root, environment=desk.shop.environment)
        facts = standing(archive, datetime.now(UTC) + ahead)
        count: int = facts["revocation"]["overdue"]
        assert any("revocation data" in text for text in facts["warnings"]) == bool(count)
        return count

    assert (overdue(DAY), overdue(2 * DAY + timedelta(minutes=1))) == (0, 1)
    behind(desk)
    desk.settle()
    assert (overdue(DAY), overdue(2 * DAY - timedelta(minutes=1)), overdue(2 * DAY + timedelta(minutes=1))) == (0, 0, 1)


def test_a_compromise_that_is_told_after_a_milder_reason_counts(desk: Desk) -> None:
    moment, made = datetime.now(UTC) + timedelta(seconds=2), desk.authority.made.directory
    desk.authority.says["/ocsp"] = lambda _: 404
    since = moment
    desk.authority.says["/intermediate.crl"] = lambda _: revocation_list(made, "intermediate", since=since)
    with desk.work() as work:
        archive = work.operation.archive
        (chain,) = chains_of(archive, "north")
        for day, reason in enumerate(("superseded", "superseded", "superseded", "keyCompromise")):
            revoke(made, "signer", moment, reason)
            since = moment + timedelta(minutes=day)
            state_round(work.operation, ask_issuers(archive, chain, desk.now()))
        signer = standings(archive, chain.certificates(archive), chain.newest)[0]
        assert (signer.judgement.verdict, signer.judgement.by and signer.judgement.by.reason) == (
            "revoked",
            "keyCompromise",
        )
        chosen = _chosen(archive, signer.certificate, chain.newest, 1 << 62)
        assert len(chosen) == 2, "one for each reason, however often it is told"
    assert desk.check_17()[1].verdict == "fail"


def test_the_answer_unknown_is_no_data(desk: Desk) -> None:
    with desk.work() as work:
        archive = work.operation.archive
        (chain,) = chains_of(archive, "north")
        found = ask_issuers(archive, chain, desk.now() + DAY)
        signer, issuing = list(dict.fromkeys(item["certificate_sha256"] for item in found.items))
        for item in found.items:
            if item["certificate_sha256"] == signer:
                item["status"] = "unknown"
        assert found.had == {issuing}
        state_round(work.operation, found)
        assert missing_certificates(archive, chain) == {signer}
        later = desk.now() + 2 * DAY
        assert [one.sha256 for one in owed_chains(archive, "north", later)] == [chain.sha256]


def test_a_stranger_s_file_is_named_and_neither_removed_nor_a_reason_not_to_start(desk: Desk) -> None:
    desk.settle()
    strangers = [desk.root / "revocation/README", desk.files()[0].with_name("notes.txt"), desk.root / "imported/README"]
    for path in strangers:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    with desk.work():
        pass
    assert all(path.read_text() == "mine" for path in strangers)
    assert desk.check_17()[0].verdict == "fail" and "does not belong there" in desk.check_17()[0].detail


# -- what is stored --------------------------------------------------------------------------------


def test_rebuild_makes_the_same_rows(desk: Desk) -> None:
    desk.authority.says["/ocsp"] = lambda _: 404
    desk.settle()
    archive = open_archive(desk.root, environment=desk.shop.environment)
    before = list(archive.index.dump())
    assert sum(table == "revocation" for table, _ in before) == 3
    archive.index.close()
    rebuild_archive(desk.root, lambda _: None, desk.shop.environment)
    again = Index(desk.root / "archive.db", read_only=True)
    assert list(again.dump()) == before


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_changed_byte_is_seen(desk: Desk, place: int) -> None:
    desk.settle()
    for path in desk.files():
        whole = path.read_bytes()
        changed = bytearray(whole)
        changed[place] ^= 1
        path.chmod(0o600)
        path.write_bytes(changed)
        archive, _ = desk.check_17()
        assert archive.verdict == "fail" and path.name in archive.detail
        path.write_bytes(whole)
    assert desk.check_17()[0].verdict == "pass"


def test_the_snapshot_fails_with_the_file_that_speaks_for_it(desk: Desk) -> None:
    desk.settle()
    for path in desk.files():
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1])
    archive, snapshot = desk.check_17()
    assert archive.verdict == snapshot.verdict == "fail" and "is not what stamp statement" in snapshot.detail


def test_a_missing_file_and_a_strange_one_are_seen(desk: Desk) -> None:
    desk.settle()
    path = desk.files()[0]
    whole = path.read_bytes()
    path.unlink()
    assert desk.check_17()[0].verdict == "fail"
    path.write_bytes(whole)
    stranger = path.with_name("notes.txt")
    stranger.write_text("x")
    assert "does not belong there" in desk.check_17()[0].detail
    stranger.unlink()
    other = desk.root / "revocation" / "ab" / ("ab" * 32 + ".crl")
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(whole)
    assert "no stamp statement names it" in desk.check_17()[0].detail
    with desk.work():
        pass  # a start sweeps what no statement names
    assert not other.exists() and desk.check_17()[0].verdict == "pass"


def test_equal_files_are_kept_once(desk: Desk) -> None:
    fixed = {path: answer(b"") for path, answer in desk.authority.says.items() if path.endswith(".crl")}
    for path, data in fixed.items():
        desk.authority.says[path] = lambda _, data=data: data  # type: ignore[misc]
    desk.settle()
    count = len(desk.files())
    with desk.work() as work:
        (chain,) = chains_of(work.operation.archive, "north")
        state_round(work.operation, ask_issuers(work.operation.archive, chain, desk.now()))
    first, second = desk.stated
    lists = [[item["path"] for item in body["items"] if item["source"] == "crl"] for body in (first, second)]
    assert lists[0] == lists[1] and len(desk.files()) <= count + 1
    assert desk.check_17()[0].verdict == "pass"


def test_a_file_is_known_by_its_digest(desk: Desk) -> None:
    desk.settle()
    audit = Audit(open_archive(desk.root, environment=desk.shop.environment))
    (report,) = audit.file(desk.files()[0])
    assert "is revocation data of a timestamp authority" in report.subject and report.verdict == "pass"
    assert json.dumps(report.to_json())
