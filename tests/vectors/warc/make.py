"""Writes the defective WARC files beside it; run it again after a change here. Same bytes every time.

Built with the standard library alone, not with the archiver: a judge should not be its own witness.
"""

import base64
import gzip
import hashlib
import io
import zlib
from pathlib import Path

HERE = Path(__file__).parent
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 26\r\n\r\n"
BODY = b"The clause that was here.\n"
BLOCK = HTTP + BODY


def label(data: bytes, algorithm: str = "sha1") -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}:{base64.b32encode(digest).decode()}"


def record(number: int, block: bytes = BLOCK, *, end: bytes = b"\r\n\r\n", extra: bytes = b"", **change: str) -> bytes:
    """One response record; keywords replace header values (underscores stand for hyphens), None removes."""
    fields = {
        "WARC-Type": "response",
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>",
        "WARC-Date": "2026-05-12T15:09:41Z",
        "WARC-Target-URI": f"http://example.org/{number}",
        "Content-Type": "application/http;msgtype=response",
        "WARC-Block-Digest": label(block),
        "WARC-Payload-Digest": label(block.partition(b"\r\n\r\n")[2]),
        "Content-Length": str(len(block)),
    }
    fields.update({name.replace("_", "-"): value for name, value in change.items()})
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return b"WARC/1.1\r\n" + head.encode() + extra + b"\r\n" + block + end


def member(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def bomb() -> bytes:
    """A record of 1 GiB of zeros in about 1 MB; the header announces every one of them."""
    size = 1 << 30
    head = record(2, b"", WARC_Type="resource", Content_Type="application/octet-stream", Content_Length=str(size))
    head = head[: -len(b"\r\n\r\n")]
    head = head.replace(label(b"").encode(), b"sha1:" + b"A" * 32)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = io.BytesIO()
    out.write(packer.compress(head))
    zeros = bytes(1 << 20)
    for _ in range(size >> 20):
        out.write(packer.compress(zeros))
    out.write(packer.compress(b"\r\n\r\n") + packer.flush())
    return out.getvalue()


def hidden_bomb() -> bytes:
    """A record that announces 91 bytes in a member that goes on for 256 MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = io.BytesIO()
    out.write(packer.compress(record(2)))
    for _ in range(256):
        out.write(packer.compress(bytes(1 << 20)))
    out.write(packer.flush())
    return out.getvalue()


def defects(*, bombs: bool = True) -> dict[str, bytes]:
    """Name and bytes of every file; without ``bombs`` these two are empty."""
    first, second, third = (member(record(n)) for n in (1, 2, 3))
    flipped = bytearray(second)
    flipped[len(second) // 2] ^= 0x20
    one = record(2)
    return {
        "good.warc.gz": first + second + third,
        "good.warc": record(1) + record(2) + record(3),
        "flipped-byte.warc.gz": first + bytes(flipped) + third,
        "flipped-crc.warc.gz": first + second[:-8] + bytes([second[-8] ^ 1]) + second[-7:] + third,
        "flipped-length.warc.gz": first + second[:-1] + bytes([second[-1] ^ 1]) + third,
        "truncated.warc.gz": first + second + third[:-20],
        "truncated-trailer.warc.gz": first + second + third[:-4],
        "truncated.warc": record(1) + record(2)[:-30],
        "missing-final-crlf.warc.gz": first + member(record(2, end=b"")) + third,
        "half-final-crlf.warc.gz": first + member(record(2, end=b"\r\n")) + third,
        "missing-final-crlf.warc": record(1) + record(2, end=b""),
        "wrong-block-digest.warc.gz": first + member(record(2, WARC_Block_Digest=label(b"other"))) + third,
        "wrong-payload-digest.warc.gz": first + member(record(2, WARC_Payload_Digest=label(b"other"))) + third,
        "malformed-digest.warc.gz": first + member(record(2, WARC_Block_Digest="sha1:not-a-digest")) + third,
        "spare-digest-bits.warc.gz": first
        + member(record(2, WARC_Block_Digest=label(BLOCK, "sha256").rstrip("=")[:-1] + "B"))
        + third,
        "content-length-too-long.warc.gz": first + member(record(2, Content_Length=str(len(BLOCK) + 9))) + third,
        "content-length-too-short.warc.gz": first + member(record(2, Content_Length=str(len(BLOCK) - 9))) + third,
        "content-length-too-short.warc": record(1) + record(2, Content_Length=str(len(BLOCK) - 9)) + record(3),
        "trailing-garbage.warc.gz": first + second + third + b"left over",
        "trailing-zeros.warc.gz": first + second + third + bytes(12),
        "garbage-between.warc.gz": first + b"left over" + second + third,
        "garbage-in-member.warc.gz": first + member(record(2) + b"left over") + third,
        "whole-file.warc.gz": member(record(1) + record(2) + record(3)),
        "two-members-one-record.warc.gz": first + member(one[:-60]) + member(one[-60:]) + third,
        "two-members-one-header.warc.gz": first + member(one[:200]) + member(one[200:]) + third,
        "empty-member.warc.gz": first + member(b"") + second,
        "header-not-utf8.warc.gz": first + member(record(2, extra=b"X-Name: caf\xe9\r\n")) + third,
        "header-without-colon.warc.gz": first + member(record(2, extra=b"no colon here\r\n")) + third,
        "header-without-end.warc.gz": first + member(b"WARC/1.1\r\nWARC-Type: response\r\n") + third,
        "header-too-large.warc.gz": first + member(b"WARC/1.1\r\nX-Long: " + b"a" * 1_100_000) + third,
        "duplicate-content-length.warc.gz": first + member(record(2, extra=b"Content-Length: 5\r\n")) + third,
        "duplicate-record-id.warc.gz": first + member(record(2, extra=b"WARC-Record-ID: <urn:x>\r\n")) + third,
        "negative-content-length.warc.gz": first + member(record(2, Content_Length="-1")) + third,
        "no-content-length.warc.gz": first
        + member(record(2).replace(b"Content-Length: %d\r\n\r\nHTTP" % len(BLOCK), b"\r\nHTTP"))
        + third,
        "huge-content-length.warc.gz": first + member(record(2, Content_Length="9" * 400)) + third,
        "bomb.warc.gz": first + bomb() + third if bombs else b"",
        "hidden-bomb.warc.gz": first + hidden_bomb() + third if bombs else b"",
        "not-warc.gz": member(b"just text\n"),
        "not-warc.txt": b"just text\n",
        "empty.warc": b"",
    }


if __name__ == "__main__":
    for name, data in defects().items():
        (HERE / name).write_bytes(data)
        print(f"{len(data):9d} {name}")
