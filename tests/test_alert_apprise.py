"""The library for chat services: what is missing is said, and its addresses never show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archiver.alert.apprise import PLUGIN
from archiver.alert.interface import ChannelFailed
from archiver.alert.message import render
from tests.simulators.alerts import LETTERHEAD, event, surroundings
from tests.simulators.hook import Hook

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
ROOT = Path(__file__).resolve().parent.parent
MESSAGE = render(event(), LETTERHEAD)


def test_without_the_package_the_settings_are_refused() -> None:
    script = (
        "from pathlib import Path; from archiver.alert.apprise import PLUGIN\n"
        "from tests.simulators.alerts import surroundings\n"
        "PLUGIN.open('chat', {'urls_file': 'urls'}, surroundings(Path('.')))"
    )
    # -S: an interpreter without anything installed.
    run = [sys.executable, "-S", "-c", script]
    done = subprocess.run(run, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    says = "SettingsError: channel chat: the kind apprise needs the package apprise; install evidence-archiver[alerts]"
    assert done.stderr.splitlines()[-1].endswith(says)


@pytest.mark.parametrize(
    "urls", ["", "# none\n\n", "nonsense", "t0ken://x", "json://localhost:1/t0ken\nnoneSuch://t0ken"]
)
def test_a_useless_file_is_said_without_its_content(tmp_path: Path, urls: str) -> None:
    channel = PLUGIN.open("chat", {"urls_file": "urls"}, surroundings(tmp_path))
    with pytest.raises(ChannelFailed, match="urls_file: No such file"):
        channel.send(MESSAGE)
    (tmp_path / "urls").write_text(urls)
    with pytest.raises(ChannelFailed, match=r"urls_file") as failure:
        channel.send(MESSAGE)
    assert "t0ken" not in str(failure.value) and failure.value.retry


def test_one_service_of_two_that_fails_is_a_failure(tmp_path: Path) -> None:
    with Hook() as well, Hook() as ill:
        well.status, ill.status = 200, 500
        (tmp_path / "urls").write_text(f"json://127.0.0.1:{well.port}\njson://127.0.0.1:{ill.port}\n")
        with pytest.raises(ChannelFailed, match="1 of 2 services were not reached"):
            PLUGIN.open("chat", {"urls_file": "urls"}, surroundings(tmp_path)).send(MESSAGE)
        assert len(well.requests) == 1


def test_a_hanging_service_is_asked_by_one_thread_only(tmp_path: Path) -> None:
    with Hook() as hook:
        hook.mode = "drip"
        (tmp_path / "urls").write_text(f"json://127.0.0.1:{hook.port}?rto=30&cto=30\n")
        channel = PLUGIN.open("chat", {"urls_file": "urls"}, surroundings(tmp_path, timeout_s=0.5))
        for says in ("no end within|were not reached", "hangs still|no end within|were not reached"):
            with pytest.raises(ChannelFailed, match=rf"{says}"):
                channel.send(MESSAGE)
        assert len(hook.requests) <= 2
