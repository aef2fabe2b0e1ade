"""Each defect of a bundle by its name: what ``archiver verify``, verify.py and verify.html say of it, each in words.

The three are written apart from each other, so that one that stays silent is held against two that speak.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.cli import run
from archiver.evidence.bundle import place
from archiver.evidence.timestamp import chain_to_pem
from archiver.signing import LogKey
from tests.bundle_vectors import build, deflated, entries, stored
from tests.simulators.token_forge import ISSUING, ROOT, Recipe
from tests.vectors.timestamp.make import EXPIRED
from tests.verifier.browsers import Browser
from tests.verifier.bundles import SUMS, Members
from tests.verifier.conftest import Desk
from tests.verifier.spoilt import checkpoints
from tests.verifier.test_page import looks
from tests.verifier.test_program import look

Make = Callable[[Desk, Members], bytes]


@dataclass(frozen=True)
class Defect:
    """How to spoil a bundle, and what each verifier has to say: the number of its check, and its words."""

    make: Make
    ours: tuple[int, str]
    program: tuple[int, str]
    page: tuple[int, str]


def packed(members: Members) -> bytes:
    """The members as the archive packs them, in their order."""
    return build(entries({name: members[name] for name in sorted(members, key=place)}))


def _sealed(change: Callable[[Desk, Members], Members]) -> Make:
    """A change under sums that the holder of the key made again."""
    return lambda desk, members: packed(desk.seal.close({**members, **change(desk, members)}, stamp=False))


def _without(name: str) -> Make:
    return lambda _, members: packed({other: data for other, data in members.items() if other != name})


def _beside(name: str, data: bytes) -> Make:
    return lambda _, members: packed({**members, name: data})


def _renamed(old: str, new: str) -> Make:
    return lambda _, members: packed({new if name == old else name: data for name, data in members.items()})


def _link(_: Desk, members: Members) -> bytes:
    link = stored("text/text.md", b"/etc/passwd", mode=0o120777)
    return build([link if one.name == link.name else one for one in entries(members)])


def _bomb(_: Desk, members: Members) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(1 << 26)) + packer.flush()
    return build([*entries(members), deflated("roots/bomb.pem", bytes(1 << 26), bomb)])


def _out_of_the_folder(_: Desk, members: Members) -> bytes:
    return build([*entries(members), stored("../../evil", b"evil")])


def _changed(desk: Desk, members: Members) -> bytes:
    return packed({**members, "text/text.md": members["text/text.md"].replace(b"fourteen", b"fifteen")})


def _token_of_another_file(desk: Desk, _: Members) -> Members:
    return desk.seal.stamped("north", b"another file", "snapshot/checkpoint.north")


def _expired(_: Desk, members: Members) -> bytes:
    recipe = Recipe().but(signer=EXPIRED, certificates=(ROOT, EXPIRED, ISSUING), message=members[SUMS])
    chain = chain_to_pem([cert.der for cert in (EXPIRED, ISSUING, ROOT)])
    return packed({**members, f"{SUMS}.west.tsr": recipe.reply, f"{SUMS}.west.chain.pem": chain})


def _with_root(make: Make) -> Make:
    """The authority's root among those of the bundle, under sums made again: nothing but the token is wrong."""

    def made(desk: Desk, members: Members) -> bytes:
        return make(desk, desk.seal.close({**members, "roots/west.pem": chain_to_pem([ROOT.der])}, stamp=False))

    return made


def _checkpoint_of_another_log(_: Desk, members: Members) -> Members:
    found = dict(checkpoints(members))
    return {"log/checkpoint": found["a checkpoint of another log"]}


def _another_key(_: Desk, members: Members) -> bytes:
    return packed({**members, f"{SUMS}.sig": LogKey.generate("x").sign(members[SUMS])})


