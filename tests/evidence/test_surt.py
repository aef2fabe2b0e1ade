"""Keys of the index: the examples of the page that defines them, and what must hold of any address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.surt import surt

EXAMPLES = {
    "http://example.com": "com,example)/",
    "https://www.Example.COM:443/Path/": "com,example)/path",
    "http://www2.example.com:80/a": "com,example)/a",
    "https://example.com:8443/a": "com,example:8443)/a",
    "http://127.0.0.1:8080/terms": "1,0,0,127:8080)/terms",
    "http://[::1]:8080/x": "::1:8080)/x",
    "http://user:pw@example.com./x#part": "com,example)/x",
    "http://sub.www.example.co.uk/": "uk,co,example,www,sub)/",
    "http://example.com/a/../b/./c//d/": "com,example)/b/c/d",
    "http://example.com/a?b=2&a=10&a=1&a": "com,example)/a?a&a=1&a=10&b=2",
    "http://example.com/a/?": "com,example)/a",
    "http://example.com/a?&b=2&&a=1": "com,example)/a?&&a=1&b=2",
    "http://example.com/%7Euser/%41%2fb%2525": "com,example)/~user/a/b%25",
    "http://example.com/caf%C3%A9?q=a%20b%23": "com,example)/caf%c3%a9?q=a%20b%23",
    "http://example.com/%3f?x=%zz": "com,example)/??x=%25zz",
    "http://example.com/a?PHPSESSID=0123456789abcdefABCDEF0123456789&x=1": "com,example)/a?x=1",
    "http://example.com/a?x=1&sid=0123456789abcdefABCDEF0123456789": "com,example)/a?&x=1",
    "http://example.com/(S(4hqa0555fwsecu455xqckv45))/mileg.aspx": "com,example)/mileg.aspx",
    "dns:example.com": "dns:example.com",
    "about:blank": "about:blank",
}


@pytest.mark.parametrize("url", EXAMPLES)
def test_examples(url: str) -> None:
    assert surt(url) == EXAMPLES[url]


@given(st.text())
def test_any_address_has_a_key(rest: str) -> None:
    key = surt(f"https://example.com/{rest}")
    assert key.startswith("com,example)/")
    assert " " not in key and key.isascii()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99)), min_size=1))
def test_the_order_of_a_query_does_not_matter(pairs: list[tuple[str, int]]) -> None:
    parts = [f"{name}={value}" for name, value in pairs]
    turned = list(reversed(parts))
    assert surt(f"http://example.com/?{'&'.join(parts)}") == surt(f"http://example.com/?{'&'.join(turned)}")


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_percent_encoding_does_not_matter(text: str) -> None:
    from urllib.parse import quote

    assert surt(f"http://example.com/?{quote(text)}") == surt(f"http://example.com/?{quote(quote(text))}")
