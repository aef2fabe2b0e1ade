"""A bundle carries what the issuers said of its tokens' certificates; openssl and check 30 say what it means."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from archiver.demo_revocation import revocation_list, revoke
from archiver.errors import ArchiveDamaged
from archiver.evidence.bundle import sums_text
from archiver.evidence.note import Verifier
from archiver.evidence.verify import CheckResult
from archiver.evidence.verify_bundle import verify_bundle
from archiver.revocation_asking import ask_issuers, state_round
from archiver.revocations import chains_of
from tests.bundles import Desk, Followed, Stranger, members_of, relisted, repacked
from tests.simulators.archives import Workshop, look_for_revocations, stamp_all, workshop
from tests.tampering import flipped

STEP = "Revocation of the authorities' certificates"


@dataclass
class Made:
    """An archive with one snapshot, and a stranger."""

    shop: Workshop
    desk: Desk
    stranger: Stranger
    snapshot: str = ""

    def look(self) -> None:
        # Lists and responses tell whole seconds: from the next one on they are later than every token.
        time.sleep(1 - time.time() % 1)
        with self.shop.open(self.desk.root) as operation:
            look_for_revocations(operation)

    def bundle(self) -> Path:
        return self.desk.export(self.snapshot, self.shop.folder / f"{self.snapshot}.zip", sign=False)

    def follow(self, bundle: Path) -> Followed:
        return self.stranger.follow(self.stranger.unpack(bundle), bundle)

    def check_30(self, bundle: Path | bytes) -> CheckResult:
        """By key and roots from elsewhere."""
        archive = self.desk.archive
        key = Verifier.from_vkey((self.desk.root / "keys/log.vkey").read_text().rstrip("\n"))
        roots = [der for found in archive.roots().values() for der in found]
        data = bundle if isinstance(bundle, bytes) else bundle.read_bytes()
        return next(one for one in verify_bundle(io.BytesIO(data), key, roots) if one.number == 30)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    with workshop(tmp_path, revocation=True) as shop:
        desk = Desk(shop, shop.archive(tmp_path / "archive"))
        found = Made(shop, desk, Stranger(tmp_path / "stranger"))
        (outcome,) = shop.capture(desk.root, [shop.site.url("/terms")])
        found.snapshot = str(outcome.capture.body["snapshot"])
        yield found


def _of_then(directory: Path, issuer: str, moment: datetime, _: bytes) -> bytes:
    return revocation_list(directory, issuer, since=moment)


def later(made: Made, moment: datetime) -> None:
    """The issuers' lists are of that moment; responders are silent."""
    for authority in made.shop.authorities.values():
        for issuer in ("root", "intermediate"):
            authority.says[f"/{issuer}.crl"] = partial(_of_then, authority.made.directory, issuer, moment)
        authority.says["/ocsp"] = lambda _: 404


def test_the_step_runs_as_printed_with_both_kinds(made: Made) -> None:
    made.look()
    bundle = made.bundle()
    members = members_of(bundle)
    assert sorted(name for name in members if name.startswith("revocation/")) == [
        "revocation/north-1.crl", "revocation/north-2.ocsp", "revocation/north-3.crl",
        "revocation/south-1.crl", "revocation/south-2.ocsp",
    ]  # fmt: skip
    followed = made.follow(bundle)
    assert followed.problems == []
    (step,) = (prints for title, _, prints in followed.steps if STEP in title)
    assert step.count("verify OK") == step.count("stdin: OK") == 3 and step.count("Response verify OK") == 2
    assert sum(line.endswith(": good") for line in step) == 7
    assert "whether a key of the timestamp authorities was stolen" in members["VERIFY.txt"].decode()
    found = made.check_30(bundle)
    assert found.verdict == "pass" and "2 certificates good by data of its time or later" in found.detail


def test_without_data_it_says_so(made: Made) -> None:
    bundle = made.bundle()
    text = members_of(bundle)["VERIFY.txt"].decode()
    assert STEP not in text and "there is no revocation data of some certificates of" in text
    assert "of which none is in this bundle" in text.replace("\n", " ")
    assert made.check_30(bundle).verdict == "none"


def test_data_from_after_the_token_is_taken_before_data_from_before(made: Made) -> None:
    made.look()
    later(made, datetime.now(UTC) + timedelta(seconds=1))
    with made.shop.open(made.desk.root) as operation:
        for name in operation.authorities:
            (chain,) = chains_of(operation.archive, name)
            state_round(operation, ask_issuers(operation.archive, chain, datetime.now(UTC)))
        operation.publish()
    bundle = made.bundle()
    followed = made.follow(bundle)
    assert followed.problems == []
    assert made.check_30(bundle).detail.count("good by data of its time or later") == 2


@pytest.mark.parametrize(("reason", "verdict"), [("superseded", "pass"), ("keyCompromise", "fail")])
def test_a_later_revocation_is_shown_and_judged_by_its_reason(made: Made, reason: str, verdict: str) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=2)
    later(made, moment)
    revoke(made.shop.authorities["north"].made.directory, "signer", moment, reason)
    made.look()
    bundle = made.bundle()
    followed = made.follow(bundle)
    assert followed.problems == []
    assert f"Revocation Date: {moment:%b %e %H:%M:%S %Y} GMT" in followed.said
    found = made.check_30(bundle)
    assert found.verdict == verdict and (verdict == "pass" or "the token does not count" in found.detail)


def test_a_changed_byte_of_each_file_fails_a_printed_step_and_check_30(made: Made) -> None:
    made.look()
    bundle = made.bundle()
    whole = members_of(bundle)
    for name in (name for name in whole if name.startswith("revocation/")):
        spoilt = {**whole, name: flipped(whole[name], len(whole[name]) // 2)}
        # With the sums made anew, as whoever changes a file would: the step itself has to see it.
        target = made.shop.folder / f"spoilt-{name.replace('/', '-')}.zip"
        followed = made.follow(repacked(target, relisted(spoilt, _sums).items()))
        assert followed.stopped_at is not None and STEP in followed.stopped_at, f"{name}: {followed.stopped_at}"
        assert made.check_30(target).verdict == "fail"


def _sums(files: dict[str, bytes]) -> bytes:
    return sums_text({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})


def test_a_file_that_the_log_does_not_name_is_refused(made: Made) -> None:
    made.look()
    bundle = made.bundle()
    files = members_of(bundle)
    files["revocation/north-1.crl"] = revocation_list(made.shop.authorities["north"].made.directory, "intermediate")
    target = repacked(made.shop.folder / "other.zip", relisted(files, _sums).items())
    found = made.check_30(target)
    assert found.verdict == "fail" and "names this file" in found.detail


def test_no_bundle_is_made_with_a_file_that_does_not_hold(made: Made) -> None:
    made.look()
    for path in (made.desk.root / "revocation").rglob("*.crl"):
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArchiveDamaged, match="is not what stamp statement"):
        made.bundle()


def test_tokens_on_both_sides_share_files(made: Made) -> None:
    (outcome,) = made.shop.capture(made.desk.root, [made.shop.site.url("/old-terms")])
    with made.shop.open(made.desk.root) as operation:
        stamp_all(operation)
    made.look()
    made.snapshot = str(outcome.capture.body["snapshot"])
    bundle = made.bundle()
    members = members_of(bundle)
    assert "snapshot/before.south.tsr" in members or "snapshot/before.north.tsr" in members
    assert made.follow(bundle).problems == [] and made.check_30(bundle).verdict == "pass"
    assert len([name for name in members if name.startswith("revocation/")]) <= 5
