"""The step of VERIFY.txt about witnesses: each cosignature by openssl, its key, and the statement that names it."""

from __future__ import annotations

from archiver.evidence.bundle_facts import BundleFacts
from archiver.evidence.bundle_steps import Step

_COSIGNED = """
cosigned() {  # WITNESS COSIGNATURE CHECKPOINT: of the 76 bytes 4 name the key, 8 are the time, 64 are of Ed25519
  l=$(line 1 "$2"); echo "${l##* }" | base64 -d > "$T/line"
  at=$(printf %d "0x$(tail -c +5 "$T/line" | head -c 8 | od -A n -t x1 | tr -d ' ')")
  { printf 'cosignature/v1\\ntime %s\\n' "$at"; head -n 3 "$3"; } > "$T/cosigned"; tail -c +13 "$T/line" > "$T/ed25519"
  w="$WITNESSES/witness-$1.pub.pem"
  openssl pkeyutl -verify -pubin -inkey "$w" -rawin -in "$T/cosigned" -sigfile "$T/ed25519"
  same "$({ printf '\\004'; openssl pkey -pubin -in "$w" -outform DER | tail -c 32; } | base64)" \\
    "$(cut -d + -f 3- "keys/witness-$1.vkey")" "key of the witness $1"
  jq -r --arg c "$(digest "$2")" --arg k "$(cat "keys/witness-$1.vkey")" --arg t "$(date -u -d "@$at" +%FT%TZ)" 'select(
    .cosignature_sha256 == $c and .key == $k and .time == $t) | "statement \\(.seq): \\(.witness) \\(.time)"' "$T/full"
}
: "${WITNESSES:=keys}"
"""


def cosignatures(facts: BundleFacts) -> Step | None:
    """Every cosignature over a checkpoint that covers the statement; None where there is none."""
    if not facts.cosignatures:
        return None
    commands, prints = [], []
    for one in facts.cosignatures:
        commands.append(f"cosigned {one.witness} {one.base} {one.covers or chr(34) + '$T/checkpoint' + chr(34)}")
        prints += ["Signature Verified Successfully", f"equal: key of the witness {one.witness}"]
        prints.append(f"statement {one.stamp.seq}: {one.witness} {one.time}")
    for name in sorted({one.covers for one in facts.cosignatures if one.covers}):
        commands.append(f"signed {name}")
        prints.append("Signature Verified Successfully")
    return Step(
        "Cosignatures of witnesses",
        "A witness (C2SP tlog-witness) signs a checkpoint with a time, after it has checked that the log only grew "
        "since the checkpoint that it signed before. Set WITNESSES to a folder with the keys that the witnesses "
        "themselves gave you, named as those under keys/ are; as it stands it names what came with the bundle.",
        _COSIGNED + "\n".join(commands),
        tuple(prints),
        "By the witness's clock, it had seen this head and no other history of the log at that time: whoever showed it "
        "a second one got no signature. It says nothing of what the log holds. A witness that is run by the same "
        "people as the archive adds nothing, and no file can show who runs it: ask it, for its key and its records.",
    )
