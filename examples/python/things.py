"""Prints what a business system answers. With the key of `npm start`:

TOKENS_API_URL=http://127.0.0.1:8787 TOKEN_REFRESHER_KEY=… python3 things.py officernd/harbour-desks
"""

import pathlib
import sys
import urllib.error
import urllib.request

sys.path.append(str(pathlib.Path(__file__).parents[2] / "clients" / "python"))
from token_refresher import TokenClient  # noqa: E402

tokens = TokenClient()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib takes headers along to other hosts."""

    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(_NoRedirect)


def call(token):
    request = urllib.request.Request(f"{token.base_url}/things", headers=dict(token.headers))
    try:
        return opener.open(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


answer = tokens.call(sys.argv[1], call)
print(answer.status, answer.read().decode())
