"""Reads the access tokens of token-refresher: cached, fetched once however many threads ask, renewed after a 401.

One file; it needs boto3 and Python 3.9 or later. Copy it into your project.

    from token_refresher import TokenClient
    import requests

    tokens = TokenClient()  # one for the process: all threads share its cache

    def customers():
        def call(token):
            return requests.get(f"{token.base_url}/Customers", headers=token.headers, allow_redirects=False)
        return tokens.call("poweroffice-v2/acme", call).json()

Settings come from the environment unless you pass them: TOKENS_TABLE, TOKENS_API_URL, TOKEN_REFRESHER_KEY (a laptop).
See docs/consuming.md of token-refresher.
"""

import json
import random
import re
import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import urlsplit

__all__ = ["Token", "TokenClient", "TokenError"]

_CONNECTION = re.compile(r"[a-z0-9-]{1,40}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_ADVICE = {
    "unknown_connection": "Check its name. A new secret is discovered within a minute.",
    "not_yet": "Its first refresh has not ended, or many readers wait for one: try again in a moment.",
    "no_valid_token": "Its refreshes fail and are retried: see its status and the runbook.",
    "forbidden": "Check the credentials and their grant: grantRead for the table, grantInvokeApi for the API.",
    "source_unreachable": "Check the address, the Region and the network. A call a moment later may succeed.",
    "malformed_connection": 'Use "<provider>/<name>" or "<provider>/<name>/<key>".',
}
# The API waits for a refresh.
_API_SECONDS = 30


class TokenError(Exception):
    """The reason for a missing token. `code` is stable, the message is for people, and neither has a secret."""

    def __init__(self, code: str, connection: str, what: str):
        super().__init__(f"{connection}: {what}. {_ADVICE[code]}")
        self.code = code
        self.connection = connection


@dataclass(frozen=True)
class Token:
    """A token. Times are in epoch milliseconds. Send `headers` as they are to addresses that begin with `base_url`."""

    connection: str
    access_token: str
    token_type: str
    issued_at: int
    expires_at: int
    headers: Mapping[str, str]
    base_url: str

    def __repr__(self) -> str:
        return f"Token(connection={self.connection!r}, expires_at={self.expires_at})"


class _Entry:
    """What is known of one connection. Times are in epoch milliseconds."""

    def __init__(self) -> None:
        # Held while a thread fetches or renews.
        self.lock = threading.Lock()
        self.token: Optional[Token] = None
        # From then on the next token is fetched.
        self.fetch_at = 0.0
        # Until then another fetch for this `min_ttl` would bring the same token.
        self.paused_until = 0.0
        self.paused_for = 0.0

    # Another thread may change `token` at any moment: each reads it once.
    def valid(self, now: float, min_ttl: float = 0) -> Optional[Token]:
        token = self.token
        return token if token is not None and token.expires_at - now > min_ttl * 1000 else None

    def fresh(self, now: float, min_ttl: float) -> Optional[Token]:
        token = self.valid(now, min_ttl)
        if token is not None and now < self.fetch_at:
            return token
        return self.valid(now) if now < self.paused_until and min_ttl <= self.paused_for else None

    def keep(self, token: Token, now: float, min_ttl: float) -> Token:
        """An older token than the held one comes from a slower answer: it does not count."""
        if self.token is None or token.issued_at > self.token.issued_at:
            life = token.expires_at - token.issued_at
            # A healthy schedule has renewed it before. Processes do not fetch at the same moment.
            self.token, self.fetch_at = token, token.expires_at - life * random.uniform(0.25, 0.35)
        if self.fresh(now, min_ttl) is None:
            self.pause(now, min_ttl)
        return self.token

    def pause(self, now: float, min_ttl: float) -> None:
        life = self.token.expires_at - self.token.issued_at
        self.paused_until = now + min(30_000, max(1_000, life / 20)) * random.uniform(0.5, 1)
        self.paused_for = min_ttl


