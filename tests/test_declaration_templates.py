"""Templates of declarations and lists of steps: what is shipped, what is refused and how, what the page says."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.declaration.draft import BANNER
from archiver.declaration.facts_declaration import DECLARATION_FACTS
from archiver.declaration.facts_snapshot import SNAPSHOT_FACTS
from archiver.declaration.known import KNOWN
from archiver.declaration.looks import LOOKS
from archiver.declaration.protocol import parse_protocol
from archiver.declaration.tables import DECLARATION_TABLES, SNAPSHOT_TABLES, STEP_TABLES
from archiver.declaration.template import Template, parse_template
from archiver.declaration.wording import Blank, Named, Piece, Words, wording
from archiver.errors import SettingsError
from archiver.evidence.banned import BANNED, banned_in
from tests.test_docs import read

FOLDER = resources.files("archiver")
SHIPPED = sorted(path.name for path in FOLDER.joinpath("regimes").iterdir())
STEPS = sorted(path.name for path in FOLDER.joinpath("protocols").iterdir())
LOOK = {name: look for name, (_, look) in LOOKS.items()}
GOOD = """format = 1
regime = "x"
version = "1"
title = "Title"
jurisdiction = "Somewhere"
law = "Law"
about = "About"
paper = "a4"
[[section]]
heading = "One"
paragraph = [{ text = "a {declaration.made} b [[ name ]] c" }]
[[section]]
heading = "Two {snapshot.id}"
per = "snapshot"
paragraph = [{ text = "{capture.started}" }, { table = "objects" }, { choose = ["[[ yes ]]", "no"] }]
"""
PROTOCOL = """format = 1
protocol = "x"
version = "1"
title = "Title"
law = "Law"
about = "About"
[[step]]
id = "1"
step = "Step"
shows = ["capture.started"]
gap = "Do it."
"""


def parsed(text: str) -> Template:
    return parse_template(text.encode(), "x.toml", KNOWN)


# -- what is shipped -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_template_is_one_and_says_who_it_is(name: str) -> None:
    template = parse_template(FOLDER.joinpath("regimes", name).read_bytes(), name, KNOWN)
    assert f"{template.regime}.toml" == name
    assert template.protocol is None or f"{template.protocol}.toml" in STEPS
    assert any(isinstance(piece, Blank) for s in template.sections for p in s.paragraphs for piece in p.text)


@pytest.mark.parametrize("name", STEPS)
def test_a_shipped_protocol_is_one_and_says_who_it_is(name: str) -> None:
    protocol = parse_protocol(FOLDER.joinpath("protocols", name).read_bytes(), name, LOOK)
    assert f"{protocol.name}.toml" == name


def test_no_shipped_text_claims_more_than_is_shown() -> None:
    texts = [FOLDER.joinpath("regimes", name).read_text("utf-8") for name in SHIPPED]
    texts += [FOLDER.joinpath("protocols", name).read_text("utf-8") for name in STEPS]
    texts += [BANNER, FOLDER.joinpath("print", "declaration.typ").read_text("utf-8")]
    assert [word for text in texts for word in banned_in(text)] == []


def test_the_declaration_for_the_united_states_has_both_blocks_and_signs_nothing() -> None:
    template = parse_template(FOLDER.joinpath("regimes", "us-902.toml").read_bytes(), "us-902.toml", KNOWN)
    headings = ["".join(p.text for p in s.heading if isinstance(p, Words)) for s in template.sections]
    assert any("Block A, Rule 902(13)" in heading for heading in headings)
    assert any("Block B, Rule 902(14)" in heading for heading in headings)
    laws = " ".join(s.law or "" for s in template.sections)
    assert "28 U.S.C. 1746" in laws and "902(11)" in laws
    closing = next(s for s in template.sections if s.law == "28 U.S.C. 1746")
    named = [piece for p in closing.paragraphs for text in (p.text, *p.choose) for piece in text]
    assert not any(isinstance(piece, Named) for piece in named), "nothing of the signature is prefilled"


def test_part_b_of_the_indian_form_is_left_to_the_expert() -> None:
    template = parse_template(FOLDER.joinpath("regimes", "in-bsa63.toml").read_bytes(), "in-bsa63.toml", KNOWN)
    (part_b,) = [s for s in template.sections if s.law == "Schedule, Part B"]
    assert not any(isinstance(piece, Named) for p in part_b.paragraphs for piece in p.text)
    assert all(p.table is None for p in part_b.paragraphs)


# -- what is refused, each with its own line -------------------------------------------------------

REFUSED = {
    'regime = "x"': ('regime = "x"\nsigned = true', r"x\.toml: unknown key 'signed'; known: .*regime"),
    'title = "Title"\n': ("", r"x\.toml: the key 'title' is missing"),
    "format = 1": ("format = 2", r"x\.toml: format must be 1"),
    'paper = "a4"': ('paper = "a5"', r"x\.toml: paper must be one of a4, us-letter"),
    'version = "1"': ("version = 1", r"x\.toml: version must be one line"),
    'regime = "x"\nversion': ('regime = "X y"\nversion', r"regime must have lower-case letters"),
    'per = "snapshot"': ('per = "page"', r"section 2 “Two \{snapshot\.id\}”: per must be"),
    "{capture.started}": ("{capture.start}", r"section 2 .*, paragraph 1: unknown fact 'capture.start'; did you mean"),
    '"{capture.started}"': ('"{capture.started"', r"section 2 .*, paragraph 1: unclosed \{ before “capture.started”"),
    "a {declaration.made} b": ("a } b", r"section 1 “One”, paragraph 1: \} closes nothing after “a ”"),
    "{declaration.made}": ("{Declaration made}", r"\{Declaration made\} is no name of a fact"),
    "a {declaration": ("a {capture.started} {declaration", r"section 1 .*'capture.started' belongs to one snapshot"),
    "[[ name ]]": ("[[ name", r"section 1 “One”, paragraph 1: unclosed \[\[ before"),
    " [[ name ]]": (" [[ ]]", r"a blank must say in 1 to 160 characters"),
    "[[ name ]] c": ("[[ name [[ x ]] c", r"a blank must say .* without brackets"),
    "b [[ name ]] c": ("b ]] c", r"\]\] closes nothing after"),
    'table = "objects"': ('table = "object"', r"unknown table 'object'; did you mean objects\?"),
    '{ table = "objects" }': ('{ table = "steps" }', r"a table of steps needs a protocol"),
    '{ text = "{capture.started}" }': ('{ number = true }', r"must have exactly one of text, table, choose"),
    'heading = "One"': ('heading = "One"\nlaws = "x"', r"section 1: unknown key 'laws'"),
    'choose = ["[[ yes ]]", "no"]': ("choose = []", r"choose must be a list of 1 to 20 items"),
    '"no"]': ('"{x}"]', r"choice 2: \{x\} is no name of a fact"),
    " c": (f" {BANNED[0]}", rf"section 1 “One”, paragraph 1: '{BANNED[0]}' claims more"),
    'law = "Law"': (f'law = "{BANNED[2]}"', r"x\.toml: .* claims more than the archive shows"),
    "About": ("About\\u0007", r"about must be one line"),
    'heading = "Two': ("heading = Two", r"x\.toml: no TOML: .*line 13"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), [(old, *rest) for old, rest in REFUSED.items()])
def test_a_wrong_template_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    assert old in GOOD
    parsed(GOOD)
    with pytest.raises(SettingsError, match=said) as told:
        parsed(GOOD.replace(old, new, 1))
    assert "\n" not in str(told.value) and "x.toml" in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('protocol = "x"', 'protocol = "x"\nowner = "me"', r"x\.toml: unknown key 'owner'"),
        ("capture.started", "capture.begun", r"step 1 '1': nothing looks at 'capture.begun'"),
        ('shows = ["capture.started"]', "shows = []", r"step 1 '1': shows must be a list of 1 to 10"),
        ('gap = "Do it."', "", r"step 1: the key 'gap' is missing"),
        ('gap = "Do it."', f'gap = "It is {BANNED[1]}."', r"step 1 '1': .* claims more"),
        ('gap = "Do it."', 'gap = "Do it."\noptional = 1', r"optional must be true or false"),
        (
            "[[step]]",
            '[[step]]\nid="1"\nstep="a"\nshows=["capture.url"]\ngap="x"\n[[step]]',
            r"the id '1' is taken",
        ),
    ],
)
def test_a_wrong_protocol_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    parse_protocol(PROTOCOL.encode(), "x.toml", LOOK)
    with pytest.raises(SettingsError, match=said):
        parse_protocol(PROTOCOL.replace(old, new, 1).encode(), "x.toml", LOOK)


LARGE_OR_DEEP = {
    "no text": b"\xff",
    "deep": b"x = " + b"[" * 20_000,
    "large": b"#" * 300_000,
    "a number of many digits": b"x = " + b"9" * 5000,
    "a key of many names": b".".join([b"a"] * 100_000) + b" = 1",
    "a key of many quoted names": b" . ".join([b'"a b"'] * 30_000) + b" = 1",
    "a table of many names": b"[" + b".".join([b"a"] * 100_000) + b"]",
}


@pytest.mark.parametrize("data", LARGE_OR_DEEP.values(), ids=LARGE_OR_DEEP)
def test_what_is_no_toml_or_too_large_is_refused(data: bytes) -> None:
    """Each in no time: one of these names took the library minutes."""
    with pytest.raises(SettingsError, match=r"^x\.toml: "):
        parse_template(data, "x.toml", KNOWN)


@pytest.mark.parametrize(
    "old", ['regime = "x"', 'version = "1"', 'jurisdiction = "Somewhere"', 'paper = "a4"\n'], ids=lambda old: old[:7]
)
def test_no_name_or_version_claims_more_than_is_shown(old: str) -> None:
    """Names and versions are printed on every page too."""
    claim = BANNED[8]
    key = old.partition(" ")[0]
    new = f'{key} = "{claim}"' if key != "paper" else f'{old}protocol = "{claim}"\n'
    with pytest.raises(SettingsError, match="claims more than the archive shows"):
        parsed(GOOD.replace(old, new, 1))


@pytest.mark.parametrize("key", ["protocol", "version", "id"])
def test_nor_does_that_of_a_protocol(key: str) -> None:
    old = next(line for line in PROTOCOL.splitlines() if line.startswith(key))
    with pytest.raises(SettingsError, match="claims more than the archive shows"):
        parse_protocol(PROTOCOL.replace(old, f'{key} = "{BANNED[1]}"', 1).encode(), "x.toml", LOOK)


@pytest.mark.parametrize(
    "claim",
    [
        "".join(chr(ord(letter) + 0xFEE0) for letter in BANNED[2]),  # letters of full width
        BANNED[8].replace("-", "\u2011"),
        BANNED[11].replace(" ", "  "),
        BANNED[0].replace("ss", "ſs"),
    ],
    ids=["full width", "another hyphen", "two spaces", "long s"],
)
def test_another_spelling_of_a_claim_is_the_same_claim(claim: str) -> None:
    with pytest.raises(SettingsError, match="claims more than the archive shows"):
        parsed(GOOD.replace("About", claim, 1))


def written(piece: Piece) -> str:
    match piece:
        case Words():
            return piece.text.replace("{", "{{").replace("}", "}}")
        case Named():
            return f"{{{piece.name}}}"
        case Blank():
            return f"[[ {piece.label} ]]"


PIECES = st.lists(
    st.one_of(
        st.from_regex(r"[a-zé§“{}.,;] ?[a-z{}]{0,6}", fullmatch=True).map(Words),
        st.sampled_from(sorted(SNAPSHOT_FACTS)).map(Named),
        st.from_regex(r"[a-z][a-z ]{0,9}[a-z]", fullmatch=True).map(lambda label: Blank(" ".join(label.split()))),
    ),
    min_size=1,
    max_size=8,
)


@given(PIECES)
def test_what_is_written_is_read_as_it_was_meant(pieces: list[Piece]) -> None:
    text = "x" + "".join(map(written, pieces)) + "x"
    found = wording(text, "place")
    assert "".join(map(written, found)) == text
    assert [p for p in found if not isinstance(p, Words)] == [p for p in pieces if not isinstance(p, Words)]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        found = wording(text, "place")
    except SettingsError as error:
        assert str(error).startswith("place: ") and "\n" not in str(error)
    else:
        assert found


# -- what the page says ----------------------------------------------------------------------------


def test_the_page_lists_every_fact_with_its_meaning() -> None:
    page = read("docs/declarations.md")
    for heading, facts in (("Facts of a declaration", DECLARATION_FACTS), ("Facts of a snapshot", SNAPSHOT_FACTS)):
        part = re.search(rf"^### {heading}\n(.*?)(?=^#)", page, re.MULTILINE | re.DOTALL)
        assert part
        rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", part[1], re.MULTILINE)
        assert rows == [(name, meaning) for name, (meaning, _) in facts.items()]


def test_the_page_lists_every_table_look_regime_and_protocol() -> None:
    page = read("docs/declarations.md")
    part = re.search(r"^### Tables\n(.*?)(?=^#)", page, re.MULTILINE | re.DOTALL)
    assert part
    tables = re.findall(r"^\| `([^`]+)` \| (of one snapshot|any) \| (.+) \|$", part[1], re.MULTILINE)
    assert tables == [
        *((name, "of one snapshot", meaning) for name, (meaning, _) in SNAPSHOT_TABLES.items()),
        *((name, "of one snapshot", meaning) for name, meaning in STEP_TABLES.items()),
        *((name, "any", meaning) for name, (meaning, _) in DECLARATION_TABLES.items()),
    ]
    looks = re.findall(r"^\| `([^`]+)` \| (.+) \|$", page.partition("## To add a protocol")[2], re.MULTILINE)
    assert looks == [(name, meaning) for name, (meaning, _) in LOOKS.items()]
    assert [name for name in (*SHIPPED, *STEPS) if f"`{name.removesuffix('.toml')}`" not in page] == []


def test_the_examples_of_the_page_are_read() -> None:
    template, protocol = re.findall(r"```toml\n(.*?)```", read("docs/declarations.md"), re.DOTALL)
    assert parse_template(template.encode(), "page", KNOWN).regime == "example"
    assert parse_protocol(protocol.encode(), "page", LOOK).name == "example"


def test_the_files_are_part_of_the_package() -> None:
    data = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text("utf-8")
    assert '"regimes/*.toml"' in data and '"protocols/*.toml"' in data
