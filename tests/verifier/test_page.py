"""verify.html in Chromium and in Firefox, from a file and without a network: the same verdicts as verify.py."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.verifier.browsers import Browser
from tests.verifier.bundles import zipped
from tests.verifier.conftest import Desk
from tests.verifier.page_policy import PAGE, with_policy
from tests.verifier.spoilt import noticed, other_containers, renamed, with_one_bit_changed, with_one_member_gone
from tests.verifier.test_program import inclusion_cases

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
SHOWN = """new Promise((done) => {
  const look = () => {
    const found = document.querySelector("[data-result]");
    if (!found) return setTimeout(look, 10);
    const words = (selector) => Array.from(document.querySelectorAll(selector), (one) => one.innerText);
    done(JSON.stringify({ result: found.dataset.result, headline: found.innerText, verdicts: words("#checks .mark"),
      reasons: words("#checks .reason"), report: document.getElementById("report").innerText }));
  };
  look();
})"""


def chosen(browser: Browser, bundle: Path, elsewhere: Sequence[Path] = ()) -> dict[str, Any]:
    """Choose the files as a person does; return what the page then shows."""
    browser.open(PAGE.as_uri())
    if elsewhere:
        browser.choose("elsewhere", elsewhere)
    browser.choose("bundle", [bundle])
    shown: dict[str, Any] = json.loads(browser.compute(SHOWN))
    return shown


LOOK = """(async () => {
  const found = [];
  for (const file of document.getElementById("elsewhere").files) {
    const bytes = join(new Uint8Array(await file.arrayBuffer()));  // of the page: a driver's own are slow to read
    const { checks } = await verifyBundle(bytes);
    const failed = checks.filter((check) => check.verdict === "fail");
    found.push([file.name, failed.map((check) => [check.number, check.reason])]);
  }
  return JSON.stringify(found);
})()"""


def looks(
    browser: Browser, place: Path, spoilt: Iterable[tuple[str, bytes]]
) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Let the page check bundles, all in one go; yield what each is, and the checks that fail with their reasons.

    The files come in by the page's second input, which takes several and starts nothing while no bundle is chosen.
    """
    place.mkdir()
    words = {}
    for number, (what, data) in enumerate(spoilt):
        words[f"{number}.zip"] = what
        (place / f"{number}.zip").write_bytes(data)
    browser.open(PAGE.as_uri())
    browser.choose("elsewhere", [place / name for name in words])
    found = json.loads(browser.compute(LOOK))
    assert {name for name, _ in found} == words.keys()
    yield from ((words[name], [(number, reason) for number, reason in failed]) for name, failed in found)


def numbers(failed: Iterable[tuple[int, str]]) -> list[int]:
    return [number for number, _ in failed]


def test_the_policy_names_the_script_and_the_style() -> None:
    page = PAGE.read_text("utf-8")
    assert with_policy(page) == page, "run python -m tests.verifier.page_policy"
    assert "unsafe" not in page
    assert not any(word in page for word in ("innerHTML", "document.write", "http://", "https://", "import("))


@pytest.mark.parametrize("number", range(4))
def test_a_whole_bundle_passes_with_key_and_roots_from_elsewhere(browser: Browser, desk: Desk, number: int) -> None:
    shown = chosen(browser, desk.whole(number), [desk.key, *desk.roots, desk.witness])
    assert shown["result"] == "pass", shown
    assert shown["verdicts"] == ["✓ pass"] * 17
    assert "17 checks passed, 0 failed, 0 not checked" in shown["headline"]
    statement = json.loads(desk.bundles[number]["snapshot/statement.json"])
    for words in (
        statement["snapshot"],
        statement["parts"][-1]["url"],
        statement["warc"]["sha256"],
        statement["parts"][0]["content"]["sha512"],
    ):
        assert words in shown["report"]
    assert desk.bundles[number]["citation/bluebook.txt"].decode().strip() in shown["report"]
    assert "whether a certificate of a timestamp authority was revoked" in shown["report"]


def test_without_them_it_says_that_they_came_with_the_bundle(browser: Browser, desk: Desk) -> None:
    shown = chosen(browser, desk.whole())
    assert shown["result"] == "not all checked"
    assert shown["verdicts"] == ["✓ pass"] * 15 + ["– not checked", "✓ pass"]
    assert "not who made them" in shown["headline"]
    shown = chosen(browser, desk.whole(), [desk.roots[0]])
    assert [n for n, verdict in enumerate(shown["verdicts"], 1) if "not" in verdict] == [4, 12, 13, 15, 16]