class TokenClient:
    """A cache of tokens for one process, safe for threads.

    table:    the name of the table, read with boto3. Default: TOKENS_TABLE
    api_url:  the address of the HTTP API, which renews too. Default: TOKENS_API_URL
    key:      the key of a laptop; without one, requests are signed (SigV4). Default: TOKEN_REFRESHER_KEY
    session:  a boto3.Session for credentials and Region. Default: a new one
    clock:    the time in epoch seconds
    """

    def __init__(
        self,
        table: Optional[str] = None,
        api_url: Optional[str] = None,
        key: Optional[str] = None,
        session: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        given = table is not None or api_url is not None
        table = table if given else os.environ.get("TOKENS_TABLE")
        api_url = api_url if given else os.environ.get("TOKENS_API_URL")
        if not table and not api_url:
            raise ValueError("Set TOKENS_TABLE or TOKENS_API_URL, or pass table or api_url.")
        self._clock = clock
        self._entries: Dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._table = _Table(table, session) if table else None
        self._api = _Api(api_url, key, session) if api_url else None

    def get(self, connection: str, min_ttl: float = 60) -> Token:
        """A token that is valid for `min_ttl` seconds if there is or can be one, otherwise any valid one.

        Raises a TokenError if there is none.
        """
        if not _CONNECTION.fullmatch(connection):
            raise TokenError("malformed_connection", connection, "this is not the name of a connection")
        entry = self._entry(connection)
        token = entry.fresh(self._now(), min_ttl)
        if token is not None:
            return token
        # One thread fetches. The others have a valid token meanwhile, or wait.
        token = entry.valid(self._now(), min_ttl)
        if not entry.lock.acquire(blocking=token is None):
            return token
        try:
            return entry.fresh(self._now(), min_ttl) or self._fetch(entry, connection, min_ttl)
        finally:
            entry.lock.release()

    def renew(self, refused: Token) -> Optional[Token]:
        """A newer token than one that the provider refused (401); None if there is none yet."""
        entry = self._entry(refused.connection)
        with entry.lock:
            if entry.token is not None and entry.token.issued_at > refused.issued_at:
                return entry.token
            newer = self._api.renew(refused) if self._api else self._table.get(refused.connection)
            if newer is None or newer.issued_at <= refused.issued_at:
                return None
            return entry.keep(newer, self._now(), 0)

    def call(self, connection: str, request: Callable[[Token], Any], min_ttl: float = 60) -> Any:
        """Calls `request` with a token. If the answer is 401, calls it once more with a newer one, if there is one.

        The answer may be of requests, httpx or anything else with `status_code` or `status`.
        """
        token = self.get(connection, min_ttl)
        answer = request(token)
        if getattr(answer, "status_code", getattr(answer, "status", None)) != 401:
            return answer
        try:
            newer = self.renew(token)
        except TokenError:
            newer = None
        return answer if newer is None else request(newer)

    def _entry(self, connection: str) -> _Entry:
        with self._lock:
            return self._entries.setdefault(connection, _Entry())

    def _now(self) -> float:
        return self._clock() * 1000

    def _fetch(self, entry: _Entry, connection: str, min_ttl: float) -> Token:
        try:
            return entry.keep(self._read(connection, min_ttl), self._now(), min_ttl)
        except TokenError as error:
            if error.code == "unknown_connection":
                # Its secret is deleted: nobody may use its token any more.
                entry.token = None
            token = entry.valid(self._now())
            if token is None:
                raise
            entry.pause(self._now(), min_ttl)
            return token

    def _read(self, connection: str, min_ttl: float) -> Token:
        """From the table; from the API if the table fails or has no token that is valid for long enough."""
        failure: Optional[TokenError] = None
        token = None
        if self._table:
            try:
                token = self._table.get(connection)
            except TokenError as error:
                failure = error
        now = self._now()
        if token is not None and token.expires_at - now > min_ttl * 1000:
            return token
        if self._api:
            try:
                return self._api.get(connection, min_ttl)
            except TokenError as error:
                failure = error
        if token is not None and token.expires_at > now and (failure is None or failure.code != "unknown_connection"):
            return token
        raise failure or (
            TokenError("unknown_connection", connection, "the table has no token of it")
            if token is None
            else TokenError("no_valid_token", connection, "its token has expired")
        )


class _Table:
    def __init__(self, name: str, session: Any) -> None:
        import boto3
        from botocore.config import Config

        config = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
        self._client = (session or boto3.Session()).client("dynamodb", config=config)
        self._name = name

    def get(self, connection: str) -> Optional[Token]:
        from botocore.exceptions import BotoCoreError, ClientError

        key = {"connection": {"S": connection}}
        try:
            item = self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")
        except ClientError as error:
            name = error.response.get("Error", {}).get("Code", "")
            refused = name in _REFUSALS
            what = f"DynamoDB answers {name}"
            raise TokenError("forbidden" if refused else "source_unreachable", connection, what) from None
        except BotoCoreError as error:
            what = f"DynamoDB cannot be read ({type(error).__name__})"
            refused = "Credentials" in type(error).__name__
            raise TokenError("forbidden" if refused else "source_unreachable", connection, what) from None
        return None if item is None else _token_of_item(connection, item)


_REFUSALS = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}


