"""Steps of VERIFY.txt about origin, log and time: connection, inclusion, signatures, tokens, bracket, journal."""

from __future__ import annotations

from archiver.evidence.bundle_facts import BundleFacts
from archiver.evidence.bundle_steps import Step, openssl_time, token_commands
from archiver.evidence.note import encode_base64
from archiver.evidence.statement import Statement

MAX_CERTIFICATES = 20
"""Lines of server certificates that are printed as expected; a snapshot has two or three."""


def transport(facts: BundleFacts) -> Step | None:
    """The connection, and the server's certificates as sent; None without a WARC."""
    if not facts.body["warc"] or not any(record["type"] == "metadata" for record in facts.body["warc"]["records"]):
        return None
    exchanges = [exchange for part in facts.body["parts"] for exchange in part["exchanges"]]
    chains = [((e["connection"] or {}).get("tls") or {}).get("chain_sha256") or [] for e in exchanges]
    known = sorted({sha256 for chain in chains for sha256 in chain})[:MAX_CERTIFICATES]
    return Step(
        "Requests, responses, connection, server certificates",
        "Requests and responses that the statement tells are records of the WARC. The last record but one has the "
        "connections and the server's certificates as it sent them.",
        """
jq -e '[.warc.records[] | select(.type == "request") | .block_sha256] as $sent | all(.parts[].exchanges[];
  .request_bytes == 0 or (.request_sha256 as $one | $sent | any(. == $one)))' "$S" > "$T/answer" && echo "requests: OK"
jq -e '(.warc.records | map({(.id): .}) | add) as $by | all(.parts[].exchanges[]
  | select(.record != null and .revisit == null and .interim_bytes == 0 and .surplus_bytes == 0);
  .response_sha256 == $by[.record].block_sha256)' "$S" > "$T/answer" && echo "responses: OK"
record snapshot "$(jq -r '[.warc.records[] | select(.type == "metadata") | .id][-2]' "$S")"
jq -e --slurpfile t "$T/block" 'all(.parts[].exchanges[].connection | select(. != null);
  . as $c | $t[0].connections | any(. == $c))' "$S" > "$T/answer" && echo "connections: OK"
for sha in $(jq -r '.parts[].exchanges[].connection.tls.chain_sha256[]?' "$S" | sort -u); do
  jq -r --arg sha "$sha" '.certificates[$sha]' "$T/block" > "$T/server.pem"
  same "$(openssl x509 -in "$T/server.pem" -outform DER | sha256sum | cut -c1-64)" "$sha" "certificate $sha"
  openssl x509 -in "$T/server.pem" -noout -subject -issuer -dates
done
""",
        ("requests: OK", "responses: OK", "connections: OK", *(f"equal: certificate {sha256}" for sha256 in known)),
        "The verdict on the server's certificate, as it was at the time, stands in PROCESS.txt. TLS signs no "
        "content: that the server sent these bytes rests on the capturing machine.",
    )


_NODE = """
node() { { printf '\\001'; echo "$1" | base64 -d; echo "$2" | base64 -d; } | openssl dgst -sha256 -binary | base64; }
"""
_SIGNED = """
signed() {  # CHECKPOINT: three lines, an empty one, and the signature: 4 bytes that name the key, 64 of Ed25519
  head -n 3 "$1" > "$T/note"; l=$(line 5 "$1"); echo "${l##* }" | base64 -d | tail -c +5 > "$T/ed25519"
  openssl pkeyutl -verify -pubin -inkey "$KEY" -rawin -in "$T/note" -sigfile "$T/ed25519"
}
"""


def inclusion(facts: BundleFacts) -> Step | None:
    """The proof in the folder leads from the statement to a signed root; None where there is none yet."""
    if facts.proof is None:
        return None
    root = encode_base64(facts.proof.root)
    return Step(
        "The statement's place in the log",
        "statement.tlog-proof (C2SP tlog-proof) has the index, the hashes from the leaf to the root (RFC 9162, "
        "2.1.3.2), and a checkpoint: name of the log, number of its statements, root, signature. A leaf is "
        "SHA-256(00, entry), a node SHA-256(01, left, right). The third line printed is the root that the hashes "
        "lead to.",
        _NODE
        + _SIGNED
        + """at=$(jq .seq "$S"); n=2
same "$(line 2 "$P")" "index $at" "index"
while n=$((n + 1)) && [ $n -lt 99 ] && [ -n "$(line $n "$P")" ]; do :; done
tail -n +$((n + 1)) "$P" > "$T/checkpoint"
last=$(($(line 2 "$T/checkpoint") - 1)); i=2
hash=$({ printf '\\000'; openssl dgst -sha256 -binary "$S"; } | openssl dgst -sha256 -binary | base64)
while i=$((i + 1)) && [ $i -lt $n ]; do
  other=$(line $i "$P")
  if [ $((at % 2)) = 1 ] || [ $at = $last ]; then
    hash=$(node "$other" "$hash")
    while [ $((at % 2)) = 0 ] && [ $at -gt 0 ]; do at=$((at / 2)); last=$((last / 2)); done
  else
    hash=$(node "$hash" "$other")
  fi
  at=$((at / 2)); last=$((last / 2))
done
echo "$hash $last"
same "$(line 1 "$T/checkpoint")" "$(jq -r .origin "$S")" "name of the log"
same "$hash $last" "$(line 3 "$T/checkpoint") 0" "root of $(line 2 "$T/checkpoint") statements"
signed "$T/checkpoint"
""",
        (
            "equal: index",
            f"{root} 0",
            "equal: name of the log",
            f"equal: root of {facts.proof.size} statements",
            "Signature Verified Successfully",
        ),
    )


