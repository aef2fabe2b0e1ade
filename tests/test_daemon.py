"""The daemon as a real process: schedule, pace, retries, one instance, clean stop, resume after a kill, systemd."""

from __future__ import annotations

import itertools
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.control import ask_daemon, socket_paths
from archiver.evidence.instant import parse_instant
from tests.cli.box import Box, until
from tests.simulators import faulty_steps
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Close, Hit, Repeat, Script, Sleep, Website, response

SLOW = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture
def site() -> Iterator[Website]:
    with Website(documents={"/terms": b"<p>Be nice</p>", "/privacy": b"<p>We look away</p>"}) as running:
        yield running


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimestampAuthority]:
    with TimestampAuthority(tmp_path_factory.mktemp("authority")) as running:
        yield running


@pytest.fixture
def box(tmp_path: Path, site: Website) -> Box:
    return Box(tmp_path, site).init(network__timeout_s=5, log__publish_every_s=1)


def watch(box: Box, path: str, every: str = "6h") -> None:
    assert box.site is not None
    box.fine("watch", "add", box.site.url(path), "--document", path, "--every", every)


def test_what_is_watched_is_checked_published_and_planned(box: Box, site: Website) -> None:
    watch(box, "/terms", "1h")
    watch(box, "/privacy", "2h")
    with box.daemon() as daemon:
        until(lambda: len(box.captures()) == 2, "two checks")
        until(lambda: box.log_size() == len(box.statements()), "a checkpoint over them")
        rows = until(
            lambda: (rows := box.call("watch", "list", "--json").json) and all(r["next_check"] for r in rows) and rows
        )
        assert daemon.stop() == 0
    assert {body["trigger"] for body in box.captures()} == {"scheduled"}
    assert [row["last_outcome"] for row in rows] == ["new_version", "new_version"]
    for row, every in zip(rows, (3600, 7200), strict=True):
        checked = max(b["ended_at"] for b in box.captures() if b["document"] == row["document"])
        wait = (parse_instant(row["next_check"]) - parse_instant(checked)).total_seconds()
        assert 0.9 * every - 1 < wait < 1.1 * every + 60, "the interval, a tenth earlier or later"
    assert not any(site.asked(path)[1:] for path in ("/terms", "/privacy")), "checked once until due again"
    box.verified()


