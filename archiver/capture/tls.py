"""TLS without enforcement: the session is made, its certificate chain and the verdict are recorded beside it.

An archive must be able to keep what a server with an expired certificate published; whoever reads the record
decides. So the handshake accepts any certificate and the verdict is a fact about that same connection.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
import threading
import time
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archiver.capture.policy import Refused
from archiver.evidence.exchange import Failure, TlsFacts

if TYPE_CHECKING:
    from archiver.capture.verdict import Roots

VERDICT_TTL = timedelta(minutes=5)
"""How long a verdict over one chain and host is reused, unless a certificate starts or ends before."""
MAX_VERDICTS = 4096

_Verdict = tuple[tuple[str, ...], datetime, datetime]  # problems, reached at, good until


class Trust:
    """The trusted roots (certifi and ``network.ca_file``) and the verdicts reached with them; thread-safe."""

    def __init__(self, ca_file: str = "") -> None:
        """Read ``ca_file`` (PEM; empty means none); ``SettingsError`` if unreadable or without certificate."""
        self._ca_file = ca_file
        if ca_file:
            _ = self._roots  # what is wrong with the file must be told now
        self._context = _context()
        self._lock = threading.Lock()
        self._verdicts: OrderedDict[tuple[str, str], _Verdict] = OrderedDict()

    def handshake(
        self, sock: socket.socket, host: str, *, now: datetime, timeout_s: float
    ) -> tuple[ssl.SSLSocket, TlsFacts]:
        """Return the TLS socket and the facts of its session; ``now`` is the time the verdict is about.

        ``host`` is the name or address of the URL; a name is sent as SNI, an address is not (RFC 6066). Raises
        ``Refused`` with ``tls`` or ``timeout``; ``sock`` is then closed, and it is used up in either case.
        Servers that know nothing newer than TLS 1.1, or renegotiate without RFC 5746, are not reached.
        """
        tls = self._connect(sock, host, timeout_s)
        try:
            chain = presented_chain(tls)
            problems = self._problems(chain, host, now)
            cipher = tls.cipher()
            facts = TlsFacts(
                version=tls.version() or "unknown",
                cipher=cipher[0] if cipher else "unknown",
                alpn=tls.selected_alpn_protocol(),
                sni=_sni(host),
                chain=chain,
                verdict="invalid" if problems else "valid",
                problems=problems,
            )
        except BaseException:
            tls.close()
            raise
        return tls, facts

    @cached_property
    def _roots(self) -> Roots:
        from archiver.capture.verdict import Roots  # slow to import, and without TLS not needed

        return Roots(self._ca_file)

    def _connect(self, sock: socket.socket, host: str, timeout_s: float) -> ssl.SSLSocket:
        deadline = time.monotonic() + timeout_s
        opened: socket.socket = sock
        try:
            sock.settimeout(max(timeout_s, 0.001))  # 0 would mean non-blocking
            tls = self._context.wrap_socket(sock, server_hostname=_sni(host), do_handshake_on_connect=False)
            opened = tls
            tls.settimeout(max(deadline - time.monotonic(), 0.001))
            tls.do_handshake()  # the time-out is over the whole handshake, not each read
            return tls
        except TimeoutError as error:
            opened.close()
            raise Refused(Failure("timeout", f"{host[:120]}: the TLS handshake took too long")) from error
        except (OSError, ValueError) as error:  # SSLError is an OSError; ValueError: a name that is no SNI
            opened.close()
            raise Refused(Failure("tls", f"{host[:120]}: no TLS session: {_reason(error)}")) from error
        except BaseException:
            opened.close()
            raise

    def _problems(self, chain: tuple[bytes, ...], host: str, now: datetime) -> tuple[str, ...]:
        """Return the problems, from memory if the same chain was judged for this host a moment ago."""
        digest = hashlib.sha256(b"".join(hashlib.sha256(der).digest() for der in chain)).hexdigest()
        with self._lock:
            known = self._verdicts.get((digest, host))
            if known is not None and known[1] <= now < known[2]:
                self._verdicts.move_to_end((digest, host))
                return known[0]
        problems, changes = self._roots.judge(chain, host, now)
        with self._lock:
            self._verdicts[(digest, host)] = (problems, now, min(now + VERDICT_TTL, changes))
            self._verdicts.move_to_end((digest, host))
            if len(self._verdicts) > MAX_VERDICTS:
                self._verdicts.popitem(last=False)
        return problems


def presented_chain(tls: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates the server sent, DER, leaf first.

    Python 3.13 has a public method; 3.11 and 3.12 have the same one on the object inside.
    """
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(bytes(der) for der in public() or ())
    inner: Any = getattr(tls, "_sslobj")  # noqa: B009 - the type checker knows no such attribute
    der_encoding = 2  # _ssl.ENCODING_DER
    return tuple(one.public_bytes(der_encoding) for one in inner.get_unverified_chain() or ())


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the verdict is reached afterwards, by ``Roots.judge``
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _sni(host: str) -> str | None:
    from archiver.capture.verdict import parse_host

    wanted = parse_host(host)
    return None if isinstance(wanted, ipaddress.IPv4Address | ipaddress.IPv6Address) else wanted


def _reason(error: Exception) -> str:
    """Say OpenSSL's reason in its words, without file and line of its source."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
