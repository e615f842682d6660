"""python3 -m unittest, in this folder. The API is a server on loopback; the table is tried in test/client/python.test.ts."""

import json
import threading
import unittest
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from token_refresher import TokenClient, TokenError

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
                if not api.problem:
                    api.issued = api.now
                self.answer()

            def answer(self):
                status, body = api.problem or (200, api.token())
                if self.headers["authorization"] != f"Bearer {KEY}":
                    status, body = 403, {}
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
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


class TokenClientTest(unittest.TestCase):
    def test_a_fresh_token_comes_from_memory(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.6
        self.assertIs(tokens.get(ACME), first)
        self.assertEqual(api.requests, [f"GET /tokens/{ACME}?minTtl=60"])
        self.assertEqual((first.issued_at, first.expires_at), (START * 1000, (START + 3600) * 1000))

    def test_the_next_token_is_fetched_before_it_expires(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.8
        api.issued = api.now
        self.assertGreater(tokens.get(ACME).issued_at, first.issued_at)

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
        api.hold = threading.Event()
        tokens = api.client()
        got = []
        threads = [threading.Thread(target=lambda: got.append(tokens.get(ACME))) for _ in range(100)]
        for thread in threads:
            thread.start()
        api.hold.set()
        for thread in threads:
            thread.join()
        self.assertEqual((len(got), len(set(map(id, got))), len(api.requests)), (100, 1, 1))

    def test_a_reader_keeps_the_token_that_another_thread_finds_withdrawn(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.now += 3600 * 0.8
        entry = tokens._entry(ACME)

        def acquire(blocking):
            entry.token = None
            return False

        entry.lock = SimpleNamespace(acquire=acquire)
        self.assertIs(tokens.get(ACME), first)

    def test_in_an_outage_the_cached_token_is_used_until_it_expires(self):
        api = Api(self)
        tokens = api.client()
        first = tokens.get(ACME)
        api.problem = (500, {"message": "Internal Server Error"})
        api.now += 3600 * 0.9
        self.assertIs(tokens.get(ACME), first)
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

    def test_a_wrong_key_is_forbidden(self):
        with self.assertRaises(TokenError) as raised:
            Api(self).client(key="another-key-of-16-characters").get(ACME)
        self.assertEqual(raised.exception.code, "forbidden")

    def test_a_deleted_connection_has_no_token_any_more(self):
        api = Api(self)
        tokens = api.client()
        tokens.get(ACME)
        api.problem = (404, {"code": "unknown_connection"})
        api.now += 3600 * 0.8
        with self.assertRaises(TokenError):
            tokens.get(ACME)

    def test_a_token_is_not_shown(self):
        self.assertNotIn("invented", repr(Api(self).client().get(ACME)))

    def test_settings_must_be_there(self):
        with self.assertRaisesRegex(ValueError, "TOKENS_TABLE or TOKENS_API_URL"):
            TokenClient()
        for url in ["http://tokens.example.com", "ftp://127.0.0.1", "tokens.example.com"]:
            with self.assertRaisesRegex(ValueError, "https:"):
                TokenClient(api_url=url, key=KEY)


if __name__ == "__main__":
    unittest.main()
