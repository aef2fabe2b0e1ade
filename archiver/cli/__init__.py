"""The command line: the only place where errors become text and exit codes. One file per command group.

Exit codes: 0 fine · 1 a finding · 2 usage or settings · 3 could not be checked · 4 archive damaged or locked · 70 our
bug. Commands are imported when they are called, so that a quick one stays quick.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence

import click

from archiver import __version__
from archiver.errors import ArchiverError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("archiver.cli.init", "init"),
    "demo": ("archiver.cli.demo", "demo"),
    "watch": ("archiver.cli.watch", "watch"),
    "run": ("archiver.cli.run", "run"),
    "capture": ("archiver.cli.capture", "capture"),
    "verify": ("archiver.cli.verify", "verify"),
    "cite": ("archiver.cli.cite", "cite"),
    "history": ("archiver.cli.history", "history"),
    "log": ("archiver.cli.log", "log"),
    "stamp": ("archiver.cli.stamp", "stamp"),
    "keys": ("archiver.cli.keys", "keys"),
    "status": ("archiver.cli.status", "status"),
    "settings": ("archiver.cli.settings", "settings"),
    "doctor": ("archiver.cli.doctor", "doctor"),
    "rebuild": ("archiver.cli.rebuild", "rebuild"),
}
"""Name of each command, and the module and object that are it."""


class Lazy(click.Group):
    """A group that imports a command only when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the manual."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, or return None when there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: archiver init my-archive, then archiver --archive my-archive watch add https://example.org/terms",
)
@click.option(
    "--archive",
    "archive",
    type=click.Path(file_okay=False),
    envvar="ARCHIVER_ARCHIVE",
    help="Folder of the archive; default: ARCHIVER_ARCHIVE, else the current folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
@click.option("--verbose", "-v", is_flag=True, help="Say more: the trace behind an error, debug lines of the daemon.")
@click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False),
    envvar="ARCHIVER_PASSPHRASE_FILE",
    help="File whose first line is the passphrase of the log key.",
)
@click.option("--passphrase-fd", type=click.IntRange(0), help="File descriptor to read the passphrase from.")
@click.version_option(__version__, prog_name="archiver", message="%(prog)s %(version)s")
@click.pass_context
def root(
    ctx: click.Context,
    archive: str | None,
    as_json: bool,
    verbose: bool,
    passphrase_file: str | None,
    passphrase_fd: int | None,
) -> None:
    """Watch web documents, keep what they said, and cite it so that others can check."""
    from archiver.cli.context import Context

    ctx.obj = Context(archive or ".", as_json, verbose, passphrase_file, passphrase_fd)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; every error becomes one line on standard error."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    verbose = "--verbose" in words or "-v" in words
    try:
        result = root.main(args=_global_first(words), prog_name="archiver", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, and the right code
        return _tell(error, verbose)
    return result if isinstance(result, int) else 0


def _tell(error: Exception, verbose: bool) -> int:
    from storage.errors import StorageError

    if verbose:
        traceback.print_exception(error)
    if isinstance(error, ArchiverError):
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    if isinstance(error, StorageError):
        click.echo(f"error: {error}", err=True)
        return 4
    click.echo(
        f"error: this is a bug: {type(error).__name__}: {error}; run again with --verbose for the trace", err=True
    )
    return 70


_GLOBAL_FLAGS = ("--json", "--verbose", "-v")


def _global_first(words: list[str]) -> list[str]:
    """Allow ``--json`` and ``--verbose`` after the command as well: move them to the front."""
    end = words.index("--") if "--" in words else len(words)
    front = [word for word in words[:end] if word in _GLOBAL_FLAGS]
    return front + [word for word in words[:end] if word not in _GLOBAL_FLAGS] + words[end:]
