"""Telling the service manager how we are (sd_notify(3)): ready, alive, stopping. Silent where there is none."""

from __future__ import annotations

import socket
from collections.abc import Mapping


class NotifySocket:
    """Sends states to the socket that systemd names; does nothing without one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        interval = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(interval) / 2_000_000 if interval.isdigit() and int(interval) else None
        """Half of the watchdog's time: how often to say that we are alive; None without a watchdog."""

    def tell(self, state: str) -> None:
        """Send ``READY=1``, ``WATCHDOG=1``, ``STOPPING=1`` or ``STATUS=…``."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            try:
                sender.connect(address)
                sender.sendall(state.encode())
            except OSError:
                return  # a service manager that went away must not stop the archive
