"""The small witness: each rule of add-checkpoint, a record that is durable before anything is signed, its command."""

from __future__ import annotations

import hashlib
import http.client
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from archiver import witness_server
from archiver.errors import UsageError
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.cosignature import MAX_REQUEST, AddCheckpoint, WitnessKey, verify_cosignature
from archiver.evidence.merkle import leaf_hash, root_of
from archiver.evidence.note import Note
from archiver.evidence.tiles import consistency_proof, grow
from archiver.signing import LogKey
from archiver.witness_server import WitnessBook, init_witness, open_server, read_witness
from storage.local import LocalFiles
from tests.cli.box import Box, until
from tests.simulators.witness import LoopbackWitness, witness

LOG, STRANGER = LogKey.generate("log.example/log"), LogKey.generate("other.example/log")
ENTRIES = [bytes([n]) * 32 for n in range(40)]
GROWN = grow(0, ENTRIES, lambda path: b"").files


def head(size: int, key: LogKey = LOG, entries: list[bytes] = ENTRIES) -> bytes:
    root = root_of([leaf_hash(entry) for entry in entries[:size]])
    return sign_checkpoint(Checkpoint(key.verifier.name, size, root), key.verifier, key.sign)


def proof(old: int, new: int) -> tuple[bytes, ...]:
    files = grow(0, ENTRIES[:new], lambda path: b"").files
    return consistency_proof(old, new, files.__getitem__) if 0 < old < new else ()


def request(old: int, new: int) -> bytes:
    return AddCheckpoint(old, proof(old, new), head(new)).to_bytes()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LoopbackWitness]:
    with witness(tmp_path / "expert", [LOG.verifier]) as one:
        yield one


def post(
    one: LoopbackWitness, body: bytes, path: str = "/add-checkpoint", method: str = "POST"
) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection(one.url.removeprefix("http://"), timeout=20)
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers["Content-Type"]


def test_it_cosigns_what_continues_the_last_one(served: LoopbackWitness) -> None:
    for old, new in ((0, 5), (5, 5), (5, 17), (17, 40)):
        status, line, _ = post(served, request(old, new))
        assert status == 200
        assert verify_cosignature(line, head(new), served.key).name == "expert.example.com/witness"
        assert served.book.newest(LOG.verifier.name).size == new


def test_each_refusal_has_its_status_and_signs_nothing(served: LoopbackWitness) -> None:
    assert post(served, request(0, 17))[0] == 200
    forked = [*ENTRIES[:9], b"!" * 32, *ENTRIES[10:]]
    for body, status, said in (
        (b"hello", 400, b"no empty line"),
        (AddCheckpoint(30, (), head(20)).to_bytes(), 400, b"the old size is larger"),
        (AddCheckpoint(0, (), head(5, STRANGER)).to_bytes(), 404, b"does not know that log"),
        (AddCheckpoint(17, proof(17, 20), _forged(20)).to_bytes(), 403, b"not signed by a key"),
        (request(5, 20), 409, b"17\n"),
        (request(0, 20), 409, b"17\n"),
        (AddCheckpoint(17, (), head(17, entries=forked)).to_bytes(), 409, b"17\n"),
        (AddCheckpoint(17, proof(17, 20), head(20, entries=forked)).to_bytes(), 422, b"does not lead"),
        (AddCheckpoint(17, (), head(20)).to_bytes(), 422, b"proof"),
        (AddCheckpoint(17, (b"x" * 32,), head(17)).to_bytes(), 422, b"must be empty"),
    ):
        found, answer, kind = post(served, body)
        assert (found, said in answer) == (status, True), (body, found, answer)
        assert kind == ("text/x.tlog.size" if status == 409 else "text/plain; charset=utf-8")
        assert "—".encode() not in answer
    assert served.book.newest(LOG.verifier.name).size == 17
    (kept,) = (served.folder / "forks").iterdir()
    assert kept.read_bytes() == head(17, entries=forked), "the proof of a fork is kept, a bad proof is none"
    root = Checkpoint.from_bytes(kept.read_bytes()).root.hex()
    assert kept.name == f"{hashlib.sha256(LOG.verifier.name.encode()).hexdigest()}-17-{root}"


