"""Words by which publishers date their texts: months, and what a date is said to be, by language. Data, no logic."""

from __future__ import annotations


def _months(*rows: str) -> dict[str, int]:
    """Number the months of rows that name all twelve in order, other forms of one month joined by a stroke."""
    return {name: n for row in rows for n, names in enumerate(row.split(), 1) for name in names.split("/")}


MONTHS: dict[str, int] = _months(
    "january/jan february/feb/febr march/mar april/apr may june/jun july/jul august/aug september/sept/sep october/oct "
    "november/nov december/dec",
    "janvier/janv février/fevrier/févr/fév mars avril/avr mai juin juillet/juil août/aout septembre octobre novembre "
    "décembre/decembre/déc",
    "januar/jänner/jän februar/feber märz/mär/mrz/maerz april mai juni juli august september oktober/okt november "
    "dezember/dez",
    "enero/ene febrero marzo abril/abr mayo junio julio agosto/ago septiembre/setiembre/set octubre noviembre "
    "diciembre/dic",
    "gennaio/genn/gen febbraio/febbr marzo aprile maggio/magg/mag giugno/giu luglio/lug agosto settembre/sett "
    "ottobre/ott novembre dicembre",
    "janeiro fevereiro/fev março/marco abril maio junho julho agosto setembro outubro/out novembro dezembro",
    "januari februari maart/mrt april mei juni juli augustus september oktober november december",
    "stycznia/styczeń/sty lutego/luty/lut marca/marzec kwietnia/kwiecień/kwi maja czerwca/czerwiec/cze "
    "lipca/lipiec/lip sierpnia/sierpień września/wrzesień/wrz "
    "października/październik/paź listopada/listopad/lis grudnia/grudzień/gru",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november december/des/desember",
    "tammikuuta/tammikuu helmikuuta/helmikuu maaliskuuta/maaliskuu huhtikuuta/huhtikuu toukokuuta/toukokuu "
    "kesäkuuta/kesäkuu heinäkuuta/heinäkuu elokuuta/elokuu syyskuuta/syyskuu lokakuuta/lokakuu marraskuuta/marraskuu "
    "joulukuuta/joulukuu",
    "ledna/leden února/únor března/březen dubna/duben května/květen června/červen července/červenec srpna/srpen září "
    "října/říjen listopadu prosince/prosinec",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "января/январь февраля/февраль марта/март апреля/апрель мая/май июня/июнь июля/июль августа/август "
    "сентября/сентябрь октября/октябрь ноября/ноябрь декабря/декабрь",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
)
"""Names of months, casefolded, with their usual abbreviations; no name stands for two months."""

