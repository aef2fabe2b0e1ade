"""WACZ files: what is in them, that they verify, and that every forgery we could think of is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from archiver import wacz_export
from archiver.archive import open_archive
from archiver.dossier import dossier_of
from archiver.errors import NotCheckable, UsageError
from archiver.evidence.note import sign_note
from archiver.evidence.wacz_check import check_wacz
from archiver.evidence.wacz_index import Entry, pack_index, unpack_index
from archiver.evidence.wacz_package import hash_text
from archiver.evidence.wacz_signature import check_signed_data, endorse
from archiver.signing import LogKey
from archiver.wacz_signing import package_signer
from tests.packages import CDX, DIGEST, IDX, PACKAGE, PAGES, Forgery, Shelf, failures, handed_out, shelf, verdicts
from tests.simulators.archives import TERMS, capture, workshop
from tests.tampering import flipped

ISSUED = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with shelf(tmp_path_factory.mktemp("shelf")) as made:
        yield made


@pytest.fixture(scope="module")
def whole(stock: Shelf) -> Path:
    """A package of all snapshots, signed."""
    return stock.export(stock.folder / "whole.wacz", *stock.snapshots)


@pytest.fixture
def forged(whole: Path) -> Forgery:
    return Forgery(whole)


# -- what is in it -----------------------------------------------------------------------------------


def test_a_package_passes_every_check(stock: Shelf, whole: Path) -> None:
    reports = stock.check(whole)
    assert verdicts(reports) == {"pass"}, failures(reports)
    assert [report.subject for report in reports] == [
        "whole.wacz",
        *(f"whole.wacz/{name}" for name in stock.snapshots),
    ]
    assert [check.number for check in reports[0].checks] == [31, 32, 33, 34, 35]
    assert [check.number for check in reports[1].checks] == [*range(1, 11), 16, 15]


def test_warcs_and_proofs_are_the_archive_s_own(stock: Shelf, forged: Forgery) -> None:
    for name in stock.snapshots:
        (folder,) = stock.root.glob(f"snapshots/*/*/*/{name}")
        for file in folder.iterdir():
            inside = f"archive/{name}.warc.gz" if file.name == "capture.warc.gz" else f"proofs/{name}.{file.name}"
            assert forged[inside] == file.read_bytes()
            assert inside.count("/") == 1
    assert forged["proofs/log.vkey"] == (stock.root / "keys/log.vkey").read_bytes()
    assert {name for name in forged if name.endswith(".root.pem")} == {"proofs/north.root.pem", "proofs/south.root.pem"}


def test_a_revisit_brings_its_referent(stock: Shelf) -> None:
    full, revisit, *_ = stock.snapshots
    package = Forgery(stock.export(stock.folder / "revisit.wacz", revisit))
    assert f"archive/{full}.warc.gz" in package and f"archive/{revisit}.warc.gz" in package
    assert [page["id"] for page in package.pages()[1:]] == [revisit]
    answers = {json.loads(line.split(" ", 2)[2])["filename"] for line in package.lines()}
    assert answers == {f"{full}.warc.gz", f"{revisit}.warc.gz"}
    assert verdicts(stock.check(stock.folder / "revisit.wacz")) == {"pass"}


def test_pages_say_where_to_begin(stock: Shelf, forged: Forgery) -> None:
    header, *pages = forged.pages()
    assert header == {"format": "json-pages-1.0", "id": "pages", "title": "Pages", "hasText": True}
    by_id = {page["id"]: page for page in pages}
    full, revisit, redirect, two, cut = stock.snapshots
    assert list(by_id) == [full, revisit, redirect, two, f"{two}.2", cut]
    assert by_id[full]["title"] == "Example: Terms"
    assert "fourteen days" in by_id[full]["text"]
    assert by_id[redirect]["url"].endswith("/terms"), "of a redirect, the page it leads to"
    assert "title" not in by_id[redirect], "of a bare address nobody gave one"
    assert by_id[two]["url"].endswith("/terms?b=2&a=1")
    package = forged.json(PACKAGE)
    assert (package["mainPageUrl"], package["mainPageDate"]) == (by_id[full]["url"], by_id[full]["ts"])


def test_a_package_says_its_limits_and_digests(stock: Shelf, forged: Forgery) -> None:
    said = forged.json(PACKAGE)["description"]
    for name in stock.snapshots:
        (folder,) = stock.root.glob(f"snapshots/*/*/*/{name}")
        assert hashlib.sha256((folder / "statement.json").read_bytes()).hexdigest() in said
        assert hashlib.sha256((folder / "capture.warc.gz").read_bytes()).hexdigest() in said
    assert "does not show what other readers received" in said


def test_the_same_snapshots_give_the_same_package_however_much_is_held(
    stock: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for number, held in enumerate([1 << 20, 1 << 20, 0, 1000]):
        monkeypatch.setattr(wacz_export, "HELD", held)
        monkeypatch.setattr(wacz_export, "AHEAD", held)
        dossiers = stock.dossiers(*stock.snapshots, issued=ISSUED)
        exported = handed_out(dossiers, stock.folder / f"same-{number}.wacz", stock.key)
        data = (stock.folder / f"same-{number}.wacz").read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (exported.sha256, exported.size)
        digests.add(exported.sha256)
    assert len(digests) == 1
    assert Forgery(stock.folder / "same-0.wacz").json(PACKAGE)["created"] == "2031-02-03T04:05:06.000Z"


def test_without_the_key_it_is_not_signed(stock: Shelf) -> None:
    dossiers = stock.dossiers(stock.snapshots[0])
    handed_out(dossiers, stock.folder / "unsigned.wacz", None)
    package = Forgery(stock.folder / "unsigned.wacz")
    assert "signedData" not in package.json(DIGEST) and "proofs/package-key.note" not in package
    reports = stock.check(stock.folder / "unsigned.wacz")
    assert [report.verdict for report in reports] == ["incomplete", "pass"]
    assert next(check for check in reports[0].checks if check.number == 33).verdict == "incomplete"


def test_a_package_is_never_written_over_another_file(stock: Shelf, whole: Path) -> None:
    before = whole.read_bytes()
    with pytest.raises(UsageError, match="there already"):
        stock.export(whole, stock.snapshots[0])
    with pytest.raises(UsageError, match="Not a directory"):
        stock.export(whole / "x.wacz", stock.snapshots[0])
    assert whole.read_bytes() == before


@pytest.mark.parametrize("held", [0, 1 << 20])
@pytest.mark.parametrize("damage", ["flipped", "shorter", "longer"])
def test_a_damaged_warc_is_not_exported(stock: Shelf, damage: str, held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wacz_export, "HELD", held)
    (path,) = stock.root.glob(f"snapshots/*/*/*/{stock.snapshots[0]}/capture.warc.gz")
    data = path.read_bytes()
    path.write_bytes({"flipped": flipped(data, len(data) // 2), "shorter": data[:-1], "longer": data + b"x"}[damage])
    try:
        with pytest.raises(NotCheckable, match="nothing is exported"):
            stock.export(stock.folder / "damaged.wacz", stock.snapshots[0])
    finally:
        path.write_bytes(data)
    assert not list(stock.folder.glob("*damaged*"))


def test_before_any_checkpoint_there_is_no_proof_to_give(tmp_path: Path) -> None:
    with workshop(tmp_path) as shop:
        root = shop.archive(tmp_path / "archive")
        with shop.open(root) as operation:
            (outcome,) = capture(operation, [shop.site.url("/terms")])
            name = str(outcome.capture.body["snapshot"])
            package = tmp_path / "early.wacz"
            archive = open_archive(root, environment=shop.environment)
            handed_out([dossier_of(archive, name, ISSUED)], package, None)
            archive.index.close()
    assert f"proofs/{name}.statement.tlog-proof" not in Forgery(package)
    with package.open("rb") as source:
        reports = check_wacz(source, "early.wacz", lambda _: archive.verifier, ())
    assert verdicts(reports) == {"incomplete"} and not failures(reports)
    assert "not yet covered" in str(reports[1].to_json())


# -- the key -------------------------------------------------------------------------------------------


def test_the_package_key_follows_from_the_log_key_and_tells_nothing_of_it() -> None:
    one, other = LogKey.generate("a.example/log"), LogKey.generate("a.example/log")
    again = LogKey.from_pem("a.example/log", one.to_pem(None))
    assert package_signer(one).public_key == package_signer(again).public_key
    assert package_signer(one).public_key != package_signer(other).public_key
    assert one.derive(b"a", 72) != one.derive(b"b", 72)
    text = f"sha256:{'0' * 64}"
    signature = package_signer(one).sign(text.encode())
    assert len(signature) == 96
    assert package_signer(one).sign(text.encode()) == signature


def test_openssl_verifies_the_signature_and_the_note(stock: Shelf, forged: Forgery, tmp_path: Path) -> None:
    """As docs/wacz.md says, with the commands it gives."""
    whole = forged.write(tmp_path / "x.wacz")
    page = (Path(__file__).parent.parent / "docs/wacz.md").read_text("utf-8")
    script = page.split("```sh\n", 1)[1].split("```", 1)[0]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "WACZ": str(whole),
        "LOG": str(stock.root / "keys/log.pub.pem"),
    }
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Verified") + done.stdout.count("OK") >= 3, done.stdout
    forged.change_json(PACKAGE, lambda body: body.__setitem__("title", "another"))
    forged.digest_again()
    forged.write(whole)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode != 0


# -- forgeries -----------------------------------------------------------------------------------------

Change = Callable[[Forgery, Shelf], None]
MINE = ec.generate_private_key(ec.SECP384R1())


def relisted(change: Change) -> Change:
    """The forger makes the list and its digest follow, and keeps the signature."""

    def changed(forged: Forgery, stock: Shelf) -> None:
        change(forged, stock)
        forged.list_again()

    return changed


def resigned(change: Change) -> Change:
    """The forger signs as well, with a key and a log of his own, and writes a note for it."""

    def changed(forged: Forgery, stock: Shelf) -> None:
        change(forged, stock)
        own = LogKey.generate(stock.archive.origin)
        forged["proofs/package-key.note"] = endorse(public_of(MINE), own.verifier, own.sign)
        forged.list_again()
        forged.sign(MINE)

    return changed


def public_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def put(name: str, data: bytes) -> Change:
    return lambda forged, stock: forged.__setitem__(name, data)


def signed_data(**changes: object) -> Change:
    def change(forged: Forgery, stock: Shelf) -> None:
        forged.change_json(DIGEST, lambda body: body["signedData"].update(changes))

    return change


def flip_warc(forged: Forgery, stock: Shelf) -> None:
    name = f"archive/{stock.snapshots[0]}.warc.gz"
    forged[name] = flipped(forged[name], 2000)


def another_warc(forged: Forgery, stock: Shelf) -> None:
    """A whole and valid WARC in the place of another one."""
    full, _, redirect, *_ = stock.snapshots
    forged[f"archive/{full}.warc.gz"] = forged[f"archive/{redirect}.warc.gz"]


def without_warc(forged: Forgery, stock: Shelf) -> None:
    del forged[f"archive/{stock.snapshots[4]}.warc.gz"]


def strange_warc(forged: Forgery, stock: Shelf) -> None:
    forged["archive/EA-S-00000099.warc.gz"] = forged[f"archive/{stock.snapshots[0]}.warc.gz"]
    forged.methods["archive/EA-S-00000099.warc.gz"] = zipfile.ZIP_STORED


def deflated_warc(forged: Forgery, stock: Shelf) -> None:
    forged.methods[f"archive/{stock.snapshots[0]}.warc.gz"] = zipfile.ZIP_DEFLATED


def offsets_elsewhere(forged: Forgery, stock: Shelf) -> None:
    """The line of the terms leads to the answer about robots.txt."""
    lines = forged.lines()
    robots = next(line for line in lines if "robots.txt" in line)
    fields = json.loads(robots.split(" ", 2)[2])
    for number, line in enumerate(lines):
        key, stamp, text = line.split(" ", 2)
        if key.endswith(")/terms"):
            wrong = json.loads(text) | {name: fields[name] for name in ("offset", "length", "filename", "recordDigest")}
            lines[number] = f"{key} {stamp} {json.dumps(wrong)}"
    forged.put_lines(sorted(set(lines)))


def field_of_line(name: str, value: str) -> Change:
    def change(forged: Forgery, stock: Shelf) -> None:
        key, stamp, text = forged.lines()[-1].split(" ", 2)
        line = f"{key} {stamp} {json.dumps(json.loads(text) | {name: value})}"
        forged.put_lines(sorted([*forged.lines()[:-1], line]))

    return change


def other_key_of_line(forged: Forgery, stock: Shelf) -> None:
    _, rest = forged.lines()[-1].split(" ", 1)
    forged.put_lines(sorted([*forged.lines()[:-1], f"com,example)/elsewhere {rest}"]))


def list_of_blocks(old: str, new: str) -> Change:
    return lambda forged, stock: forged.__setitem__(IDX, forged[IDX].replace(old.encode(), new.encode()))


def page(**changes: str) -> Change:
    def change(forged: Forgery, stock: Shelf) -> None:
        header, *pages = forged.pages()
        forged.put_pages([header, pages[0] | changes, *pages[1:]])

    return change


def without_last_page(forged: Forgery, stock: Shelf) -> None:
    forged.put_pages(forged.pages()[:-1])


def page_twice(forged: Forgery, stock: Shelf) -> None:
    forged.put_pages([*forged.pages(), forged.pages()[1]])


def other_text(forged: Forgery, stock: Shelf) -> None:
    """Text and page agree, the assessment does not."""
    text = forged[f"text/{stock.snapshots[0]}.md"].replace(b"fourteen", b"forty")
    forged[f"text/{stock.snapshots[0]}.md"] = text
    page(text=text.decode())(forged, stock)


def text_without_assessment(forged: Forgery, stock: Shelf) -> None:
    for kind in ("assessment.json", "assessment.tlog-proof"):
        del forged[f"text/{stock.snapshots[0]}.{kind}"]


def assessment_of_another(forged: Forgery, stock: Shelf) -> None:
    full, revisit, *_ = stock.snapshots
    for kind in ("assessment.json", "assessment.tlog-proof"):
        forged[f"text/{full}.{kind}"] = forged[f"text/{revisit}.{kind}"]


def statement_says(old: bytes, new: bytes) -> Change:
    def change(forged: Forgery, stock: Shelf) -> None:
        name = f"proofs/{stock.snapshots[0]}.statement.json"
        assert old in forged[name]
        forged[name] = forged[name].replace(old, new)

    return change


def statement_of_another(forged: Forgery, stock: Shelf) -> None:
    full, revisit, *_ = stock.snapshots
    forged[f"proofs/{full}.statement.json"] = forged[f"proofs/{revisit}.statement.json"]


def without_one_statement(forged: Forgery, stock: Shelf) -> None:
    del forged[f"proofs/{stock.snapshots[0]}.statement.json"]


def token_of_another(forged: Forgery, stock: Shelf) -> None:
    full, revisit, *_ = stock.snapshots
    for kind in ("tsr", "chain.pem"):
        forged[f"proofs/{full}.checkpoint.north.{kind}"] = forged[f"proofs/{revisit}.checkpoint.north.{kind}"]


def without_digest(forged: Forgery, stock: Shelf) -> None:
    del forged[DIGEST]


def without_signature(forged: Forgery, stock: Shelf) -> None:
    forged.change_json(DIGEST, lambda body: body.pop("signedData") and None)


def signature_of_another_hash(forged: Forgery, stock: Shelf) -> None:
    """Both say the hash of the package; what was signed is another text."""
    forged.sign(MINE, text=f"sha256:{'0' * 64}")


def signature_in_der(forged: Forgery, stock: Shelf) -> None:
    forged.sign(MINE, raw=False)


def key_on_another_curve(forged: Forgery, stock: Shelf) -> None:
    forged.sign(ec.generate_private_key(ec.SECP521R1()))


def key_swapped(forged: Forgery, stock: Shelf) -> None:
    """A valid signature by another key; the log's note still names the first."""
    forged.sign(MINE)


