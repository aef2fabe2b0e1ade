"""Programs: started without a shell and without our environment, ended in time, their words kept to the log."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archiver.alert.command import MAX_OUTPUT, PLUGIN
from archiver.alert.interface import Channel, ChannelFailed
from archiver.alert.message import render
from archiver.errors import SettingsError
from tests.simulators.alerts import LETTERHEAD, event, surroundings

MESSAGE = render(event(title="$(touch owned) `id` ; | & > x"), LETTERHEAD)


def program(folder: Path, source: str, *arguments: str, timeout_s: float = 10) -> Channel:
    (folder / "program.py").write_text(source)
    keys = {"command": [sys.executable, str(folder / "program.py"), *arguments]}
    return PLUGIN.open("run", keys, surroundings(folder, timeout_s=timeout_s))


TELL = """
import json, os, sys
told = {"event": json.load(sys.stdin), "arguments": sys.argv[1:], "environment": dict(os.environ), "in": os.getcwd()}
open(os.path.join(os.path.dirname(__file__), "told"), "w").write(json.dumps(told))
"""


def test_a_program_gets_the_event_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVER_PASSPHRASE_FILE", "/secret")
    program(tmp_path, TELL, "$HOME", "a b; c").send(MESSAGE)
    told = json.loads((tmp_path / "told").read_text())
    assert told["event"]["id"] == MESSAGE.id and told["event"]["specversion"] == "1.0"
    assert told["arguments"] == ["$HOME", "a b; c"] and told["in"] == "/"
    allowed = {"PATH", "LANG", "HOME", "ARCHIVER_ALERT_ID", "ARCHIVER_ALERT_KIND", "LC_CTYPE"}
    assert set(told["environment"]) <= allowed
    assert told["environment"]["ARCHIVER_ALERT_ID"] == MESSAGE.id


@pytest.mark.parametrize("code", [1, 3, 255])
def test_an_exit_code_is_a_failure_and_the_output_is_for_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    source = f"import sys; print('\\x1b[31mout'); print('err', file=sys.stderr); sys.exit({code})"
    with pytest.raises(ChannelFailed) as failure:
        program(tmp_path, source).send(MESSAGE)
    assert failure.value.what == f"the program ended with exit code {code}" and failure.value.retry
    [record] = caplog.records
    assert "out" in record.getMessage() and "err" in record.getMessage() and record.getMessage().isprintable()


def test_a_signal_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ChannelFailed, match="exit code -9"):
        program(tmp_path, "import os; os.kill(os.getpid(), 9)").send(MESSAGE)


def test_a_program_that_reads_nothing_is_none_the_worse(tmp_path: Path) -> None:
    big = render(event(hunks=(("added", "", "x" * 5000, ()),) * 40), LETTERHEAD)
    program(tmp_path, "pass").send(big)
    program(tmp_path, "import os; os.close(0); os.close(1); os.close(2)").send(big)


def test_a_flood_of_output_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ChannelFailed):
        program(tmp_path, "print('x' * 5_000_000); raise SystemExit(1)").send(MESSAGE)
    assert len(caplog.records[0].getMessage()) < MAX_OUTPUT + 200


def test_what_a_program_started_ends_with_it_when_its_time_is_over(tmp_path: Path) -> None:
    child = f"import time, pathlib; time.sleep(2); pathlib.Path({str(tmp_path / 'late')!r}).touch()"
    source = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(ChannelFailed, match=r"did not end within 0\.7 s"):
        program(tmp_path, source, timeout_s=0.7).send(MESSAGE)
    assert time.monotonic() - began < 1.9
    time.sleep(max(0.0, began + 2.6 - time.monotonic()))
    assert not (tmp_path / "late").exists()


def test_what_it_leaves_running_holds_nobody(tmp_path: Path) -> None:
    source = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'])"
    began = time.monotonic()
    program(tmp_path, source).send(MESSAGE)
    assert time.monotonic() - began < 4


def test_nothing_is_left_open(tmp_path: Path) -> None:
    channel = program(tmp_path, "pass")
    channel.send(MESSAGE)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        channel.send(MESSAGE)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


BAD: list[tuple[dict[str, Any], str]] = [
    ({"command": "notify-send"}, "must begin with the full path"),
    ({"command": []}, "command must be a list"),
    ({"command": ["/bin/true", 1]}, "must be a list of texts"),
    ({"command": ["/bin/true", "a\nb"]}, "must be a list of texts"),
    ({"command": ["/bin/true"], "timeout_s": -1}, "timeout_s must be"),
    ({"command": ["/bin/true"], "shell": True}, "unknown key shell"),
]


@pytest.mark.parametrize(("keys", "says"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_meant_is_refused(tmp_path: Path, keys: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        PLUGIN.open("run", keys, surroundings(tmp_path))
