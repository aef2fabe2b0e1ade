"""A real witness on loopback: the server of ``archiver log witness serve`` in a thread, its record on disk.

with witness(folder, "expert", [verifier]) as one:
    one.url, one.key.vkey, one.book
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archiver.evidence.cosignature import WitnessKey
from archiver.evidence.note import Verifier
from archiver.witness_server import WitnessBook, init_witness, open_server, read_witness


@dataclass
class LoopbackWitness:
    """One witness that is being served."""

    folder: Path
    url: str
    key: WitnessKey
    book: WitnessBook

    @property
    def name(self) -> str:
        """As settings call it."""
        return self.folder.name

    @property
    def settings(self) -> str:
        """Its table of archive.toml, asked without pauses."""
        return f'\n[[witness]]\nname = "{self.name}"\nurl = "{self.url}"\nkey = "{self.key.vkey}"\nmin_interval_s = 0\n'


@contextmanager
def witness(folder: Path, logs: Sequence[Verifier], port: int = 0) -> Iterator[LoopbackWitness]:
    """Serve a witness of these logs; the folder is made where there is none, else its record goes on."""
    if not (folder / "witness.key.pem").exists():
        init_witness(folder, f"{folder.name}.example.com/witness")
    with open_server(folder, None, ("127.0.0.1", port), logs) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        try:
            yield LoopbackWitness(folder, server.url, read_witness(folder, None)[0], server.book)
        finally:
            server.shutdown()
            thread.join()
