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
import math
import os
import random
import re
import threading
import time
import weakref
from concurrent.futures import Future, TimeoutError
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple
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
# How long a source may take, in seconds: `short` if a valid token is cached. The API waits for a refresh.
_TABLE_PATIENCE = {"short": 3, "long": 5}
_API_PATIENCE = {"short": 6, "long": 30}
# The windows of a token, as shares of its life that are left: in the first one the next token is fetched in the
# background, in the second one callers wait for it. Each token draws its own: processes do not fetch at the same moment.
_ADVISORY = (0.25, 0.35)
_MANDATORY = (0.1, 0.15)
# The pause after a fetch without a newer token: a share of the life within limits (milliseconds), and of that a part.
_PAUSE_SHARE = 0.05
_PAUSE_LIMITS = (1_000, 30_000)
_PAUSE_PART = (0.5, 1)
# In milliseconds. An older fetch belongs to a process that was frozen in between.
_OLDEST_FETCH = 1000 * (_TABLE_PATIENCE["long"] + _API_PATIENCE["long"])
# Everything that reads an address must see the same host in it: no backslash, no user, no control character.
_ADDRESS = re.compile(r"https?://[^\x00-\x20\x7f\\@/?#]+([/?#][^\x00-\x20\x7f\\]*)?", re.IGNORECASE)
# A line end would begin another header.
_HEADER_NAME = re.compile(r"[A-Za-z0-9_!#$%&'*+.^`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class TokenError(Exception):
    """The reason for a missing token. `code` is stable, the message is for people, and neither has a secret.

    `reason` is the code of the connection's last error, and `retry_after` a time in seconds, if the API has sent them.
    """

    def __init__(
        self,
        code: str,
        connection: str,
        what: str,
        reason: Optional[str] = None,
        retry_after: Optional[int] = None,
    ) -> None:
        super().__init__(f"{connection}: {what}. {_ADVICE[code]}")
        self.code = code
        self.connection = connection
        self.reason = reason
        self.retry_after = retry_after


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


def _usable(connection: str, token: Token) -> Token:
    """The token. Raises a ValueError or a TypeError if it is of another connection, or cannot be sent."""
    texts = [token.access_token, token.token_type, *token.headers.values()]
    if (
        token.connection != connection
        or token.access_token == ""
        or token.expires_at <= token.issued_at
        or not all(map(_HEADER_VALUE.fullmatch, texts))
        or not all(map(_HEADER_NAME.fullmatch, token.headers))
        or not _ADDRESS.fullmatch(token.base_url)
    ):
        raise ValueError
    return token


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """What `work` returns or raises. Raises a TimeoutError if that takes longer: then its thread is left alone.

    Sockets have timeouts for each read only, and providers of credentials may have none.
    """
    done: Future = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    try:
        threading.Thread(target=run, name="token-refresher-call", daemon=True).start()
    except RuntimeError:
        # A process that ends, or has too many threads, starts no other.
        return work()
    return done.result(seconds)


class _Fetch(Future):
    """A fetch that a thread makes, and others may wait for."""

    def __init__(self, since: float, min_ttl: float, patience: str) -> None:
        super().__init__()
        self.since = since
        self.min_ttl = min_ttl
        self.patience = patience


class _Entry:
    """What is known of one connection. Times are in epoch milliseconds."""

    def __init__(self) -> None:
        self.token: Optional[Token] = None
        self.advisory_at = 0.0
        self.mandatory_at = 0.0
        self.fetch: Optional[_Fetch] = None
        # Until then another fetch for this `min_ttl` would bring the same token.
        self.paused_until = 0.0
        self.paused_for = 0.0
        # Held by the thread that renews the token.
        self.renewal = threading.Lock()
        self.renewal_paused_until = 0.0

    def valid(self, now: float) -> Optional[Token]:
        return self.token if self.token is not None and self.token.expires_at > now else None

    def step(self, now: float, min_ttl: float) -> str:
        """What a caller does now with what is held: use it, use it and fetch the next one, or wait for that."""
        token = self.valid(now)
        if token is None:
            return "wait"
        is_enough = token.expires_at - now >= min_ttl * 1000
        if is_enough and now < self.advisory_at:
            return "use"
        if now < self.paused_until and min_ttl <= self.paused_for:
            return "use"
        return "use and fetch" if is_enough and now < self.mandatory_at else "wait"

    def fetching(self, now: float, min_ttl: float) -> Tuple[_Fetch, bool]:
        """The running fetch, or one that the caller has to make."""
        is_new = self.fetch is None or now - self.fetch.since > _OLDEST_FETCH
        if is_new:
            self.fetch = _Fetch(now, min_ttl, "short" if self.valid(now) else "long")
        return self.fetch, is_new

    def keep(self, token: Token, now: float) -> Token:
        """An older token than the held one comes from a slower answer, or from a table that was restored.

        It counts only if the held one has expired. Of two expiries of one token the earlier one counts.
        """
        held = self.token
        if held is None or _replaces(token, held, now):
            life = token.expires_at - token.issued_at
            self.token = token
            self.advisory_at = token.expires_at - life * random.uniform(*_ADVISORY)
            self.mandatory_at = token.expires_at - life * random.uniform(*_MANDATORY)
        return self.token

    def pause_unless_enough(self, before: Optional[Token], now: float, min_ttl: float) -> None:
        """Another fetch for the same `min_ttl` would bring the same token."""
        self.paused_until = 0
        if self.token is None:
            return
        is_newer = before is None or self.token.issued_at != before.issued_at
        if not is_newer or self.token.expires_at - now < min_ttl * 1000:
            self.paused_until, self.paused_for = _pause_after(self.token, now), min_ttl


def _replaces(token: Token, held: Token, now: float) -> bool:
    if token.issued_at == held.issued_at and token.expires_at < held.expires_at:
        return True
    return token.issued_at > held.issued_at or (held.expires_at <= now and token.expires_at > held.expires_at)


def _pause_after(token: Token, now: float) -> float:
    least, most = _PAUSE_LIMITS
    pause = min(most, max(least, _PAUSE_SHARE * (token.expires_at - token.issued_at)))
    return now + pause * random.uniform(*_PAUSE_PART)


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
        # The lock guards the entries and what is in them. Nobody waits for a network while holding it.
        self._entries: Dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._table = _Table(table, session) if table else None
        self._api = _Api(api_url, key, session) if api_url else None
        _clients.add(self)

    def _after_fork(self) -> None:
        """The threads of the parent, which fetch and hold locks, are not in the child. Its connections are the parent's."""
        self._lock = threading.Lock()
        for entry in self._entries.values():
            entry.fetch = None
            entry.renewal = threading.Lock()
        for source in (self._table, self._api):
            if source:
                source.after_fork()

    def get(self, connection: str, min_ttl: float = 60) -> Token:
        """A token that is valid for `min_ttl` seconds if there is or can be one, otherwise any valid one.

        Raises a TokenError if there is none.
        """
        if not _CONNECTION.fullmatch(connection):
            raise TokenError("malformed_connection", connection, "this is not the name of a connection")
        if not isinstance(min_ttl, (int, float)) or not 0 <= min_ttl < math.inf:
            raise ValueError(f'"min_ttl" must be 0 seconds or more, got {min_ttl!r}.')
        while True:
            with self._lock:
                now = self._now()
                entry = self._entries.setdefault(connection, _Entry())
                token, step = entry.token, entry.step(now, min_ttl)
                if step == "use":
                    return token
                fetch, is_mine = entry.fetching(now, min_ttl)
            if step == "use and fetch":
                if is_mine:
                    self._fetch_in_background(connection, entry, fetch)
                return token
            if is_mine:
                self._fetch(connection, entry, fetch)
            try:
                token = fetch.result()
            except Exception:
                with self._lock:
                    # The connection may have ended meanwhile: then nothing is held.
                    token = entry.valid(self._now())
                if token is None:
                    raise
                return token
            # Its token may be enough. If not, the next fetch is for this caller too.
            if fetch.min_ttl >= min_ttl:
                return token

    def renew(self, refused: Token) -> Optional[Token]:
        """A newer token than one that the provider has refused (401); None if there is none yet."""
        with self._lock:
            entry = self._entries.setdefault(refused.connection, _Entry())
        with entry.renewal:
            with self._lock:
                if entry.token is not None and entry.token.issued_at > refused.issued_at:
                    return entry.token
                if self._now() < entry.renewal_paused_until:
                    return None
            newer = None
            try:
                newer = self._renewed(refused)
            finally:
                with self._lock:
                    is_newer = newer is not None and newer.issued_at > refused.issued_at
                    if is_newer:
                        newer = entry.keep(newer, self._now())
                    else:
                        entry.renewal_paused_until = _pause_after(refused, self._now())
                    self._forget_if_empty(refused.connection, entry)
            return newer if is_newer else None

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

    def _now(self) -> float:
        return self._clock() * 1000

    def _fetch_in_background(self, connection: str, entry: _Entry, fetch: _Fetch) -> None:
        try:
            work = (connection, entry, fetch)
            threading.Thread(target=self._fetch, args=work, name="token-refresher", daemon=True).start()
        except RuntimeError:
            # A process that ends, or has too many threads, starts no other.
            self._fetch(connection, entry, fetch)

    def _fetch(self, connection: str, entry: _Entry, fetch: _Fetch) -> None:
        """Its result, or its failure, is that of `fetch`."""
        token, failure = None, None
        try:
            token = self._read(connection, fetch.min_ttl, fetch.patience)
        except BaseException as error:
            failure = error
        with self._lock:
            now, before = self._now(), entry.token
            if token is not None:
                token = entry.keep(token, now)
            elif isinstance(failure, TokenError) and failure.code == "unknown_connection":
                # Its secret is deleted: nobody may use its token any more.
                entry.token = None
            entry.pause_unless_enough(before, now, fetch.min_ttl)
            if entry.fetch is fetch:
                entry.fetch = None
            self._forget_if_empty(connection, entry)
        if failure is None:
            fetch.set_result(token)
        else:
            fetch.set_exception(failure)

    def _forget_if_empty(self, connection: str, entry: _Entry) -> None:
        """Names that nobody has a token for must not fill the memory."""
        if entry.token is None and entry.fetch is None and self._entries.get(connection) is entry:
            del self._entries[connection]

    def _read(self, connection: str, min_ttl: float, patience: str) -> Token:
        """From the table; from the API if the table fails or has no token that is valid for long enough."""
        token = failure = None
        if self._table:
            try:
                token = self._table.get(connection, self._now(), patience)
            except TokenError as error:
                failure = error
            if token is not None and token.expires_at - self._now() >= min_ttl * 1000:
                return token
        if self._api:
            try:
                return self._api.get(connection, min_ttl, patience)
            except TokenError as error:
                # An answer about the connection says more than a failure to get one.
                if failure is None or error.code not in ("forbidden", "source_unreachable"):
                    failure = error
        if token is not None:
            return token
        raise failure

    def _renewed(self, refused: Token) -> Optional[Token]:
        """The table may have a newer token already. Otherwise the API has it renewed."""
        if self._table:
            try:
                token = self._table.get(refused.connection, self._now(), "short")
                if not self._api or token.issued_at > refused.issued_at:
                    return token
            except TokenError:
                if not self._api:
                    raise
        return self._api.renew(refused)


_clients: "weakref.WeakSet[TokenClient]" = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Table:
    def __init__(self, name: str, session: Any) -> None:
        self._name = name
        self._session = session
        self._client = self._open()

    def _open(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
        return (self._session or boto3.Session()).client("dynamodb", config=config)

    def after_fork(self) -> None:
        # Opened by the first read: not every child reads.
        self._client = None

    def _item(self, connection: str) -> Any:
        if self._client is None:
            self._client = self._open()
        key = {"connection": {"S": connection}}
        return self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")

    def get(self, connection: str, now: float, patience: str) -> Token:
        from botocore.exceptions import BotoCoreError, ClientError

        seconds = _TABLE_PATIENCE[patience]
        try:
            item = _within(seconds, lambda: self._item(connection))
        except TimeoutError:
            what = f"DynamoDB does not answer within {seconds} seconds"
            raise TokenError("source_unreachable", connection, what) from None
        except ClientError as error:
            name = error.response.get("Error", {}).get("Code", "")
            refused = name in _REFUSALS
            what = f"DynamoDB answers {name}"
            raise TokenError("forbidden" if refused else "source_unreachable", connection, what) from None
        except BotoCoreError as error:
            what = f"DynamoDB cannot be read ({type(error).__name__})"
            refused = _NO_CREDENTIALS.search(type(error).__name__)
            raise TokenError("forbidden" if refused else "source_unreachable", connection, what) from None
        if item is None:
            raise TokenError("unknown_connection", connection, "the table has no token of it")
        token = _token_of_item(connection, item)
        if token.expires_at <= now:
            raise TokenError("no_valid_token", connection, "its token has expired")
        return token


_REFUSALS = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}
# The errors of botocore if it finds no credentials have no class in common.
_NO_CREDENTIALS = re.compile("Credential|SSO|Login|Token|MFA|Profile|Metadata")


def _token_of_item(connection: str, item: Mapping[str, Any]) -> Token:
    try:
        if item["format"]["N"] != "1":
            raise ValueError
        token = Token(
            connection=item["connection"]["S"],
            access_token=item["accessToken"]["S"],
            token_type=item["tokenType"]["S"],
            issued_at=int(item["issuedAt"]["N"]),
            expires_at=int(item["expiresAt"]["N"]),
            headers={name: value["S"] for name, value in item["headers"]["M"].items()},
            base_url=item["baseUrl"]["S"],
        )
        return _usable(connection, token)
    except (KeyError, TypeError, ValueError):
        what = "the item in the table is not its token in format 1"
        raise TokenError("source_unreachable", connection, what) from None


_LOOPBACK = re.compile(r"localhost|127\.[0-9]+\.[0-9]+\.[0-9]+|::1")
# By these names Docker and Podman let a container reach the machine that it runs on: what is sent there stays on it.
_HOSTS_OF_CONTAINERS = ("host.docker.internal", "host.containers.internal")
# The codes of the API that mean something else to a caller than "no answer".
_CODES = {
    "unknown_connection": "unknown_connection",
    "refresh_in_progress": "not_yet",
    "no_valid_token": "no_valid_token",
    "refresh_failed": "no_valid_token",
}


class _Answer(NamedTuple):
    status: int
    body: Mapping[str, Any]
    retry_after: Optional[int]


class _Api:
    def __init__(self, url: str, key: Optional[str], session: Any) -> None:
        if not _ADDRESS.fullmatch(url):
            raise ValueError("api_url must be the https: address of the HTTP API.")
        self._url = url.rstrip("/")
        self._host = urlsplit(url).hostname or ""
        is_loopback = _LOOPBACK.fullmatch(self._host) is not None
        stays = is_loopback or self._host in _HOSTS_OF_CONTAINERS
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and stays):
            # In plain HTTP the token, and the key, could be read on the way.
            raise ValueError("api_url must be the https: address of the HTTP API.")
        # A key of the environment is sent to this machine alone.
        self._key = key or (os.environ.get("TOKEN_REFRESHER_KEY") if stays else None)
        if not self._key and scheme == "http" and not is_loopback:
            raise ValueError(f"key or TOKEN_REFRESHER_KEY must be the key of the laptop at {self._host}.")
        if self._key and not re.fullmatch(r"[\x21-\x7e]+", self._key):
            raise ValueError("key must have no spaces or line ends.")
        self._session = session
        self.after_fork()

    def after_fork(self) -> None:
        from botocore.httpsession import URLLib3Session

        self._http = URLLib3Session(timeout=(2, _API_PATIENCE["long"]))

    def get(self, connection: str, min_ttl: float, patience: str) -> Token:
        query = f"?minTtl={min(86_400, math.ceil(min_ttl))}"
        return self._token(connection, self._send("GET", connection, query, None, patience))

    def renew(self, refused: Token) -> Optional[Token]:
        issued = datetime.fromtimestamp(refused.issued_at / 1000, timezone.utc)
        body = json.dumps({"issuedAt": issued.strftime("%Y-%m-%dT%H:%M:%S.") + f"{refused.issued_at % 1000:03d}Z"})
        answer = self._send("POST", refused.connection, "", body, "long")
        codes = ("refresh_failed", "refresh_in_progress", "no_valid_token")
        if answer.status == 429 or answer.body.get("code") in codes:
            return None
        return self._token(refused.connection, answer)

    def _send(self, method: str, connection: str, query: str, body: Optional[str], patience: str) -> _Answer:
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        headers = {"content-type": "application/json"} if body else {}
        request = AWSRequest(method, f"{self._url}/tokens/{connection}{query}", headers=headers, data=body)

        def work() -> Any:
            self._authorize(request, connection)
            return self._http.send(request.prepare())

        seconds = _API_PATIENCE[patience]
        try:
            response = _within(seconds, work)
        except TimeoutError:
            if "authorization" not in request.headers:
                what = f"there are no AWS credentials within {seconds} seconds"
                raise TokenError("forbidden", connection, what) from None
            what = f"the API does not answer within {seconds} seconds"
            raise TokenError("source_unreachable", connection, what) from None
        except BotoCoreError as error:
            what = f"the API cannot be called ({type(error).__name__})"
            raise TokenError("source_unreachable", connection, what) from None
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = {}
        after = response.headers.get("retry-after", "")
        retry_after = int(after) if re.fullmatch("[0-9]{1,9}", after) else None
        return _Answer(response.status_code, answer if isinstance(answer, dict) else {}, retry_after)

    def _authorize(self, request: Any, connection: str) -> None:
        if self._key:
            request.headers["authorization"] = f"Bearer {self._key}"
            return
        import boto3
        from botocore.auth import SigV4Auth
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            session = self._session or boto3.Session()
            provider = session.get_credentials()
            credentials = provider and provider.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            what = f"there are no AWS credentials ({type(error).__name__})"
            raise TokenError("forbidden", connection, what) from None
        # https://<id>.execute-api.<region>.amazonaws.com
        parts = self._host.split(".")
        region = parts[2] if len(parts) > 3 and parts[1] == "execute-api" else session.region_name
        if credentials is None or region is None:
            raise TokenError("forbidden", connection, "there are no AWS credentials, or no Region")
        SigV4Auth(credentials, "execute-api", region).add_auth(request)

    def _token(self, connection: str, answer: _Answer) -> Token:
        status, body, retry_after = answer
        if status == 200:
            try:
                token = Token(
                    connection=body["connection"],
                    access_token=body["accessToken"],
                    token_type=body["tokenType"],
                    issued_at=_milliseconds(body["issuedAt"]),
                    expires_at=_milliseconds(body["expiresAt"]),
                    headers=dict(body["headers"]),
                    base_url=body["baseUrl"],
                )
                return _usable(connection, token)
            except (KeyError, TypeError, ValueError):
                raise TokenError("source_unreachable", connection, "the API answers without its token") from None
        code, reason = (text if isinstance(text, str) else None for text in (body.get("code"), body.get("reason")))
        if reason == "not_refreshed_yet":
            raise TokenError("not_yet", connection, "it has no token yet", reason, retry_after)
        refused = "forbidden" if status in (401, 403) else "source_unreachable"
        what = f"the API answers {status} without its token"
        raise TokenError(_CODES.get(code, refused), connection, what, reason, retry_after)


def _milliseconds(moment: str) -> int:
    parsed = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return round(parsed.timestamp() * 1000)
