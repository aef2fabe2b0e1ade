"""Which charset a content is in, and the way back from a character to its first byte."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.extract.charset import byte_offset, byte_offsets, decode, utf8_begins
from archiver.watch.extract.charset_labels import CODECS, charset_of_label

FRENCH = "Les données personnelles sont traitées à la réception de votre déclaration — « garanties » ; 12 € par mois."


def meta(charset: str, text: str) -> str:
    return f'<!doctype html><html><head><meta charset="{charset}"></head><body><p>{text}</p></body></html>'


def test_a_byte_order_mark_stands_above_every_declaration() -> None:
    decoded = decode(b"\xef\xbb\xbf" + FRENCH.encode(), "text/html; charset=windows-1252", html=True)
    assert (decoded.text, decoded.charset, decoded.encoding_errors) == (FRENCH, "utf-8", 0)
    assert byte_offset(decoded, b"\xef\xbb\xbf" + FRENCH.encode(), 0) == 3
    wide = b"\xff\xfe" + "Ünicode 😀".encode("utf-16-le")
    decoded = decode(wide, None, html=False)
    assert (decoded.text, decoded.charset) == ("Ünicode 😀", "utf-16le")
    assert byte_offset(decoded, wide, len(decoded.text)) == len(wide)


def test_content_type_stands_above_meta() -> None:
    content = meta("iso-8859-2", "žluťoučký").encode("cp1250")
    assert decode(content, "text/html; charset=windows-1250", html=True).charset == "windows-1250"
    assert decode(content, 'text/html;Charset="WINDOWS-1250"', html=True).text.count("žluťoučký") == 1
    assert decode(content, "text/html", html=True).charset == "iso-8859-2"


@pytest.mark.parametrize(
    ("label", "charset"),
    [
        ("iso-8859-1", "windows-1252"),
        ("US-ASCII", "windows-1252"),
        (" GB2312 ", "gbk"),
        ("Shift_JIS", "shift_jis"),
        ("ks_c_5601-1987", "euc-kr"),
        ("latin2", "iso-8859-2"),
        ("iso8859-15", "iso-8859-15"),
        ("x-cp1251", "windows-1251"),
        ("klingon", None),
    ],
)
def test_labels_mean_what_browsers_mean_by_them(label: str, charset: str | None) -> None:
    assert charset_of_label(label) == charset


def test_every_charset_has_a_codec() -> None:
    for charset, codec in CODECS.items():
        assert "abc".encode(codec).decode(codec) == "abc", charset


@pytest.mark.parametrize(
    ("head", "charset"),
    [
        (b"<meta charset=windows-1251>", "windows-1251"),
        (b"<META http-equiv='Content-Type' content='text/html; charset=koi8-r'>", "koi8-r"),
        (b"<meta content='text/html; charset=koi8-r' http-equiv=content-type>", "koi8-r"),
        (b"<!-- <meta charset=koi8-r> --><meta charset=windows-1251>", "windows-1251"),
        (b'<meta name="a>b" content="charset=koi8-r"><meta charset=windows-1251>', "windows-1251"),
        (b"<meta charset=nonsense><meta charset=windows-1251>", "windows-1251"),
        (b'<?xml version="1.0" encoding="windows-1251"?><html>', "windows-1251"),
        (b"<meta charset=x-user-defined>", "windows-1252"),
    ],
)
def test_the_prescan_reads_meta(head: bytes, charset: str) -> None:
    assert decode(head + b"<p>\xe0\xe1\xe2", None, html=True).charset == charset


def test_meta_cannot_declare_utf_16() -> None:
    assert decode(meta("utf-16", "é").encode(), None, html=True).charset == "utf-8"


def test_meta_counts_only_in_html_and_only_early() -> None:
    content = meta("koi8-r", "ÀÁÂ à la carte déjà vu").encode("cp1252")
    assert decode(content, None, html=False).charset != "koi8-r"
    russian = "условия использования сервиса и политика конфиденциальности".encode("koi8-r")
    late = b" " * 2000 + b"<meta charset=koi8-r><p>" + russian
    assert decode(late, None, html=True).charset == "koi8-r"
    assert decode(late, "text/html; charset=windows-1251", html=True).charset == "windows-1251"


def test_valid_utf_8_is_utf_8_whatever_a_single_byte_declaration_says() -> None:
    decoded = decode(meta("iso-8859-1", FRENCH).encode(), "text/html; charset=ISO-8859-1", html=True)
    assert (decoded.charset, decoded.encoding_errors) == ("utf-8", 0)
    assert FRENCH in decoded.text
    assert decode(b"plain", "text/plain; charset=iso-8859-1", html=False).charset == "windows-1252"


def test_two_bytes_that_are_valid_in_both_stay_as_declared() -> None:
    content = "联通".encode("gbk")
    assert content.decode("utf-8", "replace") != "联通"
    assert decode(content, "text/plain; charset=gb2312", html=False).text == "联通"


def test_one_broken_byte_leaves_the_other_letters_as_they_were() -> None:
    content = meta("windows-1252", FRENCH * 20).encode() + b"\xff"
    decoded = decode(content, None, html=True)
    assert (decoded.charset, decoded.encoding_errors) == ("utf-8", 1)
    assert decoded.text.count(FRENCH) == 20


def test_a_false_utf_8_declaration_gives_way_to_a_true_one() -> None:
    content = meta("windows-1252", FRENCH).encode("cp1252")
    decoded = decode(content, "text/html; charset=utf-8", html=True)
    assert (decoded.charset, decoded.encoding_errors) == ("windows-1252", 0)
    assert FRENCH in decoded.text


def test_what_cannot_be_read_is_counted() -> None:
    decoded = decode(b"ab\xff\xfecd\xe9", "text/plain; charset=utf-8", html=False)
    assert (decoded.text, decoded.encoding_errors) == ("ab\ufffd\ufffdcd\ufffd", 3)
    own = decode("ein \ufffd steht hier, größer".encode() + b"\xff" + "äöü".encode() * 20, None, html=False)
    assert own.encoding_errors == 1


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1251", "Условия использования сервиса. Мы собираем персональные данные пользователей. " * 5),
        ("cp932", "利用規約をよくお読みください。個人情報の取り扱いについて定めています。" * 5),
        ("cp1252", FRENCH * 3),
        ("cp1252", "Löschung gemäß der Verordnung für Geschäftszwecke „unverzüglich“ – außer auf Anfrage. " * 3),
        ("cp1250", "Użytkownik może w każdej chwili zrezygnować z usługi; żądanie usunięcia należy złożyć. " * 3),
    ],
)
def test_an_undeclared_charset_is_guessed(codec: str, text: str) -> None:
    page = f"<html><body><p>{text}</p></body></html>".encode(codec)
    assert text in decode(page, None, html=True).text


def test_no_idea_means_windows_1252() -> None:
    assert decode(b"caf\xe9", None, html=False).text == "café"


def test_big_contents_are_fast() -> None:
    content = (FRENCH * 3000).encode()
    begin = time.perf_counter()
    assert decode(content, "text/html", html=True).encoding_errors == 0
    assert time.perf_counter() - begin < 0.2


def test_the_guess_looks_at_a_bounded_sample() -> None:
    content = bytes(range(128, 256)) * 60_000
    begin = time.perf_counter()
    decode(content, None, html=True)
    assert time.perf_counter() - begin < 10


@given(st.binary(max_size=300), st.sampled_from([None, *sorted(CODECS)]), st.booleans())
def test_any_bytes_can_be_decoded_and_traced(content: bytes, charset: str | None, html: bool) -> None:
    decoded = decode(content, f"text/html; charset={charset}" if charset else None, html=html)
    offsets = byte_offsets(decoded, content, range(len(decoded.text) + 1))
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= len(content) for offset in offsets)
    if decoded.charset != "iso-2022-jp":  # escape sequences stand between characters there
        assert offsets[-1] == len(content)


PIECE = 8192
"""How much of a page is looked at at once: no character may be cut there."""


@given(
    st.integers(PIECE - 6, PIECE + 2) | st.just(0) | st.integers(2 * PIECE - 4, 2 * PIECE),
    st.binary(max_size=8) | st.text(max_size=8).map(str.encode),
    st.sampled_from([b"", "é€😀".encode(), b"\xe9", b"\x80\x80\x80\x80\x80", b"\xf0\x9f\x98"]),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xfe\xff", b"<meta charset=utf-8>", b"<meta charset=latin1>"]),
    st.sampled_from([None, "text/html; charset=utf-8", "text/html; charset=windows-1251"]),
)
def test_a_page_that_is_utf_8_as_it_is_is_what_decoding_says(
    ahead: int, middle: bytes, end: bytes, begin: bytes, content_type: str | None
) -> None:
    page = begin + b"a" * ahead + middle + end
    decoded = decode(page, content_type, html=True)
    declared = [charset for charset in (content_type or "", page[:1024].decode("latin-1")) if "charset=" in charset]
    as_it_is = decoded.charset == "utf-8" and not decoded.encoding_errors
    if begin != b"\xef\xbb\xbf" and declared and "charset=utf-8" not in declared[0]:
        as_it_is = False  # what is declared as something else is left to whoever knows more
    assert utf8_begins(page, content_type) == (decoded.skipped if as_it_is else None)


@given(st.text(alphabet="aé€¥語漢字ぁ한글Ж😀\n ", max_size=60), st.sampled_from(sorted(CODECS)))
def test_each_character_is_found_in_its_bytes(text: str, charset: str) -> None:
    codec = CODECS[charset]
    content = text.encode(codec, "ignore")
    text = content.decode(codec)
    decoded = decode(content, f"text/plain; charset={charset}", html=False)
    if decoded.text != text or decoded.charset == "iso-2022-jp":
        return
    offsets = byte_offsets(decoded, content, range(len(text) + 1))
    found = [content[a:b].decode(codec) for a, b in pairwise(offsets)]
    assert found == list(text)


@given(st.lists(st.sampled_from(["é", "a", "😀", "\ufffd", "BAD"]), max_size=40))
def test_faults_do_not_shift_what_follows(pieces: list[str]) -> None:
    content = b"\xef\xbb\xbf" + b"".join(b"\xf0\x9f" if piece == "BAD" else piece.encode() for piece in pieces)
    decoded = decode(content, None, html=False)
    expected = [("\ufffd" if piece == "BAD" else piece) for piece in pieces]
    if "".join(expected) != decoded.text:
        return  # two faults in a row may be read as fewer
    sizes = [2 if piece == "BAD" else len(piece.encode()) for piece in pieces]
    starts = [3 + sum(sizes[:index]) for index in range(len(pieces) + 1)]
    assert byte_offsets(decoded, content, range(len(pieces) + 1)) == starts
    assert decoded.encoding_errors == pieces.count("BAD")


def test_long_contents_are_traced_across_pieces() -> None:
    text = "漢字かな交じり文" * 3000
    content = text.encode("cp932")
    decoded = decode(content, "text/plain; charset=shift_jis", html=False)
    wanted = [0, 1, 2047, 2048, 2049, 4096, len(text) - 1, len(text), 5]
    assert byte_offsets(decoded, content, wanted) == [2 * index for index in wanted]
    broken = content[:9000] + b"\xff" + content[9000:]
    decoded = decode(broken, "text/plain; charset=shift_jis", html=False)
    assert byte_offsets(decoded, broken, [4499, 4501, 9000]) == [8998, 9001, 17999]
