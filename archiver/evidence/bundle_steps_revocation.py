"""The step of VERIFY.txt about revocation: each list and response by openssl, and the statement that names it."""

from __future__ import annotations

from archiver.evidence.bundle_facts import BundleFacts, RevocationFacts
from archiver.evidence.bundle_steps import Step, openssl_time

_PAIR = """
pair() {  # CHAIN NUMBER: writes that certificate of a chain to $T/certificate and its issuer, the next, to $T/issuer
  n=0; : > "$T/certificate"; : > "$T/issuer"
  while IFS= read -r l; do
    case "$l" in *BEGIN*) n=$((n + 1)) ;; esac
    if [ $n = "$2" ]; then echo "$l" >> "$T/certificate"; elif [ $n = $(($2 + 1)) ]; then echo "$l" >> "$T/issuer"; fi
  done < "$1"
}
told() {  # FILE CERTIFICATE: the statement that names the file, and what it says of the certificate
  jq -r --arg f "$(digest "$1")" --arg c "$2" 'select(.event == "revocation") | .seq as $n | .items[]
    | select(.file_sha256 == $f and .certificate_sha256 == $c)
    | "statement \\($n): \\(.source) of \\(.this_update): \\(.status)"' "$T/full"
}
"""
CENTURY_S = 3153600000
"""Seconds: how old openssl lets a response be; its time is looked at, not today's."""


def revocation(facts: BundleFacts) -> Step | None:
    """What the issuers said of the certificates of the tokens; None where nothing of it is in the bundle."""
    if not facts.revocation:
        return None
    commands: list[str] = []
    prints: list[str] = []
    for one in facts.revocation:
        made, said = _list_commands(one) if one.item["source"] == "crl" else _response_commands(one)
        commands += made
        prints += said
    names = ", ".join(facts.lacking)
    lacking = f" Of these tokens not every certificate has data here: {names}." if names else ""
    return Step(
        "Revocation of the authorities' certificates",
        "What the issuers said of the certificates in the chains of the tokens: revocation lists (RFC 5280) and OCSP "
        "responses (RFC 6960), as they were fetched, of the first time at or after that of the token that the archive "
        "has, else of the last before it. For each, openssl checks that the certificate's own issuer made it, or "
        "let it be made, and what it says; -attime is its own time. The last line is of the journal: the "
        "statement that names the file.",
        _PAIR + "\n".join(commands),
        tuple(prints),
        "`good`, and `OK` with a list, mean: not reported as revoked by that time. Data from before a token says less "
        "of it than data from then on. A certificate that was revoked later for keyCompromise, or with no reason, "
        "takes every token with it; one revoked for another reason only the later ones (RFC 3161, section 4). A theft "
        f"that nobody reported shows nowhere.{lacking}",
    )


def _begin(one: RevocationFacts) -> tuple[list[str], str, str, int]:
    """Commands that set the pair up; roots and chain as options need them; the moment to verify at."""
    chain = f"{one.token.base}.chain.pem"
    return [f"pair {chain} {one.place}"], f'"$ROOTS/{one.token.authority}.pem"', chain, int(one.made_at.timestamp())


def _end(one: RevocationFacts) -> tuple[str, str]:
    item = one.item
    return (
        f"told {one.name} {item['certificate_sha256']}",
        f"statement {one.seq}: {item['source']} of {item['this_update']}: {item['status']}",
    )


def _list_commands(one: RevocationFacts) -> tuple[list[str], list[str]]:
    commands, roots, chain, moment = _begin(one)
    told, line = _end(one)
    read = f"openssl crl -inform DER -in {one.name} -noout"
    commands += [f'{read} -CAfile "$T/issuer"', f"{read} -lastupdate"]
    prints = ["verify OK", f"lastUpdate={openssl_time(_whole(one.item['this_update']))}"]
    if one.item["status"] == "revoked":
        # Given to `openssl verify` it would end with an error, and say less.
        commands += [
            f"{read} -text | while read -r l; do",
            f'  case "$l" in "Serial Number: {_hex(one)}") echo "$l"; read -r l; echo "$l" ;; esac',
            "done",
        ]
        prints += [f"Serial Number: {_hex(one)}", f"Revocation Date: {openssl_time(_whole(one.item['revoked_at']))}"]
    else:
        commands += [
            f"openssl verify -crl_check -CRLfile {one.name} -CAfile {roots} \\",
            f'  -untrusted {chain} -attime {moment} < "$T/certificate"',
        ]
        prints.append("stdin: OK")
    return [*commands, told], [*prints, line]


def _response_commands(one: RevocationFacts) -> tuple[list[str], list[str]]:
    commands, roots, chain, moment = _begin(one)
    told, line = _end(one)
    commands += [
        f'openssl ocsp -respin {one.name} -issuer "$T/issuer" -serial 0x{_hex(one)} -no_nonce -CAfile {roots} \\',
        f"  -verify_other {chain} -attime {moment} -validity_period {CENTURY_S} \\",
        '  > "$T/answer" 2> "$T/errors" || :',
        'cat "$T/errors" "$T/answer"',
    ]
    return [*commands, told], ["Response verify OK", f"0x{_hex(one)}: {one.item['status']}", line]


def _hex(one: RevocationFacts) -> str:
    """The serial number as openssl prints it: whole bytes."""
    digits = f"{int(one.item['serial']):X}"
    return digits.rjust(len(digits) + len(digits) % 2, "0")


def _whole(instant: str) -> str:
    """The times of lists have whole seconds."""
    return f"{instant[:19]}Z"
