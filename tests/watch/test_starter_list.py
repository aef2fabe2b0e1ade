"""The watch list that comes with the program."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from archiver.watch.catalogue import read_files
from archiver.watch.catalogue_plan import plan_import

LIST = Path(__file__).resolve().parent.parent.parent / "config" / "watchlist.toml"


def test_the_starter_list_loads_and_holds_nothing_twice() -> None:
    listing = read_files([(LIST.name, LIST.read_bytes())], None, 3600)
    entries = listing.entries
    assert len(entries) >= 60 and len({entry.entity for entry in entries}) >= 25
    doubles = [
        (what, count)
        for counts in (
            Counter((entry.entity, entry.title) for entry in entries),
            Counter(url.rstrip("/").lower() for entry in entries for url in entry.urls),
        )
        for what, count in counts.items()
        if count > 1
    ]
    assert doubles == []
    steps = plan_import(listing.documents, [])
    assert [step.action for step in steps] == ["added"] * len(entries) and not any(step.notes for step in steps)


def test_every_address_of_the_starter_list_is_https_and_public() -> None:
    for entry in read_files([(LIST.name, LIST.read_bytes())], None, 3600).entries:
        for url in entry.urls:
            parts = urlsplit(url)
            assert parts.scheme == "https" and parts.port is None and "." in (parts.hostname or ""), url


def test_the_starter_list_leaves_the_main_content_to_be_found() -> None:
    entries = read_files([(LIST.name, LIST.read_bytes())], None, 3600).entries
    assert not any(entry.select or entry.remove or entry.pages for entry in entries)
    assert {entry.every_s for entry in entries} <= {6 * 3600, 12 * 3600, 24 * 3600}
