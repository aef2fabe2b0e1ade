"""Chat services and telephones by the library Apprise (extra ``alerts``); its addresses are secrets, so in a file."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.alert.interface import Channel, ChannelFailed, ChannelKind, Message, Surroundings
from archiver.alert.options import Options, Secret
from archiver.errors import SettingsError

MAX_URLS = 100


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one file; satisfies ``Channel``."""

    name: str
    urls: Secret
    timeout_s: float
    app: str
    _busy: threading.Lock = field(default_factory=threading.Lock, repr=False)
    kind: str = "apprise"

    @property
    def target(self) -> str:
        """No address: each holds a token."""
        return "the services of its urls_file"

    def send(self, message: Message) -> None:
        """Notify every service; one that fails makes the delivery a failure, and the next try tells all again."""
        urls = self.urls.lines()
        if len(urls) > MAX_URLS:
            raise ChannelFailed(f"more than {MAX_URLS} addresses", retry=True)
        if not self._busy.acquire(blocking=False):
            raise ChannelFailed("an earlier delivery hangs still", retry=True)
        found: list[str] = []
        done = threading.Event()

        def run() -> None:
            try:
                found.extend(_notify(urls, message, self.app, self.timeout_s))
            except Exception as error:  # noqa: BLE001 - a hundred services by a hundred authors
                found.append(f"the library failed: {type(error).__name__}")
            finally:
                self._busy.release()
                done.set()

        # Its own limits cover most services and not all: the thread is left behind if need be, never more than one.
        threading.Thread(target=run, name=f"alert-{self.name}", daemon=True).start()
        if not done.wait(self.timeout_s):
            raise ChannelFailed(f"no end within {self.timeout_s:g} s", retry=True)
        if found:
            raise ChannelFailed(found[0], retry=True)


def _notify(urls: list[str], message: Message, app: str, timeout_s: float) -> list[str]:
    """Send, and return what went wrong, without any word of the services themselves."""
    apprise = importlib.import_module("apprise")
    quiet = logging.getLogger("apprise")  # it writes addresses into its log
    quiet.propagate = False
    quiet.setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(app_id=app, app_desc=app, async_mode=False, secure_logging=True)
    services = apprise.Apprise(asset=asset)
    for number, url in enumerate(urls, 1):
        if not services.add(url):
            return [f"address {number} of urls_file is none that the library knows"]
    told = services.notify(
        body=message.text, title=message.subject, body_format=apprise.NotifyFormat.TEXT, timeout=timeout_s
    )
    if told:
        return []
    failed = sum(not one for one in told)
    return [f"{failed} of {len(urls)} services were not reached" if failed else "nothing was sent"]


class ServicesKind:
    """Makes channels of kind ``apprise``; satisfies ``ChannelKind``."""

    name = "apprise"

    def open(self, name: str, keys: Mapping[str, Any], surroundings: Surroundings) -> Channel:
        """Return the channel; ``SettingsError`` when the library is not installed."""
        options = Options(name, keys, surroundings)
        urls = options.secret("urls", required=True)
        options.end()
        if importlib.util.find_spec("apprise") is None:
            raise SettingsError(
                f"channel {name}: the kind apprise needs the package apprise", do="install evidence-archiver[alerts]"
            )
        assert urls is not None
        return Services(name, urls, surroundings.timeout_s, surroundings.archive_name)


PLUGIN: ChannelKind = ServicesKind()