def test_a_bundle_may_be_dropped_on_the_page(browser: Browser, desk: Desk) -> None:
    browser.open(PAGE.as_uri())
    data = json.dumps(base64.b64encode(zipped(desk.members)).decode())
    drop = f"""(() => {{
        const carried = new DataTransfer();
        carried.items.add(new File([unbase64({data})], "dropped.zip"));
        for (const kind of ["dragover", "drop"]) {{
            const event = new DragEvent(kind, {{ dataTransfer: carried, bubbles: true }});
            document.getElementById("drop").dispatchEvent(event);
        }}
        return 1;
    }})()"""
    assert browser.compute(drop) == 1
    shown = json.loads(browser.compute(SHOWN))
    assert shown["result"] == "not all checked"
    assert "dropped.zip: 16 checks passed" in shown["headline"]


def test_another_key_does_not_do(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "k"], check=True)
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "k", "-pubout", "-out", tmp_path / "key.pem"], check=True)
    shown = chosen(browser, desk.whole(), [tmp_path / "key.pem"])
    assert [n for n, verdict in enumerate(shown["verdicts"], 1) if "fail" in verdict] == [3, 10, 11]


def test_a_failure_is_shown(browser: Browser, desk: Desk) -> None:
    text = desk.members["text/text.md"].replace(b"fourteen", b"fifteen")
    shown = chosen(browser, desk.file(zipped({**desk.members, "text/text.md": text})))
    assert shown["result"] == "fail"
    assert [n for n, verdict in enumerate(shown["verdicts"], 1) if "fail" in verdict] == [2, 14]
    assert "text/text.md has another digest than SHA256SUMS says" in shown["reasons"]
    assert chosen(browser, desk.file(b"no zip"))["verdicts"] == ["✗ fail"]


def test_words_of_the_bundle_never_become_markup(browser: Browser, desk: Desk) -> None:
    evil = b'<img src=x onerror="document.title=1"><script>document.title = 1</script>\x1b[31m\xe2\x80\xae'
    shown = chosen(browser, desk.file(zipped({**desk.members, "citation/text.txt": evil})))
    assert shown["result"] == "fail"
    assert "<script>document.title" in shown["report"]
    assert not {"\x1b", "\u202e"} & set(shown["report"])
    assert browser.compute("document.title") == "Check an evidence bundle"
    assert browser.compute("document.querySelectorAll('img, script').length") == 1


