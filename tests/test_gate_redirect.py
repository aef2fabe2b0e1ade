"""Which final addresses cannot be the document's, judged by the addresses alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.gate_redirect import misled

ASKED = "https://www.site.example/legal/terms"

FINE = [
    (ASKED, "https://www.site.example/legal/terms"),
    ("http://www.site.example/legal/terms", "https://www.site.example/legal/terms"),
    (ASKED, "https://site.example/legal/terms"),
    (ASKED, "https://www.site.example/legal/terms/"),
    (ASKED, "https://www.site.example/legal/terms.html"),
    (ASKED, "https://www.site.example/Legal/Terms"),
    (ASKED, "https://www.site.example/en/legal/terms"),
    (ASKED, "https://www.site.example/en-gb/legal/terms"),
    (ASKED, "https://www.site.example/de_DE/legal/terms"),
    (ASKED, "https://de.site.example/legal/terms"),
    (ASKED, "https://www.site.example/legal/terms-of-service"),
    (ASKED, "https://www.site.example/policies/terms?v=3"),
    (ASKED, "https://legal.site.example/terms"),
    (ASKED, "https://terms.site.example/"),
    (ASKED, "https://legal.site.example/"),
    (ASKED, "https://help.other.example/articles/123-terms"),
    (ASKED, "https://www.site.example/?page=terms"),
    ("https://www.site.example/?p=12", "https://site.example/?p=12"),
    ("https://www.site.example/", "https://www.site.example/en/"),
    ("https://www.site.example/", "https://www.site.example/home"),
    ("https://www.site.example/en/", "https://other.example/"),
    ("https://www.site.example/login/terms", "https://www.site.example/login/terms-of-use"),
    ("https://accounts.site.example/terms", "https://accounts.site.example/en/terms"),
    ("https://www.site.example/help/terms/2024", "https://www.site.example/help/terms"),
    ("https://www.site.example/errors/policy", "https://www.site.example/errors/policy/"),
    ("https://www.site.example/legal/terms.pdf", "https://cdn.site.example/files/legal/terms.pdf"),
    ("https://www.site.example/it/privacy", "https://www.site.example/privacy"),
]
LED_ASTRAY = [
    (ASKED, "https://www.site.example/", "a home page"),
    (ASKED, "https://www.site.example/en/", "a home page"),
    (ASKED, "https://www.site.example/en-us", "a home page"),
    (ASKED, "https://www.site.example/index.html", "a home page"),
    (ASKED, "https://www.site.example/home", "a home page"),
    (ASKED, "https://www.site.example/welcome?ref=gone", "a home page"),
    (ASKED, "https://other.example/", "another host's root"),
    (ASKED, "https://www.other.example/?utm_source=site", "another host's root"),
    (ASKED, "https://www.site.example/login", "a login address"),
    (ASKED, "https://www.site.example/login?next=/legal/terms", "a login address"),
    (ASKED, "https://www.site.example/users/sign_in", "a login address"),
    (ASKED, "https://site.example/de/anmelden", "a login address"),
    (ASKED, "https://accounts.site.example/v3/identifier?continue=x", "a login address"),
    (ASKED, "https://login.other.example/oauth2/authorize?client_id=1", "a login address"),
    (ASKED, "https://www.site.example/404", "an address for failures"),
    (ASKED, "https://www.site.example/error.aspx?code=404", "an address for failures"),
    (ASKED, "https://www.site.example/page-not-found", "an address for failures"),
    (ASKED, "https://www.site.example/unsupported-browser", "an address for failures"),
    (ASKED, "https://www.site.example/maintenance.html", "an address for failures"),
    (ASKED, "https://consent.site.example/consent?continue=x", "an address for failures"),
    (ASKED, "https://www.site.example/cdn-cgi/challenge?x=1", "a challenge"),
    (ASKED, "https://www.site.example/legal/terms?__cf_chl_rt_tk=abc", "a challenge"),
    (ASKED, "https://www.site.example/sorry/index?continue=x", "a challenge"),
    ("https://www.site.example/help/terms/article-12", "https://www.site.example/help", "a landing page above it"),
]


@pytest.mark.parametrize(("asked", "final"), FINE)
def test_an_address_that_can_be_the_document(asked: str, final: str) -> None:
    assert misled(asked, final) is None


@pytest.mark.parametrize(("asked", "final", "what"), LED_ASTRAY)
def test_an_address_that_cannot(asked: str, final: str, what: str) -> None:
    assert misled(asked, final) == what


def test_what_passed_before_passes_again() -> None:
    final = "https://www.site.example/en/"
    assert misled(ASKED, final)
    assert misled(ASKED, final, [final]) is None
    assert misled(ASKED, "http://site.example/en", [final]) is None
    assert misled(ASKED, "https://other.example/", [final])


@given(
    path=st.lists(st.sampled_from("legal terms privacy v2 12 policy-3 über uns".split()), min_size=1, max_size=4),
    locale=st.sampled_from(["", "/en", "/pt-br", "/zh-Hant"]),
    slash=st.sampled_from(["", "/"]),
    prefix=st.sampled_from(["", "www.", "m.", "fr."]),
)
def test_scheme_locale_www_and_slash_never_matter(path: list[str], locale: str, slash: str, prefix: str) -> None:
    asked = f"http://site.example/{'/'.join(path)}"
    assert misled(asked, f"https://{prefix}site.example{locale}/{'/'.join(path)}{slash}") is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_address_gets_an_answer(one: str, other: str) -> None:
    assert misled(f"https://site.example/{one}", f"https://site.example/{other}", [other]) in {
        None,
        "a challenge",
        "a login address",
        "an address for failures",
        "a home page",
        "another host's root",
        "a landing page above it",
    }
