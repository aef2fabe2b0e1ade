"""``archiver run``: the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.context import Context

if TYPE_CHECKING:
    from archiver.recovery import Recovered


@click.command(epilog="Example: archiver run --archive my-archive --passphrase-file secret")
@click.option("--log-json/--log-text", default=None, help="Form of the log; default: text on a terminal, else JSON.")
@click.pass_obj
def run(context: Context, log_json: bool | None) -> None:
    """Watch: check what is due, publish, stamp, until SIGTERM or Ctrl-C.

    The first signal lets checks in flight end and publishes a last checkpoint; a second one stops at once.
    """
    import os
    import signal

    from archiver import logs
    from archiver.daemon import Daemon
    from archiver.errors import UsageError
    from archiver.operation import open_operation

    logs.set_up(verbose=context.verbose, json_lines=log_json)
    operation = open_operation(context.path, context.passphrase, wait_s=1.0)
    with operation:
        if not operation.pipeline.ledger.can_publish:
            raise UsageError(
                "the daemon signs checkpoints and needs the passphrase of the log key",
                do="give --passphrase-file, --passphrase-fd or a systemd credential named passphrase",
            )
        _tell_recovery(operation.recovered)
        daemon = Daemon(operation, context.path, os.environ)

        def stop(number: int, _: object) -> None:
            # The first signal lets everything in flight end; a second one ends the process, and the next start
            # states what was interrupted.
            signal.signal(number, signal.SIG_DFL)
            daemon.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        daemon.run()


def _tell_recovery(recovered: Recovered) -> None:
    """What start-up found, in the daemon's own log."""
    import logging

    log = logging.getLogger("archiver.daemon")
    for warning in recovered.warnings:
        log.warning("%s", warning)
    finished, interrupted = len(recovered.committed), len(recovered.interrupted)
    if finished or interrupted:
        log.warning(
            "the last run did not end in order: %d checks are finished now, %d were interrupted", finished, interrupted
        )
