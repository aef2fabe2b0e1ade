"""Which addresses and ports a check may contact, decided at connect time on the address really dialled.

Stops a watched URL, a redirect or a DNS answer from leading the archiver to a service inside its own network
(server-side request forgery, DNS rebinding). No URL is judged by its spelling: every host is resolved, every
answer is judged, the permitted addresses are dialled as they were judged, and the peer is judged once more.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from archiver.capture.addresses import parse_address, why_not_public
from archiver.errors import ArchiverError, SettingsError
from archiver.evidence.exchange import Failure

Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], tuple[str, ...]]
"""Addresses of a host in the resolver's order, none twice; raises ``OSError`` when there are none."""

MAX_DIALLED = 8
"""Addresses tried for one host; a hostile zone may list thousands, each worth a connection attempt."""
MAX_RESOLVING = 64
"""Resolver threads alive at once: getaddrinfo cannot be cancelled, so the late ones must not pile up."""
MAX_NAMED = 120
"""Characters of a host or a list of addresses repeated in a detail."""


def system_resolver(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses ``getaddrinfo(3)`` gives for a stream socket; ``OSError`` when it gives none."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except ValueError as error:  # UnicodeError of an over-long or empty label, embedded null
        raise OSError(f"not a host name: {error}") from error
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))


class Refused(ArchiverError):
    """A connection that was not made, or was closed at once; the capturer turns it into a value.

    Also raised by ``tls`` for a handshake that did not end.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be contacted: any public address, further ``allow_private`` networks, and only ``ports``."""

    allow_private: tuple[Network, ...]
    ports: frozenset[int]

    @classmethod
    def from_settings(cls, allow_private: Iterable[str], ports: Iterable[int]) -> AddressPolicy:
        """Return the policy of ``network.allow_private`` and ``network.ports``.

        ``SettingsError`` names the first value that is no network (host bits must be zero), that would switch
        the policy off (prefix length 0), or that is no port.
        """
        return cls(
            tuple(_parse_network(text) for text in allow_private),
            frozenset(_parse_port(port) for port in ports),
        )

    def check_port(self, port: int) -> Failure | None:
        """Return why a port may not be contacted, or None when it may."""
        if port in self.ports:
            return None
        return Failure("port_refused", f"port {port} is not in network.ports")

    def check_address(self, ip: str) -> Failure | None:
        """Return why an address may not be contacted, or None when it may; what is no address may not."""
        try:
            address = parse_address(ip)
        except ValueError as error:
            return Failure("address_refused", f"{ip[:MAX_NAMED]!r} is no address to dial: {error}"[:300])
        if any(address in network for network in self.allow_private):
            return None
        why = why_not_public(address)
        return Failure("address_refused", f"{ip} is not public ({why})") if why else None


def _parse_network(text: object) -> Network:
    try:
        if not isinstance(text, str):
            raise ValueError("not text")  # ip_network would take 2130706433 for 127.0.0.1/32
        if "%" in text:
            raise ValueError("a zone identifier names an interface of this host")
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingsError(
            f"network.allow_private: {text!r} is no network: {error}", do='write it as "10.0.0.0/8"'
        ) from error
    if network.prefixlen == 0:
        raise SettingsError(
            f"network.allow_private: {text!r} would allow every address",
            do="name the networks that are meant",
        )
    return network


def _parse_port(port: object) -> int:
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise SettingsError(f"network.ports: {port!r} is no port", do="use whole numbers from 1 to 65535")
    return port


@dataclass(frozen=True, slots=True)
class Dialled:
    """A connected TCP socket whose peer the policy permits, and how it was found."""

    sock: socket.socket
    resolved: tuple[str, ...]
    """Every address the resolver answered, also those refused."""
    peer_ip: str
    """As ``getpeername`` said."""
    local_ip: str


