"""``archiver search``: words in every version ever seen."""

from __future__ import annotations

import click

from archiver.cli.context import Context
from archiver.cli.layout import paragraph


@click.command(epilog="""Example: archiver search 'train "our models"' --current""")
@click.argument("words", nargs=-1, required=True)
@click.option("--current", is_flag=True, help="Only in the versions seen last.")
@click.option("--document", help="Only in one document.")
@click.option("--entity", help="Only in the documents of one entity.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Most passages to show.")
@click.pass_obj
def search(
    context: Context, words: tuple[str, ...], current: bool, document: str | None, entity: str | None, limit: int
) -> int:
    """Find passages that hold all WORDS; words in double quotes must follow one another.

    Exits 1 when there is none.
    """
    from archiver.searching import Scope
    from archiver.searching import search as find

    archive = context.archive()
    scope = Scope(current, archive.document(document).document if document else None, entity)
    hits = find(archive, " ".join(words), scope, limit)
    if context.as_json:
        context.emit(hits)
        return 0 if hits else 1
    for hit in hits:
        numbers = ", ".join(f"v{number}" for number in hit["versions"])
        state = "current" if hit["current"] else "past"
        click.echo(paragraph(f"{hit['entity']}: {hit['title']}", f"{hit['document']}  ", "  "))
        seen = f"seen {hit['first_seen'][:10]} to {hit['last_seen'][:10]}"
        click.echo(paragraph(f"{state}: {numbers}, {seen}, {hit['snapshot']} line {hit['line'] + 1}", "  "))
        click.echo(paragraph(hit["text"], "  "))
    if not hits:
        where = "the versions seen last" if current else "any version"
        context.note(f"no passage of {where} holds all these words")
    elif len(hits) == limit:
        context.note(f"the best {limit} are shown; --limit shows more")
    return 0 if hits else 1