def test_a_failure_that_may_pass_is_tried_again_soon(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init(schedule__retry_s="1,1,1")

    def cut_twice(_: Hit) -> Script:
        return [response(b"fine")] if len(site.asked("/odd")) > 2 else [SLOW, Close()]

    site.scripts["/odd"] = cut_twice
    watch(box, "/odd", "7d")
    with box.daemon() as daemon:
        until(lambda: len(box.captures()) == 3, "two failures and a success")
        assert daemon.stop() == 0
    assert [body["result"] for body in box.captures()] == ["failed", "failed", "stored"]
    assert [(body["reason"] or {}).get("code") for body in box.captures()] == ["closed_early", "closed_early", None]


def test_what_will_not_pass_waits_for_its_regular_time(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init(schedule__retry_s="1,1,1", network__ports="80")
    watch(box, "/terms", "7d")
    with box.daemon() as daemon:
        until(lambda: box.captures(), "the refusal")
        row = until(lambda: box.call("watch", "list", "--json").json[0]["next_check"])
        assert daemon.stop() == 0
    assert [body["reason"]["code"] for body in box.captures()] == ["port_refused"]
    assert row > "2000" and site.connections == 0


def test_one_host_is_asked_at_its_pace(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init(network__per_host_interval_s=1)
    for path in ("/a", "/b", "/c"):
        site.documents[path] = path.encode()
        watch(box, path)
    with box.daemon() as daemon:
        until(lambda: len(box.captures()) == 3, "three checks")
        assert daemon.stop() == 0
    at = sorted(hit.at for hit in site.hits if hit.path in ("/a", "/b", "/c"))
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(at))


def test_several_hosts_are_asked_at_once(tmp_path: Path) -> None:
    meeting = threading.Barrier(3, timeout=60)

    def together(_: Hit) -> Script:
        meeting.wait()  # passes only when all three are being asked
        return [response(b"met")]

    with (
        Website(scripts={"/x": together}) as one,
        Website(scripts={"/x": together}, host="127.0.0.2", port=one.port) as two,
        Website(scripts={"/x": together}, host="127.0.0.3", port=one.port) as three,
    ):
        box = Box(tmp_path, one).init(network__per_host_interval_s=3600)
        for site in (one, two, three):
            box.fine("watch", "add", site.url("/x"))
        with box.daemon() as daemon:
            until(lambda: len(box.captures()) == 3)
            assert daemon.stop() == 0
    assert {body["result"] for body in box.captures()} == {"stored"}


def test_there_is_one_daemon_for_an_archive(box: Box) -> None:
    with box.daemon() as daemon:
        second = box.ran("run")
        assert second.code == 4
        assert second.error() == (
            f"error: the archive is in use by process {daemon.process.pid}; stop it, or let it do the work"
        )
        rebuilt = box.ran("rebuild")
        assert rebuilt.code == 4 and str(daemon.process.pid) in rebuilt.error()
        assert daemon.stop() == 0
    assert box.ran("rebuild").code == 0


def test_a_stop_lets_the_check_in_flight_end(box: Box, site: Website) -> None:
    released = threading.Event()

    def wait(_: Hit) -> Script:
        released.wait(30)
        return [response(b"late, but whole")]

    site.scripts["/slow"] = wait
    watch(box, "/slow")
    with box.daemon() as daemon:
        until(lambda: site.asked("/slow"), "the check in flight")
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: daemon.said("stopping"), "the daemon's word")
        released.set()
        assert daemon.process.wait(60) == 0
        assert "STOPPING=1" in daemon.notices()
    (capture,) = box.captures()
    assert capture["result"] == "stored"
    assert box.log_size() == len(box.statements()), "a last checkpoint covers everything"
    assert not list((box.root / "staging").iterdir())
    box.verified()


def test_a_server_that_drips_ends_with_its_time_even_while_stopping(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init(network__timeout_s=2)
    site.scripts["/drip"] = [SLOW, Repeat(b"x", pause=0.1)]
    watch(box, "/drip")
    with box.daemon() as daemon:
        until(lambda: site.asked("/drip"))
        assert daemon.stop() == 0
    (capture,) = box.captures()
    assert (capture["result"], capture["reason"]["code"]) == ("failed", "timeout")
    assert capture["warc"] is not None, "what arrived is kept"
    assert box.log_size() == len(box.statements())


def test_a_second_signal_ends_it_at_once_and_the_next_start_says_so(box: Box, site: Website) -> None:
    site.scripts["/drip"] = [SLOW, Repeat(b"x", pause=0.1)]
    watch(box, "/drip")
    with box.daemon() as daemon:
        until(lambda: site.asked("/drip"))
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: daemon.said("stopping"))
        assert daemon.stop() == -signal.SIGTERM
    box.fine("log", "checkpoint", "--publish")
    assert [(b["result"], b["reason"]["code"]) for b in box.captures()] == [("failed", "interrupted")]


def test_after_a_kill_it_resumes_and_states_what_was_cut(box: Box, site: Website) -> None:
    site.scripts["/drip"] = [SLOW, Sleep(30)]
    watch(box, "/terms")
    watch(box, "/drip")
    with box.daemon() as daemon:
        until(lambda: len(box.captures()) == 1 and site.asked("/drip"))
        assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL
    site.scripts["/drip"] = [response(b"whole")]
    with box.daemon() as daemon:
        assert daemon.said("did not end in order: 0 checks are finished now, 1 were interrupted")
        until(lambda: len(box.captures()) == 3, "the interrupted one is checked again")
        assert daemon.stop() == 0
    results = sorted((b["parts"][0]["url"] if b["parts"] else "", b["result"]) for b in box.captures())
    assert [result for _, result in results].count("stored") == 2
    assert any(body["kind"] == "recovery" and body["event"] == "resumed" for body in box.statements())
    box.verified()


def test_the_service_manager_is_told(box: Box) -> None:
    with box.daemon(WATCHDOG_USEC="200000") as daemon:
        assert daemon.notices()[0] == "READY=1"
        until(lambda: daemon.notices().count("WATCHDOG=1") >= 3, "the watchdog is fed")
        assert daemon.stop() == 0
        assert "STOPPING=1" in daemon.notices()


def test_without_a_watchdog_it_is_not_fed(box: Box) -> None:
    with box.daemon() as daemon:
        assert daemon.stop() == 0
        assert daemon.notices() == ["READY=1", "STOPPING=1"]


def test_the_log_is_json_lines_where_nobody_reads_along(box: Box) -> None:
    watch(box, "/terms")
    with box.daemon() as daemon:
        (entry,) = until(lambda: daemon.said("new_version"))
        assert daemon.stop() == 0
        entries = daemon.log()
    assert entry["document"] == "EA-D-00001" and entry["snapshot"].startswith("EA-S-") and entry["outcome"]
    for item in entries:
        assert item["at"].endswith("Z") and item["level"] in ("debug", "info", "warning", "error")
    assert all(item["level"] == "info" for item in entries), "a quiet run warns of nothing"


def test_the_log_is_text_where_someone_asks_for_it(box: Box) -> None:
    watch(box, "/terms")
    with box.daemon("run", "--log-text") as daemon:
        until(lambda: "new_version /terms" in daemon.log_text())
        assert daemon.stop() == 0
        for line in daemon.log_text().splitlines():
            assert re.match(r"\d\d:\d\d:\d\d [^{]", line)


def test_commands_beside_the_daemon_are_handed_over(box: Box, site: Website) -> None:
    with box.daemon() as daemon:
        added = box.fine("watch", "add", site.url("/terms"), "--json").json
        until(lambda: box.captures(), "the daemon noticed the new document")
        taken = box.fine("capture", site.url("/privacy"), "EA-D-00001", "--json").json
        # Both run at once, so either may be committed first.
        numbers = [item["seq"] for item in taken]
        assert [item["outcome"] for item in taken] == ["new_version", "unchanged"]
        assert sorted(numbers) == [b["seq"] for b in box.captures() if b["trigger"] == "manual"]
        assert box.log_size() > max(numbers), "a checkpoint was published before the command ended"
        unknown = box.call("capture", "EA-D-00077")
        assert unknown.code == 2 and "EA-D-00077" in unknown.error()
        paused = box.fine("watch", "pause", "EA-D-00001", "--json").json
        facts = box.fine("status", "--json").json
        assert facts["daemon"] == daemon.process.pid
        assert daemon.stop() == 0
    assert added[0]["document"] == "EA-D-00001" and paused[0]["paused"]
    assert box.fine("status", "--json").json["daemon"] is None
    assert box.call("verify", "--all").code in (0, 3)


def test_a_shorter_interval_counts_from_now_on(box: Box, site: Website) -> None:
    watch(box, "/terms", "7d")
    with box.daemon() as daemon:
        until(lambda: box.captures())
        box.fine("watch", "edit", "EA-D-00001", "--every", "10s")
        until(lambda: len(box.captures()) >= 2, "a check within the new interval")
        assert daemon.stop() == 0


def test_nonsense_on_the_socket_harms_nothing(box: Box) -> None:
    with box.daemon() as daemon:
        env = box.environment
        path = next(p for p in socket_paths(box.root, env) if p.exists())
        assert path.stat().st_mode & 0o777 == 0o600
        for line in (b"\n", b"{]\n", b"[1]\n", b'{"do": "dance"}\n', b'{"do": "capture"}\n', b""):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(line)
                client.shutdown(socket.SHUT_WR)
                answer = client.makefile().read()
            assert '"error"' in answer
        replies = ask_daemon(box.root, env, {"do": "ping"})
        assert replies is not None and list(replies) == [{"pong": daemon.process.pid}]
        assert daemon.stop() == 0
    assert not path.exists()


def test_an_authority_that_is_down_is_pending_until_it_comes_up(
    tmp_path: Path, site: Website, authority: TimestampAuthority
) -> None:
    authority.mode = "error_500"
    box = Box(tmp_path, site, authority).init(log__publish_every_s=1)
    watch(box, "/terms")
    with box.daemon() as daemon:
        until(lambda: daemon.said("no timestamp from loop: HTTP status 500"))
        until(lambda: box.captures())
        facts = until(lambda: (facts := box.call("status", "--json").json)["stamps_pending"] == 2 and facts)
        assert facts["stamps_overdue"] == 0
        pending = box.fine("stamp", "list", "--json").json["pending"]
        assert [item["subject"] for item in pending] == ["checkpoint", "statement:2"]
        assert "HTTP status 500" in pending[0]["error"] and pending[0]["attempts"] == 1
        authority.mode = "ok"
        retried = box.fine("stamp", "retry")
        assert retried.err == ""
        until(lambda: box.call("status", "--json").json["stamps_pending"] == 0)
        listed = box.fine("stamp", "list", "--json").json
        assert listed["pending"] == [] and {item["authority"] for item in listed["tokens"]} == {"loop"}
        assert daemon.stop() == 0
    box.verified()


def test_a_mistake_of_ours_is_told_and_ends_no_stamping(
    tmp_path: Path, site: Website, authority: TimestampAuthority
) -> None:
    box = Box(tmp_path, site, authority, program=faulty_steps.__name__).init(log__publish_every_s=1)
    with box.daemon() as daemon:
        asking = until(lambda: daemon.said("no timestamp from loop"))
        looking = until(lambda: daemon.said("no revocation data of loop"))
        before = len(daemon.said("^timestamp from loop"))
        watch(box, "/terms")
        until(lambda: box.captures())
        until(lambda: len(daemon.said("^timestamp from loop")) > before, "one more, by the thread of both mistakes")
        assert daemon.stop() == 0
    for entry, mistake in ((asking[0], "a mistake in asking"), (looking[0], "a mistake in looking")):
        assert mistake in entry["trace"] and entry["level"] == "error" and entry["authority"] == "loop"
    box.verified()


def test_the_daemon_needs_the_right_passphrase(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init(passphrase="geheim")
    before = box.statements()
    missing = box.ran("run")
    assert missing.code == 2 and "passphrase" in missing.error()
    (tmp_path / "wrong").write_text("falsch\n")
    wrong = box.ran("run", "--passphrase-file", str(tmp_path / "wrong"))
    assert wrong.code == 2 and wrong.error() == "error: the passphrase does not open the private key"
    assert box.statements() == before
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "passphrase").write_text("geheim")
    with box.daemon(CREDENTIALS_DIRECTORY=str(credentials)) as daemon:
        assert daemon.stop() == 0
