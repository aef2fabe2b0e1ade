"""Options of ``archiver export`` for certificates and exhibits, and the files beside exhibits."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.binder import Binder
    from archiver.sealing import Ask, Seal

MOST_KEY = 1 << 20
"""Bytes read of a seal's file, of a passphrase file, of a revocation list."""
_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--timezone", default="UTC", show_default=True, metavar="ZONE", help="Exhibit: zone of local times."),
    click.option("--bates", metavar="NUMBER", help="Exhibit: number of the first page, as EX000001."),
    click.option("--provision", metavar="PROVISION", help="Exhibit: mark this clause where its words stand."),
    click.option("--paper", default="a4", show_default=True, help="Exhibit: a4 or us-letter."),
    click.option("--fonts", multiple=True, type=_FILE, metavar="FOLDER", help="Certificate, exhibit: further fonts."),
    click.option("--seal", type=_FILE, metavar="FILE", help="Certificate: sign the PDF with this PKCS#12 key (PAdES)."),
    click.option("--seal-passphrase-file", type=_FILE, metavar="FILE", help="Passphrase of the seal's file."),
    click.option(
        "--seal-crl",
        multiple=True,
        type=_FILE,
        metavar="FILE",
        help="Its issuer's revocation list (DER): B-LTA.",
    ),
)
NAMES = ("timezone", "bates", "provision", "paper", "fonts", "seal", "seal_passphrase_file", "seal_crl")


def page_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them by name."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def require_used(targets: dict[str, Path], output: Path) -> None:
    """``UsageError`` for an option that was typed and that no file of this export would follow.

    Whoever asks for a timestamp, a seal or a Bates number and gets a file without one finds out too late.
    """
    from archiver.errors import UsageError
    from archiver.exhibit_load import EXHIBIT_ENDS

    context = click.get_current_context()
    names = {path.name for path in targets.values()}
    exhibit = any(name.endswith(EXHIBIT_ENDS) for name in names)
    certificate = any(name.endswith(".pdf") and not name.endswith(EXHIBIT_ENDS) for name in names)
    for option, used, do in (
        ("form", output not in targets.values(), "leave it out: the name of the file says the form"),
        ("stamp", not (exhibit or certificate), "leave it out: a certificate is sealed with --seal"),
        *((name, exhibit, "it is for a file that ends with .exhibit.pdf") for name in NAMES[:4]),
        ("fonts", exhibit or certificate, "it is for a certificate or an exhibit"),
        *((name, certificate, "it is for a certificate, a file that ends with .pdf") for name in NAMES[5:]),
        *((name, "seal" in typed(context), "it goes with --seal") for name in NAMES[6:]),
    ):
        if option in typed(context) and not used:
            raise UsageError(f"--{option.replace('_', '-')} says nothing of {output}", do=do)


def typed(context: click.Context) -> frozenset[str]:
    """The options that were typed, not left as they are by default."""
    from click.core import ParameterSource

    return frozenset(
        name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )


def binder_of(archive: Archive, options: dict[str, Any]) -> Binder:
    """The binder that these options ask for; ``UsageError`` for a file, a zone or a number that is none."""
    from archiver.binder import Binder
    from archiver.exhibit import Bates, Wishes, zone_of

    zone_of(options["timezone"])
    bates = None if options["bates"] is None else Bates.from_text(options["bates"])
    wishes = Wishes(options["timezone"], bates, options["provision"], options["paper"])
    seal = None if options["seal"] is None else _seal(archive, options)
    return Binder(wishes, tuple(options["fonts"]), seal, None if seal is None else _ask(archive))


def _seal(archive: Archive, options: dict[str, Any]) -> Seal:
    from archiver.sealing import open_seal

    secret = options["seal_passphrase_file"]
    passphrase = None if secret is None else _read(secret).split(b"\n")[0].rstrip(b"\r")
    roots = [der for authority in archive.roots().values() for der in authority]
    lists = [_read(path) for path in options["seal_crl"]]
    kept = _kept(archive) if lists else {"crl": [], "ocsp": []}
    return open_seal(
        _read(options["seal"]),
        passphrase,
        roots=roots,
        revocation_lists=lists,
        kept_lists=kept["crl"],
        kept_responses=kept["ocsp"],
    )


def _kept(archive: Archive) -> dict[str, list[bytes]]:
    """What the archive keeps of the revocation of the certificates of the authority that ``_ask`` asks."""
    from archiver.revocation_data import newest_data

    found: dict[str, list[bytes]] = {"crl": [], "ocsp": []}
    for authority in archive.settings.authorities[:1]:
        for one in newest_data(archive, authority.name):
            found[one.source].append(one.data)
    return found


def _ask(archive: Archive) -> Ask | None:
    """How the first configured authority is asked; None when there is none."""
    import time

    from archiver.errors import ArchiverError
    from archiver.stamp.interface import StampFailure
    from archiver.stamping import open_authorities

    opened = list(open_authorities(archive).values())
    if not opened:
        return None
    authority = opened[0]
    last: list[float] = []

    def ask(request: bytes) -> bytes:
        if last:
            time.sleep(max(0.0, last[-1] + authority.min_interval_s - time.monotonic()))
        last.append(time.monotonic())
        reply = authority.ask(request)
        if isinstance(reply, StampFailure):
            raise ArchiverError(f"no timestamp from {authority.name}: {reply.detail}", do="try again later")
        return reply

    return ask


def _read(path: Path) -> bytes:
    from archiver.errors import UsageError

    try:
        with path.open("rb") as handle:
            data = handle.read(MOST_KEY + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", do="name a file that can be read") from error
    if len(data) > MOST_KEY:
        raise UsageError(f"{path} has more than {MOST_KEY} bytes")
    return data


def require_free(targets: dict[str, Path], binder: Binder) -> None:
    """``UsageError`` when a file that goes beside an exhibit is there already: said before anything is handed out."""
    from archiver.errors import UsageError

    for path in binder.names_beside(targets):
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} is there already", do="give another name")


def write_beside(targets: dict[str, Path], binder: Binder, handed_out: Collection[str]) -> list[Path]:
    """Write what goes beside the exhibits of these snapshots; return the files."""
    from archiver.errors import UsageError

    files = binder.beside(targets, handed_out)
    for path, data in files.items():
        try:
            with path.open("xb") as handle:
                handle.write(data)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}", do="give another name") from error
    return list(files)