def note_gone_with_the_key(forged: Forgery, stock: Shelf) -> None:
    del forged["proofs/package-key.note"]
    forged.list_again()
    forged.sign(MINE)


def note_of_another_text(forged: Forgery, stock: Shelf) -> None:
    """A true note of the log, that of a checkpoint, in the place of the one that names the key."""
    key = stock.key
    forged["proofs/package-key.note"] = sign_note(b"some\nother\ntext\n", key.verifier, key.sign).to_bytes()
    forged.list_again()
    forged.sign(MINE)


def log_key_swapped(forged: Forgery, stock: Shelf) -> None:
    other = LogKey.generate(stock.archive.origin).verifier
    forged["proofs/log.vkey"] = f"{other.vkey}\n".encode()
    forged["proofs/log.pub.pem"] = other.spki_pem


def created(moment: str) -> Change:
    return lambda forged, stock: forged.change_json(PACKAGE, lambda body: body.__setitem__("created", moment))


def package_says(name: str, value: object) -> Change:
    return lambda forged, stock: forged.change_json(PACKAGE, lambda body: body.__setitem__(name, value))


def lists_twice(forged: Forgery, stock: Shelf) -> None:
    forged.change_json(PACKAGE, lambda body: body["resources"].append(body["resources"][0]))
    forged.digest_again()


