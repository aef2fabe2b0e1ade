"""Bytes become characters: which charset a content is in, and from which byte a character came.

The order is that of browsers (byte-order mark, ``Content-Type``, the ``meta`` of the first 1,024 bytes) with one
exception: a content that is valid UTF-8 and not plain ASCII is UTF-8, even under a declared single-byte charset. Such
bytes are never valid UTF-8 by accident for long, while stale declarations and files saved by a browser are common; and
a text of wrong letters would change all at once on the day the declaration is mended.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.message import Message

from archiver.watch.extract.charset_labels import CODECS, charset_of_label, is_single_byte

PRESCAN = 1024
LATE_PRESCAN = 65_536
"""Where a ``meta`` is still looked for when nothing else is known: parsers heed a late one too."""

SAMPLE = 6_144
"""How many bytes the guess at an undeclared charset looks at: it is slow."""

_FALLBACK = "windows-1252"
_GUESSES = "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r cp932 gb18030 big5hkscs cp949 euc_jp".split()
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"""<meta[\s/]((?:[^>"']|"[^"]*"|'[^']*')*)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""([^\s=/>"']+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")
_IN_CONTENT = re.compile(rb"""charset\s*=\s*["']?\s*([^\s;"']+)""", re.IGNORECASE)
_XML = re.compile(rb"""\A\s*<\?xml\s[^>]*?encoding\s*=\s*["']([^"'>]+)["']""")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Decoded:
    """The characters of a content, the charset they were read by (WHATWG name), and what could not be read."""

    text: str
    charset: str
    encoding_errors: int = 0
    """How many characters U+FFFD stand for bytes that mean nothing in this charset."""
    skipped: int = 0
    """Bytes before the text: the byte-order mark."""


def decode(content: bytes, content_type: str | None, *, html: bool) -> Decoded:
    """Return the characters of any content whatever; ``html`` allows its own ``meta`` to say the charset."""
    for mark, charset in _BOMS:
        if content.startswith(mark):
            return _read(content, charset, len(mark))
    declared = [_header_charset(content_type), _meta_charset(content[:PRESCAN]) if html else None]
    charsets = [charset for charset in declared if charset]
    if not charsets or charsets[0] not in ("utf-16le", "utf-16be", "iso-2022-jp"):
        utf8 = _as_utf8(content, charsets)
        if utf8 is not None:
            return utf8
    for charset in charsets:
        text = _strict(content, charset)
        if text is not None:
            return Decoded(text, charset)
    if charsets:
        return _read(content, charsets[0])
    late = _meta_charset(content[:LATE_PRESCAN]) if html else None
    return _read(content, late if late and late != "utf-8" else _guess(content))


def utf8_begins(page: bytes, content_type: str | None) -> int | None:
    """Return where the text of an HTML page begins if ``decode`` would read it as UTF-8 without a fault; else None.

    For readers that take bytes: the characters need not be made to know that they could be.
    """
    skipped = len(codecs.BOM_UTF8) if page.startswith(codecs.BOM_UTF8) else 0
    if not skipped:
        if page.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
            return None
        if (_header_charset(content_type) or _meta_charset(page[:PRESCAN]) or "utf-8") != "utf-8":
            return None
    return skipped if _is_utf8(page) else None


def _is_utf8(content: bytes) -> bool:
    """Say whether bytes are valid UTF-8, piece by piece: most pieces are plain ASCII, which is told at once."""
    start, size = 0, len(content)
    while start < size:
        end = start + _CHUNK
        piece = content[start:end]
        if not piece.isascii():
            while end < size and content[end] & 0xC0 == 0x80:  # no character is cut
                end += 1
            try:
                content[start:end].decode()
            except UnicodeDecodeError:
                return False
        start = end
    return True


def byte_offset(decoded: Decoded, content: bytes, char_index: int) -> int:
    """Return where the character ``char_index`` of the text begins in the content; its length for the end."""
    return byte_offsets(decoded, content, (char_index,))[0]


def byte_offsets(decoded: Decoded, content: bytes, char_indexes: Sequence[int]) -> list[int]:
    """Return where each character begins in the content, all in one pass over it; indexes may stand in any order."""
    text, skipped = decoded.text, decoded.skipped
    if (text.isascii() and decoded.charset == "utf-8") or is_single_byte(decoded.charset):
        return [skipped + _within(text, index) for index in char_indexes]
    wanted = sorted({_within(text, index) for index in char_indexes})
    if decoded.encoding_errors or decoded.charset not in ("utf-8", "utf-16le", "utf-16be"):
        found = dict(zip(wanted, _offsets_by_decoding(content, skipped, decoded.charset, wanted), strict=True))
    else:
        found, before, offset = {}, 0, skipped
        for index in wanted:
            offset += len(text[before:index].encode(CODECS[decoded.charset]))
            found[index], before = offset, index
    return [found[_within(text, index)] for index in char_indexes]


def _within(text: str, index: int) -> int:
    return min(max(index, 0), len(text))


def _offsets_by_decoding(content: bytes, start: int, charset: str, wanted: Iterable[int]) -> Iterator[int]:
    """Yield the first byte of each wanted character by decoding the content once more, in small pieces."""
    decoder = codecs.getincrementaldecoder(CODECS[charset])("replace")
    at, count = start, 0
    for index in wanted:
        while at < len(content):
            state = decoder.getstate()
            piece = decoder.decode(content[at : at + _CHUNK])
            if count + len(piece) > index:
                decoder.setstate(state)
                break
            at, count = min(at + _CHUNK, len(content)), count + len(piece)
        yield _offset_in_piece(decoder, content, at, index - count, CODECS[charset])


def _offset_in_piece(decoder: codecs.IncrementalDecoder, content: bytes, at: int, ahead: int, codec: str) -> int:
    """Return where the character ``ahead`` characters further begins; the decoder is left as it was found."""
    state = decoder.getstate()
    begin = at - len(state[0])
    count, position, emitted = 0, at, 0
    while position < len(content):
        emitted = len(decoder.decode(content[position : position + 1]))
        position += 1
        if count + emitted > ahead:
            break
        if emitted:
            count, begin = count + emitted, position - len(decoder.getstate()[0])
    decoder.setstate(state)
    for _ in range(ahead - count):
        begin += _width(content[begin:position], codec)
    return begin


def _width(piece: bytes, codec: str) -> int:
    """Return how many bytes the first character of a piece with a fault in it takes."""
    for size in range(1, len(piece) + 1):
        try:
            if piece[:size].decode(codec):
                return size
        except UnicodeDecodeError:
            continue
    try:
        piece.decode(codec)
    except UnicodeDecodeError as fault:
        return max(fault.end - fault.start, 1)
    return 0


def _header_charset(content_type: str | None) -> str | None:
    if not content_type or "charset" not in content_type.lower():
        return None
    header = Message()
    header["Content-Type"] = content_type[:1000].replace("\r", " ").replace("\n", " ")
    label = header.get_param("charset")
    return charset_of_label(label) if isinstance(label, str) else None


def _meta_charset(head: bytes) -> str | None:
    """Return the charset that the first ``meta`` or the XML declaration states."""
    for meta in _META.finditer(_COMMENT.sub(b" ", head)):
        values = {m[1].lower(): m[2] or m[3] or m[4] or b"" for m in reversed(list(_ATTRIBUTE.finditer(meta[1])))}
        label = values.get(b"charset")
        if label is None and values.get(b"http-equiv", b"").lower() == b"content-type":
            stated = _IN_CONTENT.search(values.get(b"content", b""))
            label = stated[1] if stated else None
        charset = _stated_inside(label)
        if charset:
            return charset
    xml = _XML.match(head)
    return _stated_inside(xml[1]) if xml else None


def _stated_inside(label: bytes | None) -> str | None:
    if label is None:
        return None
    if label.strip().lower() == b"x-user-defined":
        return _FALLBACK
    charset = charset_of_label(label.decode("latin-1"))
    # Bytes in which the declaration could be read as ASCII are not UTF-16.
    return "utf-8" if charset in ("utf-16le", "utf-16be") else charset


def _as_utf8(content: bytes, declared: list[str]) -> Decoded | None:
    """Return the content as UTF-8 if that is what it is: declared so, or valid and not contradicted."""
    text = _strict(content, "utf-8")
    if text is not None:
        if not declared or "utf-8" in declared[:1]:
            return Decoded(text, "utf-8")
        if text.isascii():
            return None
        doubtful = not is_single_byte(declared[0]) and _strict(content, declared[0]) is not None
        return None if doubtful else Decoded(text, "utf-8")
    lossy = _read(content, "utf-8")
    beyond = len(lossy.text) - len(lossy.text.encode("ascii", "ignore"))
    # A few broken bytes in a text that is UTF-8 otherwise must not turn all its letters into others.
    return lossy if lossy.encoding_errors * 20 <= beyond else None


def _strict(content: bytes, charset: str) -> str | None:
    try:
        return content.decode(CODECS[charset])
    except UnicodeError:
        return None


def _read(content: bytes, charset: str, skipped: int = 0) -> Decoded:
    body = content[skipped:] if skipped else content
    text = _strict(body, charset)
    if text is not None:
        return Decoded(text, charset, 0, skipped)
    text = body.decode(CODECS[charset], "replace")
    stated = body.count(b"\xef\xbf\xbd") if charset == "utf-8" else 0
    return Decoded(text, charset, max(text.count("\ufffd") - stated, 1), skipped)


def _guess(content: bytes) -> str:
    """Return the likely charset of bytes that nothing declares and that are not UTF-8."""
    from charset_normalizer import from_bytes

    matches = from_bytes(_sample(content), cp_isolation=list(_GUESSES), enable_fallback=False)
    best = matches.best()
    if best is None:
        return _FALLBACK
    western = matches["cp1252"] if any("cp1252" in match.could_be_from_charset for match in matches) else None
    if western is not None and (western.chaos, -western.coherence) <= (best.chaos, -best.coherence):
        return _FALLBACK  # the sample does not tell it from another charset, and it is by far the most common
    return charset_of_label(best.encoding.replace("_", "-")) or _FALLBACK


def _sample(content: bytes) -> bytes:
    """Return the lines that are not plain ASCII, without tags, up to the ceiling."""
    lines: list[bytes] = []
    size = position = 0
    while size < SAMPLE:
        found = _BEYOND_ASCII.search(content, position)
        if not found:
            break
        start = max(content.rfind(b"\n", position, found.start()) + 1, content.rfind(b">", position, found.start()) + 1)
        start = max(start, position, found.start() - SAMPLE)
        ends = [end for end in (content.find(b"\n", found.end()), content.find(b"<", found.end())) if end >= 0]
        end = min([*ends, len(content), found.end() + SAMPLE])
        lines.append(content[start:end])
        size, position = size + end - start, end
    return b"\n".join(lines)[:SAMPLE]
