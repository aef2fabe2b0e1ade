"""Steps of VERIFY.txt that need nothing but the files: the zip, the sums, the statement, the WARC, the text.

A step is prose, commands, and what the commands print. No text that a publisher or a server wrote stands in a
command: they hold digests, numbers and names from ``SHA256SUMS`` alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.evidence.bundle_facts import BundleFacts, TokenFacts
from archiver.evidence.canonical import Json
from archiver.evidence.instant import parse_instant

WIDTH = 112


def filled(text: str) -> str:
    """Prose broken at spaces; a digest is never cut."""
    return textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step; ``prints`` are lines that must appear in what the commands print, in this order."""

    title: str
    says: str
    commands: str
    prints: tuple[str, ...] = ()
    after: str = ""

    def render(self, number: int) -> str:
        """The step as it stands in VERIFY.txt."""
        head = f"STEP {number}. {self.title}"
        parts = [f"{head}\n{'-' * len(head)}", filled(self.says)]
        parts.append("\n".join(f"    {line}".rstrip() for line in self.commands.strip("\n").split("\n")))
        if self.prints:
            parts.append("prints, among other lines:\n\n" + "\n".join(f"  | {line}" for line in self.prints))
        parts += [filled(self.after)] if self.after else []
        return "\n\n".join(parts)


def prepare(facts: BundleFacts) -> Step:
    """Names and three small functions that the other steps use."""
    return Step(
        "Prepare",
        "Work on a copy, in the folder into which the zip file was unpacked, in a POSIX shell (sh, dash, bash). "
        "BUNDLE is the zip file as you received it. Set KEY and ROOTS to what you got from elsewhere (see above); as "
        "they stand they name what came with the bundle, which shows only that its parts go together.",
        f"""
export LC_ALL=C TZ=UTC
: "${{BUNDLE:=../{facts.snapshot}.zip}}" "${{KEY:=keys/log.pub.pem}}" "${{ROOTS:=roots}}"
S=snapshot/statement.json; P=snapshot/statement.tlog-proof; T=$(mktemp -d); CR=$(printf '\\r')
same() {{ if [ "$1" = "$2" ]; then echo "equal: $3"; else echo "DIFFERENT: $3: $1, not $2"; return 1; fi; }}
digest() {{ sha256sum < "$1" | cut -c1-64; }}
line() {{ head -n "$1" "$2" | tail -n 1; }}
""",
    )


def container() -> Step:
    """The zip file is the one that was handed over, and is whole."""
    return Step(
        "The zip file",
        "The first line has the SHA-256 of the whole file: compare it with what the covering letter says, or the "
        "custody statement (kind custody, event export) that the archive made when the bundle was handed out. It is "
        "the one digest that covers every byte, those of tokens over SHA256SUMS included.",
        """
sha256sum "$BUNDLE"
unzip -tqq "$BUNDLE" && echo "the zip file is whole"
""",
        ("the zip file is whole",),
    )


def files() -> Step:
    """Every file has the digest that SHA256SUMS states, and no file is missing or more."""
    return Step(
        "Every file, and no other",
        "The first command compares each file with its digest. The others make the list again and compare it, byte "
        "for byte: a file that is not listed, and a link, are noticed too.",
        """
sha256sum --quiet --strict -c SHA256SUMS && echo "every listed file: OK"
for f in .[!.]* * */.[!.]* */* */*/.[!.]* */*/*; do
  if [ -L "$f" ]; then echo "a link: $f"
  elif [ -d "$f" ]; then case "$f" in .* | */*/* | text/* | journal/* | keys/*) echo "a strange folder: $f" ;; esac
  elif [ -f "$f" ]; then case "$f" in SHA256SUMS | SHA256SUMS.*) ;; *) sha256sum "$f" ;; esac
  fi
done | sort -k 2 > "$T/found"
same "$(digest "$T/found")" "$(digest SHA256SUMS)" "files found, files listed"
""",
        ("every listed file: OK", "equal: files found, files listed"),
    )


def signature(facts: BundleFacts) -> Step:
    """The log key signed SHA256SUMS."""
    return Step(
        "Signature over SHA256SUMS",
        "By the log's Ed25519 key. The second line printed is the fingerprint of the key (SHA-256 of its DER form): "
        "compare it with what the operator published, or with an earlier filing.",
        """
openssl pkeyutl -verify -pubin -inkey "$KEY" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
openssl pkey -pubin -in "$KEY" -outform DER | sha256sum
""",
        ("Signature Verified Successfully", f"{facts.key_sha256}  -"),
    )


