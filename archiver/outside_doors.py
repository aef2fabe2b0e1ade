"""Opens the web archives that the settings name, and lets them reach the network as captures do.

Connections are judged by the address policy as they are dialled; a certificate that does not verify ends the question
before the key is sent. Copies are fetched by the transport of captures, with its parser and its ceilings.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from archiver.connecting import connect, policy_of, why_refused
from archiver.errors import ArchiverError, SettingsError
from archiver.outside.interface import Fetched, Key, OutsideArchive, OutsideFailed, OutsideKind, Surroundings
from archiver.registry import plugins
from archiver.settings import OutsideSettings, Settings
from archiver.warc_file import SMALL

MAX_KEY = 4096
"""Bytes of a file with a key; more is surely the wrong file."""


def outside_kinds() -> dict[str, OutsideKind]:
    """Every web archive that copies can be asked of, by name."""
    from archiver import outside

    return plugins(outside)


def open_outside(settings: Settings, root: Path | None, environment: Mapping[str, str]) -> dict[str, OutsideArchive]:
    """The configured archives, none of them contacted; ``SettingsError`` for one that is unknown."""
    if not settings.outside:
        return {}
    known = outside_kinds()
    opened: dict[str, OutsideArchive] = {}
    for one in settings.outside:
        if one.name not in known:
            raise SettingsError(f"unknown web archive [outside.{one.name}]", do=f"known: {', '.join(known)}")
        opened[one.name] = known[one.name].open(_surroundings(one, settings, root, environment))
    return opened


def _surroundings(
    one: OutsideSettings, settings: Settings, root: Path | None, environment: Mapping[str, str]
) -> Surroundings:
    if one.ca_file:  # found once, for the questions and for the copies
        one = replace(one, ca_file=str((root or Path()) / Path(one.ca_file).expanduser()))
    return Surroundings(
        endpoint=one.endpoint,
        copies=one.copies,
        key=_key(one, root, environment),
        folder=one.folder,
        timeout_s=float(one.timeout_s),
        user_agent=str(settings["network.user_agent"]),
        dial=partial(_dial, one),
        fetch=partial(_fetch, one, settings),
    )


def _key(one: OutsideSettings, root: Path | None, environment: Mapping[str, str]) -> Key:
    """Reads the key anew each time: it may be changed without a restart, and is nowhere kept."""
    if one.key_credential:
        # Without the service manager there is none: the question says so, commands beside the daemon still work.
        path, what = Path(environment.get("CREDENTIALS_DIRECTORY") or "/nonexistent") / one.key_credential, "credential"
    else:
        path, what = (root or Path()) / Path(one.key_file).expanduser(), "file"

    def read() -> str:
        try:
            with path.open("rb") as handle:
                line = handle.read(MAX_KEY).split(b"\n", 1)[0].strip().decode("ascii")
        except OSError as error:
            raise OutsideFailed(f"key_{what}: {error.strerror or 'cannot be read'}", retry=True) from None
        except UnicodeDecodeError:
            line = ""
        if not line or not line.isprintable() or " " in line:
            raise OutsideFailed(f"key_{what}: its first line is no key", retry=True)
        return line

    return read


def _dial(one: OutsideSettings, host: str, port: int, *, tls: bool, timeout_s: float) -> socket.socket:
    until = time.monotonic() + timeout_s
    connected = connect(host, port, timeout_s, one.allow_private, partial(OutsideFailed, retry=True))
    connected.settimeout(max(0.001, until - time.monotonic()))
    if not tls:
        return connected
    try:
        return _context(one).wrap_socket(connected, server_hostname=host)
    except (OSError, ValueError):
        connected.close()
        raise OutsideFailed("the archive's TLS certificate or handshake was refused", retry=True) from None


def _context(one: OutsideSettings) -> ssl.SSLContext:
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    if one.ca_file:
        try:
            context.load_verify_locations(one.ca_file)
        except OSError as error:
            raise OutsideFailed(f"ca_file: {error.strerror or 'no certificates in it'}", retry=True) from None
    return context


def _fetch(one: OutsideSettings, settings: Settings, url: str) -> Fetched:
    """One request by the transport of captures, its content decoded and held in memory within ``outside.max_bytes``."""
    from archiver.capture.connections import Connections
    from archiver.capture.cookies import Cookies
    from archiver.capture.policy import system_resolver
    from archiver.capture.target import BadTarget, locate
    from archiver.capture.tls import Trust
    from archiver.capture.transport import Allowance, Fields, Transport
    from archiver.environment import utc_now
    from archiver.evidence.http_head import MessageLimits

    most = int(settings["outside.max_bytes"])
    try:
        target = locate(url)
        ports = {80, 443, *(locate(base).port for base in (one.endpoint, one.copies) if base)}
    except BadTarget as error:
        raise OutsideFailed(f"the address of the copy is of no use: {error.failure.code}", retry=False) from None
    if target.port not in ports:  # a redirect of theirs must not make us knock at any door of anybody
        raise OutsideFailed(f"the copy cannot be read: it leads to port {target.port}", retry=True)
    try:
        policy, trust = policy_of(one.allow_private, target.port), Trust(one.ca_file)
        connections = Connections(
            policy=policy, trust=trust, resolver=system_resolver, now=utc_now, monotonic=time.monotonic
        )
        transport = Transport(connections, now=utc_now, monotonic=time.monotonic)
        fields = {
            "User-Agent": str(settings["network.user_agent"]),
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
        }
        allowance = Allowance(
            deadline=time.monotonic() + one.timeout_s,
            room=most + SMALL,
            limits=MessageLimits(max_content_bytes=most),
            spool=io.BytesIO,
            keep=most,
        )
        answer = transport.get(target, Fields.of(fields), allowance, Cookies())
    except ArchiverError as error:
        raise OutsideFailed(f"the copy could not be fetched: {error.what}", retry=False) from None
    exchange = answer.exchange
    if exchange.failure is not None:
        too_large = exchange.failure.code in ("too_large", "decompression")
        what = f"larger than {most} bytes, or not to be decoded" if too_large else why_refused(exchange.failure.code)
        raise OutsideFailed(f"the copy could not be fetched: {what}", retry=not too_large)
    tls = exchange.connection.tls if exchange.connection is not None else None
    if tls is not None and tls.verdict != "valid":
        raise OutsideFailed("the archive's TLS certificate is not good: its copy counts for nothing", retry=True)
    assert exchange.head is not None
    found = Fetched(exchange.head.status, None, answer.kept, tuple(exchange.head.fields))
    return Fetched(found.status, found.field("location"), found.content, found.fields)
