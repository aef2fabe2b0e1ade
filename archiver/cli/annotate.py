"""``archiver annotate``: what an analyst thinks of it; kept apart from what it says."""

from __future__ import annotations

import getpass
from typing import Any

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import clipped, paragraph

BY_WIDTH = 20
"""Characters of a name in ``annotate list``."""
_TERMS = ("severity", "confidence", "category", "regulation", "jurisdiction")


@click.group()
def annotate() -> None:
    """Note an opinion about a document, version, snapshot or provision.

    Annotations are stated in the log and keep every revision; no citation record ever holds one.
    """


def _terms(command: Any) -> Any:
    for name in reversed(_TERMS):
        command = click.option(f"--{name}", help=f"The {name}; words as in vocabulary.toml.")(command)
    command = click.option("--effective-date", metavar="DAY", help="From when it matters, as 2026-05-12.")(command)
    command = click.option("--text", help="Free text.")(command)
    return click.option("--by", default=getpass.getuser, show_default="the user's name", help="The analyst.")(command)


@annotate.command(epilog="Example: archiver annotate add EA-D-00001 --version 3 --severity high --text 'opt-out gone'")
@click.argument("subject")
@click.option("--version", type=click.IntRange(1), help="A version of the document.")
@_terms
@click.pass_obj
def add(context: Context, /, subject: str, **values: Any) -> None:
    """Annotate SUBJECT: a document, snapshot or provision."""
    _state(context, {"subject": subject, **values})


@annotate.command(epilog="Example: archiver annotate change EA-A-000001 --severity medium")
@click.argument("annotation")
@_terms
@click.pass_obj
def change(context: Context, /, annotation: str, **values: Any) -> None:
    """State a new revision of ANNOTATION; what is not named stays as it was."""
    _state(context, {"annotation": annotation, **values})


@annotate.command(epilog="Example: archiver annotate withdraw EA-A-000001")
@click.argument("annotation")
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="The analyst.")
@click.pass_obj
def withdraw(context: Context, annotation: str, by: str) -> None:
    """Withdraw ANNOTATION; its revisions stay in the log."""
    _state(context, {"annotation": annotation, "withdraw": True, "by": by})


def _state(context: Context, values: dict[str, Any]) -> None:
    with context.work() as work:
        made = work.act("annotate", values)
        warnings = work.settle(stamp=False)
    if context.as_json:
        context.emit(made)
    else:
        click.echo(
            f"{made['annotation']}  {_about(made)}  revision {made['revision']}, {made['event']} by {made['by']}"
        )
    for warning in warnings:
        context.note(f"warning: {warning}")


@annotate.command("list", epilog="Example: archiver annotate list EA-D-00001")
@click.argument("subject", required=False)
@click.pass_obj
def list_(context: Context, subject: str | None) -> None:
    """List annotations in force: about SUBJECT, or all."""
    from archiver.annotations import in_force, known_subject

    archive = context.archive()
    found = in_force(archive, known_subject(archive, subject, None)[0] if subject else None)
    if context.as_json:
        context.emit(found)
        return
    if not found:
        context.note("nothing is annotated; archiver annotate add DOCUMENT --severity high --text '…'")
        return
    rows = [
        (a["annotation"], _about(a), a["severity"], a["category"], clipped(a["by"], BY_WIDTH), a["at"][:10])
        for a in found
    ]
    click.echo(table(("annotation", "about", "severity", "category", "by", "on"), rows))
    for item in found:
        if item["text"]:
            click.echo(_text(item["text"], f"{item['annotation']}  "))


@annotate.command(epilog="Example: archiver annotate show EA-A-000001")
@click.argument("annotation")
@click.pass_obj
def show(context: Context, annotation: str) -> None:
    """Show every revision of ANNOTATION."""
    from archiver.annotations import newest, revisions

    archive = context.archive()
    newest(archive, annotation)
    found = revisions(archive, annotation)
    if context.as_json:
        context.emit(found)
        return
    for item in found:
        click.echo(
            f"{item['annotation']}  revision {item['revision']}, {item['event']} by {item['by']} at {item['at']}"
        )
        for name in ("subject", "version", *_TERMS, "effective_date", "text"):
            if item[name] is not None:
                click.echo(_text(str(item[name]), f"  {name.replace('_', ' '):<15} "))


def _about(item: dict[str, Any]) -> str:
    return f"{item['subject']} v{item['version']}" if item["version"] else str(item["subject"])


def _text(text: str, first: str) -> str:
    """Free text keeps its own lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(paragraph(line, " " * len(first) if number else first) for number, line in enumerate(lines))
