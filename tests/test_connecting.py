"""Alerts and copies elsewhere connect by the same rules, and say in the same words why they did not."""

from __future__ import annotations

import socket
from functools import partial

import pytest

from archiver.alert.interface import ChannelFailed
from archiver.alerting_channels import connect as connect_for_alerts
from archiver.connecting import connect, why_refused
from archiver.outside.interface import OutsideFailed

LOCAL = ("127.0.0.0/8",)
FAILURE = partial(OutsideFailed, retry=True)


def test_an_address_inside_is_dialled_only_where_a_network_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for allowed in (LOCAL, None):
            connect_for_alerts("127.0.0.1", port, 5.0, allowed).close()
        connect("127.0.0.1", port, 5.0, LOCAL, FAILURE).close()
        told = "no connection: its address is not public, and allow_private{} does not name it"
        with pytest.raises(ChannelFailed) as channel:
            connect_for_alerts("127.0.0.1", port, 5.0, ())
        with pytest.raises(OutsideFailed) as outside:
            connect("127.0.0.1", port, 5.0, (), FAILURE)
    assert (channel.value.what, channel.value.retry) == (told.format(" of the channel"), True)
    assert (outside.value.what, outside.value.retry) == (told.format(""), True)
    with pytest.raises(OutsideFailed, match="no connection: nothing answers there"):
        connect("127.0.0.1", port, 5.0, LOCAL, FAILURE)


def test_every_code_has_words_or_stands_for_itself() -> None:
    assert why_refused("dns") == "the host name was not found" and why_refused("tls") == "tls"
