"""The evidence bundle: one zip file with a snapshot and all that a stranger needs to check it (docs/bundle.md).

Large files are read twice, once for their digests and once on their way into the zip, and never held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources

from archiver import formats
from archiver.audit import Audit
from archiver.bundling_cosignatures import CosignatureFiles, cosignatures_of
from archiver.bundling_journal import Journal, journal_of
from archiver.bundling_members import Packed, large, small, spooled
from archiver.bundling_revocation import RevocationFiles, revocation_of
from archiver.bundling_tokens import TokenFiles, tokens_of
from archiver.dossier import Dossier, Part
from archiver.environment import SOFTWARE
from archiver.errors import ArchiveDamaged, ArchiverError, NotCheckable
from archiver.evidence.bundle import (
    ASSESSMENT,
    CHECKPOINT,
    CITATION,
    CONSISTENCY,
    EXTRACT,
    LINKS,
    PROCESS_TXT,
    PUBLIC_PEM,
    SALT,
    SIGNATURE,
    SUMS,
    TEXT,
    VERIFIERS,
    VERIFY_TXT,
    VKEY,
    is_listed,
    parse_sums,
    place,
    require_layout,
    sums_text,
)
from archiver.evidence.bundle_facts import BundleFacts
from archiver.evidence.bundle_guide import verify_text
from archiver.evidence.bundle_process import process_text
from archiver.evidence.bundle_zip import MAX_ZIP, Member, directory, dos_moment
from archiver.evidence.instant import format_instant, parse_instant
from archiver.evidence.timestamp import chain_to_pem
from archiver.evidence.tlog_proof import TlogProof
from archiver.exporting import Exporter, Means, Out
from archiver.registry import plugins
from archiver.stamp.interface import StampFailure

LARGE = 1 << 20
"""Bytes above which a stored file is not read into memory."""
TRIES = 5
"""How often a snapshot is gathered again when files were added meanwhile."""
CHECKS = (1, 6, 7, 8, 9, 10, 11, 12, 16)
"""Checks made before anything is handed out; the digests of files and texts are taken on the way."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Writes bundles; satisfies ``Exporter``."""

    form: str = "bundle"

    def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
        """Write the zip file; return what could not be had (tokens, a signature).

        ``NotCheckable`` when a check fails or no checkpoint covers the snapshot yet; ``ArchiveDamaged`` when stored
        files contradict each other.
        """
        for _ in range(TRIES):
            there = _names(dossier)
            with ExitStack() as held:
                packed = _gathered(dossier, means, held)
                if _names(dossier) == there:
                    return _write(dossier, packed, out, means)
        raise NotCheckable(f"{dossier.snapshot} is being added to: no bundle is made", do="try again in a while")


BUNDLE: Exporter = Bundle()


def _names(dossier: Dossier) -> list[list[str]]:
    """The files of the folders; a writer beside us may add a proof and tokens while they are read."""
    folders = [dossier.folder, *(str(other.body["folder"]) for other in dossier.referents)]
    return [dossier.archive.files.list(folder) for folder in folders]


def _gathered(dossier: Dossier, means: Means, held: ExitStack) -> dict[str, Packed]:
    """Every member but what is made over ``SHA256SUMS``."""
    _require_sound(dossier)
    journal = journal_of(dossier)
    tokens = tokens_of(dossier, journal.checkpoint.size, tuple(means.stampers))
    cosignatures = cosignatures_of(dossier, journal.checkpoint.size)
    revocation = revocation_of(dossier, tokens.all, journal.checkpoint.size)
    journal = journal.with_lines(revocation.statements)
    packed = dict(_members(dossier, journal, tokens, cosignatures, held))
    packed |= {name: small(data) for name, data in revocation.files.items()}
    facts = _facts(dossier, journal, tokens, cosignatures, revocation, means, (*packed, PROCESS_TXT, VERIFY_TXT))
    packed[PROCESS_TXT] = small(process_text(facts).encode())
    packed[VERIFY_TXT] = small(verify_text(facts).encode())
    return packed


def _require_sound(dossier: Dossier) -> None:
    for statement in (dossier.capture, *dossier.referents):
        for check in Audit(dossier.archive).seq(statement.seq, CHECKS).checks:
            if check.verdict == "fail":
                raise NotCheckable(
                    f"{statement.body['snapshot']}, check {check.number}: {check.detail}: no bundle is made",
                    do=f"run archiver verify {statement.body['snapshot']}",
                )


def _members(
    dossier: Dossier, journal: Journal, tokens: TokenFiles, cosignatures: CosignatureFiles, held: ExitStack
) -> Iterator[tuple[str, Packed]]:
    """The members but the two texts about them."""
    archive = dossier.archive
    yield from _folder(dossier, dossier.folder, "snapshot", dossier.capture.body["warc"])
    for other in dossier.referents:
        folder = str(other.body["folder"])
        yield from _folder(dossier, folder, f"referents/{other.body['snapshot']}", other.body["warc"])
    for name, part in {**tokens.further, **cosignatures.further}.items():
        yield name, small(part.read())
    yield from _text(dossier)
    yield from _citation(dossier)
    yield EXTRACT, spooled(journal.lines, held)
    yield CHECKPOINT, small(journal.checkpoint_bytes)
    if journal.consistency is not None:
        yield CONSISTENCY, small(journal.consistency)
    vkey, pem = (part.read() for part in dossier.key())
    if vkey.decode("utf-8", "replace").rstrip("\n") != archive.verifier.vkey or pem != archive.verifier.spki_pem:
        raise ArchiveDamaged("keys/log.pub.pem is not the key of keys/log.vkey", do="restore both from a backup")
    yield VKEY, small(vkey)
    yield PUBLIC_PEM, small(pem)
    for name, key in sorted(cosignatures.keys.items()):
        yield name, small(key)
    for authority, roots in sorted(tokens.roots.items()):
        yield f"roots/{authority}.pem", small(chain_to_pem(roots))
    for name in VERIFIERS:
        yield name, small(verifier_file(name))


