"""The command line: the only place where errors become text and exit codes. One file per command group.

Exit codes: 0 fine · 1 a finding · 2 usage or settings · 3 could not be checked · 4 archive damaged or locked · 70 our
bug. Commands are imported when they are called, so that a quick one stays quick.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
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
    "export": ("archiver.cli.export", "export"),
    "declare": ("archiver.cli.declare", "declare"),
    "protocol": ("archiver.cli.protocol", "protocol"),
    "import": ("archiver.cli.imported", "import_"),
    "history": ("archiver.cli.history", "history"),
    "diff": ("archiver.cli.diff", "diff"),
    "provision": ("archiver.cli.provision", "provision"),
    "search": ("archiver.cli.search", "search"),
    "annotate": ("archiver.cli.annotate", "annotate"),
    "absence": ("archiver.cli.absence", "absence"),
    "quarantine": ("archiver.cli.quarantine", "quarantine"),
    "derive": ("archiver.cli.derive", "derive"),
    "hold": ("archiver.cli.hold", "hold"),
    "dispose": ("archiver.cli.dispose", "dispose"),
    "redact": ("archiver.cli.redact", "redact"),
    "transfer": ("archiver.cli.transfer", "transfer"),
    "custody": ("archiver.cli.custody", "custody"),
    "log": ("archiver.cli.log", "log"),
    "stamp": ("archiver.cli.stamp", "stamp"),
    "alert": ("archiver.cli.alert", "alert"),
    "outside": ("archiver.cli.outside", "outside"),
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
    """Watch web documents, keep what they said, and cite it so that others can check.

    The options below may stand before or after the command.
    """
    from archiver.cli.context import Context

    ctx.obj = Context(archive or ".", as_json, verbose, passphrase_file, passphrase_fd)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; every error becomes one line on standard error."""
    words = global_first(sys.argv[1:] if arguments is None else list(arguments))
    verbose = "--verbose" in words or "-v" in words
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A title in a script that the terminal's encoding does not have is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            result = root.main(args=words, prog_name="archiver", standalone_mode=False)
        finally:
            if sys.stdout is not None:  # a daemon may be started without one
                sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.Abort:
        say("stopped; what was acknowledged is kept")
        return 130
    except click.ClickException as error:
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "archiver"
        say(f"error: {error.format_message().rstrip('.')}; see {path} --help")
        return 2
    except (BrokenPipeError, SystemExit):
        # Click ends with SystemExit when nobody reads its output any more (head, less): that is no error of ours.
        _let_go_of_output()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, and the right code
        return _tell(error, verbose)
    return result if isinstance(result, int) else 0


def _let_go_of_output() -> None:
    """Let the interpreter's own last flush succeed where ours failed."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Print one line on standard error, whatever the text holds: a server's words must not steer the terminal."""
    line = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" if c != "\n" else " " for c in text)
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def _tell(error: Exception, verbose: bool) -> int:
    from storage.errors import StorageError

    if verbose:
        traceback.print_exception(error)
    if isinstance(error, ArchiverError):
        say(f"error: {error}")
        return error.exit_code
    if isinstance(error, StorageError):
        say(f"error: {error}; nothing that was acknowledged is lost")
        return 4
    if isinstance(error, OSError):
        if error.errno == errno.ENAMETOOLONG:
            # Only a name that was typed can be too long: ours are all of known lengths.
            say(f"error: {error.strerror}: {str(error.filename)[:60]}…; give a shorter name")
            return 2
        _let_go_of_output()
        say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 3
    say(f"error: this is a bug: {type(error).__name__}: {error}; run again with --verbose for the trace")
    return 70


_FLAGS = ("--json", "--verbose", "-v")
_WITH_VALUE = ("--archive", "--passphrase-file", "--passphrase-fd")


def global_first(words: Sequence[str]) -> list[str]:
    """Allow the options of ``archiver`` itself after the command as well: move them to the front."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            return [*front, *rest, word, *waiting]
        if word in _FLAGS or word.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            front.append(word)
        elif word in _WITH_VALUE:
            value = next(waiting, None)
            if value is None:
                return [*front, word]  # click says what is missing
            front += [word, value]
        else:
            rest.append(word)
    return front + rest
