"""What a crash leaves lying about in staging, and in the newest day: committed, sealed and stated, or removed."""

from __future__ import annotations

import hashlib

from archiver.check import DAY, DRAFTS, INTENTS, WARC, Check, Finished
from archiver.environment import clock_facts, environment_facts
from archiver.errors import FormatError
from archiver.evidence.canonical import Json, decode_line
from archiver.evidence.exchange import Failure
from archiver.evidence.instant import format_instant
from archiver.imported import INCOMING, WAITING
from archiver.pipeline import Pipeline
from archiver.stamping import STAGED
from storage.interface import Files

HASH_CHUNK = 1024 * 1024
TORN = "torn-"
"""Begins the name of what was cut off the journal; its SHA-256 follows."""


def owed_checks(pipeline: Pipeline) -> list[Finished]:
    """Every check that staging still holds and the journal does not: finished ones to commit, others interrupted."""
    archive = pipeline.archive
    intents, drafts = _noted(archive.files, INTENTS), _noted(archive.files, DRAFTS)
    folders = {name for name in archive.files.list("staging") if not name.startswith(_NO_CHECK)}
    finished: list[Finished] = []
    for name in sorted(folders | intents.keys()):
        if archive.index.row("select seq from capture where check_id = ?", (name,)) is not None:
            item = None  # already committed and placed
        else:
            item = _from_draft(pipeline, name, drafts.get(name)) or _interrupted(pipeline, name, intents.get(name))
        if item is not None:
            finished.append(item)
        elif name in folders:
            archive.files.remove(f"staging/{name}")
    return finished


_NO_CHECK = (INTENTS, DRAFTS, "stamp-", TORN, WAITING, INCOMING, ".")


def _noted(files: Files, prefix: str) -> dict[str, Json]:
    """The intents or drafts in staging by check. A line that is not whole was never synced: nothing relied on it."""
    noted: dict[str, Json] = {}
    for name in files.list("staging"):
        if not name.startswith(prefix):
            continue
        for line in files.read(f"staging/{name}").splitlines(keepends=True):
            try:
                body = decode_line(line)
                noted[str(body["check"])] = body
            except (FormatError, KeyError):
                continue
    return noted


def sweep_notes(files: Files) -> None:
    """Remove intents and drafts once every check in them is committed, and what a crash within ``replace`` left."""
    for name in files.list("staging"):
        if name.startswith((INTENTS, DRAFTS, ".")):
            files.remove(f"staging/{name}")