def verifier_file(name: str) -> bytes:
    """One of the verifiers that go with every bundle; ``ArchiverError`` when the installation lacks it."""
    try:
        return resources.files("archiver").joinpath("verifier", name).read_bytes()
    except OSError as error:
        raise ArchiverError(f"archiver/verifier/{name} is missing", do="install the software again") from error


def _folder(
    dossier: Dossier, folder: str, prefix: str, warc: Mapping[str, object] | None
) -> Iterator[tuple[str, Packed]]:
    files = dossier.archive.files
    for name in files.list(folder):
        packed = _packed(Part(files, f"{folder}/{name}"))
        if name == "capture.warc.gz" and warc is not None and packed.sha256 != warc["sha256"]:
            raise NotCheckable(
                f"{folder}/{name} has SHA-256 {packed.sha256}, its statement says {warc['sha256']}: no bundle is made",
                do=f"run archiver verify {dossier.snapshot}",
            )
        yield f"{prefix}/{name}", packed


def _packed(part: Part) -> Packed:
    return large(part.stream) if part.size > LARGE or part.name.endswith(".gz") else small(part.read())


def _text(dossier: Dossier) -> Iterator[tuple[str, Packed]]:
    """The text with its links and its assessment; the salt only while no line of it was redacted."""
    assessment = dossier.assessment
    if assessment is None:
        return
    yield ASSESSMENT, small(assessment.line)
    body = assessment.body
    if dossier.text is not None:
        yield TEXT, _named(dossier.text, body["text_sha256"])
        redacted = any(statement.body["event"] == "redaction" for statement in dossier.custody)
        if dossier.salt is not None and not redacted:
            yield SALT, small(dossier.salt.read())
    if dossier.links is not None:
        yield LINKS, _named(dossier.links, body["links_sha256"])


def _named(part: Part, sha256: str) -> Packed:
    """A file that is named by its digest."""
    packed = _packed(part)
    if packed.sha256 != sha256:
        raise ArchiveDamaged(f"{part.path} has another digest than its name", do="restore it from a backup")
    return packed


def _citation(dossier: Dossier) -> Iterator[tuple[str, Packed]]:
    record = dossier.citation()
    for name, form in plugins(formats).items():
        text = form.render(record).encode()
        yield CITATION if name == "json" else f"citation/{name}.{form.suffix.rpartition('.')[2]}", small(text)


def _facts(
    dossier: Dossier,
    journal: Journal,
    tokens: TokenFiles,
    cosignatures: CosignatureFiles,
    revocation: RevocationFiles,
    means: Means,
    names: tuple[str, ...],
) -> BundleFacts:
    members = [*names, SUMS, *([SIGNATURE] if means.key is not None else [])]
    proof = None if dossier.proof is None else TlogProof.from_bytes(dossier.proof.read())
    return BundleFacts(
        capture=dossier.capture,
        archive=dossier.archive.settings["archive.name"],
        issued=format_instant(dossier.issued),
        software=SOFTWARE,
        key_sha256=journal.key_sha256,
        roots=tokens.root_digests(),
        checkpoint=journal.checkpoint,
        proof=None if proof is None else proof.verify(dossier.capture.entry, dossier.archive.verifier),
        tokens=tokens.over,
        before=tokens.before,
        assessments=dossier.assessments,
        referents=dossier.referents,
        watch=dossier.watch,
        members=tuple(sorted(members, key=place)),
        cosignatures=cosignatures.over,
        signed=means.key is not None,
        revocation=revocation.told,
        lacking=revocation.lacking,
        stamp_asked=tuple(means.stampers),
    )


def _write(dossier: Dossier, packed: dict[str, Packed], out: Out, means: Means) -> list[str]:
    sums = sums_text({name: one.sha256 for name, one in packed.items() if is_listed(name)})
    packed[SUMS] = small(sums)
    warnings = []
    if means.key is not None:
        parse_sums(sums)  # what the key signs must be a list of digests and nothing that could pass for a checkpoint
        packed[SIGNATURE] = small(means.key.sign(sums))
    for name, stamper in means.stampers.items():
        answer = stamper(sums)
        if isinstance(answer, StampFailure):
            warnings.append(f"no timestamp from {name} over {SUMS}: {answer.detail}")
            continue
        packed[f"{SUMS}.{name}.tsr"] = small(answer.reply)
        packed[f"{SUMS}.{name}.chain.pem"] = small(chain_to_pem(answer.token.chain))
    names = sorted(packed, key=place)
    require_layout(names)
    if sum(one.size for one in packed.values()) > MAX_ZIP - LARGE:
        raise NotCheckable(f"{dossier.snapshot} has more than {MAX_ZIP} bytes: a bundle has no room for it")
    moment = dos_moment(parse_instant(dossier.capture.body["started_at"]))
    members: list[Member] = []
    for name in names:
        one = packed.pop(name)
        offset = members[-1].end if members else 0
        member = Member(name, one.method, one.crc, one.packed_size, one.size, offset, moment)
        out.write(member.local_header())
        one.copy(out)
        members.append(member)
    out.write(directory(members))
    return warnings
