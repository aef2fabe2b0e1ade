"""Connecting to the services of others under the address rules of captures, and in which words a refusal is told."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.capture.policy import AddressPolicy


def policy_of(allow_private: Iterable[str], port: int) -> AddressPolicy:
    """The rules for one port: public addresses, and these networks, which the settings have checked."""
    from archiver.capture.policy import AddressPolicy

    return AddressPolicy(tuple(map(ip_network, allow_private)), frozenset({port}))


def connect(
    host: str,
    port: int,
    timeout_s: float,
    allow_private: Iterable[str],
    failure: Callable[[str], Exception],
    where: str = "",
) -> socket.socket:
    """Connect as a capture would, the address judged as it is dialled; else raise ``failure``, which names no host.

    ``where`` says whose ``allow_private`` is meant, as `` of the channel``.
    """
    from archiver.capture.policy import Refused, dial, system_resolver

    policy = policy_of(allow_private, port)
    try:
        return dial(host, port, policy=policy, resolver=system_resolver, timeout_s=timeout_s).sock
    except Refused as refused:
        raise failure(f"no connection: {why_refused(refused.failure.code, where)}") from None


def why_refused(code: str, where: str = "") -> str:
    """The code of a refusal in words; a code that has none is returned as it is."""
    words = {
        "dns": "the host name was not found",
        "address_refused": f"its address is not public, and allow_private{where} does not name it",
        "timeout": "no connection in time",
        "connect": "nothing answers there",
    }
    return words.get(code, code)