def key_twice(forged: Forgery, stock: Shelf) -> None:
    """Two readers would read two hashes."""
    forged[DIGEST] = forged[DIGEST].replace(b"{", b'{"hash": "sha256:00", ', 1)


FORGERIES: dict[str, tuple[Change, int, str]] = {
    # what the reference validator refuses, and what it lets pass
    "flipped byte of a WARC": (flip_warc, 32, "has SHA-256"),
    "listed WARC missing": (without_warc, 32, "listed in"),
    "digest over something else": (
        lambda f, s: f.change_json(DIGEST, lambda b: b.update(hash=f"sha256:{'0' * 64}")), 33, "not over this",
    ),
    "digest file removed": (without_digest, 33, "missing"),
    "unlisted file": (put("text/EA-S-00000099.md", b"evil"), 32, "does not list"),
    "unlisted file without a dot": (put("proofs/evil", b"evil"), 31, "does not belong"),
    "copy of a listed file deeper down": (put("a/archive/EA-S-00000002.warc.gz", b"evil"), 31, "does not belong"),
    "garbage for a signature": (signed_data(signature="AAAA"), 33, "a signature of 3 bytes"),
    "signature of the right length": (signed_data(signature="AQ" * 64), 33, "does not hold"),
    "signature that is no base64": (signed_data(signature="?"), 33, "base64"),
    "WARC compressed again": (deflated_warc, 31, "compressed once more"),
    "index emptied": (resigned(lambda f, s: f.put_lines([])), 34, "does not list"),
    # resources
    "changed text": (other_text, 32, "datapackage.json says"),
    "changed token": (token_of_another, 32, "says"),
    "a file listed twice": (lists_twice, 32, "twice"),
    "another size in the list": (
        lambda f, s: f.change_json(PACKAGE, lambda b: b["resources"][0].update(bytes=1)), 32, "says 1",
    ),
    "a weaker digest in the list": (
        lambda f, s: f.change_json(PACKAGE, lambda b: b["resources"][0].update(hash="md5:00")), 32, "no SHA-256",
    ),
    "orders to the reader": (resigned(package_says("config", {"hostProxy": True})), 32, "says config"),
    "another profile": (resigned(package_says("profile", "multi-wacz-package")), 32, "profile"),
    "another version": (resigned(package_says("wacz_version", "9.9")), 32, "version"),
    "another key of the log beside the proofs": (resigned(log_key_swapped), 32, "not the key"),
    "made before what is in it": (resigned(created("2020-01-01T00:00:00.000Z")), 32, "before a statement"),
    "made at no time": (resigned(created("yesterday")), 32, "no time"),
    # the signature
    "signed over another list": (relisted(put(PAGES, b"{}\n")), 33, "signedData is over"),
    "two keys of one name in the digest": (key_twice, 33, "stands twice"),
    "another time signed": (signed_data(created="2020-01-01T00:00:00Z"), 33, "says it was made"),
    "a further word beside the signature": (signed_data(timeSignature="x"), 33, "six texts"),
    "the form of a domain": (signed_data(domain="example.com"), 33, "domain"),
    "signature over another hash": (signature_of_another_hash, 33, "does not hold"),
    "signature in DER": (signature_in_der, 33, "bytes, not of 96"),
    "key on another curve": (key_on_another_curve, 33, "not of 96|not a key on P-384"),
    "no key": (signed_data(publicKey="AAAA"), 33, "no public key"),
    "key swapped": (key_swapped, 33, "another key"),
    "key swapped, with a note by another log of that name": (resigned(lambda f, s: None), 33, "no signature by"),
    "key swapped, note removed": (note_gone_with_the_key, 33, "note is missing"),
    "key swapped, another note of the log": (note_of_another_text, 33, "another key"),
    "signature stripped": (without_signature, 33, "signature is missing"),
    # the index
    "offsets lead elsewhere": (resigned(offsets_elsewhere), 34, "neither statement nor WARC"),
    "another address": (resigned(field_of_line("url", "https://example.com/")), 34, "neither"),
    "another type": (resigned(field_of_line("mime", "text/plain")), 34, "neither"),
    "another digest of a record": (resigned(field_of_line("recordDigest", f"sha256:{'0' * 64}")), 34, "neither"),
    "a word that makes it a POST": (resigned(field_of_line("method", "POST")), 34, "neither"),
    "filed under another key": (resigned(other_key_of_line), 34, "neither"),
    "a line left out": (resigned(lambda f, s: f.put_lines(f.lines()[1:])), 34, "does not list"),
    "lines not sorted": (resigned(lambda f, s: f.put_lines(f.lines()[::-1])), 34, "not sorted"),
    "a line twice": (resigned(lambda f, s: f.put_lines(sorted(f.lines() * 2))), 34, "twice"),
    "bytes that no block lists": (resigned(lambda f, s: f.__setitem__(CDX, f[CDX] + f[CDX])), 34, "does not list"),
    "a block that begins elsewhere": (resigned(list_of_blocks('"offset": 0', '"offset": 1')), 34, "not at byte"),
    "a block under another key": (resigned(list_of_blocks("1,0,0,127:", "1,0,0,126:")), 34, "does not begin"),
    "another file of blocks": (resigned(list_of_blocks("index.cdx.gz", "other.cdx.gz")), 34, "line that names"),
    "a second index": (resigned(put("indexes/more.cdx", b"")), 31, "does not belong"),
    "a WARC that no statement knows": (resigned(strange_warc), 34, "no statement"),
    # pages
    "a page of another address": (resigned(page(url="https://example.com/")), 35, "no statement says"),
    "a page of another time": (resigned(page(ts="2020-01-01T00:00:00.000Z")), 35, "no statement says"),
    "a page with another text": (resigned(page(text="forty days")), 35, "is not that of"),
    "a page with more than we say": (resigned(page(favIconUrl="x")), 35, "not a page"),
    "a page left out": (resigned(without_last_page), 35, "does not list"),
    "a page twice": (resigned(page_twice), 35, "twice"),
    "a second list of pages": (resigned(put("pages/extraPages.jsonl", b"{}\n")), 31, "does not belong"),
    "begins elsewhere": (resigned(package_says("mainPageUrl", "https://example.com/")), 35, "another page"),
    # statements and what seals them
    "another WARC": (resigned(another_warc), 2, "bytes, the statement says"),
    "another statement": (resigned(statement_says(b'"manual"', b'"scheduled"')), 6, "does not lead"),
    "statement of another snapshot": (resigned(statement_of_another), 1, "statement.json is of"),
    "a statement left out": (resigned(without_one_statement), 34, "no statement"),
    "token of another snapshot": (resigned(token_of_another), 9, "checkpoint.north.tsr"),
    "another text, page and all": (resigned(other_text), 15, "the assessment says"),
    "a text without its assessment": (resigned(text_without_assessment), 15, "is missing"),
    "assessment of another snapshot": (resigned(assessment_of_another), 15, "no assessment of"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused(name: str, stock: Shelf, forged: Forgery, tmp_path: Path) -> None:
    change, number, why = FORGERIES[name]
    change(forged, stock)
    reports = stock.check(forged.write(tmp_path / "forged.wacz"))
    found = failures(reports)
    assert number in found, (found, verdicts(reports))
    assert re.search(why, found[number]), found


def test_a_package_without_its_statements_never_passes(stock: Shelf, forged: Forgery, tmp_path: Path) -> None:
    """The proofs thrown away, what is left is anybody's package, and is called that."""
    for name in [name for name in forged if name.startswith(("proofs/", "text/"))]:
        del forged[name]
    resigned(lambda f, s: None)(forged, stock)
    del forged["proofs/package-key.note"]
    forged.list_again()
    forged.sign(MINE)
    (report,) = stock.check(forged.write(tmp_path / "bare.wacz"))
    assert report.verdict == "incomplete"
    assert any("no statement of an archive" in text for text in report.not_checked)


def test_stripped_of_signature_and_note_it_does_not_pass(stock: Shelf, forged: Forgery, tmp_path: Path) -> None:
    del forged["proofs/package-key.note"]
    without_signature(forged, stock)
    forged.list_again()
    reports = stock.check(forged.write(tmp_path / "bare.wacz"))
    assert reports[0].verdict == "incomplete" and not failures(reports)


def test_without_the_log_s_key_nothing_is_claimed_of_who_signed(stock: Shelf, whole: Path) -> None:
    reports = stock.check(whole, keyless=True)
    assert verdicts(reports) == {"incomplete"}
    assert not failures(reports)


def test_the_key_of_another_log_fails(stock: Shelf, whole: Path) -> None:
    found = failures(stock.check(whole, key=LogKey.generate("other.example/log").verifier))
    assert {1, 7, 32, 33} <= found.keys()


@pytest.fixture(scope="module")
def small(stock: Shelf) -> Path:
    """A package of one snapshot, signed."""
    return stock.export(stock.folder / "small.wacz", stock.snapshots[0])


def test_any_changed_byte_of_any_member_is_seen(stock: Shelf, small: Path, tmp_path: Path) -> None:
    """Every member, at its beginning, middle and end, with the checksum of the zip file made to fit."""
    missed = []
    for name, data in Forgery(small).items():
        for at in sorted({0, len(data) // 2, len(data) - 1}):
            broken = Forgery(small)
            broken[name] = flipped(data, at)
            if not failures(stock.check(broken.write(tmp_path / "x.wacz"))):
                missed.append((name, at))
    assert not missed


def test_any_changed_byte_of_the_file_is_seen(stock: Shelf, small: Path, tmp_path: Path) -> None:
    """Bytes between and around the members too: headers, checksums, the directory."""
    data = small.read_bytes()
    free = _free_bytes(data)
    told = _read_by_python(small)
    path = tmp_path / "x.wacz"
    missed = []
    for at in (at for at in range(0, len(data), 61) if at not in free):
        path.write_bytes(flipped(data, at))
        if not failures(stock.check(path)) and _read_by_python(path) != told:
            missed.append(at)
    assert not missed, missed


def _read_by_python(path: Path) -> list[tuple[str, bytes]] | None:
    """Names and contents as zipfile reads them, None when it refuses.

    Deflate leaves bits that say nothing: those after its last block, and a second distance to the same words.
    """
    try:
        with zipfile.ZipFile(path) as read:
            return [(one.filename, read.read(one)) for one in read.infolist()]
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        return None


def _free_bytes(data: bytes) -> set[int]:
    """Bytes of headers that say nothing of what is in the file: versions, times, rights."""
    free: set[int] = set()
    at = 0
    while (at := data.find(b"PK\x03\x04", at)) >= 0:
        free |= {*range(at + 4, at + 6), *range(at + 10, at + 14)}
        at += 4
    at = 0
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        free |= {*range(at + 4, at + 8), *range(at + 12, at + 16), *range(at + 36, at + 42)}
        at += 4
    return free


def test_a_file_that_is_no_package(tmp_path: Path) -> None:
    for data in (b"", b"PK\x05\x06" + bytes(18), TERMS, Forgery.__doc__.encode()):  # type: ignore[union-attr]
        (report,) = check_wacz(io.BytesIO(data), "x.wacz", lambda _: None, ())
        assert report.verdict == "fail" and [check.number for check in report.checks] == [31]


# -- the index in many blocks --------------------------------------------------------------------------


def test_an_index_of_many_blocks() -> None:
    lines = [
        Entry(
            f"https://example.com/{number}", "2026-05-12T15:09:41.204Z", "text/html", "200", "GET", "0" * 64,
            "EA-S-00000001.warc.gz", number, 1,
        ).line("1" * 64)
        for number in range(5000)
    ]  # fmt: skip
    packed, listed = pack_index(lines)
    assert len(listed.splitlines()) == 1 + 5
    read = unpack_index(packed, listed)
    assert [f"{line.key} {line.stamp} {json.dumps(line.fields)}" for line in read] == sorted(lines)


def test_no_answer_at_all_gives_an_empty_index() -> None:
    packed, listed = pack_index([])
    assert (packed, unpack_index(packed, listed)) == (b"", ())


def test_the_note_names_the_key_that_signed(forged: Forgery) -> None:
    text, made = hash_text(forged[PACKAGE]), forged.json(PACKAGE)["created"]
    key = check_signed_data(forged.json(DIGEST)["signedData"], text, made)
    assert base64.b64encode(key) == forged["proofs/package-key.note"].split(b"\n")[2]
