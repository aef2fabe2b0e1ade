"""Opens the channels of the settings, and connects for them under the address rules of captures."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from archiver import connecting
from archiver.alert.interface import Channel, ChannelFailed, ChannelKind, Surroundings
from archiver.errors import SettingsError
from archiver.registry import plugins
from archiver.settings import Settings

EVERYWHERE = ("0.0.0.0/0", "::/0")


def connect(host: str, port: int, timeout_s: float, allow_private: tuple[str, ...] | None) -> socket.socket:
    """Connect as a capture would, the address judged as it is dialled; ``ChannelFailed`` names no host."""
    allowed = EVERYWHERE if allow_private is None else allow_private
    failure = partial(ChannelFailed, retry=True)
    return connecting.connect(host, port, timeout_s, allowed, failure, " of the channel")


def kinds() -> dict[str, ChannelKind]:
    """Every kind of channel, by name."""
    from archiver import alert

    return plugins(alert)


def open_channels(settings: Settings, root: Path, environment: Mapping[str, str]) -> dict[str, Channel]:
    """The configured channels, none of them contacted; ``SettingsError`` for an unknown kind or key."""
    if not settings.channels:
        return {}
    known = kinds()
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    surroundings = Surroundings(
        root=root,
        credentials=Path(credentials) if credentials else None,
        timeout_s=float(settings["alert.timeout_s"]),
        user_agent=str(settings["network.user_agent"]),
        origin=str(settings["archive.origin"]),
        archive_name=str(settings["archive.name"]),
        dial=connect,
    )
    opened: dict[str, Channel] = {}
    for channel in settings.channels:
        if channel.kind not in known:
            raise SettingsError(
                f"channel {channel.name}: unknown kind {channel.kind!r}", do=f"known: {', '.join(known)}"
            )
        opened[channel.name] = known[channel.kind].open(channel.name, channel.options, surroundings)
    return opened
