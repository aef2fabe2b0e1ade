"""Witnesses over HTTP (C2SP tlog-witness v1.0.0): a checkpoint and a consistency proof in, a verified cosignature out.

A witness tells in an answer 409 which size it signed last; then the proof is made from there and it is asked once more.
What says that it knows another history of our log is a failure of its own, ``inconsistent``: it may be a fork.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archiver.errors import FormatError
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.cosignature import (
    MAX_ANSWER,
    MAX_PROOF_LINES,
    SIZE_TYPE,
    AddCheckpoint,
    Cosignature,
    MalformedCosignature,
    WitnessKey,
    cosignature_in,
    parse_size,
)
from archiver.stamp.interface import StampFailure
from archiver.stamp.posting import Address, Answer, address_of

MAX_TRIES = 3
"""Requests for one cosignature: another writer's, or a lost answer, may have moved the witness on meanwhile."""
_HEADERS = {"Content-Type": "application/octet-stream"}
_READ = frozenset({200, 409})

Prove = Callable[[int, int], tuple[bytes, ...]]
"""Returns the consistency proof of our log from one size to another; both are at most what is published."""


@dataclass(frozen=True, slots=True)
class Given:
    """A cosignature that holds."""

    line: bytes
    """As received, line feed included."""
    cosignature: Cosignature


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness. ``ask`` may be called from several threads and never raises for what the network or it does."""

    name: str
    """As the settings call it; part of file names."""
    key: WitnessKey
    min_interval_s: int
    """The least time between two questions, in seconds; keeping it is the caller's part."""
    address: Address
    """``…/add-checkpoint``."""
    prefix: str
    """The address as the settings have it, without any user name or password."""

    def ask(self, checkpoint: bytes, known: int, published: int, prove: Prove) -> Given | StampFailure:
        """Have a checkpoint of ours cosigned; ``known`` is the size that this witness cosigned last, 0 for none.

        ``published`` is the size of our newest checkpoint: a witness that knows more than that knows another log.
        """
        size = Checkpoint.from_bytes(checkpoint).size
        old = known if known <= size else 0
        for _ in range(MAX_TRIES):
            proof = prove(old, size) if 0 < old < size else ()
            if len(proof) > MAX_PROOF_LINES:
                return StampFailure("malformed", f"the proof from size {old} to {size} is too long", retryable=False)
            request = AddCheckpoint(old, proof, checkpoint).to_bytes()
            answer = self.address.post(request, _HEADERS, most=MAX_ANSWER, read=_READ)
            if isinstance(answer, StampFailure):
                return answer
            if answer.status != 409:
                return self._given(answer, checkpoint, old, size)
            told = self._size_told(answer, old, size)
            if isinstance(told, StampFailure):
                return told
            if told > published:
                return StampFailure(
                    "inconsistent",
                    f"it has cosigned a checkpoint of size {told}, ours is of size {published}: somebody showed it"
                    " a longer log under this key, or an older copy of this archive was put back",
                    retryable=True,
                )
            if told > size:
                return StampFailure(
                    "newer", f"it has cosigned size {told} already and signs no smaller one", retryable=True
                )
            if told == old:
                return StampFailure("malformed", f"it refuses size {old} and asks for size {told}", retryable=True)
            old = told
        return StampFailure("newer", f"it asked for another old size {MAX_TRIES} times in a row", retryable=True)

    def _given(self, answer: Answer, checkpoint: bytes, old: int, size: int) -> Given | StampFailure:
        match answer.status:
            case 200:
                try:
                    line = cosignature_in(answer.body, checkpoint, self.key)
                except FormatError as error:
                    return StampFailure("malformed", f"the cosignature does not hold: {error.what}", retryable=True)
                return Given(line, Cosignature.from_line(line))
            case 400:
                return StampFailure("rejected", "HTTP status 400: it cannot read the request", retryable=False)
            case 403:
                return StampFailure("refused", "HTTP status 403: it does not know the key of this log", retryable=False)
            case 404:
                return StampFailure("unknown_log", "HTTP status 404: it does not know this log", retryable=False)
            case 422:
                return StampFailure(
                    "inconsistent",
                    f"HTTP status 422: the log of size {size} does not continue the one of size {old} it has cosigned",
                    retryable=True,
                )
            case _:
                return answer.refused()

    def _size_told(self, answer: Answer, old: int, size: int) -> int | StampFailure:
        """The size in an answer 409; without one, and where the sizes are equal, the roots are not: a fork."""
        kind = (answer.content_type or "").partition(";")[0].strip().lower()
        if kind == SIZE_TYPE:
            try:
                told = parse_size(answer.body)
            except MalformedCosignature as error:
                return StampFailure("malformed", error.what, retryable=True)
            if told != old or old != size:
                return told
        if old == size:
            return StampFailure(
                "inconsistent", f"HTTP status 409: it has cosigned another root of size {size}", retryable=True
            )
        return StampFailure("malformed", "HTTP status 409 without the size it has cosigned", retryable=True)


def open_witness(name: str, url: str, vkey: str, *, min_interval_s: int, timeout_s: float, user_agent: str) -> Witness:
    """Return the witness without contacting it; ``SettingsError`` or ``FormatError`` for an URL or key of no use."""
    prefix = address_of(f"witness {name}", url.rstrip("/"), timeout_s=timeout_s, user_agent=user_agent)
    address = address_of(
        f"witness {name}", f"{url.rstrip('/')}/add-checkpoint", timeout_s=timeout_s, user_agent=user_agent
    )
    return Witness(name, WitnessKey.from_vkey(vkey), min_interval_s, address, prefix.url)