def sums_tokens(facts: BundleFacts) -> Step:
    """Tokens over SHA256SUMS, made after this text: their times cannot stand here."""
    asked = ", ".join(facts.stamp_asked)
    return Step(
        "Tokens over SHA256SUMS",
        f"Asked for when the bundle was made: {asked}. For each reply that lies here the commands print "
        "`Verification: OK`, the time, and `OK` for each certificate of the chain. Inside a reply a few bytes are "
        "covered by no signature (version numbers and the copies of certificates): step 1 covers them.",
        """
for reply in SHA256SUMS.*.tsr; do
  [ -e "$reply" ] || { echo "there is none"; continue; }
  name=${reply%.tsr}; roots=$ROOTS/${name#SHA256SUMS.}.pem
  time=$(openssl ts -reply -in "$reply" -text 2> "$T/errors" |
    while read -r a b c; do if [ "$a $b" = "Time stamp:" ]; then echo "$c"; fi; done)
  moment=$(date -d "$time" +%s) && echo "$reply: $time"
  openssl ts -verify -data SHA256SUMS -in "$reply" -CAfile "$roots" -untrusted "$name.chain.pem" -attime "$moment"
  n=0; while IFS= read -r l; do
    case "$l" in *BEGIN*) n=$((n + 1)); : > "$T/chain$n" ;; esac; echo "$l" >> "$T/chain$n"
  done < "$name.chain.pem"
  : > "$T/again"; i=1; while [ $i -le $n ]; do
    openssl verify -CAfile "$roots" -untrusted "$name.chain.pem" -attime "$moment" "$T/chain$i"
    openssl x509 -in "$T/chain$i" >> "$T/again"; i=$((i + 1))
  done
  same "$(digest "$T/again")" "$(digest "$name.chain.pem")" "certificates of $name"
done
""",
    )


def statement(facts: BundleFacts) -> Step:
    """The statement has its one form, and is the entry of the log."""
    return Step(
        "The statement",
        "snapshot/statement.json says what was captured. It is one line of canonical JSON (RFC 8785: keys sorted, no "
        "spaces, whole numbers), so that it has one form only; its SHA-256 is the entry of the log.",
        """
python3 -c 'if True:
  import json
  read = json.load(open("snapshot/statement.json", encoding="utf-8"))
  text = json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
  open("'"$T"'/canonical", "w", encoding="utf-8").write(text + "\\n")'
same "$(digest "$T/canonical")" "$(digest "$S")" "statement.json, its canonical form"
jq -r '"\\(.kind) \\(.seq) of \\(.origin): \\(.result)"' "$S"
jq -r '"\\(.started_at) to \\(.ended_at)"' "$S"
sha256sum snapshot/statement.json
""",
        (
            "equal: statement.json, its canonical form",
            f"capture {facts.capture.seq} of {facts.body['origin']}: {facts.body['result']}",
            f"{facts.body['started_at']} to {facts.body['ended_at']}",
            f"{facts.capture.entry_hex}  snapshot/statement.json",
        ),
        "The two times are those of the capturing machine's clock; what that clock was worth stands in PROCESS.txt.",
    )


def stored_files(facts: BundleFacts) -> Step:
    """The WARC, or what an interrupted check left, is what the statement says."""
    commands, prints = [], []
    folders = [("snapshot", facts.body)]
    folders += [(f"referents/{other.body['snapshot']}", other.body) for other in facts.referents]
    for folder, body in folders:
        named = [*(body["partial"] or ()), *([{**body["warc"], "name": "capture.warc.gz"}] if body["warc"] else ())]
        for item in named:
            commands.append(f"sha256sum {folder}/{item['name']}")
            prints.append(f"{item['sha256']}  {folder}/{item['name']}")
        if body["warc"]:
            commands += [
                f"jq -r '.warc.sha256 + \"  {folder}/capture.warc.gz\"' {folder}/statement.json | sha256sum -c -",
                f"jq -r '.warc.sha512 + \"  {folder}/capture.warc.gz\"' {folder}/statement.json | sha512sum -c -",
            ]
            prints += [f"{folder}/capture.warc.gz: OK"] * 2
        if body["partial"]:
            commands.append(
                f"jq -r '.partial[] | .sha256 + \"  {folder}/\" + .name' {folder}/statement.json | sha256sum -c -"
            )
            prints += [f"{folder}/{item['name']}: OK" for item in body["partial"]]
    return Step(
        "The stored files",
        "The digests printed by the first command are those that the statement states.",
        "\n".join(commands),
        tuple(prints),
    )


