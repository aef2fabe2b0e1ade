"""``archiver run``: the daemon."""

from __future__ import annotations

import click

from archiver.cli.context import Context


@click.command(epilog="Example: archiver --archive my-archive --passphrase-file secret run")
@click.option("--log-json/--log-text", default=None, help="Form of the log; default: text on a terminal, else JSON.")
@click.pass_obj
def run(context: Context, log_json: bool | None) -> None:
    """Watch: check what is due, publish, stamp, until SIGTERM or Ctrl-C."""
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
        for warning in operation.recovered.warnings:
            context.note(f"warning: {warning}")
        daemon = Daemon(operation, context.path, os.environ)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.stop())
        daemon.run()