_SPOKEN = {
    "updated": {
        "en": "updated update rev revised revision modified modification amended amendment changed reviewed version "
        "edited current",
        "fr": "jour maj modifiée modifiées modifié modifiés modification révisée révisé révision actualisée actualisé "
        "actualisation version",
        "de": "stand aktualisiert aktualisierung geändert änderung überarbeitet überarbeitung fassung bearbeitet "
        "revidiert version",
        "es": "actualizado actualizada actualizados actualizadas actualización modificado modificada modificación "
        "revisado revisada revisión versión",
        "it": "aggiornato aggiornata aggiornati aggiornate aggiornamento modificato modificata modifica revisione "
        "versione",
        "pt": "atualizado atualizada atualizados atualizadas atualização actualizado actualizada actualização "
        "modificação modificado alterado alterada alteração revisto revisado revisada revisão versão",
        "nl": "bijgewerkt gewijzigd wijziging herzien herziening versie geactualiseerd aangepast update",
        "pl": "aktualizacja aktualizacji aktualizację zaktualizowano zaktualizowana zaktualizowany zmodyfikowano "
        "wersja zmieniono",
        "sv": "uppdaterad uppdaterades uppdaterat uppdatering ändrad ändrades reviderad version",
        "da": "opdateret opdatering ændret revideret oppdatert endret versjon version",
        "fi": "päivitetty muokattu",
        "cs": "aktualizováno aktualizace verze",
    },
    "effective": {
        "en": "effective effect force applicable applies commencing valid",
        "fr": "vigueur applicable applicables effet valable valables",
        "de": "kraft gültig gültigkeit geltend gilt gelten wirksam inkrafttreten wirksamkeitsdatum",
        "es": "vigor vigencia vigente vigentes efectiva efectivo efecto aplicable válido",
        "it": "vigore efficacia efficace vigente valido valida decorrenza effetto",
        "pt": "vigor vigência vigente efeito efetiva efetivo eficaz",
        "nl": "ingang ingangsdatum werking geldig kracht inwerkingtreding toepassing",
        "pl": "obowiązuje obowiązują obowiązująca obowiązujący obowiązywania życie ważna ważne",
        "sv": "gäller giltig giltigt gällande kraft ikraftträdande",
        "da": "gælder gældende gyldig kraft ikrafttræden ikrafttrædelsesdato gjelder",
        "fi": "voimassa voimaan",
        "cs": "účinnost účinnosti účinné účinný platné platnost",
    },
    "published": {
        "en": "published posted issued dated released release publication created",
        "fr": "publié publiée publiés publiées publication daté datée",
        "de": "veröffentlicht veröffentlichung erstellt herausgegeben",
        "es": "publicado publicada publicación",
        "it": "pubblicato pubblicata pubblicazione",
        "pt": "publicado publicada publicação",
        "nl": "gepubliceerd publicatie",
        "pl": "opublikowano opublikowana opublikowany publikacji",
        "sv": "publicerad publicerades publicerat",
        "da": "offentliggjort udgivet offentliggørelse publisert",
        "fi": "julkaistu",
        "cs": "zveřejněno vydáno",
    },
    "superseded": {
        "en": "superseded expires expired replaced",
        "fr": "remplacé remplacée remplacées abrogé abrogée expire",
        "de": "ersetzt abgelöst aufgehoben",
        "es": "sustituido sustituida derogado derogada caduca",
        "it": "sostituito sostituita abrogato abrogata scade",
        "pt": "substituído substituída revogado revogada expira",
        "nl": "vervangen vervallen verloopt",
        "pl": "zastąpiona zastąpiony uchylona uchylony wygasa",
        "sv": "ersatt ersatts upphör",
        "da": "erstattet udløber",
    },
}
KEYS: dict[str, tuple[str, tuple[str, ...]]] = {}
"""A word → what a date beside it is, and the languages that say so."""
for _kind, _table in _SPOKEN.items():
    for _language, _row in _table.items():
        for _word in _row.split():
            KEYS[_word] = (_kind, (*KEYS.get(_word, ("", ()))[1], _language))

NEEDS_BEFORE: dict[str, frozenset[str]] = {
    "jour": frozenset({"à", "a"}),
    "effect": frozenset({"in", "into", "take", "takes", "took", "taking"}),
    "force": frozenset({"in", "into"}),
    "kraft": frozenset({"in", "i", "ausser"}),
    "kracht": frozenset({"van"}),
    "życie": frozenset({"w"}),
    "ingang": frozenset({"met"}),
    "toepassing": frozenset({"van"}),
    "effet": frozenset({"d", "prend", "prennent", "pris"}),
}
"""Words that speak of a date only after one of these: "mise à jour", not "un jour"."""

DATE_NOUNS = {
    "date": "en", "datum": "de", "fecha": "es", "data": "it", "dato": "da", "datę": "pl", "päiväys": "fi",
}  # fmt: skip
"""A date that is called no more than a date; also a link between another word and its date."""

BETWEEN = frozenset(
    """on as of from at since is was were are been be the date day with last time became becomes become to and
    monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
    le la du de des d depuis à au partir compter est sont dernière date en jour lundi mardi mercredi jeudi vendredi
    am vom ab seit zum den dem der ist sind datum tag bis von und dieser montag dienstag mittwoch donnerstag freitag
    el del desde a fecha día es última última partir hasta las los
    il dal dall dalla di data al partire è fino
    em no dia do da o até
    op vanaf per sinds van datum met tot
    z w dnia dniem od na dzień data stan
    från och med sedan f m t till
    fra pr og siden dato til indtil until till jusqu jusqu'au
    ke dni""".split()
)
"""Words that may stand between the key word and its date."""

