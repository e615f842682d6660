"""python3 -m unittest, in this folder. The API is a server on loopback; the table is tried in test/client/python.test.ts."""

import json
import os
import signal
import threading
import unittest
from dataclasses import replace
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from unittest.mock import patch

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

import token_refresher
from token_refresher import TokenClient, TokenError, _Fetch

START = 1_767_225_600.0
ACME = "officernd/acme"
KEY = "invented-key-of-16-characters"


def iso(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Api:
    """The HTTP API of token-refresher, with one connection whose tokens are valid for an hour."""

    def __init__(self, test):
        self.now = START
        self.issued = START
        self.requests = []
        self.problem = None
        self.hold = None
        self.retry_after = None
        # So many bytes arrive one by one before the answer.
        self.drip = 0
        self.ended = threading.Event()
        test.addCleanup(self.ended.set)
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                api.requests.append(f"GET {self.path}")
                if api.hold:
                    api.hold.wait(10)
                self.answer()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                api.requests.append(f"POST {self.path} {body}")
                if api.hold:
                    api.hold.wait(10)
                if not api.problem:
                    api.issued = api.now
                self.answer()

            def answer(self):
                status, body = api.problem or (200, api.token())
                if self.headers["authorization"] != f"Bearer {KEY}":
                    status, body = 403, {}
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data) + api.drip))
                if api.retry_after:
                    self.send_header("retry-after", api.retry_after)
                self.end_headers()
                for _ in range(api.drip):
                    self.wfile.write(b" ")
                    api.ended.wait(0.001)
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        test.addCleanup(server.server_close)
        test.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def token(self):
        return {
            "connection": ACME,
            "accessToken": f"invented-{self.issued}",
            "tokenType": "Bearer",
            "issuedAt": iso(self.issued),
            "expiresAt": iso(self.issued + 3600),
            "expiresIn": 3600,
            "headers": {"Authorization": f"Bearer invented-{self.issued}"},
            "baseUrl": "http://127.0.0.1:9/v1",
        }

    def client(self, **more):
        return TokenClient(api_url=self.url, clock=lambda: self.now, **{"key": KEY, **more})


class Hold:
    """Holds an answer of the API back until the test ends."""

    def __init__(self, test):
        self.arrived = threading.Event()
        self.ended = threading.Event()
        test.addCleanup(self.ended.set)

    def wait(self, _):
        self.arrived.set()
        self.ended.wait(30)


def session_of_table(get_item):
    """A boto3.Session whose DynamoDB answers with this."""
    return SimpleNamespace(client=lambda *_, **__: SimpleNamespace(get_item=get_item))


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def item_of(token):
    """An answer of the API as the table has it."""
    moment = {name: {"N": str(round(datetime.fromisoformat(token[name].replace("Z", "+00:00")).timestamp() * 1000))}
              for name in ("issuedAt", "expiresAt")}
    texts = {name: {"S": token[name]} for name in ("connection", "accessToken", "tokenType", "baseUrl")}
    headers = {"M": {name: {"S": text} for name, text in token["headers"].items()}}
    return {**texts, **moment, "headers": headers, "format": {"N": "1"}}