def test_forks_are_kept_up_to_a_number(served: LoopbackWitness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_server, "MAX_FORKS", 2)
    assert post(served, request(0, 17))[0] == 200
    for place in (1, 2, 2, 3):
        forked = [*ENTRIES[:place], b"!" * 32, *ENTRIES[place + 1 :]]
        assert post(served, AddCheckpoint(17, (), head(17, entries=forked)).to_bytes())[0] == 409
    assert len(list((served.folder / "forks").iterdir())) == 2


def _forged(size: int) -> bytes:
    """A checkpoint that names the log and is signed by somebody else."""
    good = Note.from_bytes(head(size))
    (line,) = good.signatures
    return Note(good.text, (type(line)(line.name, line.key_id, STRANGER.sign(good.text)),)).to_bytes()


def test_what_is_no_such_request_is_refused(served: LoopbackWitness) -> None:
    assert post(served, b"", "/other")[0] == 404
    assert post(served, b"", method="GET")[0] == 405
    assert post(served, b"x" * (MAX_REQUEST + 1))[0] == 413
    host, _, port = served.url.removeprefix("http://").partition(":")
    for raw, status in (
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", b"411"),
        (b"hello\r\n\r\n", b"400"),
    ):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(raw)
            assert status in connection.makefile("rb").readline() or status == b"400"


def test_who_sends_slowly_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_server, "DEADLINE_S", 0.3)
    with witness(tmp_path / "expert", [LOG.verifier]) as one:
        host, _, port = one.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 90\r\n\r\nold")
            while slow.recv(4096):
                pass
        assert post(one, request(0, 5))[0] == 200


def test_many_at_once_leave_one_history(served: LoopbackWitness) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda size: post(served, request(0, size)), range(1, 25)))
    good = [number for number, (status, _, _) in enumerate(answers, 1) if status == 200]
    assert len(good) == 1 and served.book.newest(LOG.verifier.name).size == good[0]
    assert {status for status, _, _ in answers} == {200, 409}


class Unwritable(LocalFiles):
    def replace(self, path: str, data: bytes) -> None:
        from storage.errors import Full

        raise Full(path, "no space left")


def test_nothing_is_signed_that_could_not_be_kept(tmp_path: Path) -> None:
    """The record comes first: a signature without it could be given to two histories."""
    key, signed = WitnessKey("w.example", LOG.verifier.key), list[bytes]()
    (tmp_path / "w").mkdir()

    def sign(data: bytes) -> bytes:
        signed.append(data)
        assert LocalFiles(tmp_path / "w").list("logs"), "signed before it was kept"
        return LOG.sign(data)

    from storage.errors import Full

    with pytest.raises(Full):
        WitnessBook(Unwritable(tmp_path / "w"), key, sign, [LOG.verifier]).answer(request(0, 5))
    assert not signed
    assert WitnessBook(LocalFiles(tmp_path / "w"), key, sign, [LOG.verifier]).answer(request(0, 5)).status == 200
    again = WitnessBook(LocalFiles(tmp_path / "w"), key, sign, [LOG.verifier])
    assert again.newest(LOG.verifier.name).size == 5, "another process goes on from the record"
    assert again.answer(request(0, 9)).body == b"5\n"


def test_a_spoilt_record_signs_nothing(tmp_path: Path) -> None:
    with witness(tmp_path / "expert", [LOG.verifier]) as one:
        assert post(one, request(0, 5))[0] == 200
        (record,) = (tmp_path / "expert/logs").iterdir()
        record.write_bytes(b"spoilt")
        assert post(one, request(5, 9))[0] == 503


