"""What the writer writes: records, order, fields and digests of every kind of visit."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
import uuid
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import MalformedWarc
from archiver.evidence.exchange import Exchange, Failure, ResponseFraming
from archiver.evidence.warc_gzip import CODEC, MEMBER_HEAD, inflater, pack, pack_pieces
from archiver.evidence.warc_ours import OurExchange, read_our_warc
from archiver.evidence.warc_record import OwnHead, head_bytes, record_id, safe_uri
from archiver.evidence.warc_writer import FullCopy
from tests.evidence.warc_samples import (
    CONNECTION,
    COPY,
    ENVIRONMENT,
    HTML,
    PAGE_HEAD,
    PLAIN,
    REQUEST,
    SOFTWARE,
    TLS,
    TRANSPORT,
    VISITS,
    MadeUp,
    exchange,
    raw_exchange,
    sha256,
    stored,
    visit,
    with_length,
    write,
)

TYPES = {
    "plain": "warcinfo request response metadata metadata",
    "redirect": "warcinfo request response request response metadata metadata",
    "robots": "warcinfo request response request response metadata metadata",
    "garbage": "warcinfo request metadata metadata metadata",
    "speaks-first": "warcinfo metadata metadata metadata",
    "interim": "warcinfo request response metadata metadata metadata",
    "interim-and-surplus": "warcinfo request response metadata metadata metadata metadata",
    "request-only": "warcinfo request metadata metadata",
    "nothing-sent": "warcinfo metadata metadata",
    "nothing": "warcinfo metadata metadata",
}


def exchanges_of(name: str) -> list[Exchange]:
    sample = VISITS[name]
    return [r.exchange for r in sample.robots if r.exchange is not None] + list(sample.exchanges)


def test_every_kind_reads_back_as_it_was() -> None:
    for name, sample in VISITS.items():
        data, facts = write(sample)
        ours = read_our_warc(io.BytesIO(data))
        assert ours.facts == facts.records, name
        assert (ours.size, facts.size) == (len(data), len(data))
        assert (facts.sha256, facts.sha512) == (sha256(data), hashlib.sha512(data).hexdigest())
        assert (ours.software, ours.environment, ours.transport) == (SOFTWARE, ENVIRONMENT, TRANSPORT)
        sent = [made for made in exchanges_of(name) if made.request or made.response.size]
        assert len(ours.exchanges) == len(sent), name
        for made, read in zip(sent, ours.exchanges, strict=True):
            same_bytes(made, read)


def same_bytes(made: Exchange, read: OurExchange) -> None:
    received = read.received()
    assert received is not None
    assert b"".join(received) == stored(made.response)
    assert (stored(read.request.block) if read.request else b"") == made.request
    assert (read.answer is not None) == (made.framing is not None)
    if read.answer is not None and made.framing is not None:
        payload = read.answer.get("WARC-Payload-Digest")
        clear = b"\r\n\r\n" in stored(made.response)
        assert payload == (f"sha256:{made.payload_sha256}" if made.payload_sha256 and clear else None)
        assert (read.answer.get("WARC-Truncated") is None) == made.framing.complete


@pytest.mark.parametrize(("name", "types"), TYPES.items())
def test_order_of_records(name: str, types: str) -> None:
    assert " ".join(record.type for record in write(VISITS[name])[1].records) == types


def test_fields_of_a_response() -> None:
    data, facts = write(VISITS["plain"])
    response = read_our_warc(io.BytesIO(data)).records[2]
    block = stored(PLAIN.response)
    assert response.fields == (
        ("WARC-Type", "response"),
        ("WARC-Record-ID", facts.records[2].id),
        ("WARC-Date", "2026-05-12T15:09:41.204Z"),
        ("WARC-Target-URI", "https://example.org/terms"),
        ("WARC-IP-Address", "192.0.2.7"),
        ("WARC-Protocol", "http/1.1"),
        ("WARC-Protocol", "tls/1.3"),
        ("WARC-Cipher-Suite", "TLS_AES_256_GCM_SHA384"),
        ("WARC-Concurrent-To", facts.records[1].id),
        ("WARC-Payload-Digest", f"sha256:{sha256(HTML)}"),
        ("WARC-Block-Digest", f"sha256:{sha256(block)}"),
        ("Content-Type", "application/http;msgtype=response"),
        ("Content-Length", str(len(block))),
    )


def test_revisit_leaves_the_body_out_and_names_the_full_copy() -> None:
    asked: list[str] = []

    def copies(payload: str) -> FullCopy:
        asked.append(payload)
        return COPY

    data, facts = write(visit(VISITS["empty"].exchanges[0], PLAIN, *VISITS["cut"].exchanges), copies=copies)
    ours = read_our_warc(io.BytesIO(data))
    assert asked == [sha256(HTML)]  # neither an empty nor a cut body is asked for
    record_id = facts.exchange_records[0, 1]
    revisit = ours.exchanges[1].answer
    assert record_id is not None
    assert revisit is not None
    assert (revisit.type, revisit.id) == ("revisit", record_id)
    assert facts.revisits == {record_id: COPY}
    assert stored(revisit.block) == with_length(HTML)
    assert revisit.get("WARC-Refers-To") == COPY.record_id
    assert revisit.get("WARC-Refers-To-Target-URI") == "https://example.org/%C3%A9"
    assert ours.exchanges[1].received() is None


def test_facts_name_the_record_of_each_exchange() -> None:
    _, facts = write(VISITS["robots"], VISITS["garbage"], VISITS["request-only"], VISITS["redirect"])
    by_type = [record.id for record in facts.records if record.type == "response"]
    assert list(facts.robots_records.items()) == [((0, 0), by_type[0])]
    assert facts.exchange_records == {
        (0, 0): by_type[1], (1, 0): None, (2, 0): None, (3, 0): by_type[2], (3, 1): by_type[3],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "why"),
    [("too_large", "length"), ("timeout", "time"), ("closed_early", "disconnect"), ("internal", "unspecified")],
)
def test_a_cut_body_says_why(code: str, why: str) -> None:
    failure = Failure(code, "x")  # type: ignore[arg-type]
    data, _ = write(visit(exchange(with_length(HTML), HTML[:9], complete=False, failure=failure)))
    answer = read_our_warc(io.BytesIO(data)).exchanges[0].answer
    assert answer is not None
    assert answer.get("WARC-Truncated") == why


def test_no_payload_digest_where_readers_would_see_another_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nX: a\n\nHidden: b\r\n\r\n"
    data, _ = write(visit(exchange(head, HTML, kind="close")))
    answer = read_our_warc(io.BytesIO(data)).exchanges[0].answer
    assert answer is not None
    assert answer.get("WARC-Payload-Digest") is None


def test_addresses_and_protocols_that_do_not_fit_the_grammar_are_left_out() -> None:
    odd = replace(CONNECTION, peer_ip="FE80::1%eth0", tls=replace(TLS, version="TLSv1", cipher="A B\r\nX: y"))
    data, _ = write(visit(replace(PLAIN, connection=odd)))
    response = read_our_warc(io.BytesIO(data)).records[2]
    assert response.get("WARC-IP-Address") == "fe80::1"
    assert [value for name, value in response.fields if name == "WARC-Protocol"] == ["http/1.1", "tls/1.0"]
    assert response.get("WARC-Cipher-Suite") is None


@given(st.text())
def test_no_url_can_add_a_header_line(url: str) -> None:
    safe = safe_uri(url)
    assert safe.isascii()
    assert safe.isprintable()
    assert not set(safe) & set(' "<>\\^`{|}')
    assert safe_uri(safe) == safe
    data, _ = write(visit(replace(raw_exchange(b"", None, REQUEST), url=url)), transport=None)
    assert read_our_warc(io.BytesIO(data)).records[1].get("WARC-Target-URI") == safe


def test_a_usual_url_stays_as_it_is() -> None:
    url = "https://user@[2001:db8::1]:8443/a%20b/;p=1?q=%2F&x=~y!$'()*,#part"
    assert safe_uri(url) == url


def test_memory_does_not_grow_with_the_body() -> None:
    body_size = 24 * 1024 * 1024
    head = PAGE_HEAD + b"\r\n"
    response = MadeUp(head, body_size)
    large = replace(
        PLAIN,
        response=response,
        framing=ResponseFraming(0, len(head), len(head) + body_size, "close", True),
        payload_sha256=_digest(response, len(head)),
    )
    tracemalloc.start()
    data, _ = write(visit(large))
    writing = tracemalloc.get_traced_memory()[1] - 2 * len(data)  # the file itself, in a buffer that doubles
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    received = read_our_warc(io.BytesIO(data)).exchanges[0].received()
    assert received is not None
    assert sum(map(len, received)) == response.size
    reading = tracemalloc.get_traced_memory()[1] - before - len(data)
    tracemalloc.stop()
    assert writing < 5_000_000
    assert reading < 5_000_000


def _digest(data: MadeUp, start: int) -> str:
    digest = hashlib.sha256()
    for piece in data.chunks(start):
        digest.update(piece)
    return digest.hexdigest()


@given(st.lists(st.binary(max_size=3000), max_size=6))
def test_both_codecs_give_one_form(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    for codec in (CODEC, zlib):
        for member in (pack(whole, codec), b"".join(pack_pieces(pieces, codec))):
            assert member.startswith(MEMBER_HEAD)
            for reader in (inflater(CODEC), inflater(zlib)):
                assert reader.decompress(member) == whole
                assert (reader.eof, reader.unused_data) == (True, b"")


GOOD = (
    ("WARC-Type", "request"),
    ("WARC-Record-ID", "<urn:uuid:00000000-0000-4000-8000-000000000001>"),
    ("WARC-Date", "2026-05-12T15:09:41.204Z"),
    ("WARC-Target-URI", "https://example.org/"),
    ("WARC-Block-Digest", "sha256:" + "0" * 64),
    ("Content-Type", "application/http;msgtype=request"),
    ("Content-Length", "0"),
)


def test_the_good_header_is_good() -> None:
    assert OwnHead.from_bytes(head_bytes(GOOD)).fields == GOOD


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(head_bytes(GOOD).replace(*change), id=name)
        for name, change in {
            "other-version": (b"WARC/1.1", b"WARC/1.0"),
            "bare-line-feed": (b"request\r\n", b"request\n"),
            "lower-case-name": (b"WARC-Type", b"warc-type"),
            "two-spaces": (b"WARC-Type: ", b"WARC-Type:  "),
            "no-space": (b"WARC-Type: ", b"WARC-Type:"),
            "unknown-field": (b"Content-Type: ", b"X-Note: a\r\nContent-Type: "),
            "repeated-field": (b"Content-Length: 0\r\n", b"Content-Length: 0\r\nContent-Length: 0\r\n"),
            "leading-zero": (b"Length: 0", b"Length: 00"),
            "negative-length": (b"Length: 0", b"Length: -1"),
            "upper-case-digest": (b"sha256:" + b"0" * 64, b"sha256:" + b"A" * 64),
            "missing-field": (b"WARC-Target-URI: https://example.org/\r\n", b""),
            "field-of-another-type": (b"WARC-Block", b"WARC-Truncated: time\r\nWARC-Block"),
            "content-of-another-type": (b"msgtype=request", b"msgtype=response"),
            "not-ascii": (b"example.org", "exämple.org".encode()),
            "no-empty-line": (b"Length: 0\r\n\r\n", b"Length: 0\r\n"),
        }.items()
    ],
)
def test_a_header_we_would_not_write(raw: bytes) -> None:
    assert raw != head_bytes(GOOD)
    with pytest.raises(MalformedWarc):
        OwnHead.from_bytes(raw)


@given(st.binary(min_size=16, max_size=16))
def test_a_record_id_is_a_random_uuid(random: bytes) -> None:
    assert record_id(random) == f"<urn:uuid:{uuid.UUID(bytes=random, version=4)}>"