class TokenClientTest(unittest.TestCase):
    def assert_code(self, code, call):
        with self.assertRaises(TokenError) as raised:
            call()
        self.assertEqual(raised.exception.code, code)
        return raised.exception

    def at_once(self, count, call, release):
        """What a call returns or raises, in so many threads."""
        got = []

        def run():
            try:
                got.append(call())
            except TokenError as error:
                got.append(error)

        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        release()
        for thread in threads:
            thread.join()
        return got

    def get_at_once(self, api, count):
        """The API answers as soon as all threads but the one that fetches are waiting for it."""
        api.hold = threading.Event()
        tokens = api.client()
        waiting = threading.Semaphore(0)
        result = _Fetch.result

        def counted(fetch):
            waiting.release()
            return result(fetch)

        def release():
            for _ in range(count - 1):
                waiting.acquire()
            api.hold.set()

        with patch.object(_Fetch, "result", counted):
            return self.at_once(count, lambda: tokens.get(ACME), release)

    def background_threads(self):
        """The threads of the client that are started from now on."""
        started = []
        start = threading.Thread.start

        def kept(thread):
            if thread.name == "token-refresher":
                started.append(thread)
            start(thread)

        patched = patch("threading.Thread.start", kept)
        patched.start()
        self.addCleanup(patched.stop)
        return started

    def test_a_fresh_token_comes_from_memory(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.6
        self.assertIs(tokens.get(ACME), first)
        self.assertEqual(api.requests, [f"GET /tokens/{ACME}?minTtl=60"])
        self.assertEqual((first.issued_at, first.expires_at), (START * 1000, (START + 3600) * 1000))

    def test_in_the_advisory_window_the_cached_token_is_returned_and_one_thread_fetches_in_the_background(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.8
        api.issued = api.now
        api.hold = threading.Event()
        fetching = self.background_threads()
        for _ in range(10):
            self.assertIs(tokens.get(ACME), first)
        (thread,) = fetching
        self.assertTrue(thread.daemon, "it does not keep the process from ending")
        api.hold.set()
        thread.join()
        self.assertEqual(len(api.requests), 2)
        self.assertEqual(tokens.get(ACME).issued_at, api.now * 1000)

    def test_a_failure_in_the_background_is_noticed_by_nobody(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.8
        for failure in [TokenError("source_unreachable", ACME, "planted"), RuntimeError("planted")]:
            with patch.object(tokens, "_read", side_effect=failure), patch("threading.excepthook") as hook:
                fetching = self.background_threads()
                self.assertIs(tokens.get(ACME), first)
                fetching[0].join()
                self.assertIs(tokens.get(ACME), first)
                self.assertEqual((len(fetching), hook.mock_calls), (1, []), "the next fetch comes after a pause")
            api.now += 30

    def test_a_process_that_starts_no_thread_fetches_on_its_own(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.8
        api.issued = api.now
        with patch("threading.Thread.start", side_effect=RuntimeError("can't start new thread")):
            with patch.object(tokens, "_read", side_effect=lambda *_: replace(first, issued_at=first.issued_at + 1)):
                self.assertIs(tokens.get(ACME), first)
        self.assertEqual(tokens.get(ACME).issued_at, first.issued_at + 1)

    def test_in_the_mandatory_window_readers_wait_for_the_next_token(self):
        api = Api(self)
        tokens = api.client()
        tokens.get(ACME)
        api.now += 3600 * 0.95
        api.issued = api.now
        self.assertEqual(tokens.get(ACME).issued_at, api.now * 1000)

    def test_a_fetch_of_a_process_that_was_frozen_is_not_waited_for(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.8
        api.issued = api.now
        api.hold = threading.Event()
        self.addCleanup(api.hold.set)
        tokens.get(ACME)
        api.now += 600
        with patch.object(tokens, "_read", return_value=replace(first, issued_at=first.issued_at + 1)):
            self.assertEqual(tokens.get(ACME).issued_at, first.issued_at + 1)

    def test_the_windows_begin_at_the_shares_that_a_token_draws(self):
        for draw, advisory, mandatory in [(min, 0.75, 0.9), (max, 0.65, 0.85)]:
            api = Api(self)
            tokens = api.client()
            with patch("random.uniform", draw):
                tokens.get(ACME)
            entry = tokens._entries[ACME]
            starts = [round((at / 1000 - START) / 3600, 6) for at in (entry.advisory_at, entry.mandatory_at)]
            self.assertEqual(starts, [advisory, mandatory])

    def test_a_source_that_hangs_is_given_up_early_if_a_valid_token_is_cached(self):
        api = Api(self)
        hold = Hold(self)
        item = {"Item": item_of(api.token())}
        answers = [lambda: item, lambda: hold.wait(None) or item]
        session = session_of_table(lambda **_: answers.pop(0)())
        for name, tokens in [
            ("_API_PATIENCE", api.client()),
            ("_TABLE_PATIENCE", TokenClient(table="Tokens", session=session, clock=lambda: api.now)),
        ]:
            api.now, api.hold = START, None
            first = tokens.get(ACME)
            api.now += 3600 * 0.95
            api.issued, api.hold = api.now, hold
            with patch.object(token_refresher, name, {"short": 0.01, "long": 60}):
                self.assertIs(tokens.get(ACME), first)

    def test_without_a_valid_token_a_source_that_hangs_is_given_up_too(self):
        api = Api(self)
        api.hold = hold = Hold(self)
        session = session_of_table(lambda **_: hold.wait(None))
        for name, tokens in [
            ("_API_PATIENCE", api.client()),
            ("_TABLE_PATIENCE", TokenClient(table="Tokens", session=session)),
        ]:
            with patch.object(token_refresher, name, {"short": 60, "long": 0.01}):
                error = self.assert_code("source_unreachable", lambda: tokens.get(ACME))
            self.assertIn("does not answer within 0.01 seconds", str(error))

    def test_an_answer_that_arrives_byte_by_byte_is_given_up(self):
        api = Api(self)
        api.drip = 2000
        tokens = api.client()
        with patch.object(token_refresher, "_API_PATIENCE", {"short": 60, "long": 0.05}):
            self.assert_code("source_unreachable", lambda: tokens.get(ACME))

    def test_a_provider_of_credentials_that_hangs_is_given_up(self):
        hold = Hold(self)
        session = SimpleNamespace(region_name="eu-west-1", get_credentials=lambda: hold.wait(None))
        with patch.object(token_refresher, "_API_PATIENCE", {"short": 60, "long": 0.01}):
            tokens = Api(self).client(key=None, session=session)
            error = self.assert_code("forbidden", lambda: tokens.get(ACME))
        self.assertIn("within 0.01 seconds", str(error))

    @unittest.skipUnless(hasattr(os, "fork"), "Windows has no fork")
    def test_a_child_process_does_not_wait_for_a_fetch_or_a_renewal_of_its_parent(self):
        api = Api(self)
        tokens = api.client()
        refused = tokens.get(ACME)
        http = tokens._api._http
        api.hold = hold = Hold(self)
        for call in [lambda: tokens.get(ACME, min_ttl=7200), lambda: tokens.renew(refused)]:
            hold.arrived.clear()
            threading.Thread(target=call, daemon=True).start()
            hold.arrived.wait(10)
        api.hold = None
        api.now += 60
        tokens._lock.acquire()
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            status = 1
            try:
                tokens.get(ACME, min_ttl=7200)
                # A connection of the parent would carry the bytes of both.
                status = 0 if tokens.renew(refused) and tokens._api._http is not http else 1
            finally:
                os._exit(status)
        tokens._lock.release()
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_a_child_process_opens_a_table_of_its_own(self):
        opened = []
        item = {"Item": item_of(Api(self).token())}

        def client(*_, **__):
            opened.append(1)
            return SimpleNamespace(get_item=lambda **_: item)

        tokens = TokenClient(table="Tokens", session=SimpleNamespace(client=client), clock=lambda: START)
        token_refresher._after_fork()
        self.assertEqual(len(opened), 1)
        tokens.get(ACME)
        tokens.get(ACME, min_ttl=7200)
        self.assertEqual(len(opened), 2)

    def test_a_reader_who_needs_more_time_causes_a_fetch(self):
        api = Api(self)
        tokens = api.client()
        tokens.get(ACME)
        api.now += 600
        tokens.get(ACME, min_ttl=3300)
        self.assertEqual(api.requests[1:], [f"GET /tokens/{ACME}?minTtl=3300"])
        tokens.get(ACME, min_ttl=3300)
        self.assertEqual(len(api.requests), 2, "the same fetch a moment later brings the same token")

    def test_a_hundred_threads_cause_one_fetch(self):
        api = Api(self)
        got = self.get_at_once(api, 100)
        self.assertEqual((len(got), len(set(map(id, got))), len(api.requests)), (100, 1, 1))

    def test_a_hundred_threads_share_a_failure(self):
        api = Api(self)
        api.problem = (500, {})
        got = self.get_at_once(api, 100)
        self.assertEqual({error.code for error in got}, {"source_unreachable"})
        self.assertEqual(len(api.requests), 1)

    def test_in_an_outage_the_cached_token_is_used_until_it_expires(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.problem = (500, {"message": "Internal Server Error"})
        api.now += 3600 * 0.9
        self.assertIs(tokens.get(ACME), first)
        api.now += 30
        with patch.object(tokens, "_read", side_effect=RuntimeError("planted")) as read:
            self.assertIs(tokens.get(ACME), first)
            read.assert_called_once()
        api.now += 3600 * 0.1
        with self.assertRaises(TokenError) as raised:
            tokens.get(ACME)
        self.assertEqual(raised.exception.code, "source_unreachable")

    def test_after_a_401_the_request_is_repeated_once_with_a_newer_token(self):
        api = Api(self)
        tokens = api.client()
        refused = tokens.get(ACME)
        api.now += 60
        sent = []

        def request(token):
            sent.append(token.access_token)
            return SimpleNamespace(status_code=401)

        self.assertEqual(tokens.call(ACME, request).status_code, 401)
        self.assertEqual(sent, [refused.access_token, f"invented-{api.now}"])
        self.assertEqual(api.requests[1:], [f'POST /tokens/{ACME} {{"issuedAt": "{iso(START)}"}}'])

    def test_without_a_newer_token_the_first_answer_is_returned(self):
        for problem in [(429, {"code": "too_many_refreshes"}), (503, {"code": "refresh_failed"}), (500, {})]:
            api = Api(self)
            tokens = api.client()
            tokens.get(ACME)
            api.problem = problem
            sent = []
            answer = SimpleNamespace(status=401)
            self.assertIs(tokens.call(ACME, lambda token: sent.append(token) or answer), answer)
            self.assertEqual(len(sent), 1)

    def test_after_a_renewal_that_brought_nothing_the_next_one_waits(self):
        for problem in [(429, {"code": "too_many_refreshes"}), (500, {})]:
            api = Api(self)
            tokens = api.client()
            refused = tokens.get(ACME)
            api.problem = problem
            api.hold = threading.Event()

            def call():
                return tokens.call(ACME, lambda _: SimpleNamespace(status=401)).status

            with patch("random.uniform", min):
                self.assertEqual(self.at_once(20, call, api.hold.set), [401] * 20)
            self.assertEqual(len(api.requests), 2)
            # With the least chance, half of 30 seconds.
            api.problem = None
            api.now += 14.9
            self.assertIsNone(tokens.renew(refused))
            api.now += 0.1
            self.assertGreater(tokens.renew(refused).issued_at, refused.issued_at)

    def test_a_newer_token_of_the_table_renews_a_refused_one(self):
        api = Api(self)
        tokens = api.client()
        refused = tokens.get(ACME)
        newer = replace(refused, issued_at=refused.issued_at + 1)
        tokens._table = SimpleNamespace(get=lambda *_: newer)
        self.assertIs(tokens.renew(refused), newer)
        self.assertEqual(len(api.requests), 1)

    def test_min_ttl_must_be_a_duration(self):
        for wrong in [-1, float("nan"), float("inf"), "60", None]:
            with self.assertRaises(ValueError) as raised:
                Api(self).client().get(ACME, min_ttl=wrong)
            self.assertEqual(str(raised.exception), f'"min_ttl" must be 0 seconds or more, got {wrong!r}.')
        api = Api(self)
        api.client().get(ACME, min_ttl=0.5)
        self.assertEqual(api.requests, [f"GET /tokens/{ACME}?minTtl=1"])

    def test_errors_have_codes(self):
        cases = {
            "unknown_connection": (404, {"code": "unknown_connection"}),
            "no_valid_token": (503, {"code": "no_valid_token", "reason": "invalid_grant"}),
            "not_yet": (503, {"code": "no_valid_token", "reason": "not_refreshed_yet"}),
            "source_unreachable": (200, {"accessToken": 5}),
        }
        for code, problem in cases.items():
            api = Api(self)
            api.problem = problem
            with self.assertRaises(TokenError) as raised:
                api.client().get(ACME)
            self.assertEqual(raised.exception.code, code)
        for name in ["acme", "Acme/x", "officernd/acme/", "officernd/../x", "officernd/acme\n"]:
            with self.assertRaises(TokenError) as raised:
                Api(self).client().get(name)
            self.assertEqual(raised.exception.code, "malformed_connection")

    def test_errors_have_the_reason_and_the_time_that_the_api_sends(self):
        for reason, after, expected in [("invalid_grant", "7", ("invalid_grant", 7)), (["x"], "soon", (None, None))]:
            api = Api(self)
            api.problem = (503, {"code": "no_valid_token", "reason": reason})
            api.retry_after = after
            error = self.assert_code("no_valid_token", lambda: api.client().get(ACME))
            self.assertEqual((error.reason, error.retry_after), expected)

    def test_a_token_that_cannot_be_used_is_refused(self):
        good = Api(self).token()
        for change in [
            {"connection": "officernd/other"},
            {"accessToken": ""},
            {"accessToken": "planted\n"},
            {"accessToken": 5},
            {"expiresAt": good["issuedAt"]},
            {"headers": {"Authorization": "Bearer planted\r\nX-Other: 1"}},
            {"headers": {"X-Other: 1\r\nAuthorization": "Bearer planted"}},
            {"headers": {"Authorization": 5}},
            *[{"baseUrl": url} for url in ["", "/v2", "file:///v2", "https://", "https://user:planted@a", "http://a\\b", "http://a\n"]],
        ]:
            api = Api(self)
            api.problem = (200, {**good, **change})
            error = self.assert_code("source_unreachable", lambda: api.client().get(ACME))
            self.assertNotIn("planted", str(error))

    def test_an_item_that_cannot_be_used_is_refused(self):
        good = Api(self).token()
        for change, code in [({}, None), ({"connection": "officernd/other"}, "source_unreachable")]:
            item = {"Item": item_of({**good, **change})}
            tokens = TokenClient(table="Tokens", session=session_of_table(lambda **_: item), clock=lambda: START)
            if code:
                self.assert_code(code, lambda: tokens.get(ACME))
            else:
                self.assertEqual(tokens.get(ACME).access_token, good["accessToken"])

    def test_credentials_that_are_missing_or_cannot_be_had_are_forbidden(self):
        denied = ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")
        for error in [
            denied,
            CredentialRetrievalError(provider="planted", error_msg="planted"),
            NoCredentialsError(),
            UnauthorizedSSOTokenError(),
            TokenRetrievalError(provider="planted", error_msg="planted"),
            ProfileNotFound(profile="planted"),
        ]:
            session = SimpleNamespace(region_name="eu-west-1", get_credentials=failing(error))
            with patch.dict(os.environ, {"TOKEN_REFRESHER_KEY": ""}):
                tokens = Api(self).client(key=None, session=session)
            raised = self.assert_code("forbidden", lambda: tokens.get(ACME))
            self.assertNotIn("planted", str(raised))
            tokens = TokenClient(table="Tokens", session=session_of_table(failing(error)))
            self.assert_code("forbidden", lambda: tokens.get(ACME))

    def test_a_wrong_key_is_forbidden(self):
        with self.assertRaises(TokenError) as raised:
            Api(self).client(key="another-key-of-16-characters").get(ACME)
        self.assertEqual(raised.exception.code, "forbidden")

    def test_a_deleted_connection_has_no_token_any_more(self):
        api = Api(self)
        tokens = api.client()
        tokens.get(ACME)
        api.problem = (404, {"code": "unknown_connection"})
        api.now += 3600 * 0.95
        with self.assertRaises(TokenError):
            tokens.get(ACME)
        self.assertEqual(tokens._entries, {})

    def test_names_without_a_token_stay_in_no_memory(self):
        api = Api(self)
        tokens = api.client()
        token = tokens.get(ACME)
        api.problem = (404, {"code": "unknown_connection"})
        with self.assertRaises(TokenError):
            tokens.get("officernd/nobody")
        with self.assertRaises(TokenError):
            tokens.renew(replace(token, connection="officernd/nobody"))
        self.assertEqual(list(tokens._entries), [ACME])

    def test_a_valid_token_of_the_table_is_used_although_the_api_does_not_know_it(self):
        api = Api(self)
        tokens = api.client()
        short = tokens.get(ACME)
        api.problem = (404, {"code": "unknown_connection"})
        both = api.client()
        both._table = SimpleNamespace(get=lambda *_: short)
        self.assertIs(both.get(ACME, min_ttl=7200), short)

    def test_an_answer_about_the_connection_counts_more_than_a_failure(self):
        unreachable = TokenError("source_unreachable", ACME, "planted")
        unknown = TokenError("unknown_connection", ACME, "planted")
        for table, answer, code in [
            (unreachable, (503, {"code": "no_valid_token"}), "no_valid_token"),
            (unknown, (500, {}), "unknown_connection"),
        ]:
            api = Api(self)
            api.problem = answer
            tokens = api.client()
            with patch.object(tokens, "_table") as source:
                source.get.side_effect = table
                with self.assertRaises(TokenError) as raised:
                    tokens.get(ACME)
            self.assertEqual(raised.exception.code, code)

    def test_an_earlier_expiry_of_the_same_token_counts_and_a_later_one_does_not(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        earlier = first.expires_at - 1000
        for min_ttl, expires_at in [(7200, earlier), (7201, first.expires_at)]:
            with patch.object(tokens, "_read", return_value=replace(first, expires_at=expires_at)):
                self.assertEqual(tokens.get(ACME, min_ttl=min_ttl).expires_at, earlier)

    def test_a_token_is_not_shown(self):
        self.assertNotIn("invented", repr(Api(self).client().get(ACME)))

    def test_settings_must_be_there(self):
        with self.assertRaisesRegex(ValueError, "TOKENS_TABLE or TOKENS_API_URL"):
            TokenClient()
        for url in [
            *["http://tokens.example.com", "ftp://127.0.0.1", "tokens.example.com", "http://10.0.0.1:8787"],
            *["http://docker.internal", "http://host.docker.internal.example", "ftp://host.docker.internal"],
            # Programs read different hosts in these.
            *["http://evil.example\\@127.0.0.1/", "http://evil.example@127.0.0.1/", "http://127.0.0.1\n.example"],
            *["https://user:planted@tokens.example.com", "https://tokens.example.com\r\n", "https://"],
        ]:
            with self.assertRaisesRegex(ValueError, "https:"):
                TokenClient(api_url=url, key=KEY)
        with self.assertRaisesRegex(ValueError, "^key must have no spaces or line ends.$"):
            TokenClient(api_url="https://tokens.example.com", key="planted\nkey")

    def test_a_container_reaches_its_laptop_with_the_key_of_the_environment(self):
        for host in ["host.docker.internal", "host.containers.internal"]:
            url = f"http://{host}:8787"
            with patch.dict(os.environ, {"TOKEN_REFRESHER_KEY": KEY}):
                self.assertEqual(TokenClient(api_url=url)._api._key, KEY)
            with patch.dict(os.environ, {"TOKEN_REFRESHER_KEY": ""}):
                with self.assertRaisesRegex(ValueError, f"key of the laptop at {host}"):
                    TokenClient(api_url=url)

    def test_the_key_of_the_environment_is_sent_to_no_other_machine(self):
        with patch.dict(os.environ, {"TOKEN_REFRESHER_KEY": KEY}):
            self.assertIsNone(TokenClient(api_url="https://tokens.example.com")._api._key)


if __name__ == "__main__":
    unittest.main()