def test_a_folder_has_one_key_and_one_server(tmp_path: Path) -> None:
    with witness(tmp_path / "expert", [LOG.verifier]) as one:
        assert (tmp_path / "expert/witness.key.pem").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "expert/witness.vkey").read_text() == f"{one.key.vkey}\n"
        with pytest.raises(UsageError, match="is in use by process"):
            open_server(tmp_path / "expert", None, ("127.0.0.1", 0), [LOG.verifier])
        with pytest.raises(UsageError, match="has a witness's key already"):
            init_witness(tmp_path / "expert", "another")
        other = init_witness(tmp_path / "second", "second.example")
        assert other != one.key
        with pytest.raises(UsageError, match="is not that of"):
            read_witness(tmp_path / "second", tmp_path / "expert/witness.key.pem")
        port = int(one.url.rpartition(":")[2])
        with pytest.raises(UsageError, match="cannot be listened on"):
            open_server(tmp_path / "second", None, ("127.0.0.1", port), [LOG.verifier])
        with open_server(tmp_path / "second", None, ("127.0.0.1", 0), [LOG.verifier]):
            pass  # what failed before let go of the folder
    with pytest.raises(UsageError, match="is no witness's folder"):
        read_witness(tmp_path / "nothing", None)


def test_init_leaves_a_witness_whose_private_key_lies_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "expert"
    made = init_witness(folder, "expert.example")
    (folder / "witness.key.pem").rename(tmp_path / "elsewhere.pem")
    with pytest.raises(UsageError, match="whose private key lies elsewhere"):
        init_witness(folder, "expert.example")
    (folder / "witness.key.pem.new").write_bytes(b"torn")  # beside a record it is no crash of init
    (folder / "logs").mkdir()
    (folder / "logs" / "record").write_bytes(b"")
    with pytest.raises(UsageError, match="whose private key lies elsewhere"):
        init_witness(folder, "expert.example")
    assert read_witness(folder, tmp_path / "elsewhere.pem")[0] == made
    (folder / "logs" / "record").unlink()
    assert init_witness(folder, "expert.example") != made, "what a crash of init left is made anew"


def test_the_command(tmp_path: Path) -> None:
    box = Box(tmp_path)
    (tmp_path / "log.vkey").write_text(f"{LOG.verifier.vkey}\n")
    made = box.call("log", "witness", "init", "--state", str(tmp_path / "w"), "--name", "w.example/one")
    key = WitnessKey.from_vkey(made.out.strip())
    assert made.code == 0 and key.name == "w.example/one"
    command = [sys.executable, "-m", "archiver", "log", "witness", "serve", "--state", str(tmp_path / "w")]
    command += ["--bind", "127.0.0.1:0", "--log", str(tmp_path / "log.vkey")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=box.environment) as running:
        assert running.stdout is not None
        said = running.stdout.readline()
        url = re.fullmatch(r"witness of log\.example/log at (http://127\.0\.0\.1:\d+)\n", said)
        assert url, said
        one = LoopbackWitness(tmp_path / "w", url[1], key, None)  # type: ignore[arg-type]
        assert verify_cosignature(post(one, request(0, 5))[1], head(5), key)
        running.send_signal(signal.SIGTERM)
        assert until(lambda: running.poll() is not None) and running.returncode == 0
    for words, reason in (
        (("init", "--state", str(tmp_path / "w"), "--name", "x"), "has a witness's key already"),
        (("init", "--state", str(tmp_path / "v"), "--name", "a b"), "contains a space"),
        (("serve", "--state", str(tmp_path / "v"), "--log", str(tmp_path / "log.vkey")), "is no witness's folder"),
        (("serve", "--state", str(tmp_path / "w"), "--log", "nonsense"), "--log: "),
        (("serve", "--state", str(tmp_path / "w"), "--log", LOG.verifier.vkey, "--bind", "here"), "no host and port"),
    ):
        refused = box.call("log", "witness", *words)
        assert refused.code == 2 and reason in refused.error()