DEFECTS = {
    "missing": Defect(
        _without("text/text.md"),
        (22, r"^text/text\.md is listed and missing$"),
        (2, r"^missing: text/text\.md$"),
        (2, r"^missing: text/text\.md$"),
    ),
    "extra": Defect(
        _beside("snapshot/notes.txt", b"trust me\n"),
        (22, r"^snapshot/notes\.txt is there and not listed in SHA256SUMS$"),
        (2, r"^not listed in SHA256SUMS: snapshot/notes\.txt$"),
        (2, r"^not listed in SHA256SUMS: snapshot/notes\.txt$"),
    ),
    "renamed": Defect(
        _renamed("citation/ris.ris", "citation/other.ris"),
        (22, r"^citation/ris\.ris lies here as citation/other\.ris: it was renamed$"),
        (2, r"^missing: citation/ris\.ris; there instead, .*: citation/other\.ris$"),
        (2, r"^missing: citation/ris\.ris; there instead, .*: citation/other\.ris$"),
    ),
    "changed": Defect(
        _changed,
        (22, r"^text/text\.md has SHA-256 [0-9a-f]{64}, SHA256SUMS says [0-9a-f]{64}$"),
        (2, r"^text/text\.md has another digest than SHA256SUMS says$"),
        (2, r"^text/text\.md has another digest than SHA256SUMS says$"),
    ),
    "symbolic_link": Defect(
        _link,
        (21, r"^text/text\.md is a symbolic link$"),
        (1, r"^text/text\.md is a symbolic link$"),
        (1, r"^text/text\.md is a symbolic link$"),
    ),
    "zip_bomb": Defect(
        _bomb,
        (21, r"^roots/bomb\.pem would unpack to more than 100 times its size: 67108864 bytes$"),
        (1, r"^roots/bomb\.pem grows too much when unpacked$"),
        (1, r"^roots/bomb\.pem grows too much when unpacked$"),
    ),
    "path_traversal": Defect(
        _out_of_the_folder,
        (21, r"^the name '../../evil' leads out of the folder$"),
        (1, r"^a member is named '\.\./\.\./evil', no plain path in a folder$"),
        (1, r'^a member is named "\.\./\.\./evil", no plain path in a folder$'),
    ),
    "token_for_another_file": Defect(
        _sealed(_token_of_another_file),
        (9, r"^checkpoint\.north\.tsr, .*the token is for other data: imprint mismatch$"),
        (12, r"^snapshot/checkpoint\.north\.tsr: message imprint mismatch$"),
        (12, r"^snapshot/checkpoint\.north\.tsr: it is over something else$"),
    ),
    "expired_authority": Defect(
        _with_root(_expired),
        (24, r"^SHA256SUMS\.west\.tsr, .*: certificate not valid at the time of the token: CN=Signer"),
        (4, r"^SHA256SUMS\.west\.tsr: certificate has expired$"),
        (4, r"^SHA256SUMS\.west\.tsr: a certificate of its chain was not valid at its time$"),
    ),
    "checkpoint_of_another_log": Defect(
        _sealed(_checkpoint_of_another_log),
        (25, r"^log/checkpoint is of another log: 'other\.example/log', not evidence\.example\.org/log$"),
        (10, r"^log/checkpoint is of another log$"),
        (10, r"^log/checkpoint is of another log$"),
    ),
    "signed_by_another_key": Defect(
        _another_key,
        (23, r"^SHA256SUMS\.sig is not this key's signature over SHA256SUMS$"),
        (3, r"^SHA256SUMS: Signature Verification Failure$"),
        (3, r"^SHA256SUMS\.sig is not this key's signature over SHA256SUMS$"),
    ),
}


def says(found: Sequence[tuple[int, str]], expected: tuple[int, str]) -> bool:
    """Say whether a check of this number failed with these words."""
    return any(number == expected[0] and re.search(expected[1], words) for number, words in found)


@pytest.mark.parametrize("name", DEFECTS)
def test_the_archive_s_own_verifier_names_it(
    desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    bundle = tmp_path / "x.zip"
    bundle.write_bytes(DEFECTS[name].make(desk, desk.members))
    words = ["--key", str(desk.key), *(word for root in desk.roots for word in ("--root", str(root)))]
    words += ["--witness", str(desk.witness)]
    words = words[:2] if name == "expired_authority" else words  # whose root is in the bundle alone
    assert run(["--archive", str(tmp_path), "verify", str(bundle), *words, "--json"]) == 1
    (report,) = json.loads(capsys.readouterr().out)
    found = [(check["number"], check["detail"]) for check in report["checks"] if check["verdict"] == "fail"]
    assert says(found, DEFECTS[name].ours), found


@pytest.mark.parametrize("name", DEFECTS)
def test_the_program_that_travels_names_it(desk: Desk, tmp_path: Path, name: str) -> None:
    checks = look(DEFECTS[name].make(desk, desk.members), tmp_path / "x")
    found = [(check["number"], check["reason"]) for check in checks if check["verdict"] == "fail"]
    assert says(found, DEFECTS[name].program), found
    assert not list(tmp_path.parent.glob("**/evil"))


def test_the_page_that_travels_names_it(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    made = [(name, defect.make(desk, desk.members)) for name, defect in DEFECTS.items()]
    for name, found in looks(browser, tmp_path / "x", made):
        assert says(found, DEFECTS[name].page), (name, found)


def test_the_same_members_unspoilt_pass_all_three(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    data = packed(desk.members)
    assert [check for check in look(data, tmp_path / "x") if check["verdict"] == "fail"] == []
    assert [found for _, found in looks(browser, tmp_path / "y", [("whole", data)])] == [[]]
    assert run(["--archive", str(tmp_path), "verify", str(tmp_path / "y/0.zip")]) == 3
