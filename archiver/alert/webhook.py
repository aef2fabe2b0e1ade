"""A signed HTTP request (Standard Webhooks 1.0) with a CloudEvents 1.0 event in it, to a receiver of your own.

``webhook-id`` stays the same for all tries of one message. Redirects are not followed, nothing of the environment is
used (no proxy, no .netrc), and an address that is not public is contacted only where the settings allow it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from archiver.alert.cloudevent import CONTENT_TYPE, body_of
from archiver.alert.interface import Channel, ChannelFailed, ChannelKind, Dial, Message, Surroundings
from archiver.alert.options import Options, Secret
from archiver.deadline import Deadline
from archiver.errors import FormatError

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

PREFIX = "whsec_"
MIN_KEY, MAX_KEY = 24, 64
"""Bytes of a signing key, as the standard has them."""
MAX_KEYS = 8
MAX_RETRY_AFTER_S = 86400
GONE = 410
"""The receiver wants no more: the one answer after which trying again makes no sense."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver; satisfies ``Channel``."""

    name: str
    url: str | Secret
    secret: Secret
    allow_private: tuple[str, ...]
    ca_file: Path | None
    """Roots for a receiver of one's own, in place of the public ones."""
    timeout_s: float
    user_agent: str
    dial: Dial
    kind: str = "webhook"

    @property
    def target(self) -> str:
        """The host only: in a path, a token may stand."""
        return f"host {urlsplit(self.url).hostname}" if isinstance(self.url, str) else "an address kept in a file"

    def send(self, message: Message) -> None:
        """Post the event; anything but a 2xx answer within the time is a failure."""
        from archiver.one_hop import FAULTS, OneHop

        url = self.url if isinstance(self.url, str) else self.url.first_line()
        if _parts(url) is None:
            raise ChannelFailed("the address is not one of http or https", retry=True)
        body = body_of(message)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": self.user_agent,
            "Accept-Encoding": "identity",
            **signed_headers(webhook_id(message.id), int(time.time()), body, self._keys()),
        }
        with Deadline(self.timeout_s) as deadline, OneHop() as session:
            session.trust_env = False
            session.verify = str(self.ca_file) if self.ca_file is not None else True
            for scheme in ("http://", "https://"):
                session.mount(scheme, _adapter(self, deadline))
            try:
                # Streamed and never read: what a receiver answers beside its status is its own affair.
                with session.post(
                    url, data=body, headers=headers, timeout=self.timeout_s, allow_redirects=False, stream=True
                ) as answer:
                    status, wait = answer.status_code, answer.headers.get("Retry-After", "")
            except FAULTS as error:
                if deadline.over:
                    raise ChannelFailed(f"no answer within {self.timeout_s:g} s", retry=True) from None
                raise _failure(error) from None
        if not 200 <= status <= 299:
            seconds = min(int(wait), MAX_RETRY_AFTER_S) if re.fullmatch(r"[0-9]{1,9}", wait) else None
            raise ChannelFailed(f"HTTP status {status}", retry=status != GONE, retry_after_s=seconds)

    def _keys(self) -> list[bytes]:
        """The keys of the secret file, one a line; while keys are changed there are several, and each one signs."""
        lines = self.secret.lines()
        try:
            keys = [key_of(line) for line in lines[: MAX_KEYS + 1]]
        except FormatError as error:
            raise ChannelFailed(str(error), retry=True) from None
        if len(keys) > MAX_KEYS:
            raise ChannelFailed(f"more than {MAX_KEYS} signing keys", retry=True)
        return keys


def key_of(line: str) -> bytes:
    """Return the key written as ``whsec_`` and base64; ``FormatError``, which repeats nothing of it, if it is none."""
    try:
        key = base64.b64decode(line.removeprefix(PREFIX), validate=True) if line.startswith(PREFIX) else b""
    except binascii.Error:
        key = b""
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise FormatError(f"a signing key must be {PREFIX} and {MIN_KEY} to {MAX_KEY} bytes in base64")
    return key


def webhook_id(identifier: str) -> str:
    """Return the ``webhook-id`` of a message: without the full stop that separates the parts of what is signed."""
    return "msg_" + hashlib.sha256(identifier.encode("utf-8", "replace")).hexdigest()[:32]


def signed_headers(identifier: str, at: int, body: bytes, keys: list[bytes]) -> dict[str, str]:
    """Return the three header fields of the standard, with one signature for each key."""
    signed = f"{identifier}.{at}.".encode() + body
    signatures = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _adapter(channel: Webhook, deadline: Deadline) -> HTTPAdapter:
    """requests' own transport, with every connection made by ``dial`` and put under the deadline."""
    import urllib3
    from requests.adapters import HTTPAdapter

    def connected(host: str, port: int | None, standard: int) -> socket.socket:
        connection = channel.dial(host, port or standard, channel.timeout_s, channel.allow_private)
        connection.settimeout(channel.timeout_s)
        return deadline.watch(connection)

    class Plain(urllib3.connection.HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self._dns_host, self.port, 80)

    class Tls(urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self._dns_host, self.port, 443)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Tls

    adapter = HTTPAdapter(max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}
    return adapter


def _failure(error: Exception) -> ChannelFailed:
    """Turn one of ``FAULTS`` into a failure; its text may hold the address, so only its kind is told."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return ChannelFailed("the receiver's TLS certificate or handshake was refused", retry=True)
    if isinstance(error, requests.exceptions.Timeout):
        return ChannelFailed("no answer in time", retry=True)
    if isinstance(error, requests.exceptions.ConnectionError):
        return ChannelFailed("the connection failed or broke off before an answer", retry=True)
    return ChannelFailed(f"not an HTTP answer: {type(error).__name__}", retry=True)


def _parts(url: str) -> SplitResult | None:
    """The parts of an address that can be posted to, or None."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    fine = parts.scheme in {"http", "https"} and parts.hostname and not parts.fragment and url.isprintable()
    return parts if fine else None


class WebhookKind:
    """Makes channels of kind ``webhook``; satisfies ``ChannelKind``."""

    name = "webhook"

    def open(self, name: str, keys: Mapping[str, Any], surroundings: Surroundings) -> Channel:
        """Return the channel; ``SettingsError`` for a key that is wrong, and for a password in the address."""
        import ipaddress

        options = Options(name, keys, surroundings)
        plain = options.text("url", "")
        hidden = options.secret("url", required=not plain)
        secret = options.secret("secret", required=True)
        allow_private = options.texts("allow_private", required=False)
        ca_file = options.path("ca_file", required=False)
        options.end()
        if plain and hidden:
            raise options.wrong("url", "and url_file exclude each other")
        if plain:
            parts = _parts(plain)
            if parts is None:
                raise options.wrong("url", "must begin with http:// or https:// and name a host")
            if parts.username is not None:
                raise options.wrong("url", "must not hold a user name or password", "put the address into a url_file")
        try:
            everything = any(ipaddress.ip_network(network).prefixlen == 0 for network in allow_private)
        except ValueError:
            everything = True
        if everything:
            raise options.wrong("allow_private", "must be a list of networks such as 10.0.0.0/8")
        assert secret is not None
        around = surroundings
        return Webhook(
            name, hidden or plain, secret, allow_private, ca_file, around.timeout_s, around.user_agent, around.dial
        )


PLUGIN: ChannelKind = WebhookKind()
