"""JSON-LD as pyld normalises it, DataCite's own schema, the in-toto library and securesystemslib as judges."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from datacite import schema45
from google.protobuf.json_format import Parse
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as Message
from pyld import jsonld
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._key import Key, SSlibKey

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.evidence.dsse import envelope, pre_authentication
from archiver.evidence.note import Verifier
from archiver.formats import datacite, intoto
from archiver.formats import jsonld as jsonld_format
from tests.formats.records import CLAUSES, FACTS, named, record

CASES = [*FACTS, *CLAUSES]
SCHEMA_ORG = "https://schema.org/"
ADDRESS = {"@type": "@id"}
CONTEXT = {
    "@context": {
        "@vocab": SCHEMA_ORG,
        **dict.fromkeys(("url", "archivedAt"), ADDRESS),
        **{name: {"@type": f"{SCHEMA_ORG}Date"} for name in ("dateModified", "datePublished", "dateCreated")},
    }
}
"""What schema.org's own context says of the properties used here, so that no network is needed."""


def loader(url: str, _options: Any) -> dict[str, Any]:
    assert url.rstrip("/") == "https://schema.org"
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": CONTEXT}


def expanded(given_record: Json) -> dict[str, Any]:
    document = json.loads(jsonld_format.PLUGIN.render(given_record))
    (node,) = jsonld.expand(document, {"documentLoader": loader})
    quads = jsonld.normalize(
        document, {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": loader}
    )
    assert "<https://schema.org/ArchiveComponent>" in quads
    found: dict[str, Any] = node
    return found


def value(node: dict[str, Any], name: str) -> Any:
    (only,) = node[f"{SCHEMA_ORG}{name}"]
    return only.get("@value", only.get("@id"))


@pytest.mark.parametrize("case", CASES)
def test_pyld_finds_every_fact_under_its_name(case: str) -> None:
    given_record = record(case)
    node, source = expanded(given_record), given_record["source"]
    assert set(node["@type"]) == {f"{SCHEMA_ORG}WebPage", f"{SCHEMA_ORG}ArchiveComponent"}
    assert value(node, "name") == one_line(source["title"] or f"Capture of {source['url']}")
    assert value(node, "url") == plain_url(source["url"])
    if given_record["resolver"]:
        assert node["@id"] == value(node, "archivedAt") == plain_url(given_record["resolver"])
    assert (f"{SCHEMA_ORG}dateModified" in node) == bool(source["publisher_date"]["value"])
    (encoding,) = node[f"{SCHEMA_ORG}encoding"]
    assert value(encoding, "sha256") in [item["value"] for item in given_record["hashes"]]
    assert value(encoding, "dateCreated") == given_record["dates"]["captured"]
    identifiers = {value(item, "propertyID"): value(item, "value") for item in node[f"{SCHEMA_ORG}identifier"]}
    assert identifiers["citation"] == given_record["citation_id"]
    assert identifiers["SHA-256 of the statement in the log"] == given_record["capture_ref"]
    if given_record["pin"]:
        (part,) = node[f"{SCHEMA_ORG}hasPart"]
        assert value(part, "text") == given_record["pin"]["exact"]


@given(st.text(), st.text())
def test_no_title_becomes_a_keyword(entity: str, title: str) -> None:
    given_record = named(entity, title)
    node = expanded(given_record)
    assert value(node, "name") == (one_line(title) or f"Capture of {given_record['source']['url']}")
    assert node.keys() == expanded(named(entity, "x")).keys()


@pytest.mark.parametrize("case", CASES)
def test_datacite_takes_its_metadata(case: str) -> None:
    given_record = record(case)
    found = json.loads(datacite.PLUGIN.render(given_record))
    schema45.validator.validate(found)
    assert found["publisher"] == {"name": one_line(given_record["archive"]["name"])}
    dates = {item["dateType"]: item["date"] for item in found["dates"]}
    assert dates["Collected"] == given_record["dates"]["captured"]
    assert dates.get("Updated") == given_record["source"]["publisher_date"]["value"]
    assert found["alternateIdentifiers"][0]["alternateIdentifier"] == given_record["citation_id"]


def test_a_broken_one_is_refused_by_datacite() -> None:
    found = json.loads(datacite.PLUGIN.render(record("full")))
    del found["creators"]
    assert list(schema45.validator.iter_errors(found))


def statement(text: str) -> Statement:
    found = Statement.copy_from_pb(Parse(text, Message()))
    found.validate()
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_in_toto_library_reads_the_statement(case: str) -> None:
    given_record = record(case)
    found = statement(intoto.PLUGIN.render(given_record))
    subjects = {subject.name: dict(subject.digest) for subject in found.pb.subject}
    assert len(subjects) == len(found.pb.subject)
    held = {item["value"] for item in given_record["hashes"]}
    assert {value for digests in subjects.values() for value in digests.values()} == held
    assert subjects["statement.json"]["sha256"] == given_record["capture_ref"]
    assert {"sha256", "sha512"} == subjects["capture.warc.gz"].keys()
    predicate = json.loads(intoto.PLUGIN.render(given_record))["predicate"]
    assert predicate == {key: v for key, v in given_record.items() if key not in ("strings", "exports")}


def test_two_parts_with_one_address_keep_their_digests_apart() -> None:
    given_record = record("full")
    given_record["hashes"] += [
        {**item, "value": item["value"][::-1]} for item in given_record["hashes"] if item["object"] == "decoded content"
    ]
    digests = [subject["digest"] for subject in intoto.subjects(given_record) if "decoded" in subject["name"]]
    assert [digest.keys() for digest in digests] == [{"sha256", "sha512"}] * 2
    assert digests[0]["sha256"] == digests[1]["sha256"][::-1]


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = Verifier("evidence.example.org/log", KEY.public_key().public_bytes_raw())


def signed() -> Json:
    return envelope(intoto.PLUGIN.media_type, intoto.PLUGIN.render(record("hostile")).encode(), VERIFIER, KEY.sign)


def public_key(made: Json) -> Key:
    found = SSlibKey.from_crypto(KEY.public_key(), keyid=made["signatures"][0]["keyid"])
    assert isinstance(found, SSlibKey)
    return found


def test_securesystemslib_verifies_the_envelope() -> None:
    made = signed()
    opened = Envelope.from_dict(json.loads(json.dumps(made)))
    assert opened.pae() == pre_authentication(made["payloadType"], base64.b64decode(made["payload"]))
    assert list(opened.verify([public_key(made)], 1)) == [made["signatures"][0]["keyid"]]
    statement(opened.payload.decode())


@pytest.mark.parametrize("key", ["payload", "payloadType"])
def test_securesystemslib_refuses_a_changed_envelope(key: str) -> None:
    made = signed()
    keys = [public_key(made)]
    made[key] = base64.b64encode(b"{}").decode() if key == "payload" else "text/plain"
    with pytest.raises(VerificationError):
        Envelope.from_dict(made).verify(keys, 1)
