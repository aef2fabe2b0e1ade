"""Writes docs/commands.md from the command line's own help: ``python -m tests.commands_page`` (``make docs``)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
HEAD = """\
# Commands

Written by `make docs` from the command line's own help; a test compares the two. `archiver COMMAND --help` prints the
same. Exit codes stand in the [README](../README.md#exit-codes).
"""


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every visible command of a group with its path, the group first, the others in order of name."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in sorted(command.list_commands(context)):
            child = command.get_command(context, name)
            assert child is not None, f"{' '.join(path)} lists {name} and does not have it"
            if not child.hidden:
                yield from walk(child, (*path, name))


def options(command: click.Command) -> Iterator[click.Option]:
    """Yield the visible options of a command, without ``--help``."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield parameter


def usage(path: tuple[str, ...], command: click.Command) -> str:
    """The line that names the arguments: ``archiver verify SUBJECT... [OPTIONS]``."""
    words = [*path]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            word = (parameter.metavar or parameter.name or "").upper()
            word += "..." if parameter.nargs == -1 and not word.endswith("...") else ""
            words.append(word if parameter.required or word.startswith("[") else f"[{word}]")
    words += ["COMMAND"] if isinstance(command, click.Group) else []
    return " ".join(words)


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    kinds = [f"one of {', '.join(option.type.choices)}"] if isinstance(option.type, click.Choice) else []
    kinds += ["may be repeated"] if option.multiple else []
    kinds += ["required"] if option.required else []
    about = " ".join((option.help or "").split())
    extra = f" ({'; '.join(kinds)})" if kinds else ""
    cell = (about + extra).strip().replace("|", "\\|")
    return f"| {names} | {cell} |"


def _text(command: click.Command) -> str:
    """Help text with paragraphs kept; click marks paragraphs that must not be wrapped with a backspace."""
    paragraphs = inspect.cleandoc(command.help or "").split("\f")[0].split("\n\n")
    out = []
    for paragraph in paragraphs:
        if paragraph.startswith("\b"):
            out.append("```\n" + paragraph.removeprefix("\b").strip("\n") + "\n```")
        else:
            out.append(paragraph.strip())
    return "\n\n".join(part for part in out if part)


def page(root: click.Command) -> str:
    """Return the whole page for a root command."""
    parts = [HEAD]
    for path, command in walk(root, ("archiver",)):
        rows = [_row(option) for option in options(command)]
        table = "\n".join(["| option | |", "|---|---|", *rows]) if rows else ""
        sections = [f"## `{' '.join(path)}`", f"Usage: `{usage(path, command)}`", _text(command), table]
        parts.append("\n\n".join(part for part in sections if part) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    from archiver.cli import root as archiver_root

    PAGE.write_text(page(archiver_root), encoding="utf-8")