def tokens(facts: BundleFacts) -> Step | None:
    """Every token over the statement or a checkpoint that covers it; None where there is none yet."""
    if not facts.tokens:
        return None
    commands, prints = [], []
    for token in facts.tokens:
        more, said = token_commands(token, token.covers or '"$T/checkpoint"')
        commands += more
        prints += said
    for name in sorted({token.covers for token in facts.tokens if token.covers.startswith("stamps/")}):
        commands.append(f"signed {name}")
        prints.append("Signature Verified Successfully")
    return Step(
        "Timestamps (RFC 3161)",
        "Each token says that what it is over existed at its time, by the authority's clock. A checkpoint's token "
        "covers every statement under its root. -attime asks whether the certificates were valid at the token's "
        "time: after they have expired the plain command says so, and that is no defect of the token. -text prints "
        "policy, serial number and accuracy too: a time is no sharper than that.",
        "\n".join(commands),
        tuple(prints),
        f"{_look(facts)}: a key stolen before its certificate expired could have signed any time. Whether the service "
        "is a qualified one in the EU is for the EU trusted list of that day to say.",
    )


def _look(facts: BundleFacts) -> str:
    """Where to look for what the issuers of an authority's certificates said of them."""
    if not facts.revocation:
        return "Look for the authority's revocation data of that period, of which none is in this bundle"
    rest = f"; of those of {', '.join(facts.lacking)} not all is here, look for it" if facts.lacking else ""
    return f"The authority's revocation data of that period has a step of its own below{rest}"


def bracket(facts: BundleFacts) -> Step | None:
    """The token that the statement names as not before; None where it names none that is here."""
    before = facts.before
    if before is None:
        return None
    commands, prints = token_commands(before, f"{before.base}.subject")
    stated = facts.body["before"]
    earliest = min((token.gen_time for token in facts.tokens), default=None)
    until = (
        f"The earliest token over it says {openssl_time(earliest)}: between the two the record was sealed."
        if earliest
        else "No token is over it yet."
    )
    return Step(
        "Not before",
        "The statement names, by digest, the newest outside token that was known when the check began. It cannot "
        "have been written before that token existed.",
        "\n".join(
            (
                f"sha256sum {before.base}.tsr {before.base}.subject",
                'jq -r ".before.token_sha256, .before.subject_sha256" "$S"',
                f'same "$(digest {before.base}.tsr)" "$(jq -r .before.token_sha256 "$S")" "token"',
                f'same "$(digest {before.base}.subject)" "$(jq -r .before.subject_sha256 "$S")" "its subject"',
                *commands,
            )
        ),
        (
            f"{stated['token_sha256']}  {before.base}.tsr",
            f"{stated['subject_sha256']}  {before.base}.subject",
            stated["token_sha256"],
            stated["subject_sha256"],
            "equal: token",
            "equal: its subject",
            *prints,
        ),
        f"{until} That the page was fetched between the two rests on the capturing machine.",
    )


