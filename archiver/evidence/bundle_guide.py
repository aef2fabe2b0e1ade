"""VERIFY.txt: how a stranger checks this very bundle, with commands that need none of our software."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.evidence import bundle_steps, bundle_steps_log, bundle_steps_revocation, bundle_steps_witness
from archiver.evidence.bundle_facts import BundleFacts
from archiver.evidence.bundle_steps import Step
from archiver.evidence.statement import LIMITS

TOOLS = "coreutils openssl unzip jq gzip python3"
"""Debian packages whose commands the steps use, besides a shell; Python its standard library alone."""


def steps(facts: BundleFacts) -> tuple[Step, ...]:
    """The steps for this bundle, in order; those that would have nothing to check are left out."""
    has_warc = facts.body["warc"] is not None
    wanted = [
        bundle_steps.prepare(facts),
        bundle_steps.container(),
        bundle_steps.files(),
        bundle_steps.signature(facts) if facts.signed else None,
        bundle_steps.sums_tokens(facts) if facts.stamp_asked else None,
        bundle_steps.statement(facts),
        bundle_steps.stored_files(facts),
        bundle_steps.records(facts) if has_warc else None,
        bundle_steps.contents(facts) if has_warc else None,
        bundle_steps_log.transport(facts) if has_warc else None,
        bundle_steps.text(facts),
        bundle_steps_log.inclusion(facts),
        bundle_steps_log.tokens(facts),
        bundle_steps_log.bracket(facts),
        bundle_steps_log.journal(facts),
        bundle_steps_witness.cosignatures(facts),
        bundle_steps_revocation.revocation(facts),
        bundle_steps_log.citation(facts),
        bundle_steps_log.control(),
    ]
    return tuple(step for step in wanted if step is not None)


def verify_text(facts: BundleFacts) -> str:
    """The whole of VERIFY.txt."""
    numbered = [step.render(number) for number, step in enumerate(steps(facts))]
    parts = [_head(facts), _needed(facts), _digests(facts), *numbered, _result(facts), _unknown(facts)]
    return "\n\n\n".join(parts) + "\n"


def _head(facts: BundleFacts) -> str:
    title = f"How to check the bundle of snapshot {facts.snapshot}"
    return f"""{title}
{"=" * len(title)}

Made at {facts.issued} by {facts.software} from the archive "{_plain(facts.archive)}",
log {facts.body["origin"]}. The steps below use common tools and none of the software that made the bundle.
In the steps, commands are indented by four spaces and can be pasted as they stand; lines that begin with a bar are
what they print. verify.html (open it in a browser, offline) and verify.py make such checks by program: they come
from the makers of that software and are a convenience, no substitute. PROCESS.txt says how the capture was made."""


def _needed(facts: BundleFacts) -> str:
    roots = (
        "\n".join(f"  {name}: {sha256}" for name, found in sorted(facts.roots.items()) for sha256 in found)
        or "  (none: there is no token in this bundle)"
    )
    return f"""WHAT YOU NEED
-------------

1. A shell and the commands of these Debian packages: {TOOLS} (openssl 3).
2. From somewhere other than the party that gave you the bundle: the public key of the log as PEM. Its fingerprint,
   the SHA-256 of its DER form, is said to be
     {facts.key_sha256}
   The same key lies here as keys/log.pub.pem. A key that arrives together with what it signs shows nothing.
3. Likewise the root certificates of the timestamp authorities, in one folder, each named as the files under roots/
   are. SHA-256 of those that lie here, DER:
{roots}{_witnesses(facts)}"""


def _witnesses(facts: BundleFacts) -> str:
    if not facts.cosignatures:
        return ""
    keys = "\n".join(f"     {vkey}" for vkey in dict.fromkeys(one.vkey for one in facts.cosignatures))
    return f"""
4. From each witness itself its public key as PEM, in one folder, named as keys/witness-….pub.pem are here. Their
   verifier keys (C2SP vkey) are said to be
{keys}"""


def _digests(facts: BundleFacts) -> str:
    """The digests of this snapshot, in full, each with what it is of."""
    body = facts.body
    lines = [(f"the statement (entry {facts.capture.seq} of the log)", facts.capture.entry_hex)]
    if body["warc"]:
        lines.append((f"capture.warc.gz, {body['warc']['bytes']} bytes", body["warc"]["sha256"]))
    lines += [(f"{item['name']}, {item['bytes']} bytes", item["sha256"]) for item in body["partial"] or ()]
    for number, part in enumerate(body["parts"], 1):
        of = f" of part {number}" if len(body["parts"]) > 1 else ""
        last = part["exchanges"][-1] if part["exchanges"] else None
        if last is not None and last["payload_sha256"]:
            lines.append((f"the payload{of} as transferred, {last['payload_bytes']} bytes", last["payload_sha256"]))
        if part["content"]:
            lines.append((f"the decoded document{of}, {part['content']['bytes']} bytes", part["content"]["sha256"]))
    judged = facts.assessment
    if judged is not None and judged["text_sha256"] and "text/text.md" in facts.members:
        lines.append((f"the text read from it by {judged['normaliser']}", judged["text_sha256"]))
    told = "\n".join(f"  {what}\n    {sha256}" for what, sha256 in lines)
    return f"DIGESTS OF THIS SNAPSHOT (SHA-256)\n----------------------------------\n\n{told}"


def _result(facts: BundleFacts) -> str:
    return f"""READING THE RESULT
