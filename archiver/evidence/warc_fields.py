"""Header fields that an exchange gives its records: when, where from, over what, how it ended."""

from __future__ import annotations

from archiver.evidence.exchange import Exchange
from archiver.evidence.instant import format_instant
from archiver.evidence.warc_record import Field, safe_uri, safe_value

_CUT_BY = {
    "too_large": "length",
    "header_too_large": "length",
    "timeout": "time",
    "closed_early": "disconnect",
    "connect": "disconnect",
    "tls": "disconnect",
    "interrupted": "unspecified",
    "storage_full": "unspecified",
}
"""WARC-Truncated by failure code (ISO 28500:2017, 5.13)."""


def common(exchange: Exchange) -> list[Field]:
    """Return date, URI and address: the fields of every record of the exchange."""
    fields = [
        ("WARC-Date", format_instant(exchange.started_at)),
        ("WARC-Target-URI", safe_uri(exchange.url)),
    ]
    if exchange.connection is None:
        return fields
    # a link-local address carries the name of an interface, which is ours and not the peer's
    address = exchange.connection.peer_ip.partition("%")[0].lower()
    return fields + safe_value("WARC-IP-Address", address)


def concurrent_to(record_id: str | None) -> list[Field]:
    """Return WARC-Concurrent-To, or nothing where there is no such record."""
    return [] if record_id is None else [("WARC-Concurrent-To", record_id)]


def truncated(exchange: Exchange, *, default: str | None) -> list[Field]:
    """Return WARC-Truncated by the failure of the exchange; ``default`` where that does not say, None for no field."""
    why = _CUT_BY.get(exchange.failure.code, default) if exchange.failure else default
    return [] if why is None else [("WARC-Truncated", why)]


def session(exchange: Exchange) -> list[Field]:
    """Return WARC-Protocol lines and WARC-Cipher-Suite: ``http/1.1``, ``tls/1.3``, ``TLS_AES_256_GCM_SHA384``."""
    fields = safe_value("WARC-Protocol", exchange.head.version.lower()) if exchange.head else []
    tls = exchange.connection.tls if exchange.connection else None
    if tls is None:
        return fields
    family, _, number = tls.version.partition("v")
    number = number if "." in number or family == "SSL" else f"{number}.0"
    fields += safe_value("WARC-Protocol", f"{family.lower()}/{number}")
    return fields + safe_value("WARC-Cipher-Suite", tls.cipher)