def journal(facts: BundleFacts) -> Step:
    """The whole log, with the lines about this snapshot in full, leads to the newest checkpoint."""
    signed = "" if facts.proof is not None else _SIGNED
    heads = ["log/checkpoint"]
    heads += ['"$T/checkpoint"'] if facts.proof is not None else []
    covered = [*(one.covers for one in facts.tokens), *(one.covers for one in facts.cosignatures)]
    heads += sorted({name for name in covered if name.startswith("stamps/")})
    sizes = [facts.checkpoint.size] + ([facts.proof.size] if facts.proof is not None else [])
    sizes += [int(name.split("/")[1]) for name in heads if name.startswith("stamps/")]
    own = facts.capture.seq
    stamps = [*facts.tokens, *([facts.before] if facts.before is not None else [])]
    named = "\n".join(f"named {token.base}" for token in stamps)
    known = "\n".join(
        f'same "$(tail -n +{one.seq + 1} journal/extract.jsonl | head -n 1 | sha256sum)" "$(sha256sum < {place})" \\\n'
        f'  "statement {one.seq}"'
        for one, place in _placed(facts)
    )
    return Step(
        "The journal",
        "journal/extract.jsonl has every statement of the log: those about this snapshot in full, of all others the "
        "entry (the SHA-256 of the line) alone. Their tree has the root of log/checkpoint, and its first statements "
        "have the roots of the older checkpoints here: nothing was changed, left out or put in between them. A "
        "checkpoint that you have from elsewhere must fit as well.",
        signed
        + f"""python3 -c 'if True:
  import base64, hashlib, json, sys
  h = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
  heads = {{}}
  for name in sys.argv[1:]:
    head = open(name, encoding="utf-8").read().split("\\n")
    heads.setdefault(int(head[1]), []).append((name, base64.b64decode(head[2])))
  edge, n = [], 0
  for line in open("journal/extract.jsonl", "rb"):
    one = json.loads(line)
    assert one["seq"] == n, "statement %d is not where it belongs" % n
    leaf, width = h(b"\\0", h(line) if "kind" in one else bytes.fromhex(one["entry"])), 1
    while edge and edge[-1][0] == width: leaf, width = h(b"\\1", edge.pop()[1], leaf), 2 * width
    edge.append((width, leaf)); n += 1
    for name, root in heads.pop(n, ()):
      found = edge[-1][1]
      for _, left in edge[-2::-1]: found = h(b"\\1", left, found)
      print("equal:" if found == root else "DIFFERENT:", "root of the first %d statements" % n)
      assert found == root, name
  assert not heads, "the extract is too short"
  assert n == {facts.checkpoint.size}' {" ".join(heads)}
signed log/checkpoint
jq -c 'select(has("kind"))' journal/extract.jsonl > "$T/full"
jq -r '"\\(.seq) \\(.kind) \\(.at)"' "$T/full"
jq -r 'select(.kind == "key") | .spki_sha256' "$T/full"
named() {{  # NAME: the statement that names NAME.tsr and its chain
  jq -r --arg t "$(digest "$1.tsr")" --arg c "$(digest "$1.chain.pem")" 'select(.kind == "stamp" and .token_sha256 == $t
    and .chain_sha256 == $c) | "statement \\(.seq): \\(.authority) \\(.gen_time)"' "$T/full"
}}
{known}
{named}
""",
        (
            *(f"equal: root of the first {size} statements" for size in sorted(sizes)),
            "Signature Verified Successfully",
            f"{own} capture {facts.capture.at}",
            facts.key_sha256,
            *(f"equal: statement {one.seq}" for one, _ in _placed(facts)),
            *(f"statement {token.stamp.seq}: {token.authority} {token.gen_time}" for token in stamps),
        ),
        "Other kinds that may stand there in full: key (the log's key, first statement), watch (the rules in force), "
        "assessment, decision (of a person), stamp (a token), custody (holds, earlier exports). docs/format.md of "
        "the software says what every key means.",
    )


def _placed(facts: BundleFacts) -> list[tuple[Statement, str]]:
    """Statements of the journal that lie as files of their own."""
    found: list[tuple[Statement, str]] = [(facts.capture, "snapshot/statement.json")]
    found += [(one, f"referents/{one.body['snapshot']}/statement.json") for one in facts.referents]
    if facts.assessments and "text/assessment.json" in facts.members:
        found.append((facts.assessments[-1], "text/assessment.json"))
    return found


def citation(facts: BundleFacts) -> Step:
    """The citation record speaks of this statement."""
    return Step(
        "The citation",
        "citation/citation.json repeats facts of the statement, each with its source; the other files there are the "
        "same record in the forms that citing authors use.",
        """
same "$(jq -r .capture_ref citation/citation.json)" "$(digest "$S")" "statement cited"
jq -r '.hashes[] | "\\(.value)  \\(.object)"' citation/citation.json
""",
        ("equal: statement cited",),
    )


def control() -> Step:
    """A changed byte is noticed."""
    return Step(
        "Negative control",
        "Change one byte of any file and repeat the steps: at least one must fail. Here a copy of the statement is "
        "changed.",
        """
head -c 99 "$S" > "$T/changed"; printf X >> "$T/changed"; tail -c +101 "$S" >> "$T/changed"
if [ "$(digest "$T/changed")" = "$(digest "$S")" ]; then false; else echo "a changed byte is noticed"; fi
rm -r "$T"
""",
        ("a changed byte is noticed",),
    )