------------------

When every step has printed what it should, you have confirmed, by the key and roots you used:

- these files, this statement and these tokens go together, byte for byte;
{_confirmed(facts)}
It relies on the operator of the archive:

- that the machine really asked that address and wrote down what came;
- that its clock and its name resolution were sound (PROCESS.txt gives their state);
- that the key of the log was under the operator's control alone;
- that what was not captured was not left out on purpose: the extract shows how many statements the log has, not
  what the others say;
{_lacking(facts)}
Limits that the statement itself names:

{_limits(facts)}"""


def _confirmed(facts: BundleFacts) -> str:
    lines = []
    if facts.signed:
        lines.append("- the holder of the log key signed the list of files;")
    lines.append(
        f"- the statement is number {facts.capture.seq} of a log of {facts.checkpoint.size}, under a signed root;"
    )
    if facts.tokens:
        lines.append("- it stood there before the times of the tokens, by the clocks of their authorities;")
    if facts.cosignatures:
        names = ", ".join(dict.fromkeys(one.witness for one in facts.cosignatures))
        lines.append(f"- witnesses ({names}) had seen no other history of the log when they signed heads of it;")
    if facts.before is not None:
        lines.append("- and was written after the token that it names as not before.")
    return "".join(f"{line}\n" for line in lines)


def _lacking(facts: BundleFacts) -> str:
    """What this bundle does not have, said plainly."""
    lines = []
    if not facts.signed:
        lines.append("- SHA256SUMS carries no signature: the key was not at hand when the bundle was made;")
    if facts.proof is None:
        lines.append(
            "- there is no statement.tlog-proof yet: the journal alone shows the statement's place in the log;"
        )
    if not facts.tokens:
        lines.append(
            "- there is no timestamp over the statement or a checkpoint yet: no outside clock bounds its time;"
        )
    if not facts.cosignatures:
        lines.append("- no witness cosigned a head of the log that covers the statement: nobody looked for a fork;")
    if facts.lacking:
        lines.append(f"- there is no revocation data of some certificates of {', '.join(facts.lacking)};")
    if facts.body["before"] is None:
        lines.append("- the statement names no token as not before: nothing outside bounds its time from below;")
    if facts.body["warc"] is None:
        lines.append("- there is no WARC: the check was interrupted, and what it left is sealed as it lay;")
    if "text/text.md" not in facts.members:
        lines.append("- there is no text: none was read from the document, or it did not pass the archive's gate;")
    if "text/text.md" in facts.members and "text/text.salt" not in facts.members:
        lines.append("- the salt of the text is not handed over: the root of its lines cannot be computed here;")
    return "".join(f"{line}\n" for line in lines)


def _limits(facts: BundleFacts) -> str:
    codes = sorted({"L1", "L2", "L3", *facts.body["limits"]}, key=lambda code: int(code[1:]))
    return "\n".join(f"- {code}: {LIMITS.get(code, 'see docs/format.md')}" for code in codes)


def _revoked(facts: BundleFacts) -> str:
    """What stays open about the certificates of the timestamp authorities."""
    if facts.revocation and not facts.lacking:
        return "whether a key of the timestamp authorities was stolen without its issuer having said so by then"
    return "whether the certificates of the timestamp authorities were revoked"


def _unknown(facts: BundleFacts) -> str:
    return f"""WHAT NOBODY CAN KNOW FROM THIS
------------------------------

- what other readers were shown at that time, or what the page said between two checks;
- who wrote the page, and whether the publisher meant to publish it: TLS does not sign content;
- whether the publisher's server, or its provider, was compromised;
- whether the log shows everyone the same history: compare log/checkpoint with copies that others hold;
- {_revoked(facts)};
- what the text means, whether it is in force, and whom it binds."""


def _plain(text: str) -> str:
    """A name as one line, whatever it holds: nothing in it can pass for a command or for printed output."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def commands_of(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield title, commands and expected lines of each step of a VERIFY.txt, read from the text alone."""
    title = ""
    commands: list[str] = []
    prints: list[str] = []
    for line in [*text.split("\n"), "STEP"]:
        if line.startswith("STEP"):
            if title:
                yield title, "\n".join(commands), tuple(prints)
            title, commands, prints = line, [], []
        elif not title:
            continue
        elif line in ("READING THE RESULT", "WHAT NOBODY CAN KNOW FROM THIS"):
            yield title, "\n".join(commands), tuple(prints)
            title = ""
        elif line.startswith("    "):
            commands.append(line[4:])
        elif line.startswith("  | "):
            prints.append(line[4:])
