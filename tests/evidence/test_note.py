"""Signed notes: examples published by others, every strict rule, and every bit of a note flipped."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import MalformedNote
from archiver.evidence.note import (
    MAX_NAME,
    MAX_NOTE,
    MAX_SIGNATURES,
    Note,
    Signature,
    Verifier,
    encode_base64,
    open_note,
    sign_note,
)

VECTORS = Path(__file__).parents[1] / "vectors/merkle"
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Verifier("example.org/log", PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
OTHER_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER = Verifier("witness", OTHER_PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
TEXT = "first line\n\nlast line — with a dash\n".encode()
NOTE = sign_note(TEXT, KEY, PRIVATE.sign)
LINE = NOTE.signatures[0].to_text()


def with_lines(*lines: str, text: bytes = TEXT) -> bytes:
    return text + b"\n" + "".join(f"{line}\n" for line in lines).encode()


OTHER_LINE = Signature(OTHER.name, OTHER.key_id, OTHER_PRIVATE.sign(TEXT)).to_text()
FALSE_LINE = Signature(KEY.name, KEY.key_id, PRIVATE.sign(b"another text\n")).to_text()


class TestPublished:
    @pytest.mark.parametrize(("name", "vkey"), [("PeterNeumann.note", NEUMANN), ("sum.golang.org.note", SUMDB)])
    def test_note_with_key_verifies(self, name: str, vkey: str) -> None:
        data = (VECTORS / name).read_bytes()
        verifier = Verifier.from_vkey(vkey)
        assert verifier.vkey == vkey
        note = open_note(data, verifier)
        assert note.to_bytes() == data
        assert data.startswith(note.text)

    def test_signing_gives_the_published_bytes(self) -> None:
        # The example's own private key: a type byte 0x01 and the 32-byte seed in base64.
        seed = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
        signed = sign_note(
            Note.from_bytes((VECTORS / "PeterNeumann.note").read_bytes()).text,
            Verifier.from_vkey(NEUMANN),
            Ed25519PrivateKey.from_private_bytes(seed).sign,
        )
        assert signed.to_bytes() == (VECTORS / "PeterNeumann.note").read_bytes()

    def test_second_signer_is_a_finding_only_when_strict(self) -> None:
        data = (VECTORS / "PeterNeumann-and-EnochRoot.note").read_bytes()
        verifier = Verifier.from_vkey(NEUMANN)
        with pytest.raises(MalformedNote, match="unknown key: EnochRoot af0cfe78"):
            open_note(data, verifier)
        note = open_note(data, verifier, strict=False)
        assert [line.name for line in note.unknown(verifier)] == ["EnochRoot"]

    @pytest.mark.parametrize("name", ["c2sp-signed-note.note", "c2sp-tlog-checkpoint.note"])
    def test_example_of_the_specification_parses(self, name: str) -> None:
        data = (VECTORS / name).read_bytes()
        note = Note.from_bytes(data)
        assert note.to_bytes() == data
        assert len(note.signatures[0].signature) == 64
        assert note.text.endswith(b"\n") and not note.text.endswith(b"\n\n")


class TestVerifierKey:
    def test_round_trip(self) -> None:
        assert Verifier.from_vkey(KEY.vkey) == KEY
        assert KEY.vkey.startswith(f"example.org/log+{KEY.key_id.hex()}+A")

    def test_subject_public_key_info(self) -> None:
        for public in (load_der_public_key(KEY.spki_der), load_pem_public_key(KEY.spki_pem)):
            assert public == PRIVATE.public_key()

    @pytest.mark.parametrize(
        ("defect", "text", "message"),
        [
            ("empty", "", "three parts"),
            ("two parts", "a+00000000", "three parts"),
            ("line feed", KEY.vkey + "\n", "not base64|one base64"),
            ("no name", "+" + KEY.vkey.split("+", 1)[1], "key name is empty"),
            ("other name", "x" + KEY.vkey, "its parts give"),
            ("space in name", KEY.vkey.replace("example.org/", "example.org "), "space, a plus or a control"),
            ("other type", f"a+00000000+{encode_base64(bytes([4]) + KEY.key)}", "type 0x01"),
            ("key too short", f"a+00000000+{encode_base64(bytes([1]) + KEY.key[:31])}", "32 bytes, not 31"),
            ("key too long", f"a+00000000+{encode_base64(bytes([1]) + KEY.key + b'x')}", "32 bytes, not 33"),
            ("upper-case id", KEY.vkey.replace(KEY.key_id.hex(), KEY.key_id.hex().upper()), "its parts give"),
            ("not base64", KEY.vkey[:-4] + "!!!!", "not base64"),
            ("padding that is not needed", KEY.vkey + "====", "base64"),
            ("huge", "a" * (MAX_NAME + 65), "characters"),
        ],
    )
    def test_refused(self, defect: str, text: str, message: str) -> None:
        with pytest.raises(MalformedNote, match=message):
            Verifier.from_vkey(text)

    def test_every_changed_character_is_refused(self) -> None:
        for at, old in enumerate(KEY.vkey):
            for new in {chr(ord(old) ^ 1), "A", "+", "=", " "} - {old}:
                with pytest.raises(MalformedNote):
                    Verifier.from_vkey(KEY.vkey[:at] + new + KEY.vkey[at + 1 :])

    @pytest.mark.parametrize(
        "name", ["", "a b", "a+b", "a\nb", "a\x00b", "a\x1fb", "a\u00a0b", "a\u2003b", "a\u2028", "\ud800"]
    )
    def test_bad_name(self, name: str) -> None:
        with pytest.raises(MalformedNote, match="key name"):
            Verifier(name, KEY.key)

    def test_name_ceiling(self) -> None:
        Verifier("n" * MAX_NAME, KEY.key)
        with pytest.raises(MalformedNote, match="more than"):
            Verifier("n" * (MAX_NAME + 1), KEY.key)


class TestParsing:
    @pytest.mark.parametrize(
        ("defect", "data", "message"),
        [
            ("empty", b"", "end with a line feed"),
            ("no text", b"\n", "no blank line"),
            ("no signature", TEXT, "does not begin with an em dash"),
            ("nothing after the blank line", TEXT + b"\n", "no signature line"),
            ("torn", with_lines(LINE)[:-1], "end with a line feed"),
            ("blank line at the end", with_lines(LINE) + b"\n", "no signature line"),
            ("blank line among signatures", with_lines(LINE, "", LINE) + b"x\n", "does not begin with an em"),
            ("hyphen for dash", with_lines(LINE.replace("—", "-")), "does not begin with an em dash"),
            ("space before", with_lines(" " + LINE), "does not begin with an em dash"),
            ("no signature after name", with_lines("— name"), "no signature after the name"),
            ("empty name", with_lines("—  AAAAAAAA"), "key name is empty"),
            ("plus in name", with_lines("— a+b AAAAAAAA"), "a space, a plus"),
            ("wide space in name", with_lines("— a\u00a0b AAAAAAAA"), "a space, a plus"),
            ("two spaces", with_lines(LINE.replace("log ", "log  ")), "not base64"),
            ("trailing space", with_lines(LINE + " "), "not base64"),
            ("spare bits", with_lines("— a AAAAAAB="), "not the one base64 form"),
            ("url alphabet", with_lines("— a AAAAAA-_"), "not base64"),
            ("only a key id", with_lines("— a AAAAAA=="), "too short"),
            ("empty signature", with_lines("— a "), "too short"),
            ("carriage return", with_lines(LINE).replace(b"\n", b"\r\n"), "control character"),
            ("tab", with_lines(LINE, text=b"a\tb\n"), "control character"),
            ("zero byte", with_lines(LINE, text=b"a\0b\n"), "control character"),
            ("not UTF-8", with_lines(LINE, text=b"\xff\n"), "not UTF-8"),
            ("surrogate", with_lines(LINE, text=b"\xed\xa0\x80\n"), "not UTF-8"),
            ("too many lines", with_lines(*[LINE] * (MAX_SIGNATURES + 1)), "signature lines, more than"),
            ("too large", b"x" * (MAX_NOTE + 1), "bytes, more than"),
        ],
    )
    def test_refused(self, defect: str, data: bytes, message: str) -> None:
        with pytest.raises(MalformedNote, match=message):
            Note.from_bytes(data)

    @given(st.binary(max_size=80) | st.text(alphabet="— ab+/=\nAB", max_size=60).map(str.encode))
    def test_what_parses_is_written_the_same(self, data: bytes) -> None:
        try:
            note = Note.from_bytes(data)
        except MalformedNote:
            return
        assert note.to_bytes() == data

    def test_sixteen_long_signatures_are_read(self) -> None:
        lines = [Signature(f"w{number}", bytes(4), bytes(5000)).to_text() for number in range(16)]
        assert len(Note.from_bytes(with_lines(*lines)).signatures) == 16


class TestVerifying:
    def test_good(self) -> None:
        assert NOTE.verify(KEY) == NOTE.signatures
        assert open_note(NOTE.to_bytes(), KEY) == NOTE
        both = Note.from_bytes(with_lines(LINE, OTHER_LINE))
        assert both.verify(OTHER, KEY) == (both.signatures[1], both.signatures[0])
        assert both.verify(KEY, strict=False) == both.signatures[:1]

    @pytest.mark.parametrize(
        ("defect", "lines", "message"),
        [
            ("other signer", [OTHER_LINE], "no signature by example.org/log"),
            ("other signer too", [LINE, OTHER_LINE], "unknown key: witness"),
            ("signature over another text", [FALSE_LINE], "does not verify"),
            ("a false one beside a true one", [LINE, FALSE_LINE], "does not verify"),
            ("the same twice", [LINE, LINE], "2 signatures by"),
        ],
    )
    def test_refused_when_strict(self, defect: str, lines: list[str], message: str) -> None:
        with pytest.raises(MalformedNote, match=message):
            open_note(with_lines(*lines), KEY)

    def test_same_name_other_key_does_not_count(self) -> None:
        twin = Verifier(KEY.name, OTHER.key)
        with pytest.raises(MalformedNote, match="no signature by"):
            open_note(NOTE.to_bytes(), twin, strict=False)

    def test_a_false_line_is_refused_even_when_not_strict(self) -> None:
        with pytest.raises(MalformedNote, match="does not verify"):
            open_note(with_lines(LINE, FALSE_LINE), KEY, strict=False)

    def test_short_signature_is_refused(self) -> None:
        short = Signature(KEY.name, KEY.key_id, NOTE.signatures[0].signature[:63]).to_text()
        with pytest.raises(MalformedNote, match="does not verify"):
            open_note(with_lines(short), KEY)

    def test_without_keys_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="without a key"):
            NOTE.verify()

    def test_every_flipped_bit_is_refused(self) -> None:
        data = NOTE.to_bytes()
        for at in range(len(data)):
            for bit in range(8):
                bad = bytes([*data[:at], data[at] ^ (1 << bit), *data[at + 1 :]])
                with pytest.raises(MalformedNote):
                    open_note(bad, KEY)

    def test_every_truncation_and_extension_is_refused(self) -> None:
        data = NOTE.to_bytes()
        for bad in [data[:at] for at in range(len(data))] + [data + b"\n", data + b"x", b"\n" + data, b"x" + data]:
            with pytest.raises(MalformedNote):
                open_note(bad, KEY)


class TestSigning:
    def test_signer_of_another_key(self) -> None:
        with pytest.raises(MalformedNote, match="does not verify"):
            sign_note(TEXT, KEY, OTHER_PRIVATE.sign)

    @pytest.mark.parametrize("text", [b"", b"no line feed", b"a\tb\n", b"\xff\n"])
    def test_text_that_no_note_can_have(self, text: bytes) -> None:
        with pytest.raises(MalformedNote):
            sign_note(text, KEY, PRIVATE.sign)

    @pytest.mark.parametrize("text", [b"\n", b"a\n\n", b"a\n\n\xe2\x80\x94 b AAAAAAAA\n"])
    def test_text_with_blank_lines(self, text: bytes) -> None:
        assert open_note(sign_note(text, KEY, PRIVATE.sign).to_bytes(), KEY).text == text
