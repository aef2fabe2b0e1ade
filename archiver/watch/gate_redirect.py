"""Whether an address that was reached instead of the one asked for can still be the document's. From addresses only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

_LOCALE = re.compile(r"(?:[a-z]{2}|[a-z]{2}[-_](?:[a-z]{2}|[a-z]{4}|[0-9]{3}|[a-z]{4}[-_][a-z]{2})|intl|global|int)\Z")
_PREFIXES = frozenset({"www", "m", "mobile", "amp", "web"})
_EXTENSION = re.compile(r"\.(?:html?|php|aspx?|jsp|jsf|cfm|do|shtml|xhtml|md|pdf)\Z")
_WORD = re.compile(r"[^\W_]{3,}")

_HOMES = frozenset("index default home homepage main welcome start startpage landing startseite accueil inicio".split())
_LOGINS = frozenset(
    """login log-in signin sign-in log_in sign_in logon log-on sso auth authenticate authentication authorize oauth
    oauth2 saml saml2 session sessions connexion se-connecter anmelden anmeldung einloggen iniciar-sesion acceso
    accedi entrar inloggen logowanie logga-in kirjaudu prihlaseni bejelentkezes giris vhod account-login user-login
    signup sign-up wp-login""".split()
)
_LOGIN_HOSTS = frozenset("login signin auth sso accounts account id idp identity oauth secure-login".split())
_NOWHERE = frozenset(
    """404 403 500 503 error errors error404 error-404 404-error notfound not-found not_found page-not-found
    pagenotfound oops unavailable blocked access-denied accessdenied denied forbidden unsupported unsupported-browser
    browser-not-supported upgrade-browser nojs no-js noscript maintenance offline down captcha challenge sorry
    verify-human geo-blocked geoblock geo-block not-available unavailable-in-your-country consent cookie-consent
    cookie-wall cookiewall age-gate agegate age-verification suspended parked parking""".split()
)
_CHALLENGES = re.compile(r"/cdn-cgi/|[?&/]__cf_chl|/_incapsula_|/sorry/index|/captcha(?:[/?]|\Z)|/challenge(?:[/?]|\Z)")


def _segments(path: str) -> list[str]:
    found = [segment for segment in unquote(path).casefold().split("/") if segment]
    return [segment for segment in found if not _LOCALE.match(segment)]


def _stem(segment: str) -> str:
    return _EXTENSION.sub("", segment)


def _host(name: str | None) -> str:
    """The host without what only says which form or language of a site it is."""
    labels = (name or "").casefold().rstrip(".").split(".")
    while len(labels) > 2 and (labels[0] in _PREFIXES or _LOCALE.match(labels[0])):
        labels = labels[1:]
    return ".".join(labels)


def _same_place(one: str, other: str) -> bool:
    """Whether two addresses differ at most in scheme, ``www``, locale, case, extension, query and slashes."""
    first, second = urlsplit(one), urlsplit(other)
    paths = [[_stem(s) for s in _segments(parts.path)] for parts in (first, second)]
    paths = [path[:-1] if path and path[-1] in _HOMES else path for path in paths]
    return _host(first.hostname) == _host(second.hostname) and paths[0] == paths[1]


def slug_words(url: str) -> frozenset[str]:
    """The words of an address' path and of the first labels of its host, of three letters and more."""
    parts = urlsplit(url)
    labels = (parts.hostname or "").casefold().split(".")[:-2]
    return frozenset(_WORD.findall(" ".join([*map(_stem, _segments(parts.path)), *labels])))


def misled(asked: str, final: str, known: Iterable[str] = ()) -> str | None:
    """Say what the final address is when it cannot be the document's; ``known`` are addresses that passed before."""
    if asked == final or any(final == address or _same_place(final, address) for address in known):
        return None
    there, here = urlsplit(final), urlsplit(asked)
    path, old = [_stem(s) for s in _segments(there.path)], [_stem(s) for s in _segments(here.path)]
    address = (there.path + (f"?{there.query}" if there.query else "")).casefold()
    if _CHALLENGES.search(address) and not _CHALLENGES.search(here.path.casefold()):
        return "a challenge"
    added = [segment for segment in path if segment not in old]
    if any(segment in _LOGINS for segment in added):
        return "a login address"
    first_label = (there.hostname or "").casefold().split(".")[0]
    if first_label in _LOGIN_HOSTS and _host(here.hostname) != _host(there.hostname) and not set(old) & set(path):
        return "a login address"
    if any(segment in _NOWHERE for segment in added[-2:]):
        return "an address for failures"
    if _same_place(asked, final):
        return None
    return _emptied(asked, final, old, path)


def _emptied(asked: str, final: str, old: list[str], path: list[str]) -> str | None:
    """The cases in which the document's own path was lost on the way."""
    there = urlsplit(final)
    if not [segment for segment in old if segment not in _HOMES]:
        return None
    home = not path or (len(path) == 1 and path[0] in _HOMES)
    # A page can live at the root of a host of its own, and in a query.
    named_by_host = bool(slug_words(asked) & frozenset(_WORD.findall(there.hostname or "")) - _host_words(asked))
    if home and not named_by_host and not _same_query(asked, final):
        return "a home page" if _host(urlsplit(asked).hostname) == _host(there.hostname) else "another host's root"
    if path and path == old[: len(path)] and len(path) < len(old) and path[-1] in ("help", "support", "docs", "blog"):
        return "a landing page above it"
    return None


def _host_words(url: str) -> frozenset[str]:
    return frozenset(_WORD.findall(urlsplit(url).hostname or ""))


def _same_query(one: str, other: str) -> bool:
    query = urlsplit(other).query
    return bool(query) and (query == urlsplit(one).query or bool(slug_words(one) & frozenset(_WORD.findall(query))))
