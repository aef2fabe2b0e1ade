"""What a citation record lacks, one plain sentence each, with the number of the rule that asks for it.

The rules are numbered as in ``docs/citation.md``. ``MUST``: while it is open the record is labelled incomplete.
``SHOULD``: a visible gap, no more. A rule is open unless the record itself shows that it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from archiver.evidence.ark import FOR_TESTS
from archiver.evidence.canonical import Json

_HEX = {"sha-256": re.compile("[0-9a-f]{64}", re.ASCII), "sha-512": re.compile("[0-9a-f]{128}", re.ASCII)}
_NAMED_BY = "named by the operator"


def gaps(record: Json) -> list[str]:
    """Return the gaps of a record that is otherwise built, by rule number."""
    rules = (_source, _clause, _dates, _clock, _times, _digests, _integrity, _content, _process, _reference, _honesty)
    found = [gap for rule in rules for gap in rule(record)]
    return sorted(found, key=lambda gap: int(gap.split(" ", 2)[1].rstrip(":")))


def _source(record: Json) -> Iterator[str]:
    source, parts = record["source"], record["transport"]["parts"]
    if any(hop["status"] is None or not hop["method"] for part in parts for hop in part["hops"]):
        yield "MUST 1: A hop has no HTTP status: its response had no readable head."
    if not parts or not all(part["hops"] and part["final_url"] for part in parts):
        yield "MUST 1: A URL of the document was not requested."
    if not source["title"] or not source["author"]:
        yield "MUST 2: Title and publisher's name were not read from the page, and nobody named both."
    elif any((source[key] or "").startswith(_NAMED_BY) for key in ("title_basis", "author_basis")):
        yield "MUST 2: Title and publisher's name were not read from the page; they were named by the operator."
    published = source["publisher_date"]
    if published["text"] is None and published["kind"] != "none":
        yield (
            "MUST 3: The publisher's own date was not extracted: none is stated, and the capture date does not "
            "stand in for it."
        )
    yield from _attribution(record)


def _attribution(record: Json) -> Iterator[str]:
    hops = [hop for part in record["transport"]["parts"] for hop in part["hops"]]
    facts = record.get("attribution") or {}
    if not facts.get("registrar") or not facts.get("inbound_link"):
        yield "SHOULD 4: No registrar data and no link from the publisher's root page were recorded, to attribute it."
    if not hops or not hops[-1]["tls"]:
        yield "SHOULD 4: The last response came without a certificate that could attribute it."


def _clause(record: Json) -> Iterator[str]:
    pin = record["pin"]
    if record["provision"] is not None and (
        pin is None or not pin["exact"] or None in (pin["prefix"], pin["suffix"], pin["start"], pin["end"])
    ):
        yield "MUST 5: The cited clause has no exact words or no place."
    elif pin is not None and not _HEX["sha-256"].fullmatch(pin["text_sha256"] or ""):
        yield "MUST 5: The text that the clause's place counts in has no digest."


def _dates(record: Json) -> Iterator[str]:
    dates = record["dates"]
    if dates["captured"] is None or dates["captured_end"] is None:
        yield "MUST 6: Start and end of the capture are not known."
    if (record["clock"] or {}).get("utc_offset_s") is None:
        yield "MUST 6: The local time offset of the capturing host was not recorded; all times are UTC."
    unknown = [
        name for key, name in (("first_seen", "first seen"), ("last_verified", "last verified")) if not dates[key]
    ]
    if unknown:
        yield f"MUST 11: When this version was {' and '.join(unknown)} is not known; no other date stands in for it."


def _clock(record: Json) -> Iterator[str]:
    clock = record["clock"] or {}
    if clock.get("synchronised") is None or clock.get("max_error_us") is None or not clock.get("source"):
        yield "MUST 7: The state of the clock could not be read from the kernel."
    elif not clock["synchronised"]:
        yield "MUST 7: The clock was not synchronised when the capture began."
    if any(clock.get(key) is None for key in ("offset_us", "last_sync", "leap")):
        yield "MUST 7: The clock's offset, its last synchronisation and its leap status were not recorded."


def _times(record: Json) -> Iterator[str]:
    verified = [item for item in record["timestamps"] if item["verified"]]
    authorities = {item["tsa"] for item in verified}
    if not verified:
        yield "MUST 8: No verified RFC 3161 timestamp covers the capture."
    if len(authorities) == 1:
        yield "SHOULD 9: Only one timestamp authority; no second, unrelated one."
    if not any(item["qualified"] for item in verified):
        yield "SHOULD 9: No timestamp was found to be qualified under EU law."
    sealed = record["sealed_between"]
    if sealed["not_before"] is None:
        yield "SHOULD 10: No outside time from before the capture is known."
    if sealed["width_s"] is not None and sealed["width_s"] < 0:
        yield "MUST 8: The outside times before and after the record contradict each other."


def _digests(record: Json) -> Iterator[str]:
    hashes = record["hashes"]
    if any(item["alg"] not in _HEX or not _HEX[item["alg"]].fullmatch(item["value"]) for item in hashes):
        yield "MUST 12: A digest is not complete."
    if not any(item["object"] in ("decoded content", "payload as transferred") for item in hashes):
        yield "MUST 13: No digest covers the document as it was received."
    if not all(item["object"] for item in hashes):
        yield "MUST 13: A digest does not say what it is of."
    if not all(item["made"] for item in hashes):
        yield "MUST 21: It is not said of everything whether it was received or made by us."


def _integrity(record: Json) -> Iterator[str]:
    inclusion = record["log"]["inclusion"]
    if inclusion is None:
        yield "MUST 14: No signed checkpoint of the log covers the statement."
        yield "SHOULD 16: No proof of inclusion in the log."
    elif not inclusion["cosignatures"]:
        yield "SHOULD 16: No witness has cosigned the head of the log."
    if not record["fixity"]:
        yield "MUST 15: No digest was recomputed for this record."
    elif not all(check["equal"] for check in record["fixity"]):
        yield "MUST 15: A recomputed digest differs from the statement."
    for event in record["custody"] or ():
        if event["event"] == "disposal" and event.get("concerns"):
            lay = ", ".join(event["concerns"])
            yield f"MUST 13: A body that this snapshot refers to lay in {lay}, which was disposed of on {event['at']}."
    if not any(event["event"] == "fixity_check" for event in record["custody"] or ()):
        yield "MUST 15: No recomputation of the digests between capture and this record is stated in the log."


def _content(record: Json) -> Iterator[str]:
    objects = [item["object"] for item in record["hashes"]]
    if record["capture"]["result"] != "stored":
        yield f"MUST 17: The check did not end with a stored document, but as {record['capture']['result']}."
    if "capture.warc.gz" not in objects:
        yield "MUST 17: There is no WARC file of this check."
    for seq in sorted(
        {hop["revisit"]["seq"] for part in record["transport"]["parts"] for hop in part["hops"] if hop["revisit"]}
    ):
        yield (
            f"MUST 17: A response body equal, by SHA-256, to an earlier one lies in the WARC file of statement {seq}, "
            "which has to be handed over too."
        )
    if not any(of.startswith("screenshot") for of in objects):
        yield "MUST 18: No screenshot was made."
    if any(record["received"][key] is None for key in ("requested", "received", "failed", "blocked", "skipped")):
        yield "MUST 19: What was requested and what arrived was not counted."
    wanted = ("DOM snapshot", "PDF rendering", "accessibility tree", "console log")
    missing = [name for name in wanted if not any(of.startswith(name) for of in objects)]
    if not any(of.startswith("text") for of in objects):
        yield "SHOULD 20: No text was read from what was received."
    if missing:
        names = ", ".join(missing)
        yield f"SHOULD 20: Not made: {names}."


def _process(record: Json) -> Iterator[str]:
    software, capture, process = record["environment"] or {}, record["capture"], record["process"]
    if any(software.get(key) is None for key in ("software", "os", "config_sha256")):
        yield "MUST 22: Software, configuration or operating system were not recorded."
    if any(software.get(key) is None for key in ("source_commit", "build_sha256")):
        yield "MUST 22: The source commit and the build hash of the software were not recorded."
    if not capture["trigger"] or capture["attended"] is None:
        yield "MUST 23: It was not recorded who or what began the capture, and whether anybody attended."
    if not process["description"] or not process["validation_run"]:
        yield "MUST 24: No version of a process description and no validation run is named."
    if record["custody"] is None:
        yield "MUST 25: No extract of the custody events between capture and issue is part of this record."
    elif record["log"]["inclusion"] is None:
        yield "MUST 25: No signed checkpoint shows that the custody events have no gap."
    elif any(later["seq"] <= earlier["seq"] for earlier, later in pairwise(record["custody"])):
        yield "MUST 25: The custody events are not in the order of the log."


def _reference(record: Json) -> Iterator[str]:
    ark = record["ark"]
    if record["resolver"] is None:
        yield "MUST 26: The identifier names one fixed version, but no address resolves it: it is on file."
    if ark and ark.removeprefix("ark:")[:5] in FOR_TESTS:
        yield "MUST 26: The number of the ARK is one for tests, which is given to nobody."
    if record["content_id"] is None:
        yield "MUST 27: There is no identifier derived from the content: no complete content was received."
    promise = record["commitment"]
    if not promise["text"]:
        yield "MUST 28: No retention commitment was stated."
    elif not promise["until"] or not promise["by"]:
        yield "MUST 28: The retention commitment has no end date or names nobody who makes it."
    if not record["third_party_copies"]:
        yield "SHOULD 29: No copy held by a third party is named."
    if not record["strings"] or not record["exports"]:
        yield "MUST 30: There are no finished strings or no machine formats."


def _honesty(record: Json) -> Iterator[str]:
    if not {"L1", "L2", "L3"} <= set(record["limits"]) or set(record["limits"]) != record["limit_texts"].keys():
        yield "MUST 31: The limits that always hold are not stated."
    if "commentary" in record or "annotations" in record:
        yield "MUST 33: Commentary is part of this record."
    if record["version"] > 1 and not (record["supersedes"] and record["reason"]):
        yield "MUST 34: This version does not say which one it replaces, and why."
