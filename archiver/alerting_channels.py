"""Opens the channels of the settings, and connects for them under the address rules of captures."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from archiver.alert.interface import Channel, ChannelFailed, ChannelKind, Surroundings
from archiver.errors import SettingsError
from archiver.registry import plugins
from archiver.settings import Settings

EVERYWHERE = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
WHY = {
    "dns": "the host name was not found",
    "address_refused": "its address is not public, and allow_private of the channel does not name it",
    "timeout": "no connection in time",
    "connect": "nothing answers there",
}


def connect(host: str, port: int, timeout_s: float, allow_private: tuple[str, ...] | None) -> socket.socket:
    """Connect as a capture would, the address judged as it is dialled; ``ChannelFailed`` names no host."""
    from archiver.capture.policy import AddressPolicy, Refused, dial, system_resolver

    allowed = EVERYWHERE if allow_private is None else tuple(map(ip_network, allow_private))
    policy = AddressPolicy(allowed, frozenset({port}))
    try:
        return dial(host, port, policy=policy, resolver=system_resolver, timeout_s=timeout_s).sock
    except Refused as refused:
        code = refused.failure.code
        raise ChannelFailed(f"no connection: {WHY.get(code, code)}", retry=True) from None


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
