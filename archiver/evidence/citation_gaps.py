"""What a citation record lacks, one plain sentence each, with the number of the rule that asks for it.

The rules are numbered as in ``docs/citation.md``. ``MUST``: while it is open the record is labelled incomplete.
``SHOULD``: a visible gap, no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from archiver.evidence.canonical import Json

_ALWAYS = (
    "MUST 6: The local time offset of the capturing host was not recorded; all times are UTC.",
    "MUST 18: No screenshot was made.",
    "SHOULD 4: No registrar data and no link from the publisher's root page were recorded as attribution facts.",
    "SHOULD 20: No DOM snapshot, PDF rendering, accessibility tree or console log was made.",
    "MUST 22: The source commit and the build hash of the software were not recorded.",
    "MUST 24: No version of a process description and no validation run is named.",
    "MUST 25: No extract of the custody events between capture and issue is part of this record.",
)


def gaps(record: Json) -> list[str]:
    """Return the gaps of a record that is otherwise built, by rule number."""
    found = [*_ALWAYS, *_source(record), *_time(record), *_integrity(record), *_content(record), *_reference(record)]
    return sorted(found, key=lambda gap: int(gap.split(" ", 2)[1].rstrip(":")))


def _source(record: Json) -> Iterator[str]:
    source = record["source"]
    if any(hop["status"] is None for part in record["transport"]["parts"] for hop in part["hops"]):
        yield "MUST 1: A hop has no HTTP status: its response had no readable head."
    if not record["transport"]["parts"] or not all(part["hops"] for part in record["transport"]["parts"]):
        yield "MUST 1: A URL of the document was not requested."
    yield (
        "MUST 2: Title and publisher's name were not read from the page; they were named by the operator."
        if source["title"] and source["author"]
        else "MUST 2: Title and publisher's name were not read from the page, and nobody named both."
    )
    if source["publisher_date"]["text"] is None:
        yield (
            "MUST 3: The publisher's own date was not extracted: none is stated, and the capture date does not "
            "stand in for it."
        )


def _time(record: Json) -> Iterator[str]:
    clock = record["clock"]
    if not clock or clock.get("synchronised") is None or clock.get("max_error_us") is None:
        yield "MUST 7: The state of the clock could not be read from the kernel."
    elif not clock["synchronised"]:
        yield "MUST 7: The clock was not synchronised when the capture began."
    verified = [item for item in record["timestamps"] if item["verified"]]
    authorities = {item["tsa"] for item in verified}
    if not verified:
        yield "MUST 8: No verified RFC 3161 timestamp covers the capture."
    if len(authorities) == 1:
        yield "SHOULD 9: Only one timestamp authority; no second, unrelated one."
    if verified and not any(item["qualified"] for item in verified):
        yield "SHOULD 9: No timestamp was found to be qualified under EU law."
    sealed = record["sealed_between"]
    if sealed["not_before"] is None:
        yield "SHOULD 10: No outside time from before the capture is known."
    if sealed["width_s"] is not None and sealed["width_s"] < 0:
        yield "MUST 8: The outside times before and after the record contradict each other."


def _integrity(record: Json) -> Iterator[str]:
    inclusion = record["log"]["inclusion"]
    if inclusion is None:
        yield "MUST 14: No signed checkpoint of the log covers the statement."
        yield "SHOULD 16: No proof of inclusion in the log."
    elif not inclusion["cosignature_lines"]:
        yield "SHOULD 16: No witness has cosigned the head of the log."
    if not record["fixity"]:
        yield "MUST 15: No digest was recomputed for this record."
    elif not all(check["equal"] for check in record["fixity"]):
        yield "MUST 15: A recomputed digest differs from the statement."


def _content(record: Json) -> Iterator[str]:
    if record["capture"]["result"] != "stored":
        yield f"MUST 17: The check did not end with a stored document, but as {record['capture']['result']}."
    if not any(item["object"] == "capture.warc.gz" for item in record["hashes"]):
        yield "MUST 17: There is no WARC file of this check."
    for seq in sorted(
        {hop["revisit"]["seq"] for part in record["transport"]["parts"] for hop in part["hops"] if hop["revisit"]}
    ):
        yield (
            f"MUST 17: A response body equal, by SHA-256, to an earlier one lies in the WARC file of statement {seq}, "
            "which has to be handed over too."
        )


def _reference(record: Json) -> Iterator[str]:
    if record["resolver"] is None:
        yield "MUST 26: The identifier names one fixed version, but no address resolves it: it is on file."
    if record["content_id"] is None:
        yield "MUST 27: There is no identifier derived from the content: no complete content was received."
    if record["commitment"]["text"] is None:
        yield "MUST 28: No retention commitment was stated."
    if not record["third_party_copies"]:
        yield "SHOULD 29: No copy held by a third party is named."