RECORD = """
record() {  # FOLDER RECORD-ID: writes the block of one WARC record to $T/block
  set -- "$1" $(jq -r --arg id "$2" '.warc.records[] | select(.id == $id) | "\\(.offset + 1) \\(.length)"' \\
    "$1/statement.json")
  tail -c +"$2" "$1/capture.warc.gz" | head -c "$3" | gzip -dc > "$T/record"
  n=0; while IFS= read -r l; do n=$((n + ${#l} + 1)); if [ "$l" = "$CR" ]; then break; fi; done < "$T/record"
  tail -c +$((n + 1)) "$T/record" | head -c -4 > "$T/block"
}
"""


def records(facts: BundleFacts) -> Step:
    """Every record of the WARC lies where the statement says and has its digest."""
    warc: Json = facts.body["warc"]
    return Step(
        "The records of the WARC",
        "The WARC has one gzip member for each record: a head, an empty line, a block, four bytes of line ends. The "
        "statement lists where each begins. No WARC software is needed (with it: warcio check -v "
        "snapshot/capture.warc.gz).",
        RECORD
        + """jq -e '[.warc.records | foreach .[] as $r ({n: 0}; {at: .n, n: (.n + $r.length)}; .at == $r.offset)]
  | all' "$S" > "$T/answer" && echo "the records lie one after the other"
same "$(jq '[.warc.records[].length] | add' "$S")" "$(stat -c %s snapshot/capture.warc.gz)" "their bytes"
for id in $(jq -r '.warc.records[].id' "$S"); do
  record snapshot "$id"
  same "$(digest "$T/block")" "$(jq -r --arg id "$id" '.warc.records[] | select(.id == $id) | .block_sha256' \\
    "$S")" "block of $id"
done
""",
        (
            "the records lie one after the other",
            "equal: their bytes",
            *(f"equal: block of {record['id']}" for record in warc["records"]),
        ),
    )


UNCHUNK = """python3 -c 'if True:
  import sys
  data, out = sys.stdin.buffer, sys.stdout.buffer
  while size := int(data.readline().partition(b";")[0], 16):
    out.write(data.read(size)); data.readline()' < "$T/content" > "$T/next"; mv "$T/next" "$T/content\""""
INFLATE = """python3 -c 'if True:
  import sys, zlib
  data = sys.stdin.buffer.read()
  try: out = zlib.decompress(data)
  except zlib.error: out = zlib.decompress(data, -15)
  sys.stdout.buffer.write(out)' < "$T/content" > "$T/next"; mv "$T/next" "$T/content\""""
GUNZIP = '{ gzip -dqc || [ $? = 2 ]; } < "$T/content" > "$T/next"; mv "$T/next" "$T/content"'


def contents(facts: BundleFacts) -> Step | None:
    """The body as transferred, and the document that it decodes to; None where no part has content."""
    commands: list[str] = []
    prints: list[str] = []
    for number, part in enumerate(facts.body["parts"]):
        if part["content"] is None:
            continue
        commands += _content_of(facts, number, part)
        what = ["payload", "document", "document (SHA-512)"]
        prints += [f"equal: {word} of part {number + 1}" for word in what] + [part["content"]["sha256"]]
    if not commands:
        return None
    return Step(
        "The document as received",
        "The payload is the body as it was transferred; transfer chunks and content codings are then taken off, as "
        "the statement names them. Where a record is a revisit, the equal payload lies in the folder under "
        "referents/.",
        """
body() {  # takes the HTTP head off $T/block
  n=0; while IFS= read -r l; do n=$((n + ${#l} + 1)); if [ -z "${l%"$CR"}" ]; then break; fi; done < "$T/block"
  tail -c +$((n + 1)) "$T/block" > "$T/content"
}
"""
        + "\n".join(commands),
        tuple(prints),
        "$T/content is now the document (of several parts, the last): open it, and search the quotation in it or in "
        "your own extraction of its text. These bytes bind; a text that other software reads from them may differ "
        "from text/text.md.",
    )


