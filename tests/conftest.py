"""Rules of the whole suite: no test talks to the outside, and no test depends on how fast the machine is."""

from __future__ import annotations

import ipaddress
import os
import sys

from hypothesis import HealthCheck, settings

settings.register_profile("archiver", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("archiver")

# What a terminal told the process that started the tests is not the width of what they print.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)


def _refuse_the_outside(event: str, arguments: tuple[object, ...]) -> None:
    """Stop a connection to anything but loopback before a packet leaves; no OSError, so that nothing swallows it."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return  # a Unix socket
    host = str(address[0]).split("%")[0]
    try:
        outside = not ipaddress.ip_address(host).is_loopback
    except ValueError:
        outside = host not in {"localhost", ""}
    if outside:
        raise RuntimeError(f"a test tried to connect to {address!r}; tests use loopback addresses alone")


sys.addaudithook(_refuse_the_outside)
