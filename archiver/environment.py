"""What this host says of itself: kernel clock state, software versions, resolver; read without privileges."""

from __future__ import annotations

import ctypes
import hashlib
import os
import time
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path

from archiver import __version__
from archiver.evidence.canonical import Json, dump_line
from archiver.evidence.instant import format_instant

SOFTWARE = f"evidence-archiver/{__version__}"
_LIBRARIES = ("asn1crypto", "certifi", "cryptography", "isal", "protego", "pyOpenSSL", "requests", "warcio")
_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000


class _Timex(ctypes.Structure):
    """``struct timex`` of ``adjtimex(2)`` on 64-bit Linux."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_sec", ctypes.c_long),
        ("time_usec", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    ]


@cache
def _adjtimex() -> ctypes._NamedFuncPointer | None:
    try:
        return ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None


@cache
def _boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None


def clock_facts(now: datetime) -> Json:
    """Return the kernel's own view of the clock at ``now``; nulls where the kernel does not tell."""
    facts: Json = {
        "wall": format_instant(now),
        "monotonic_ns": str(time.monotonic_ns()),
        "boot_id": _boot_id(),
        "synchronised": None,
        "max_error_us": None,
        "est_error_us": None,
        "tai_offset_s": None,
        "source": None,
    }
    call = _adjtimex()
    if call is None:
        return facts
    state = _Timex()
    result = call(ctypes.byref(state))
    if result < 0:
        return facts
    return {
        **facts,
        "synchronised": result != 5 and not state.status & _STA_UNSYNC,
        "max_error_us": int(state.maxerror),
        "est_error_us": int(state.esterror),
        "tai_offset_s": int(state.tai),
        "source": "adjtimex",
    }


def _os_name() -> str:
    import platform

    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system()
    return release.get("PRETTY_NAME", platform.system())


def _host() -> str | None:
    """SHA-256 of the machine identifier: tells hosts apart without naming them (machine-id(5) asks for a hash)."""
    try:
        identifier = Path("/etc/machine-id").read_bytes().strip()
    except OSError:
        return None
    return hashlib.sha256(b"evidence-archiver\0" + identifier).hexdigest() if identifier else None


_RESOLV_CONF = "/etc/resolv.conf"


def _resolvers() -> tuple[str, ...]:
    """The name servers in force; read again only when the file has changed."""
    try:
        return _name_servers(os.stat(_RESOLV_CONF).st_mtime_ns)  # noqa: PTH116 - asked for every check
    except OSError:
        return ()


@lru_cache(maxsize=1)
def _name_servers(_changed_ns: int) -> tuple[str, ...]:
    lines = [line.split() for line in Path(_RESOLV_CONF).read_text("utf-8", "replace").splitlines()]
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


@cache
def _fixed() -> Json:
    import platform  # these cost more than all others, and a command that only reads asks for none of it
    import ssl
    from importlib import metadata

    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "unknown"
    return {
        "software": SOFTWARE,
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "libraries": versions,
        "os": _os_name(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "host": _host(),
    }


def environment_facts(config_sha256: str) -> Json:
    """Return the software and host of a check; ``config_sha256`` is over the settings in force."""
    return _environment(_resolvers(), config_sha256)[0]


def environment_line(config_sha256: str) -> bytes:
    """Return ``environment_facts`` as a canonical line; the same facts are encoded once."""
    return _environment(_resolvers(), config_sha256)[1]


@lru_cache(maxsize=4)
def _environment(resolvers: tuple[str, ...], config_sha256: str) -> tuple[Json, bytes]:
    facts = {**_fixed(), "resolver": list(resolvers), "config_sha256": config_sha256}
    return facts, dump_line(facts)


def utc_now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)