def _token_of_item(connection: str, item: Mapping[str, Any]) -> Token:
    try:
        if item["format"]["N"] != "1":
            raise ValueError
        return Token(
            connection=item["connection"]["S"],
            access_token=item["accessToken"]["S"],
            token_type=item["tokenType"]["S"],
            issued_at=int(item["issuedAt"]["N"]),
            expires_at=int(item["expiresAt"]["N"]),
            headers={name: value["S"] for name, value in item["headers"]["M"].items()},
            base_url=item["baseUrl"]["S"],
        )
    except (KeyError, TypeError, ValueError):
        what = "the item in the table is not a token of format 1"
        raise TokenError("source_unreachable", connection, what) from None


class _Api:
    def __init__(self, url: str, key: Optional[str], session: Any) -> None:
        from botocore.httpsession import URLLib3Session

        self._url = url.rstrip("/")
        self._host = urlsplit(url).hostname or ""
        # A key of the environment is sent to this machine alone.
        local = self._host in ("127.0.0.1", "localhost", "::1")
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and local):
            # In plain HTTP the token, and the key, could be read on the way.
            raise ValueError("api_url must be the https: address of the HTTP API.")
        self._key = key or (os.environ.get("TOKEN_REFRESHER_KEY") if local else None)
        self._session = session
        self._http = URLLib3Session(timeout=(2, _API_SECONDS))

    def get(self, connection: str, min_ttl: float) -> Token:
        status, answer = self._send("GET", connection, f"?minTtl={min(86_400, max(0, int(min_ttl)))}", None)
        return self._token(connection, status, answer)

    def renew(self, refused: Token) -> Optional[Token]:
        issued = datetime.fromtimestamp(refused.issued_at / 1000, timezone.utc)
        body = json.dumps({"issuedAt": issued.strftime("%Y-%m-%dT%H:%M:%S.") + f"{refused.issued_at % 1000:03d}Z"})
        status, answer = self._send("POST", refused.connection, "", body)
        if status == 429 or answer.get("code") in ("refresh_failed", "refresh_in_progress", "no_valid_token"):
            return None
        return self._token(refused.connection, status, answer)

    def _send(self, method: str, connection: str, query: str, body: Optional[str]) -> Any:
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        headers = {"content-type": "application/json"} if body else {}
        request = AWSRequest(method, f"{self._url}/tokens/{connection}{query}", headers=headers, data=body)
        try:
            self._authorize(request, connection)
            response = self._http.send(request.prepare())
        except BotoCoreError as error:
            what = f"the API cannot be called ({type(error).__name__})"
            raise TokenError("source_unreachable", connection, what) from None
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = {}
        return response.status_code, answer if isinstance(answer, dict) else {}

    def _authorize(self, request: Any, connection: str) -> None:
        if self._key:
            request.headers["authorization"] = f"Bearer {self._key}"
            return
        import boto3
        from botocore.auth import SigV4Auth

        session = self._session or boto3.Session()
        credentials = session.get_credentials()
        # https://<id>.execute-api.<region>.amazonaws.com
        parts = self._host.split(".")
        region = parts[2] if len(parts) > 3 and parts[1] == "execute-api" else session.region_name
        if credentials is None or region is None:
            raise TokenError("forbidden", connection, "there are no AWS credentials, or no Region")
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region).add_auth(request)

    def _token(self, connection: str, status: int, answer: Mapping[str, Any]) -> Token:
        if status == 200:
            try:
                return Token(
                    connection=answer["connection"],
                    access_token=answer["accessToken"],
                    token_type=answer["tokenType"],
                    issued_at=_milliseconds(answer["issuedAt"]),
                    expires_at=_milliseconds(answer["expiresAt"]),
                    headers=dict(answer["headers"]),
                    base_url=answer["baseUrl"],
                )
            except (KeyError, TypeError, ValueError):
                raise TokenError("source_unreachable", connection, "the API answers no token") from None
        code = answer.get("code")
        if code in ("unknown_connection", "no_valid_token"):
            is_new = code == "no_valid_token" and answer.get("reason") == "not_refreshed_yet"
            raise TokenError("not_yet" if is_new else code, connection, "the API has no token of it")
        if code == "refresh_in_progress":
            raise TokenError("not_yet", connection, "a refresh is in progress")
        refused = status in (401, 403)
        raise TokenError("forbidden" if refused else "source_unreachable", connection, f"the API answers {status}")


def _milliseconds(moment: str) -> int:
    parsed = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return round(parsed.timestamp() * 1000)