def test_every_changed_bit_and_missing_member_is_noticed(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    spoilt = [*with_one_bit_changed(desk.members), *with_one_member_gone(desk.members)]
    assert len(spoilt) > 80
    assert [what for what, failed in looks(browser, tmp_path / "x", spoilt) if not failed] == []


def test_extra_and_renamed_members_are_noticed(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    extra = zipped({**desk.members, "snapshot/more": b""})
    spoilt = [("extra", extra), ("renamed", renamed(desk.members, "text/text.md", "text/words.md"))]
    found = {what: numbers(failed) for what, failed in looks(browser, tmp_path / "x", spoilt)}
    assert found == {"extra": [2, 6], "renamed": [2]}


def test_no_strange_zip_is_read(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    for what, failed in looks(browser, tmp_path / "x", other_containers(desk.members)):
        assert numbers(failed) == [1], what


def test_every_forgery_under_good_sums_is_noticed_by_its_check(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    found = looks(browser, tmp_path / "x", ((forgery.what, forgery.data) for forgery in desk.forged))
    missed = [
        (forgery.what, failed)
        for forgery, (_, failed) in zip(desk.forged, found, strict=True)
        if not noticed(forgery, numbers(failed))
    ]
    assert missed == []


STRICTER_ELSEWHERE = frozenset(
    """encoding-attribute-certificate encoding-certificate-unreadable imprint-sha512 info-accuracy-of-1000-milliseconds
    info-accuracy-of-two-years info-serial-of-65-bytes issuing-certificate-missing nonce-missing
    nonce-of-another-request root-of-the-same-name signer-certificate-missing signer-twice""".split()
)
"""Replies whose defect lies where no signature reaches, or that contradict a request which no bundle has."""


def test_timestamps(browser: Browser) -> None:
    vectors = VECTORS / "timestamp"
    root, message = (vectors / "root.pem").read_text(), (vectors / "message").read_bytes()
    chain = (vectors / "chain.pem").read_text() + root
    replies = {file.stem: base64.b64encode(file.read_bytes()).decode() for file in sorted(vectors.glob("*.tsr"))}
    accepted = json.loads(
        browser.compute(
            f"((message, chain, root) => Promise.all(Object.entries({json.dumps(replies)}).map(([name, reply]) => "
            "timestamp(unbase64(reply), message, chain, root).then((told) => told.trusted && name, () => false)))"
            f".then(JSON.stringify))(unbase64({json.dumps(base64.b64encode(message).decode())}), "
            f"certificatesIn({json.dumps(chain)}), certificatesIn({json.dumps(root)}))"
        )
    )
    good = {file.stem for file in vectors.glob("good*.tsr")}
    assert len(good) > 10
    assert set(accepted) - {False} == good | STRICTER_ELSEWHERE


TSA = """[tsa]
default_tsa = t
[t]
serial = serial
crypto_device = builtin
signer_cert = signer.pem
signer_key = signer.key
signer_digest = {digest}
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""
STAMPING = "extendedKeyUsage=critical,timeStamping"
ISSUING = "basicConstraints=critical,CA:true"


@cache
def stamped(root: str, signer: str, digest: str) -> tuple[bytes, str, str]:
    """A reply over ``words``, its chain, and a chain with an impostor's root; made once for both browsers."""
    with TemporaryDirectory() as folder:
        place = Path(folder)

        def openssl(words: str) -> None:
            subprocess.run(["openssl", *words.split()], cwd=place, check=True, capture_output=True)

        (place / "serial").write_text("01")
        (place / "tsa.cnf").write_text(TSA.format(digest=digest))
        (place / "data").write_bytes(b"words")
        issue = (
            f"req -x509 -newkey {root} -noenc -keyout root.key -subj /CN=Root -days 9 -out root.pem -addext {ISSUING}"
        )
        openssl(issue)
        openssl(f"req -newkey {signer} -noenc -keyout signer.key -subj /CN=Signer -out signer.csr -addext {STAMPING}")
        padding = " ".join(root.split()[1:]) if "-sigopt" in root else ""
        sign = "x509 -req -in signer.csr -CA root.pem -CAkey root.key -days 9 -copy_extensions copy"
        openssl(f"{sign} {padding} -out signer.pem")
        openssl(f"ts -query -data data -{digest} -cert -out q.tsq")
        openssl("ts -reply -queryfile q.tsq -config tsa.cnf -section t -out r.tsr")
        openssl("ts -verify -data data -in r.tsr -CAfile root.pem -untrusted signer.pem")
        chain = (place / "signer.pem").read_text() + (place / "root.pem").read_text()
        openssl(issue)
        impostor = (place / "signer.pem").read_text() + (place / "root.pem").read_text()
        return (place / "r.tsr").read_bytes(), chain, impostor


@pytest.mark.parametrize(
    ("root", "signer", "digest"),
    [
        ("rsa:2048", "rsa:3072", "sha256"),
        ("rsa:3072", "ec -pkeyopt ec_paramgen_curve:P-384", "sha384"),
        ("ec -pkeyopt ec_paramgen_curve:P-521", "ec -pkeyopt ec_paramgen_curve:P-256", "sha512"),
        ("rsa:2048 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32", "rsa:2048", "sha512"),
        ("ed25519", "rsa:2048", "sha256"),
    ],
)
def test_each_kind_of_signature(browser: Browser, root: str, signer: str, digest: str) -> None:
    reply, chain, impostor = stamped(root, signer, digest)

    def told(reply: bytes, pem: str) -> object:
        return browser.compute(
            f"timestamp(unbase64({json.dumps(base64.b64encode(reply).decode())}), utf8('words'), certificatesIn("
            f"{json.dumps(pem)}), []).then((told) => typeof told.written, (error) => error.message)"
        )

    assert told(reply, chain) == "string"
    assert "signature is wrong" in str(told(reply[:-1] + bytes([reply[-1] ^ 1]), chain))
    assert "signed wrongly" in str(told(reply, impostor))


ORDER = 2**252 + 27742317777372353535851937790883648493


def test_its_own_ed25519_agrees_with_others(browser: Browser) -> None:
    cases: list[tuple[bytes, bytes, bytes, bool]] = []
    for number in range(12):
        key = Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
        public, message = key.public_key().public_bytes_raw(), bytes(range(number * 20))
        signature = key.sign(message)
        high = (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
        cases += [
            (public, message, signature, True),
            (public, message + b"x", signature, False),
            (public, message, signature[:32] + high, False),
            (public, message, bytes([signature[0] ^ 1]) + signature[1:], False),
            (bytes([public[0] ^ 1]) + public[1:], message, signature, False),
        ]
    off_curve = b"\x02" + bytes(31)
    too_large = b"\xff" * 31 + b"\x7f"
    cases += [(off_curve, b"", bytes(64), False), (too_large, b"", bytes(64), False)]
    parts = [[part.hex() for part in case[:3]] for case in cases]
    script = f"Promise.all({json.dumps(parts)}.map((case_) => ownEd25519(...case_.map(unhex)))).then(JSON.stringify)"
    assert json.loads(browser.compute(script)) == [case[3] for case in cases]
    assert browser.compute("ownEd25519IsSound()") is True


def test_a_browser_without_ed25519_uses_the_page_s_own(browser: Browser, desk: Desk) -> None:
    browser.open(PAGE.as_uri())
    data = json.dumps(base64.b64encode(zipped(desk.members)).decode())
    with_its_own = f"""(() => {{
        const usual = crypto.subtle.importKey;
        SubtleCrypto.prototype.importKey = function (format, data, algorithm, ...rest) {{
            if (algorithm.name === "Ed25519") return Promise.reject(new DOMException("none", "NotSupportedError"));
            return usual.call(this, format, data, algorithm, ...rest);
        }};
        return verifyBundle(unbase64({data})).then(({{ checks }}) => {{
            SubtleCrypto.prototype.importKey = usual;
            return JSON.stringify(checks.map((check) => [check.verdict, check.reason]));
        }});
    }})()"""
    checks = json.loads(browser.compute(with_its_own))
    assert [verdict for verdict, _ in checks] == ["pass"] * 15 + ["not checked", "pass"]
    assert "this page's own Ed25519" in checks[2][1]
    assert "this page's own Ed25519" in checks[9][1]


def test_inclusion_proofs_of_others(browser: Browser) -> None:
    cases = [case for case in inclusion_cases() if case[2] < 1 << 53]
    coded = [[leaf.hex(), index, size, [one.hex() for one in proof]] for _, leaf, index, size, proof, _ in cases]
    script = f"""JSON.stringify({json.dumps(coded)}.map(([leaf, index, size, proof]) => {{
        try {{ return hex(foldInclusion(unhex(leaf), index, size, proof.map(unhex))); }} catch {{ return null; }}
    }}))"""
    found = json.loads(browser.compute(script))
    assert [one == case[5].hex() for one, case in zip(found, cases, strict=True)] == [case[0] for case in cases]


def test_its_own_sha256_agrees_with_the_browser_s(browser: Browser) -> None:
    script = """(async () => {
        for (let length = 0; length < 300; length++) {
            const bytes = crypto.getRandomValues(new Uint8Array(length));
            if (hex(quickSha256(bytes)) !== hex(await sha256(bytes))) return length;
        }
        return "all";
    })()"""
    assert browser.compute(script) == "all"


def test_it_asks_no_network(browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = f"http://127.0.0.1:{server.getsockname()[1]}"
        browser.open(PAGE.as_uri())
        script = f"""(async () => {{
            const add = (tag, more) => document.body.append(Object.assign(document.createElement(tag), more));
            new Image().src = "{there}/image";
            add("script", {{ src: "{there}/script" }});
            add("link", {{ rel: "stylesheet", href: "{there}/style" }});
            navigator.sendBeacon("{there}/beacon");
            try {{ new WebSocket("{there.replace("http", "ws")}/socket"); }} catch (error) {{ /* refused at once */ }}
            const fetched = await fetch("{there}/fetch").then(() => "asked", () => "refused");
            return new Promise((done) => setTimeout(() => done(fetched), 300));
        }})()"""
        assert browser.compute(script) == "refused"
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_keyboard_and_a_screen_reader_find_their_way(browser: Browser, desk: Desk) -> None:
    chosen(browser, desk.whole())
    assert (
        browser.compute("document.activeElement.textContent") == "Nothing failed, and not everything could be checked"
    )
    roles = """JSON.stringify([
        document.querySelector('#result').getAttribute('role'),
        [...document.querySelectorAll('input')].every((one) => one.labels.length && one.tabIndex === 0),
        [...document.querySelectorAll('#checks tbody tr')].every((row) => row.querySelector('th[scope=row]')),
        [...document.querySelectorAll('#checks thead th')].every((head) => head.scope === 'col'),
        document.querySelector('#checks caption').textContent.length > 0, document.documentElement.lang])"""
    assert json.loads(browser.compute(roles)) == ["status", True, True, True, True, "en"]