def dial(host: str, port: int, *, policy: AddressPolicy, resolver: Resolver, timeout_s: float) -> Dialled:
    """Connect to the first permitted address of a host that answers, in ``timeout_s`` with the resolving.

    Raises ``Refused`` with ``port_refused``, ``dns``, ``address_refused``, ``connect`` or ``timeout``.
    Nothing is sent, not even a SYN, to an address that the policy refuses. An address in its usual spelling
    (brackets allowed) needs no resolver; other spellings (``127.1``, ``0x7f000001``, full-width digits) go there.
    """
    deadline = time.monotonic() + timeout_s
    refusal = policy.check_port(port)
    if refusal is not None:
        raise Refused(refusal)
    resolved = _literal(host) or _resolve(host, port, resolver, deadline)
    verdicts = [(ip, policy.check_address(ip)) for ip in resolved]
    permitted = [ip for ip, failure in verdicts if failure is None]
    if not permitted:
        details = "; ".join(failure.detail for _, failure in verdicts if failure is not None)
        raise Refused(Failure("address_refused", f"{_named(host)}: {_named(details)}"))
    sock = _connect(host, port, permitted[:MAX_DIALLED], deadline)
    try:
        peer_ip = confirm_peer(sock, policy)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Dialled(sock, resolved, peer_ip, str(sock.getsockname()[0]))
    except OSError as error:  # reset between connect and here: getpeername says ENOTCONN
        sock.close()
        raise Refused(Failure("connect", f"{_named(host)}: {error.strerror or error}")) from error
    except BaseException:
        sock.close()
        raise


def confirm_peer(sock: socket.socket, policy: AddressPolicy) -> str:
    """Return the address a connected socket really leads to, or raise ``Refused`` if it may not be contacted.

    The second look: 0.0.0.0 leads to loopback, and a transparent proxy may lead anywhere. ``OSError`` when
    the socket is no longer connected.
    """
    peer_ip = str(sock.getpeername()[0])
    failure = policy.check_address(peer_ip)
    if failure is not None:
        raise Refused(Failure(failure.code, f"the connection led elsewhere: {failure.detail}"))
    return peer_ip


def _named(text: str) -> str:
    """Cut untrusted text for a detail."""
    return text if len(text) <= MAX_NAMED else text[:MAX_NAMED] + "…"


def _literal(host: str) -> tuple[str, ...]:
    """Return the host as the only address when it is one, else nothing."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    with contextlib.suppress(ValueError):
        return (str(ipaddress.ip_address(bare)),)
    return ()


_resolving = threading.BoundedSemaphore(MAX_RESOLVING)


def _resolve(host: str, port: int, resolver: Resolver, deadline: float) -> tuple[str, ...]:
    """Ask the resolver in a thread of its own, because getaddrinfo knows no time-out."""
    answers: queue.SimpleQueue[tuple[str, ...] | BaseException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(tuple(dict.fromkeys(resolver(host, port))))
        except BaseException as error:  # noqa: BLE001 - carried to the thread that asked
            answers.put(error)
        finally:
            _resolving.release()

    late = Refused(Failure("timeout", f"the name {_named(host)} was not resolved in time"))
    if not _resolving.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise late
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise late from None
    if isinstance(answer, OSError):
        raise Refused(Failure("dns", f"{_named(host)}: {answer.strerror or answer}")) from answer
    if isinstance(answer, BaseException):
        raise answer
    if not answer:
        raise Refused(Failure("dns", f"{_named(host)}: the resolver named no address"))
    return answer


def _connect(host: str, port: int, addresses: list[str], deadline: float) -> socket.socket:
    """Try the addresses in order, each with an equal share of the time left."""
    failures: list[str] = []
    only_timeouts = True
    for at, ip in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - at)
        if share <= 0:
            break
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        sock: socket.socket | None = None
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.settimeout(share)
            sock.connect((ip, port))
            return sock
        except OSError as error:
            if sock is not None:
                sock.close()
            only_timeouts = only_timeouts and isinstance(error, TimeoutError)
            failures.append(f"{ip} port {port}: {error.strerror or error}")
    detail = f"{_named(host)}: {_named('; '.join(failures)) or 'no time left to connect'}"
    raise Refused(Failure("timeout" if only_timeouts else "connect", detail))
