"""Chromium and Firefox, driven with the standard library: the DevTools protocol over a pipe, Marionette over loopback.

Both offer the same few things: open a page, choose files in it, compute an expression in it.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

PATIENCE_S = 60.0


class Browser(Protocol):
    """What the tests ask of a browser."""

    def open(self, address: str) -> None:
        """Load a page and wait for it."""

    def choose(self, element: str, files: Sequence[Path]) -> None:
        """Choose files in the file input of this identifier."""

    def compute(self, expression: str) -> Any:
        """Return the value of an expression, or what the promise that it is comes to."""


class Chromium:
    """A Chromium without a window."""

    def __init__(self, profile: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()
        flags = "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --disable-extensions"
        flags += " --disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe"
        words = [*flags.split(), f"--user-data-dir={profile}", "--window-size=1100,1400", "about:blank"]
        command = f'exec chromium "$@" 3<&{ours[0]} 4>&{theirs[1]}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "chromium", *words],
            pass_fds=(ours[0], theirs[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self._out, self._in = os.fdopen(ours[1], "wb"), os.fdopen(theirs[0], "rb")
        self._number, self._rest, self._session = 0, b"", ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "DOM", "Runtime"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()
        self._in.close()
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send one command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _message(self) -> Any:
        while b"\0" not in self._rest:
            piece = os.read(self._in.fileno(), 1 << 16)
            if not piece:
                raise RuntimeError("chromium has ended")
            self._rest += piece
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, address: str) -> None:
        """Load a page and wait for it."""
        self.ask("Page.navigate", url=address)
        self._wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def _wait_for(self, expression: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not self.compute(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.02)

    def choose(self, element: str, files: Sequence[Path]) -> None:
        """Choose files in the file input of this identifier."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=f"#{element}")["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def compute(self, expression: str) -> Any:
        """Return the value of an expression, or what the promise that it is comes to."""
        found = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return found["result"].get("value")

    def picture(self, file: Path) -> None:
        """Write a picture of the whole page."""
        data = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))


class Firefox:
    """A Firefox without a window."""

    def __init__(self, profile: Path) -> None:
        profile.mkdir(parents=True, exist_ok=True)
        settings = {
            "marionette.port": 0,
            "datareporting.policy.dataSubmissionEnabled": False,
            "toolkit.telemetry.reportingpolicy.firstRun": False,
            "browser.shell.checkDefaultBrowser": False,
            "app.update.enabled": False,
            "network.captive-portal-service.enabled": False,
            "network.connectivity-service.enabled": False,
            "services.settings.server": "data:,",
            "security.sandbox.content.level": 0,
        }
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items())
        (profile / "user.js").write_text("".join(lines))
        self._process = subprocess.Popen(
            ["firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", str(profile), "about:blank"],
            env={**os.environ, "MOZ_HEADLESS": "1", "HOME": str(profile), "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._number, self._rest = 0, b""
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._port(profile)), PATIENCE_S)
            self._message()
            self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
            self.ask("WebDriver:SetTimeouts", script=int(PATIENCE_S * 1000))
        except BaseException:
            self._end()
            raise

    def _port(self, profile: Path) -> int:
        file, end = profile / "MarionetteActivePort", time.monotonic() + PATIENCE_S
        while not (file.exists() and file.read_text().strip()):
            if time.monotonic() > end or self._process.poll() is not None:
                raise TimeoutError("firefox offers no Marionette")
            time.sleep(0.05)
        return int(file.read_text())

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def ask(self, command: str, **parameters: Any) -> Any:
        """Send one command and wait for its answer."""
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, number, error, found = self._message()
        assert number == self._number
        if error:
            raise RuntimeError(f"{command}: {error.get('message')}")
        return found

    def _message(self) -> Any:
        while b":" not in self._rest:
            self._receive()
        length, self._rest = self._rest.split(b":", 1)
        while len(self._rest) < int(length):
            self._receive()
        message, self._rest = self._rest[: int(length)], self._rest[int(length) :]
        return json.loads(message)

    def _receive(self) -> None:
        piece = self._socket.recv(1 << 16)
        if not piece:
            raise RuntimeError("firefox has ended")
        self._rest += piece

    def open(self, address: str) -> None:
        """Load a page and wait for it."""
        self.ask("WebDriver:Navigate", url=address)

    def choose(self, element: str, files: Sequence[Path]) -> None:
        """Choose files in the file input of this identifier."""
        found = self.ask("WebDriver:FindElement", using="css selector", value=f"#{element}")
        (identifier,) = found["value"].values()
        self.ask("WebDriver:ElementSendKeys", id=identifier, text="\n".join(map(str, files)))

    def compute(self, expression: str) -> Any:
        """Return the value of an expression, or what the promise that it is comes to."""
        script = "const done = arguments[arguments.length - 1];"  # no eval: the page's policy forbids it
        script += f"(async () => ({expression}))().then(done, (error) => done(String(error)));"
        return self.ask("WebDriver:ExecuteAsyncScript", script=script, args=[], sandbox=None)["value"]
