"""CSL-JSON: one or two items for citation processors; ``accessed`` is left to the citing author."""

from __future__ import annotations

from typing import Any

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import author_of, one_line, plain_url, publisher_day, title_of
from archiver.evidence.clause_strings import clause_phrase
from archiver.formats.interface import Format
from archiver.formats.json_record import visible_json
from archiver.formats.wording import captured_by, digest_phrase, main_digest


class Csl:
    """A ``webpage`` item; a second one cites the archive's address, for styles that drop the archive's fields."""

    name = "csl"
    title = "CSL-JSON items for citation processors"
    media_type = "application/vnd.citationstyles.csl+json"
    suffix = ".csl.json"

    def render(self, record: Json) -> str:
        """Return a JSON array: the live page and, where the archive has an address, the archived copy."""
        items = [_item(record, record["citation_id"], record["source"]["url"])]
        if record["resolver"]:
            items.append(_item(record, f"{record['citation_id']}/archived", record["resolver"]))
        return visible_json(items)


def _item(record: Json, identifier: str, url: str) -> dict[str, Any]:
    author, day = author_of(record), publisher_day(record)
    item: dict[str, Any] = {
        "id": identifier,
        "type": "webpage",
        "author": [{"literal": author}] if author else None,
        "title": title_of(record),
        "container-title": one_line(record["source"]["site"] or ""),
        "genre": record["source"]["type"],
        "language": record["source"]["language"],
        # CSL dates end at the day; the capture time with its seconds stands in note and custom
        "issued": {"date-parts": [list(day)]} if day else None,
        # citeproc-js would turn an apostrophe into a typographic one; the address as it is stands in custom
        "URL": plain_url(url).replace("'", "%27"),
        "archive": one_line(record["archive"]["name"]),
        # no address here: Chicago would capitalise it
        "archive_location": one_line(record["citation_id"]),
        # braces would be read as further fields by citeproc-js
        "note": _note(record).replace("{", "(").replace("}", ")"),
        "custom": _custom(record),
    }
    return {key: value for key, value in item.items() if value}


def _note(record: Json) -> str:
    clause = clause_phrase(record)
    return f"{captured_by(record)}; {digest_phrase(record)}" + (f". {clause}" if clause else "")


def _custom(record: Json) -> dict[str, Any]:
    digest, inclusion = main_digest(record), record["log"]["inclusion"]
    return {
        "captured": record["dates"]["captured"],
        "captured_end": record["dates"]["captured_end"],
        "sha256": digest["value"],
        "sha256_of": digest["object"],
        "ni": record["content_id"],
        "statement_sha256": record["capture_ref"],
        "source_url": record["source"]["url"],
        "log": {"origin": record["log"]["origin"], "size": inclusion["tree_size"] if inclusion else None},
        "timestamps": [
            {"authority": item["tsa"], "gen_time": item["gen_time"]}
            for item in record["timestamps"]
            if item["verified"]
        ],
        "completeness": record["completeness"],
        **({"pin": record["pin"], "provision": record["provision"]} if record["pin"] else {}),
    }


PLUGIN: Format = Csl()
