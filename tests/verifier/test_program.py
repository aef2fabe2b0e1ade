"""verify.py: whole bundles pass, every spoilt one fails at the check that is there for it."""

from __future__ import annotations

import ast
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from archiver.verifier import verify as program
from tests.evidence.test_merkle import LEAVES, ROOTS, damaged_inclusion
from tests.evidence.test_merkle import VECTORS as MERKLE
from tests.verifier.bundles import zipped
from tests.verifier.conftest import Desk
from tests.verifier.spoilt import noticed, other_containers, renamed, with_one_bit_changed, with_one_member_gone

PROGRAM = Path(program.__file__)
VECTORS = Path(__file__).resolve().parent.parent / "vectors"
MAX_LINES = 600


def outside(desk: Desk) -> list[str]:
    roots = (word for root in desk.roots for word in ("--root", str(root)))
    return ["--key", str(desk.key), *roots, "--witness", str(desk.witness)]


def run(bundle: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the program as an expert does: isolated, so that nothing of this project can be imported."""
    command = [sys.executable, "-I", "-S", str(PROGRAM), str(bundle), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert done.returncode in (0, 1, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


def look(data: bytes, place: Path) -> list[dict[str, Any]]:
    """Make the checks in this process."""
    place.mkdir(parents=True)
    (place / "bundle.zip").write_bytes(data)
    (place / "scratch").mkdir()
    return program.verify(place / "bundle.zip", place / "scratch", None, [])


def holds(check: Callable[[], object]) -> bool:
    """Say whether something is accepted, be it refused with words or stumbled over."""
    try:
        return bool(check())
    except Exception:  # noqa: BLE001 - as the program itself takes whatever a bundle makes it stumble over
        return False


def failed(checks: Sequence[dict[str, Any]]) -> list[int]:
    return [check["number"] for check in checks if check["verdict"] == "fail"]


@pytest.mark.parametrize("number", range(4))
def test_a_whole_bundle_passes_with_key_and_roots_from_elsewhere(desk: Desk, number: int) -> None:
    code, said = run(desk.whole(number), *outside(desk))
    assert (code, said["result"]) == (0, "pass"), said
    assert [check["number"] for check in said["checks"]] == list(range(1, 18))


def test_without_them_it_says_that_they_came_with_the_bundle(desk: Desk) -> None:
    code, said = run(desk.whole())
    assert (code, said["result"]) == (3, "not all checked")
    assert [check["number"] for check in said["checks"] if check["verdict"] == "not checked"] == [16]
    assert run(desk.whole(), *outside(desk)[:2])[0] == 3
    assert run(desk.whole(), *outside(desk)[2:])[0] == 3
    assert run(desk.whole(), *outside(desk)[:-2])[0] == 3


def test_what_is_not_there_is_not_checked(desk: Desk, tmp_path: Path) -> None:
    """Sums without a signature and without a timestamp, no text, no assessment, no citation: said, and no failure."""
    left = {name: data for name, data in desk.members.items() if not name.startswith(("text/", "citation/"))}
    sealed = desk.seal.close(left, stamp=False)
    del sealed["SHA256SUMS.sig"]
    checks = look(zipped(sealed), tmp_path / "less")
    assert failed(checks) == []
    assert [check["number"] for check in checks if check["verdict"] == "not checked"] == [3, 4, 14, 15, 16]


def test_without_openssl_it_says_so(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = look(zipped(desk.members), tmp_path / "none")
    assert failed(checks) == []
    assert [check["number"] for check in checks if "openssl is not installed" in check["reason"]] == [
        3,
        4,
        10,
        12,
        13,
        17,
    ]


def test_a_folder_is_as_good_as_a_zip(desk: Desk, tmp_path: Path) -> None:
    with zipfile.ZipFile(desk.whole()) as archive:
        archive.extractall(tmp_path)
    assert run(tmp_path, *outside(desk))[0] == 0
    (tmp_path / "text/text.md").unlink()
    (tmp_path / "text/text.md").symlink_to(desk.key)
    assert failed(run(tmp_path)[1]["checks"]) == [1]


def test_the_key_may_be_given_in_each_form(desk: Desk) -> None:
    roots, pem = outside(desk)[2:], desk.key.with_name("log.pub.pem")
    for key in (desk.key.read_text().strip(), str(pem)):
        assert run(desk.whole(), "--key", key, *roots)[0] == 0


def test_another_key_and_another_root_do_not_do(desk: Desk, tmp_path: Path) -> None:
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "k"], check=True)
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "k", "-pubout", "-out", tmp_path / "p"], check=True)
    assert failed(run(desk.whole(), "--key", str(tmp_path / "p"))[1]["checks"]) == [3, 10, 11]
    code, said = run(desk.whole(), "--root", str(desk.roots[0]))
    assert code == 3
    assert [check["number"] for check in said["checks"] if check["verdict"] == "not checked"] == [4, 12, 13, 15, 16]


def test_it_reads_as_text_and_reports_wrong_usage(desk: Desk) -> None:
    command = [sys.executable, "-I", str(PROGRAM), str(desk.whole())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "\nResult: not all checked\n" in done.stdout
    assert "whether a certificate of a timestamp authority was revoked" in done.stdout
    assert done.stdout.count("\n") > 40
    wrong = [["/nowhere"], [*command[3:], "--key", "/nowhere"], [*command[3:], "--root", str(desk.key)]]
    wrong += [[*command[3:], "--key", "evidence.example.org/log+00000000+AQ" + "A" * 42], []]
    for words in wrong:
        assert subprocess.run([*command[:3], *words], capture_output=True, check=False).returncode == 2, words


def notices(data: bytes, place: Path) -> bool:
    """Make one check after the other, until one fails."""
    (place / "scratch").mkdir(parents=True)
    (place / "bundle.zip").write_bytes(data)
    opened = program.Bundle(place / "bundle.zip", place / "scratch", None, [])
    for name in sorted(name for name in dir(opened) if name.startswith("check_")):
        try:
            getattr(opened, name)()
        except program.Outcome as outcome:
            if outcome.args[0] == program.FAIL:
                return True
        except Exception:  # noqa: BLE001 - as the program itself takes whatever a bundle makes it stumble over
            return True
    return False


def test_every_changed_bit_and_missing_member_is_noticed(desk: Desk, tmp_path: Path) -> None:
    spoilt = [*with_one_bit_changed(desk.members), *with_one_member_gone(desk.members)]
    assert len(spoilt) > 80
    assert not notices(zipped(desk.members), tmp_path / "whole")
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda pair: notices(pair[1][1], tmp_path / str(pair[0])), enumerate(spoilt))
        assert [what for (what, _), noticed in zip(spoilt, found, strict=True) if not noticed] == []


def test_an_extra_and_a_renamed_member_are_noticed(desk: Desk, tmp_path: Path) -> None:
    assert failed(look(zipped({**desk.members, "snapshot/more": b""}), tmp_path / "extra")) == [2, 6]
    assert failed(look(renamed(desk.members, "text/text.md", "text/words.md"), tmp_path / "renamed")) == [2]


def test_no_strange_zip_is_unpacked(desk: Desk, tmp_path: Path) -> None:
    for number, (what, data) in enumerate(other_containers(desk.members)):
        place = tmp_path / str(number)
        assert failed(look(data, place)) == [1], what
        assert not list((tmp_path.parent).glob("**/evil*")), what
        assert sum(path.stat().st_size for path in place.rglob("*")) < 1 << 22 or "lies" in what, what
        shutil.rmtree(place)


def test_every_forgery_under_good_sums_is_noticed_by_its_check(desk: Desk, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda pair: failed(look(pair[1].data, tmp_path / str(pair[0]))), enumerate(desk.forged))
        missed = [(f.what, f.notices, n) for f, n in zip(desk.forged, found, strict=True) if not noticed(f, n)]
    assert missed == []


def test_a_zip_that_was_packed_otherwise_is_read_if_it_leaves_no_doubt(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "stored.zip"
    file.write_bytes(zipped(desk.members, zipfile.ZIP_STORED))
    assert run(file, *outside(desk))[0] == 0
    stream = io.BytesIO()
    with zipfile.ZipFile(_Pipe(stream), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in desk.members.items():
            archive.writestr(name, data)
    (said,) = look(stream.getvalue(), tmp_path / "streamed")
    assert (said["verdict"], said["reason"]) == ("fail", "VERIFY.txt: encrypted, or packed oddly")


class _Pipe:
    """A place to write that cannot be gone back in: sizes then follow the data."""

    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing to close."""


STRICTER_ELSEWHERE = frozenset(
    """ess-twice imprint-sha512 info-accuracy-of-1000-milliseconds info-accuracy-of-two-years info-critical-extension
    info-not-in-der info-serial-of-65-bytes issuing-certificate-missing issuing-expired-at-its-time nonce-missing
    nonce-of-another-request root-of-the-same-name signature-over-another-content-type signature-with-sha1
    signer-certificate-missing signer-twice""".split()
)
"""Replies that openssl accepts with this chain beside them, or that contradict a request which no bundle has."""


@pytest.mark.parametrize("name", sorted(path.stem for path in (VECTORS / "timestamp").glob("*.tsr")))
def test_timestamps(name: str, tmp_path: Path) -> None:
    vectors, folder, scratch = VECTORS / "timestamp", tmp_path / "members", tmp_path / "scratch"
    for place in (folder / "roots", folder / "snapshot", scratch):
        place.mkdir(parents=True)
    shutil.copy(vectors / f"{name}.tsr", folder / "snapshot/before.a.tsr")
    root = (vectors / "root.pem").read_bytes()
    (folder / "snapshot/before.a.chain.pem").write_bytes((vectors / "chain.pem").read_bytes() + root)
    (folder / "roots/a.pem").write_bytes(root)
    shutil.copy(vectors / "message", folder / "snapshot/before.a.subject")
    bundle = program.Bundle(folder, scratch, None, [])
    bundle.check_01_container()
    assert holds(lambda: bundle.tokens(".*tsr")) == (name.startswith("good") or name in STRICTER_ELSEWHERE)


def inclusion_cases() -> Iterator[tuple[bool, bytes, int, int, list[bytes], bytes]]:
    """The published proofs, and what transparency-dev/merkle makes of them that must not hold."""
    for case in MERKLE["inclusion"]:
        proof = [bytes.fromhex(text) for text in case["proof"]]
        yield True, LEAVES[case["index"]], case["index"], case["size"], proof, ROOTS[case["size"]]
        for _, leaf, index, size, bad, root in damaged_inclusion(case):
            yield False, leaf, index, size, bad, root


def test_inclusion_proofs_of_others() -> None:
    cases = list(inclusion_cases())
    assert len(cases) > 90
    for good, leaf, index, size, proof, root in cases:
        folded = partial(program.folded, leaf, index, size, proof)
        assert holds(lambda folded=folded, root=root: folded() == root) == good  # type: ignore[misc]


def test_checkpoints_of_others_are_read() -> None:
    for name in ("c2sp-tlog-checkpoint", "sum.golang.org"):
        head = program.checkpoint_of((VECTORS / f"merkle/{name}.note").read_bytes())
        assert head.size > 0
        assert head.origin in head.note.decode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\x80":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
        ),
        (
            ['\u20ac$\u000f\nA\'B"\\\\"/', True, None, False, -0, 2**53 - 1],
            '["€$\\u000f\\nA\'B\\"\\\\\\\\\\"/",true,null,false,0,9007199254740991]',
        ),
        ({"\x7f\u2028": []}, '{"\x7f\u2028":[]}'),
    ],
)
def test_canonical_json_as_in_rfc_8785(value: object, text: str) -> None:
    line = f'{{"one":{text}}}\n'.encode()
    assert program.statement_of(line) == {"one": value}
    for other in (line[:-1], line.replace(b":", b": ", 1), line.replace(b"}", b" }"), text.encode() + b"\n" * 2):
        with pytest.raises(program.Outcome):
            program.statement_of(other)


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":2}', "1.0", "1e3", "NaN", "9007199254740992", "-9007199254740992", "1" * 5000, "-"]
)
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises((program.Outcome, ValueError)):
        program.parse(text.encode())


def test_it_is_short_and_runs_on_old_pythons() -> None:
    source = PROGRAM.read_text("utf-8")
    assert len(source.splitlines()) < MAX_LINES
    assert max(map(len, source.splitlines())) <= 120
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
