"""The publisher's own dates: found, read, told apart from dates of clauses, compared."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.date_forms import as_ordered, order_in, written_dates
from archiver.watch.date_words import KEYS, MONTHS, SIGNS
from archiver.watch.dates import PublisherDate, effective_later, in_force, publisher_dates, silent_edit

BODY = [f"Clause {n} of this text says something about your rights and ours." for n in range(60)]


def only(line: str, language: str | None = None) -> PublisherDate:
    """The one date found in a line below the title."""
    (found,) = publisher_dates(["# Title", line, *BODY], language)
    assert found.line == 1
    assert found.text in line
    return found


SPOKEN = [
    ("en", "Last updated: May 1, 2024", "updated", "2024-05-01"),
    ("en", "This Privacy Policy was last updated on 1st May 2024.", "updated", "2024-05-01"),
    ("en", "Effective Date: January 15th, 2024 (previous version)", "effective", "2024-01-15"),
    ("en", "These Terms come into effect on 1 Sept. 2024", "effective", "2024-09-01"),
    ("en", "Effective:May 28, 2026", "effective", "2026-05-28"),
    ("en", "Published 2024-05-01", "published", "2024-05-01"),
    ("en", "Date: 1 May 2024", "published", "2024-05-01"),
    ("en", "| Effective date | May 1, 2024 |", "effective", "2024-05-01"),
    ("en", "Rev. 05/2024", "updated", "2024-05"),
    ("en", "No longer in effect as of 1 May 2024", "superseded", "2024-05-01"),
    ("en", "Valid until 31 December 2024", "superseded", "2024-12-31"),
    ("en", "Version 3.2, last revised Tuesday, 30 April 2024", "updated", "2024-04-30"),
    ("en", "Last updated May 2024", "updated", "2024-05"),
    ("fr", "Dernière mise à jour : 1er mai 2024", "updated", "2024-05-01"),
    ("fr", "Date d’entrée en vigueur : 12 décembre 2024", "effective", "2024-12-12"),
    ("fr", "En vigueur à compter du 03/04/2025", "effective", "2025-04-03"),
    ("fr", "Publié le 5 août 2024", "published", "2024-08-05"),
    ("de", "Stand: 3. März 2024", "updated", "2024-03-03"),
    ("de", "Zuletzt aktualisiert am 03.04.2025", "updated", "2025-04-03"),
    ("de", "In Kraft seit dem 1. Jänner 2024", "effective", "2024-01-01"),
    ("de", "Gültig ab 01.02.2024", "effective", "2024-02-01"),
    ("de", "Außer Kraft seit 1. Mai 2024", "superseded", "2024-05-01"),
    ("de", "Stand: Mai 2024", "updated", "2024-05"),
    ("es", "Última actualización: 1 de mayo de 2024", "updated", "2024-05-01"),
    ("es", "Fecha de entrada en vigor: 25 de octubre del 2024", "effective", "2024-10-25"),
    ("it", "Ultimo aggiornamento: 1° maggio 2024", "updated", "2024-05-01"),
    ("it", "In vigore dal 3 giugno 2024", "effective", "2024-06-03"),
    ("pt", "Última atualização: 1º de março de 2024", "updated", "2024-03-01"),
    ("pt", "Em vigor a partir de 05/06/2024", "effective", "2024-06-05"),
    ("nl", "Laatst bijgewerkt op 1 mei 2024", "updated", "2024-05-01"),
    ("nl", "Ingangsdatum: 03-04-2025", "effective", "2025-04-03"),
    ("nl", "Van kracht vanaf 1 maart 2024", "effective", "2024-03-01"),
    ("pl", "Ostatnia aktualizacja: 1 maja 2024 r.", "updated", "2024-05-01"),
    ("pl", "Obowiązuje od dnia 12 października 2024", "effective", "2024-10-12"),
    ("pl", "Wchodzi w życie z dniem 1 stycznia 2024", "effective", "2024-01-01"),
    ("sv", "Senast uppdaterad den 1 maj 2024", "updated", "2024-05-01"),
    ("sv", "Gäller från och med 2024-05-01", "effective", "2024-05-01"),
    ("da", "Sidst opdateret: 1. maj 2024", "updated", "2024-05-01"),
    ("da", "Gældende fra den 3. oktober 2024", "effective", "2024-10-03"),
    ("ja", "最終更新日：2024年4月1日", "updated", "2024-04-01"),
    ("ja", "令和6年4月1日 改定", "updated", "2024-04-01"),
    ("ja", "本規約は２０２４年４月１日より施行します。", "effective", "2024-04-01"),
    ("ja", "2019年5月1日制定", "published", "2019-05-01"),
    ("zh", "更新日期：2024年5月1日", "updated", "2024-05-01"),
    ("zh", "生效日期: 2024-05-01", "effective", "2024-05-01"),
    ("zh", "本政策于2024年5月1日起生效", "effective", "2024-05-01"),
    ("zh", "發佈日期：2024年5月1日", "published", "2024-05-01"),
    ("ko", "시행일자: 2024년 5월 1일", "effective", "2024-05-01"),
    ("ko", "최종 수정일: 2024. 5. 1.", "updated", "2024-05-01"),
    ("ko", "본 방침은 2024년 5월 1일부터 시행됩니다.", "effective", "2024-05-01"),
    ("cs", "Účinnost od 1. května 2024", "effective", "2024-05-01"),
    ("fi", "Päivitetty 1. toukokuuta 2024", "updated", "2024-05-01"),
]


@pytest.mark.parametrize(("language", "line", "kind", "value"), SPOKEN)
def test_dates_of_many_languages(language: str, line: str, kind: str, value: str) -> None:
    for known in (language, None):
        found = only(line, known)
        assert (found.kind, found.value) == (kind, value)
    assert only(line, language).language == language


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Effective July 8, 2026Previous Version", "Effective July 8, 2026"),
        ("\u200d\u200dEn vigueur au 13 décembre 2024", "En vigueur au 13 décembre 2024"),
        ("# _Last Updated:_ 14 August 2026", "Last Updated:_ 14 August 2026"),
        ("Our terms were most recently changed on 2 May 2024, as told by mail.", "most recently changed on 2 May 2024"),
        ("1 May 2024 (last updated)", "1 May 2024 (last updated"),
        ("最終更新日：2024年4月1日。", "最終更新日：2024年4月1日"),
        ("最終更新日：２０２４年４月１日", "最終更新日：２０２４年４月１日"),
    ],
)
def test_the_phrase_stands_so_in_the_line(line: str, text: str) -> None:
    assert only(line).text == text


@pytest.mark.parametrize(
    "line",
    [
        "You may do so until 31 December 2024, after which we charge a fee.",
        "Regulation (EU) 2016/679 of the European Parliament and of the Council of 27 April 2016",
        "© 2024 Example Ltd. All rights reserved.",
        "The GDPR, which became effective on May 25, 2018, gives you rights.",
        "Previous version: effective May 1, 2023",
        "Our previous Terms, effective May 1, 2023, still apply to you.",
        "Archived versions: last updated May 1, 2023",
        "The Act was amended on 3 March 2020 and again later by the parliament of our country.",
        "We counted 20240501 visits, 12/2019 of them new.",
        "If you registered before 1 May 2024, other terms apply.",
        "Last updated 31 February 2024",
        "Das Bundesdatenschutzgesetz vom 30. Juni 2017 bleibt unberührt.",
        "Not updated",
    ],
)
@pytest.mark.parametrize("place", [1, 40])
def test_dates_of_clauses_are_not_the_texts_own(line: str, place: int) -> None:
    assert publisher_dates(["# Title", *BODY[:place], line, *BODY], "en") == ()


def test_a_sentence_about_the_text_itself_counts_anywhere() -> None:
    lines = [*BODY[:40], "Questions? Write to us. This policy was last updated on 3 May 2024.", *BODY[:40]]
    (found,) = publisher_dates(lines, "en")
    assert (found.text, found.line) == ("last updated on 3 May 2024", 40)


def test_a_date_alone_counts_below_the_title_and_at_the_end() -> None:
    assert [d.kind for d in publisher_dates(["# Title", "1 May 2024", *BODY], "en")] == ["published"]
    assert [d.text for d in publisher_dates([*BODY, "Berlin, den 1. Mai 2024"], "de")] == ["1. Mai 2024"]
    assert publisher_dates([*BODY, "1 May 2024", *BODY], "en") == ()
    assert publisher_dates(["# Previous versions", "- 1 May 2023", "- 1 May 2022", *BODY], "en") == ()


def test_a_key_word_may_stand_alone_in_the_line_before() -> None:
    (found,) = publisher_dates(["# Title", "Effective date", "1 May 2024", *BODY], "en")
    assert (found.kind, found.text, found.line) == ("effective", "1 May 2024", 2)


def test_two_dates_of_one_line_are_both_told() -> None:
    found = publisher_dates(["Published: 1 May 2024 | Effective: 1 June 2024", *BODY], "en")
    assert [(d.kind, d.value) for d in found] == [("published", "2024-05-01"), ("effective", "2024-06-01")]


@pytest.mark.parametrize(
    ("line", "language", "others", "value"),
    [
        ("Last updated: 03/04/2025", "en", [], None),
        ("Last updated: 03/04/2025", None, [], None),
        ("Last updated: 03/04/2025", "en-US", [], "2025-03-04"),
        ("Last updated: 03/04/2025", "en_GB", [], "2025-04-03"),
        ("Last updated: 04/04/2025", "en", [], "2025-04-04"),
        ("Last updated: 03/14/2025", "en", [], "2025-03-14"),
        ("Last updated: 14/03/2025", "en-US", [], "2025-03-14"),
        ("Last updated: 03.04.2025", "en", [], "2025-04-03"),
        ("Last updated: 03.04.2025", "en-US", [], "2025-03-04"),
        ("Last updated: 03.04.2025", "en", ["We met on 12.31.2024 in court."], "2025-03-04"),
        ("Last updated: 03/04/2025", "en", ["We met on 12/31/2024 in court."], "2025-03-04"),
        ("Last updated: 03/04/2025", "en", ["We met on 31/12/2024 in court."], "2025-04-03"),
        ("Last updated: 03/04/2025", "en", ["From 31/12/2024 to 12/31/2024."], None),
        ("Dernière mise à jour : 03/04/2025", None, [], "2025-04-03"),
        ("Last updated: 3/4/25", "en-US", [], "2025-03-04"),
        ("Last updated: 2025/03/04", "en", [], "2025-03-04"),
    ],
)
def test_the_order_of_numbers_follows_region_language_and_evidence(
    line: str, language: str | None, others: list[str], value: str | None
) -> None:
    (found,) = publisher_dates(["# Title", line, *others, *BODY], language)
    assert found.value == value


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Effective 30 days after posting.", "Effective 30 days after posting"),
        ("These Terms are effective immediately upon posting", "effective immediately upon posting"),
        ("Gültig 14 Tage nach Veröffentlichung", "Gültig 14 Tage nach Veröffentlichung"),
    ],
)
def test_a_day_told_by_another_one_is_text_without_value(line: str, text: str) -> None:
    found = only(line)
    assert (found.kind, found.text, found.value) == ("effective", text, None)


def dated(kind: str, value: str | None, text: str = "x") -> PublisherDate:
    return PublisherDate(kind, text, value, "en", 0)  # type: ignore[arg-type]


def test_a_text_published_now_and_in_force_later_is_told() -> None:
    dates = publisher_dates(["Published: 1 May 2024", "Effective: 1 June 2024", *BODY], "en")
    later = effective_later(dates, date(2024, 5, 3))
    assert later is not None
    assert later.text == "Effective: 1 June 2024"
    assert effective_later(dates, date(2024, 6, 1)) is None
    assert in_force(dates, date(2024, 5, 31)) is False
    assert in_force(dates, date(2024, 6, 1)) is True


def test_what_is_in_force_is_not_guessed() -> None:
    assert in_force([], date(2024, 1, 1)) is None
    assert in_force([dated("updated", "2024-01-01")], date(2024, 1, 1)) is None
    assert in_force([dated("effective", None)], date(2024, 1, 1)) is None
    assert in_force([dated("effective", "2024-05")], date(2024, 5, 1)) is True
    both = [dated("effective", "2024-01-01"), dated("superseded", "2024-06-01")]
    assert [in_force(both, date(2024, month, 1)) for month in (1, 5, 6)] == [True, True, False]


def test_a_silent_edit_is_a_page_whose_own_date_stayed() -> None:
    old, same = [dated("updated", "2024-01-01", "1 Jan 2024")], [dated("updated", "2024-01-01", "January 1, 2024")]
    new, text = [dated("updated", "2024-02-01")], [dated("updated", None, "03/04/2025")]
    assert silent_edit(old, same) is True
    assert silent_edit(old, new) is False
    assert silent_edit(text, [dated("updated", None, "03/04/2025")]) is True
    assert silent_edit(text, [dated("updated", None, "05/04/2025")]) is False
    assert silent_edit(old, []) is silent_edit([], old) is silent_edit([], []) is None
    assert silent_edit([dated("superseded", "2024-01-01")], old) is None


def test_the_tables_are_sound() -> None:
    assert set(MONTHS.values()) == set(range(1, 13))
    assert all(name == name.casefold() for name in [*MONTHS, *KEYS])
    assert {kind for kind, _ in [*KEYS.values(), *SIGNS.values()]} == {
        "updated",
        "effective",
        "published",
        "superseded",
    }


@given(st.dates(date(1990, 1, 1), date(2089, 12, 31)))
def test_a_day_reads_the_same_however_it_is_written(day: date) -> None:
    forms = [
        day.isoformat(),
        f"{day.day}. {day:%B} {day.year}",
        f"{day:%B} {day.day}, {day.year}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}. {day.month}. {day.day}.",
    ]
    assert {found.iso for form in forms for found in written_dates(f"x {form} y")} == {day.isoformat()}
    (dotted,) = written_dates(f"{day.day:02}.{day.month:02}.{day.year}")
    assert as_ordered(dotted, None) == day.isoformat()
    for order, text in (("day", f"{day.day}/{day.month}/{day.year}"), ("month", f"{day.month}/{day.day}/{day.year}")):
        (found,) = written_dates(text)
        assert as_ordered(found, order) == day.isoformat()  # type: ignore[arg-type]
        assert found.iso in (None, day.isoformat())
        assert order_in([found]) == (order if day.day > 12 else None)


@given(st.lists(st.text(st.sampled_from("20245 May.,:/年月日改定Effective\n updated-"), max_size=60), max_size=8))
def test_any_lines_give_dates_that_stand_in_them(lines: list[str]) -> None:
    for found in publisher_dates(lines, None):
        assert found.text
        assert found.text in lines[found.line]
        assert found.value is None or date.fromisoformat(f"{found.value}-01"[:10])


def test_a_hostile_text_of_dates_ends_in_time() -> None:
    lines = ["Last updated " + "2020 " * 20_000] * 3_000
    started = time.process_time()
    publisher_dates(lines, "en")
    publisher_dates(["Effective " + "1 May 2024, " * 2_000] * 500, "en")
    assert time.process_time() - started < 4
