"""What every web archive of other people must do; a new one is a new rig here, or the first test fails."""

from __future__ import annotations

import contextlib
import json
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archiver.outside
from archiver.errors import FormatError, SettingsError
from archiver.outside.interface import Copy, OutsideArchive, OutsideFailed
from archiver.outside.perma import _answer_in, _led_to
from archiver.outside_doors import open_outside
from archiver.registry import plugins
from archiver.settings import parse_settings
from tests import foreign
from tests.simulators.certificates import Authority
from tests.simulators.web_archives import COPIED, MADE_UTC, TIMESTAMP, WebArchives

KINDS = plugins(archiver.outside)
SECRET = "Tr0ub4dor:and-3"
URL = "http://a.example/terms?a=1&b=%20"
PAGE = b"<h1>Terms</h1><p>You may cancel within fourteen days.</p>"


class Rig(ABC):
    """One archive with its other end."""

    kind = ""
    key_in = ""
    """How the key goes out."""
    uri = ""
    copied_at = ""
    joins = False
    """Whether an equal question joins the job of the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "key").write_text(f"{SECRET}\n")
        self.theirs = WebArchives()
        self.theirs.pages[URL] = PAGE
        self.theirs.__enter__()
        self.keys: dict[str, Any] = {
            "endpoint": self.theirs.url,
            "copies": self.copies(),
            "key_file": "key",
            "allow_private": ["127.0.0.0/8"],
            "timeout_s": 10,
        }

    def copies(self) -> str:
        return self.theirs.url

    def open(self, **changes: Any) -> OutsideArchive:
        table = {**self.keys, **changes}
        lines = [f"{name} = {json.dumps(value)}" for name, value in table.items() if value is not None]
        text = f"[network]\nuser_agent = 'archiver-test'\n[outside.{self.kind}]\n" + "\n".join(lines)
        opened = open_outside(parse_settings(text), self.folder, {})[self.kind]
        assert isinstance(opened, OutsideArchive) and opened.name == self.kind
        return opened

    @abstractmethod
    def asked_for(self, body: bytes) -> str:
        """The address in what was posted."""


class WaybackRig(Rig):
    kind = "wayback"
    key_in = f"LOW {SECRET}"
    copied_at = COPIED
    joins = True

    def copies(self) -> str:
        return f"{self.theirs.url}/web"

    @property
    def uri(self) -> str:  # type: ignore[override]
        return f"{self.copies()}/{TIMESTAMP}/{URL}"

    def asked_for(self, body: bytes) -> str:
        return parse_qs(body.decode())["url"][0]


class PermaRig(Rig):
    kind = "perma"
    key_in = f"ApiKey {SECRET}"
    copied_at = MADE_UTC

    @property
    def uri(self) -> str:  # type: ignore[override]
        return f"{self.copies()}/AB3D-0000"

    def asked_for(self, body: bytes) -> str:
        return str(json.loads(body)["url"])


RIGS: list[type[Rig]] = [WaybackRig, PermaRig]


def test_every_archive_is_held_to_the_contract() -> None:
    assert sorted(rig.kind for rig in RIGS) == list(KINDS)


@pytest.fixture(params=RIGS, ids=lambda rig: rig.kind)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made: Rig = request.param(tmp_path)
    try:
        yield made
    finally:
        made.theirs.__exit__(None, None, None)


def copied(archive: OutsideArchive) -> Copy:
    job = archive.ask(URL)
    copy = archive.look(job, URL)
    assert copy is not None
    return copy


def test_a_copy_is_asked_for_waited_for_and_fetched_as_it_was_received(rig: Rig) -> None:
    archive = rig.open()
    rig.theirs.pending = 2
    job = archive.ask(URL)
    assert archive.look(job, URL) is None and archive.look(job, URL) is None
    copy = archive.look(job, URL)
    assert copy is not None and (copy.uri, copy.copied_at) == (rig.uri, rig.copied_at)
    raw = archive.fetch(copy, URL)
    assert (raw.content, raw.content_type) == (PAGE, "text/html; charset=utf-8")
    first = rig.theirs.requests[0]
    assert (rig.asked_for(first.body), first.headers["authorization"]) == (URL, rig.key_in)
    assert first.headers["user-agent"] == "archiver-test"
    fetched = rig.theirs.requests[-1]
    assert "authorization" not in fetched.headers, "the key is not for reading copies"


def test_a_question_that_is_asked_again_makes_one_more_copy_only_where_it_says_so(rig: Rig) -> None:
    archive = rig.open()
    assert archive.joins == rig.joins
    assert rig.joins or archive.ask(URL) != archive.ask(URL)


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_an_end_that_never_answers_costs_its_time_and_no_more(rig: Rig, mode: str) -> None:
    rig.theirs.mode = mode
    began = time.monotonic()
    with pytest.raises(OutsideFailed, match="within 1 s") as failure:
        rig.open(timeout_s=1).ask(URL)
    assert failure.value.retry and time.monotonic() - began < 5


@pytest.mark.parametrize("ca_file", ["ca.pem", "~/ca.pem"])
def test_roots_of_one_s_own_hold_for_the_questions_and_for_the_copies(
    rig: Rig, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    theirs = WebArchives(tls=authority.valid("localhost"))
    theirs.pages[URL] = PAGE
    with theirs:
        copies = theirs.url + rig.copies().removeprefix(rig.theirs.url)
        archive = rig.open(endpoint=theirs.url, copies=copies, ca_file=ca_file)
        assert archive.fetch(copied(archive), URL).content == PAGE
        asked = len(theirs.requests)
        with pytest.raises(OutsideFailed, match="TLS certificate or handshake was refused"):
            rig.open(endpoint=theirs.url, copies=copies).ask(URL)
        assert len(theirs.requests) == asked


@pytest.mark.parametrize("mode", ["cut", "rubbish"])
def test_an_answer_that_is_none_may_pass_and_tells_no_secret(rig: Rig, mode: str) -> None:
    rig.theirs.mode = mode
    with pytest.raises(OutsideFailed) as failure:
        rig.open().ask(URL)
    assert SECRET not in str(failure.value) and str(failure.value).isprintable()


@pytest.mark.parametrize(("status", "retry"), [(429, True), (503, True), (401, False), (404, False)])
def test_a_status_says_whether_to_try_again_and_when(rig: Rig, status: int, retry: bool) -> None:
    rig.theirs.status, rig.theirs.fields = status, {"Retry-After": "120", "X-Key": SECRET}
    archive = rig.open()
    questions: list[Callable[[], object]] = [lambda: archive.ask(URL), lambda: archive.look("AB3D-0000", URL)]
    for question in questions[: 1 if status == 404 else 2]:
        with pytest.raises(OutsideFailed, match=f"HTTP status {status}") as failure:
            question()
        assert (failure.value.retry, failure.value.retry_after_s) == (retry, 120)
        assert failure.value.__cause__ is None and SECRET not in str(failure.value)


def test_a_job_that_fails_says_so(rig: Rig) -> None:
    archive = rig.open()
    job = archive.ask(URL)
    rig.theirs.refuse_later = "error:blocked-url"
    with pytest.raises(OutsideFailed) as failure:
        archive.look(job, URL)
    assert not failure.value.retry


def test_a_copy_that_cannot_be_read_may_be_readable_later(rig: Rig) -> None:
    archive = rig.open()
    copy = copied(archive)
    for status in (404, 503):
        rig.theirs.raw_status = status
        with pytest.raises(OutsideFailed, match=f"HTTP status {status}") as failure:
            archive.fetch(copy, URL)
        assert failure.value.retry


def test_an_address_inside_is_contacted_only_where_the_settings_allow_it(rig: Rig) -> None:
    with pytest.raises(OutsideFailed, match="its address is not public") as failure:
        rig.open(allow_private=None).ask(URL)
    assert failure.value.retry and rig.theirs.requests == []
    copy = copied(rig.open())
    rig.theirs.requests.clear()
    with pytest.raises(OutsideFailed, match="its address is not public"):
        rig.open(allow_private=None).fetch(copy, URL)
    assert rig.theirs.requests == []


def test_a_copy_has_a_ceiling(rig: Rig) -> None:
    copy = copied(rig.open())
    rig.theirs.pages[URL] = bytes(range(256)) * 40_000
    text = f"[outside]\nmax_bytes = 1024\n[outside.{rig.kind}]\nkey_file = 'key'\nallow_private = ['127.0.0.0/8']\n"
    text += f"endpoint = '{rig.theirs.url}'\n"
    archive = open_outside(parse_settings(text), rig.folder, {})[rig.kind]
    with pytest.raises(OutsideFailed, match="larger than 1024 bytes") as failure:
        archive.fetch(copy, URL)
    assert not failure.value.retry


@pytest.mark.parametrize(("key", "words"), [(None, "No such file"), ("", "no key"), ("a b", "no key"), ("ü", "no key")])
def test_a_key_that_is_none_ends_the_question_before_it_is_asked(rig: Rig, key: str | None, words: str) -> None:
    if key is None:
        (rig.folder / "key").unlink()
    else:
        (rig.folder / "key").write_text(key)
    with pytest.raises(OutsideFailed, match=f"key_file: .*{words}") as failure:
        rig.open().ask(URL)
    assert failure.value.retry and rig.theirs.requests == []


def test_the_key_never_travels_in_the_clear(rig: Rig) -> None:
    with pytest.raises(SettingsError, match=f"outside.{rig.kind}: the address must begin with https://"):
        rig.open(endpoint="http://archive.example")
    for wrong in ("https://u:p@archive.example", "https://archive.example/?a", "https://"):
        with pytest.raises(SettingsError, match=f"outside.{rig.kind}"):
            rig.open(endpoint=wrong)


def test_what_it_is_told_shows_no_secret(rig: Rig) -> None:
    archive = rig.open()
    assert archive.target == rig.theirs.url and SECRET not in repr(archive)


def test_nobody_there_is_a_failure_that_may_pass(rig: Rig) -> None:
    with WebArchives() as gone:
        url = gone.url
    with pytest.raises(OutsideFailed, match="nothing answers there") as failure:
        rig.open(endpoint=url).ask(URL)
    assert failure.value.retry


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["success", "error", "primary", "failed", "\ud800", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["status", "role", "captures", "url", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = "job_id status status_ext timestamp original_url guid captures creation_timestamp url".split()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.dictionaries(st.sampled_from(FIELDS), JSON | st.text(max_size=20), max_size=9) | JSON)
def test_no_answer_ends_in_anything_but_an_answer_or_a_failure(rig: Rig, answer: object) -> None:
    """Anything else ends the thread that asks, and nobody is told."""
    archive = rig.open()
    rig.theirs.answer = answer
    for question in (lambda: archive.ask(URL), lambda: archive.look("AB3D-0000", URL)):
        with contextlib.suppress(OutsideFailed):
            question()
    rig.theirs.answer = {"captures": [{"role": "primary", "status": ["success"]}]}
    with contextlib.suppress(OutsideFailed):
        archive.look("AB3D-0000", URL)


@pytest.mark.parametrize("field", ["status_ext", "job_id", "guid", "message"])
def test_an_answer_that_repeats_the_key_is_not_read(rig: Rig, field: str) -> None:
    """A job's name stands in the log of the daemon, an error in ``status``: the key must not come back that way."""
    key = "AB12-CD34"
    (rig.folder / "key").write_text(key)
    rig.theirs.answer = {field: f"error:{key}" if field == "status_ext" else key}
    if rig.kind == "perma":  # which shows its key where a link is made only
        questions: list[Callable[[], object]] = [lambda: rig.open().ask(URL)]
    else:
        questions = [lambda: rig.open().ask(URL), lambda: rig.open().look("AB3D-0000", URL)]
    for question in questions:
        with pytest.raises(OutsideFailed) as failure:
            question()
        assert key not in str(failure.value) and "repeats the key" in str(failure.value)


