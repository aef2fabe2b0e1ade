"""A program of your own: started without a shell, the CloudEvents event as JSON on its standard input."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.alert.cloudevent import body_of
from archiver.alert.interface import Channel, ChannelFailed, ChannelKind, Message, Surroundings, one_line
from archiver.alert.options import Options

LOG = logging.getLogger("archiver.alert.command")
MAX_OUTPUT = 2000
"""Bytes of a program's output that reach the log; the rest is read and dropped."""
PATH = "/usr/local/bin:/usr/bin:/bin"
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Command:
    """One program with its arguments; satisfies ``Channel``."""

    name: str
    command: tuple[str, ...]
    timeout_s: float
    kind: str = "command"

    @property
    def target(self) -> str:
        """The program, without its arguments: a token may stand there."""
        return self.command[0]

    def send(self, message: Message) -> None:
        """Run the program; an exit code other than 0 is a failure, and so is no end within the time."""
        # From a file, the program may read as much or as little of it as it likes, and nobody waits.
        with tempfile.TemporaryFile() as event:
            event.write(body_of(message))
            event.seek(0)
            try:
                process = subprocess.Popen(
                    self.command,
                    stdin=event,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=self._environment(message),
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or type(error).__name__
                raise ChannelFailed(f"the program could not be started: {reason}", retry=True) from None
        with process:
            code, output = self._wait(process)
        shown = one_line(output.decode("utf-8", "replace"), MAX_OUTPUT)
        if code is None:
            LOG.warning("channel %s: no end within %g s: %s", self.name, self.timeout_s, shown)
            raise ChannelFailed(f"the program did not end within {self.timeout_s:g} s", retry=True)
        if code != 0:
            LOG.warning("channel %s: exit code %d: %s", self.name, code, shown)
            raise ChannelFailed(f"the program ended with exit code {code}", retry=True)
        if shown:
            LOG.debug("channel %s: %s", self.name, shown)

    def _environment(self, message: Message) -> dict[str, str]:
        """Nothing of ours: the daemon's may hold secrets."""
        return {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": "/nonexistent",
            "ARCHIVER_ALERT_ID": one_line(message.id, 500),
            "ARCHIVER_ALERT_KIND": message.kind,
        }

    def _wait(self, process: subprocess.Popen[bytes]) -> tuple[int | None, bytes]:
        """Read until the program ends; None and an end by force when its time is over."""
        assert process.stdout is not None
        output, until, pipe = bytearray(), time.monotonic() + self.timeout_s, process.stdout.fileno()
        os.set_blocking(pipe, False)
        open_still = True
        while True:
            left = until - time.monotonic()
            if left <= 0:
                _kill(process)
                return None, bytes(output)
            full = len(output) == MAX_OUTPUT and process.poll() is not None  # what it left behind may go on for ever
            if open_still and not full and select.select([pipe], [], [], min(left, _LOOK_S))[0]:
                piece = os.read(pipe, 65536)
                open_still = bool(piece)
                output += piece[: MAX_OUTPUT - len(output)]
            elif process.poll() is not None:
                return process.returncode, bytes(output)
            elif not open_still:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(min(left, _LOOK_S))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class CommandKind:
    """Makes channels of kind ``command``; satisfies ``ChannelKind``."""

    name = "command"

    def open(self, name: str, keys: Mapping[str, Any], surroundings: Surroundings) -> Channel:
        """Return the channel; ``SettingsError`` unless the program is named by its full path."""
        options = Options(name, keys, surroundings)
        command = options.texts("command")
        timeout_s = float(options.whole("timeout_s", 0, 0, 3600)) or surroundings.timeout_s
        options.end()
        if not Path(command[0]).is_absolute():
            raise options.wrong("command", "must begin with the full path of a program")
        return Command(name, command, timeout_s)


PLUGIN: ChannelKind = CommandKind()
