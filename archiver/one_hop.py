"""A session of requests in which one question is one exchange: a redirect is an answer like any other.

Heavy to import: import it where a question is put, not where a program starts.
"""

from __future__ import annotations

import requests
import urllib3

FAULTS = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)
"""Whatever an answer can make requests and urllib3 raise: not all of it is wrapped by them. A length of a chunk below
zero, or a host that cannot be written as one, comes out as a plain ``ValueError``."""


class OneHop(requests.Session):
    """Sees a target in no answer, and so reads no body that nobody asked for.

    With ``allow_redirects=False`` requests still works out the next question, and before it does, it reads the body of
    the redirect whole and decompressed: 400 KB on the wire took 1.2 GB of memory. It also decodes the target, which
    fails on bytes that are not UTF-8. Who follows redirects reads ``Location`` for itself.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, whatever was answered."""
        return