def digest_of(files: Files, path: str) -> tuple[str, int]:
    """SHA-256 and size of a file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with files.open(path) as handle:
        while chunk := handle.read(HASH_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _from_draft(pipeline: Pipeline, name: str, draft: Json | None) -> Finished | None:
    """A check whose WARC is whole and has a draft: commit it as it is, flagged recovered."""
    files = pipeline.archive.files
    folder = f"staging/{name}"
    if draft is None or not files.exists(f"{folder}/{WARC}"):
        return None
    try:
        if draft["warc"]["sha256"] != digest_of(files, f"{folder}/{WARC}")[0]:
            return None
        check = Check(
            name, draft["document"], draft["watch_seq"], tuple(p["url"] for p in draft["parts"]), draft["trigger"]
        )
    except (KeyError, TypeError):
        return None  # not a draft of ours: the bytes are sealed as an interrupted check
    for other in files.list(folder):
        if other != WARC:
            files.remove(f"{folder}/{other}")  # a spool whose removal did not reach the disk
    # After a failed sync the kernel may only seem to have written it; the next barrier must write it.
    files.renew(f"{folder}/{WARC}")
    return Finished(check, {**draft, "recovered": True}, True)


def interrupted(pipeline: Pipeline, check: Check) -> Finished:
    """A check whose process died while this one lives on: stated the same way as after a crash."""
    intent = check.intent(format_instant(pipeline.now()))
    return _interrupted(pipeline, check.id, intent) or pipeline.give_up(
        check, Failure("interrupted", "the process ended during the check")
    )


def _interrupted(pipeline: Pipeline, name: str, intent: Json | None) -> Finished | None:
    """A check that never finished: state it, and seal whatever bytes had arrived."""
    archive = pipeline.archive
    folder = f"staging/{name}"
    try:
        if intent is None:
            raise KeyError(name)
        urls = [str(url) for url in intent["urls"]]
        document, watch_seq = intent["document"], intent["watch_seq"]
        trigger, at = str(intent["trigger"]), str(intent["at"])
    except (KeyError, TypeError):
        if not archive.files.list(folder):
            return None  # the folder reached the disk without its intent: nothing was asked of the network
        urls, document, watch_seq, trigger = [], None, None, "scheduled"
        at = format_instant(pipeline.now())
    partial = _seal_partial(archive.files, folder)
    now = pipeline.now()
    clock = {**clock_facts(now), "server_skew_ms": None}
    detail = "the process ended during the check" + (f"; {len(partial)} partial files are kept" if partial else "")
    reason = {"code": "interrupted", "detail": detail}
    draft: Json = {
        "nonce": pipeline.random(32).hex(),
        "check": name,
        "document": document,
        "watch_seq": watch_seq,
        "trigger": trigger,
        "attended": False,
        "method": pipeline.capturer.name,
        "result": "failed",
        "reason": reason,
        "recovered": True,
        "started_at": at,
        "ended_at": format_instant(now),
        "warc": None,
        "partial": partial or None,
        "parts": [{"url": url, "final_url": url, "reason": reason, "exchanges": [], "content": None} for url in urls],
        "robots": [],
        "clock": clock,
        "environment": environment_facts(archive.config_sha256),
        "before": None,
        "text_lines_root": None,
        "limits": ["L1", "L2", "L3", "L4", "L6", "L11", "L14"],
    }
    return Finished(Check(name, document, watch_seq, tuple(urls), trigger), draft, bool(partial))


def _seal_partial(files: Files, folder: str) -> list[Json]:
    """Digest what lies in the folder, and name it so that nobody takes it for a whole capture."""
    sealed = []
    for name in files.list(folder):
        target = name if name.startswith("partial-") else f"partial-{name}"
        if target != name:
            files.rename(f"{folder}/{name}", f"{folder}/{target}")
        files.renew(f"{folder}/{target}")
        digest, size = digest_of(files, f"{folder}/{target}")
        sealed.append({"name": target, "bytes": size, "sha256": digest})
    return sealed


def sweep_stamps(pipeline: Pipeline) -> None:
    """Replies and cosignatures that we held when we stopped: place the stated ones again, drop the others."""
    archive = pipeline.archive
    waiting = [name for name in archive.files.list("staging") if name.startswith("stamp-")]
    if not waiting:
        return
    rows = archive.index.rows(
        "select seq, token_sha256 as sha256 from stamp where event = 'token'"
        " union all select seq, cosignature_sha256 from cosignature"
    )
    stated = {row["sha256"].hex()[:STAGED]: row["seq"] for row in rows}
    for name in waiting:
        seq = stated.get(name.removeprefix("stamp-"))
        if seq is None:
            archive.files.remove(f"staging/{name}")
        else:
            pipeline.place_stamp(archive.statement(seq))


# -- the newest day --------------------------------------------------------------------------------


def newest_day(files: Files) -> str | None:
    """The folder of the newest day that has any snapshots."""
    path = "snapshots"
    for _ in range(3):
        names = files.list(path)
        if not names:
            return None
        path = f"{path}/{names[-1]}"
    return path


def newest_folders(files: Files) -> list[str]:
    """Names of the snapshots of the newest day that has any."""
    day = newest_day(files)
    return [] if day is None else [name for name in files.list(day) if files.exists(f"{day}/{name}/statement.json")]


def sweep_day(files: Files) -> None:
    """Remove what a crash left of making the newest day's folder durable."""
    day = newest_day(files)
    if day is not None and files.exists(f"{day}/{DAY}"):
        files.remove(f"{day}/{DAY}")