# -- what is particular to one ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "retry", "wait"),
    [
        ("error:too-many-daily-captures", True, 43200),
        ("error:user-session-limit", True, 60),
        ("error:gateway-timeout", True, None),
        ("error:blocked-url", False, None),
        ("something \x1b[31m else", True, None),
        ("error:\x1b[31m else", True, None),
    ],
)
def test_save_page_now_fails_with_status_200(tmp_path: Path, code: str, retry: bool, wait: int | None) -> None:
    rig = WaybackRig(tmp_path)
    rig.theirs.refuse = code
    with pytest.raises(OutsideFailed, match="Save Page Now made no copy: error") as failure:
        rig.open().ask(URL)
    rig.theirs.__exit__(None, None, None)
    assert (failure.value.retry, failure.value.retry_after_s) == (retry, wait)
    assert "no, said" not in str(failure.value) and str(failure.value).isprintable()


def test_an_older_copy_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    rig = WaybackRig(tmp_path)
    archive = rig.open()
    copy = copied(archive)
    rig.theirs.raw_status = 302
    with pytest.raises(OutsideFailed, match="another copy") as failure:
        archive.fetch(copy, URL)
    assert failure.value.retry
    rig.theirs.__exit__(None, None, None)


def test_a_warc_without_the_address_is_no_copy_of_it(tmp_path: Path) -> None:
    rig = PermaRig(tmp_path)
    archive = rig.open()
    copy = copied(archive)
    with pytest.raises(OutsideFailed, match="holds no answer to the address") as failure:
        archive.fetch(copy, "http://a.example/other")
    assert not failure.value.retry
    rig.theirs.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://127.0.0.1:1/x", "it leads to port 1"),
        ("http://[::1/x", "what is no address"),
        ("ftp://a.example/x", "is of no use"),
        ("http://169.254.169.254/latest/meta-data/", "its address is not public"),
    ],
)
def test_a_download_leads_to_no_other_door(tmp_path: Path, location: str, words: str) -> None:
    rig = PermaRig(tmp_path)
    archive = rig.open()
    copy = copied(archive)
    rig.theirs.leads_to = location
    with pytest.raises(OutsideFailed, match=words):
        archive.fetch(copy, URL)
    rig.theirs.__exit__(None, None, None)


def test_a_download_does_not_leave_tls() -> None:
    with pytest.raises(OutsideFailed, match="leads out of TLS"):
        _led_to("https://api.perma.cc/v1/x/download/", "http://api.perma.cc/x")
    assert _led_to("https://api.perma.cc/v1/x/download/", "/y") == "https://api.perma.cc/y"


def test_a_download_that_is_a_bomb_is_left_alone(tmp_path: Path) -> None:
    bomb = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: %d\r\n\r\n" % (1 << 30)
    packer = zlib.compressobj(9, wbits=31)
    data = packer.compress(bomb) + b"".join(packer.compress(bytes(1 << 24)) for _ in range(65)) + packer.flush()
    assert len(data) < 2 << 20
    with pytest.raises(FormatError, match="inflate to more than"):
        _answer_in(data + foreign.warc(), URL)