UNTIL = {
    "until": "", "till": "", "bis": "de", "jusqu": "fr", "jusqu'au": "fr", "hasta": "es", "fino": "it", "até": "pt",
    "tot": "nl", "do": "pl", "til": "da", "indtil": "da",
}  # fmt: skip
"""Between the key word and its date they make it an end; in any language, or only beside a word of this one."""

LEADS = frozenset(
    """last latest lastly most recent recently date of day next no longer in
    dernière dernières date de d la mise mis mises à en entrée entre entrent entreront prise
    zuletzt letzte letzter letztmals datum der des in tritt treten letzten am ausser
    última último ultima fecha entrada entra
    ultimo di data entrata entra
    em
    laatst laatste voor het van met
    ostatnia ostatnio ostatniej wejścia wchodzi w
    senast senaste träder trädde i
    senest seneste sidst træder sist""".split()
)
"""Words before the key word that belong to its phrase: "Last", "Date of"."""

THIS = frozenset(
    """this these our the diese dieser dieses unsere ces cette cet le la les nos notre estos estas esta este questa
    questo queste questi estes deze dit onze niniejsza niniejszy dessa denna disse denne""".split()
)
"""Words before the name a text gives itself."""

FORMER = frozenset(
    """previous prior earlier former old older archived archive past précédente précédent précédentes ancienne anciennes
    vorherige vorherigen frühere früheren ältere alte anterior anteriores precedente precedenti vorige eerdere
    poprzednia poprzednie tidigare föregående tidligere forrige""".split()
)
"""Words that make a date that of another text."""

ITSELF = frozenset(
    """policy policies terms agreement notice statement conditions page document version guidelines addendum licence
    license eula rules code tos appendix schedule
    politique charte avis déclaration contrat cgu cgv mentions règlement
    datenschutzerklärung nutzungsbedingungen agb bedingungen richtlinie richtlinien erklärung fassung vereinbarung
    impressum datenschutzhinweise geschäftsbedingungen dokument seite hinweise
    política políticas términos condiciones aviso acuerdo documento página
    informativa termini condizioni contratto pagina documento
    termos condições contrato
    voorwaarden beleid verklaring privacyverklaring overeenkomst privacybeleid cookiebeleid
    polityka regulamin warunki umowa dokument politykę
    villkor villkoren avtal avtalet integritetspolicy policyn användarvillkor
    politik politikken vilkår betingelser aftale privatlivspolitik cookiepolitik""".split()
)
"""Words by which a text speaks of itself."""

_SIGNS = {
    "updated": {
        "zh": "更新 修订 修訂 修改 更新于 更新於 版本",
        "ja": "改定 改訂 改正 最終更新 更新",
        "ko": "업데이트 수정 개정 변경 갱신",
    },
    "effective": {"zh": "生效 施行 实施 實施 适用 適用", "ja": "施行 発効 適用 効力発生", "ko": "시행 적용 발효 효력"},
    "published": {"zh": "发布 發布 發佈 公布 公佈 颁布", "ja": "制定 公開 掲載 公表 策定", "ko": "공고 게시 제정 공지"},
    "superseded": {"zh": "失效 废止 廢止", "ja": "失効 廃止", "ko": "폐지 만료 종료"},
}
SIGNS: dict[str, tuple[str, str]] = {}
"""As ``KEYS``, for scripts without spaces between words and for Korean."""
for _kind, _table in _SIGNS.items():
    for _language, _row in _table.items():
        for _word in _row.split():
            SIGNS.setdefault(_word, (_kind, _language))

ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
"""The year before the first of an era."""

MONTH_FIRST = frozenset({"en-us", "en-ph", "en-pr", "es-us", "es-pr"})
DAY_FIRST = frozenset(
    """en-gb en-ie en-au en-nz en-in en-za en-sg en-eu fr de es it pt nl pl sv da no nb nn fi cs sk ro ru uk tr el hr sl
    bg et lv id vi th ar he hi""".split()
)
"""Languages, and regions of English, that write the day first; of English without a region no one can tell."""