def _content_of(facts: BundleFacts, number: int, part: Json) -> Iterable[str]:
    last = part["exchanges"][-1]
    holder, record = "snapshot", last["record"]
    if last["revisit"] is not None:
        referent = next(one for one in facts.referents if one.seq == last["revisit"]["seq"])
        holder, record = f"referents/{referent.body['snapshot']}", last["revisit"]["record"]
    place = f".parts[{number}]"
    yield f"record {holder} '{record}'; body"
    yield _same("payload", number, 'digest "$T/content"', f"{place}.exchanges[-1].payload_sha256")
    if last["framing"] == "chunked":
        yield UNCHUNK
    for coding in part["content"]["coding"]:  # outermost first
        yield GUNZIP if coding in ("gzip", "x-gzip") else INFLATE
    yield _same("document", number, 'digest "$T/content"', f"{place}.content.sha256")
    yield _same("document (SHA-512)", number, 'sha512sum < "$T/content" | cut -c1-128', f"{place}.content.sha512")
    yield 'digest "$T/content"'


def _same(what: str, number: int, command: str, query: str) -> str:
    return f'same "$({command})" "$(jq -r \'{query}\' "$S")" "{what} of part {number + 1}"'


def text(facts: BundleFacts) -> Step | None:
    """The text is the one that the assessment states; None where none was read."""
    body = facts.assessment
    if body is None or "text/text.md" not in facts.members:
        return None
    commands = [
        'same "$(jq -r .capture_entry text/assessment.json)" "$(digest "$S")" "the capture assessed"',
        'same "$(digest text/text.md)" "$(jq -r .text_sha256 text/assessment.json)" "text"',
    ]
    prints = ["equal: the capture assessed", "equal: text"]
    if "text/links.jsonl" in facts.members:
        commands.append('same "$(digest text/links.jsonl)" "$(jq -r .links_sha256 text/assessment.json)" "links"')
        prints.append("equal: links")
    if "text/text.salt" in facts.members and body["text_lines_root"] is not None:
        commands.append(_LINES)
        prints += ["equal: root of the lines", body["text_lines_root"]]
    commands.append("sha256sum text/text.md")
    return Step(
        "The text",
        "text/text.md is what the archive's software read from the document, by the rules of the watch list; the "
        "assessment, a statement of the log, names its digest. The root commits to each line with a salt of its own, "
        "so that single lines can be shown without the others.",
        "\n".join(commands),
        (*prints, f"{body['text_sha256']}  text/text.md"),
    )


_LINES = """root=$(python3 -c 'if True:
  import hashlib, hmac
  h = lambda data: hashlib.sha256(data).digest()
  seed = open("text/text.salt", "rb").read()
  row = [h(b"\\0" + hmac.digest(seed, n.to_bytes(8, "big"), "sha256") + one)
         for n, one in enumerate(open("text/text.md", "rb").read().split(b"\\n")[:-1])]
  while len(row) > 1:
    row = [h(b"\\1" + a + b) for a, b in zip(row[::2], row[1::2])] + ([row[-1]] if len(row) % 2 else [])
  print(row[0].hex())')
same "$root" "$(jq -r .text_lines_root text/assessment.json)" "root of the lines"; echo "$root\""""


def openssl_time(instant: str) -> str:
    """A token's time as ``openssl ts -reply -text`` prints it: ``May 12 15:09:41.204 2026 GMT``."""
    moment = parse_instant(instant[:19] + ".000Z")
    digits = instant.rstrip("Z")[19:]
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[moment.month - 1]
    return f"{month} {moment.day:2d} {moment:%H:%M:%S}{digits} {moment.year} GMT"


def token_commands(token: TokenFacts, covers: str) -> tuple[list[str], list[str]]:
    """The two commands for one token, and what they print."""
    moment = int(parse_instant(token.gen_time[:19] + ".000Z").timestamp())
    commands = [
        f"openssl ts -verify -data {covers} -in {token.base}.tsr \\",
        f'  -CAfile "$ROOTS/{token.authority}.pem" -untrusted {token.base}.chain.pem -attime {moment}',
        f"openssl ts -reply -in {token.base}.tsr -text",
    ]
    return commands, ["Verification: OK", f"Time stamp: {openssl_time(token.gen_time)}"]
