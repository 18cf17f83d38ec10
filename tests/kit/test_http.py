"""Deadline, the line between "nothing sent" and "answer lost", size cap, pooling, redaction: on loopback sockets."""

import gzip
import json
import logging
import socket
import threading
import time
from decimal import Decimal
from types import SimpleNamespace

import pytest
from requests.structures import CaseInsensitiveDict

from kit import _wire, http
from kit.http import AnswerLost, ConnectFailed, Http

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Tid: t1\r\n\r\nok"


class Server:
    """A server that does with each accepted connection what ``handle(sock, requests)`` says, in a thread of its own."""

    def __init__(self, handle):
        self.handle, self.accepted, self.heard = handle, 0, []
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            with sock:
                self.handle(self, sock)
        except OSError:
            pass

    def read_request(self, sock):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return b""
            data += piece
        self.heard.append(data)
        return data


@pytest.fixture
def serve():
    def start(handle):
        servers.append(Server(handle))
        return servers[-1]

    servers = []
    yield start
    for server in servers:
        server.stop.set()
        server.listener.close()


def answering(payload):
    def handle(server, sock):
        while server.read_request(sock):
            sock.sendall(payload)

    return handle


def closing(payload):
    def handle(server, sock):
        server.read_request(sock)
        sock.sendall(payload)

    return handle


def trickling(head, drip):
    def handle(server, sock):
        server.read_request(sock)
        sock.sendall(head)
        while not server.stop.wait(0.02):
            sock.sendall(drip)

    return handle


@pytest.fixture
def client():
    return Http("Tieout/1.0")


def test_answer_has_status_headers_and_body(client, serve):
    server = serve(answering(OK))

    answer = client.request("POST", server.url + "/v3", params={"minorversion": "75"}, body=b"{}", deadline_s=5)

    assert (answer.status, answer.headers["x-tid"], answer.body) == (200, "t1", b"ok")
    assert server.heard[0].startswith(b"POST /v3?minorversion=75 HTTP/1.1\r\n")
    assert b"User-Agent: Tieout/1.0" in server.heard[0]


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x", id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n", id="headers"),
        pytest.param(b"HTTP/1.1 2", b"0", id="status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunks"),
    ],
)
def test_slow_trickle_ends_at_the_deadline(client, serve, head, drip):
    server = serve(trickling(head, drip))

    started = time.monotonic()
    with pytest.raises(AnswerLost):
        client.request("GET", server.url, deadline_s=0.3)

    assert 0.25 < time.monotonic() - started < 0.8


def test_deadline_closes_the_socket(client, serve):
    gone = threading.Event()

    def handle(server, sock):
        server.read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        if sock.recv(1) == b"":
            gone.set()

    server = serve(handle)

    with pytest.raises(AnswerLost):
        client.request("GET", server.url, deadline_s=0.1)

    assert gone.wait(2)


def test_a_server_that_does_not_read_ends_at_the_deadline(client, serve):
    server = serve(lambda server, sock: server.stop.wait(5))

    started = time.monotonic()
    with pytest.raises(AnswerLost):
        client.request("POST", server.url, body=b"x" * 20_000_000, deadline_s=0.3)

    assert time.monotonic() - started < 1


def test_refused_connection_sent_nothing(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectFailed, match="it refuses the connection"):
        client.request("POST", f"http://127.0.0.1:{port}", deadline_s=5)


def test_unknown_name_sent_nothing(client, monkeypatch):
    def no_such_name(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)

    with pytest.raises(ConnectFailed, match="address cannot be found, or this machine is offline"):
        client.request("POST", "https://books.invalid/v3?token=hush", deadline_s=5)


def test_failed_tls_handshake_sent_nothing(client, serve):
    server = serve(lambda server, sock: sock.sendall(b"this is not TLS\r\n" * 10))

    with pytest.raises(ConnectFailed):
        client.request("POST", server.url.replace("http:", "https:"), body=b"x", deadline_s=5)


def test_trickled_tls_handshake_ends_and_sent_nothing(client, serve):
    server = serve(trickling(b"\x16\x03\x03\x40\x00", b"\x02"))

    started = time.monotonic()
    with pytest.raises(ConnectFailed):
        client.request("POST", server.url.replace("http:", "https:"), body=b"x", deadline_s=0.4)

    assert time.monotonic() - started < 1


def test_nothing_is_sent_once_the_deadline_has_passed(client, serve):
    server = serve(answering(OK))

    with pytest.raises(ConnectFailed):
        client.request("POST", server.url, deadline_s=0.0000001)

    assert server.heard == []


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="closed without an answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", id="cut body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", id="cut chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", id="not gzip"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", id="not http"),
    ],
)
def test_what_goes_wrong_after_sending_is_a_lost_answer(client, serve, payload):
    server = serve(closing(payload))

    with pytest.raises(AnswerLost):
        client.request("POST", server.url, body=b"x", deadline_s=5)


def test_too_large_an_answer_is_lost(client, serve):
    server = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000))

    with pytest.raises(AnswerLost, match="larger than 1000"):
        client.request("GET", server.url, deadline_s=5, max_bytes=1000)


def test_gzip_bomb_is_stopped_at_the_cap(client, serve):
    bomb = gzip.compress(b"0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()

    server = serve(answering(head + bomb))

    with pytest.raises(AnswerLost, match="larger than"):
        client.request("GET", server.url, deadline_s=5, max_bytes=1_000_000)


def test_redirect_is_an_answer_not_followed(client, serve):
    server = serve(answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"))

    assert client.request("GET", server.url, deadline_s=5).status == 302


def test_connection_is_reused_within_a_thread(client, serve):
    server = serve(answering(OK))

    for _ in range(3):
        client.request("GET", server.url, deadline_s=5)

    assert server.accepted == 1


def test_long_idle_connection_is_not_reused(client, serve, monkeypatch):
    server = serve(answering(OK))

    client.request("GET", server.url, deadline_s=5)
    monkeypatch.setattr(_wire, "REUSE_S", 0)
    client.request("GET", server.url, deadline_s=5)

    assert server.accepted == 2


def test_connection_closed_by_the_server_is_replaced(client, serve):
    closed = threading.Event()

    def handle(server, sock):
        server.read_request(sock)
        sock.sendall(OK)
        sock.close()
        closed.set()

    server = serve(handle)

    client.request("GET", server.url, deadline_s=5)
    closed.wait(2)

    assert client.request("GET", server.url, deadline_s=5).status == 200
    assert server.accepted == 2


def test_each_call_on_a_pooled_connection_has_its_own_deadline(client, serve, monkeypatch):
    server = serve(answering(OK))

    client.request("GET", server.url, deadline_s=0.2)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 0.25)
    monkeypatch.setattr(_wire, "time", later)

    assert client.request("GET", server.url, deadline_s=5).status == 200
    assert server.accepted == 1


def test_cookies_of_one_answer_are_not_sent_with_the_next_call(client, serve):
    server = serve(answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: tenant=acme\r\nContent-Length: 0\r\n\r\n"))

    client.request("GET", server.url, deadline_s=5)
    client.request("GET", server.url, deadline_s=5)

    assert b"ookie" not in server.heard[1]


def test_netrc_of_the_machine_does_not_replace_the_authorization(client, serve, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))

    server = serve(answering(OK))

    client.request("GET", server.url, headers={"Authorization": "Bearer ours"}, deadline_s=5)

    assert b"Authorization: Bearer ours" in server.heard[0]


def test_errors_and_logs_name_no_query_and_no_header(client, serve, caplog):
    caplog.set_level(logging.DEBUG)
    server = serve(closing(b""))

    with pytest.raises(AnswerLost) as lost:
        client.request(
            "GET", server.url + "/report?X-Amz-Signature=hush", headers={"Authorization": "Bearer hush"}, deadline_s=5
        )

    assert "hush" not in str(lost.value) + repr(lost.value.__cause__) + repr(lost.value.__context__)
    assert "/report AnswerLost" in caplog.text
    assert "hush" not in caplog.text


def test_fractions_in_json_become_decimals(client, serve):
    server = serve(answering(b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"total": 0.1}'))

    assert client.request("GET", server.url, deadline_s=5).json() == {"total": Decimal("0.1")}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb'{"title": "Lamp \ud83d\ude00 \ud83d"}', {"title": "Lamp \N{GRINNING FACE} ?"}),
        (rb'[{"a\u0000b": ["\u0000x", 1, null, 0.5]}]', [{"ab": ["x", 1, None, Decimal("0.5")]}]),
        (b'["\xed\xa0\xbd"]', ["?"]),
    ],
)
def test_texts_of_an_answer_can_be_kept_in_a_database(sent, read):
    assert http.Answer(200, CaseInsensitiveDict(), sent).json() == read


@pytest.mark.parametrize("sent", [b"[" * 100_000, b"[" * 960 + rb'"\u0000"' + b"]" * 960])
def test_an_answer_that_is_nested_too_deeply_is_not_json(sent):
    with pytest.raises(ValueError, match="deeply"):
        http.Answer(200, CaseInsensitiveDict(), sent).json()


def test_html_is_not_json(client, serve):
    server = serve(answering(b"HTTP/1.1 502 Bad\r\nContent-Length: 6\r\n\r\n<html>"))

    answer = client.request("GET", server.url, deadline_s=5)

    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_stream_yields_chunks_of_a_large_body(client, serve):
    body = bytes(range(256)) * 1000
    server = serve(answering(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body))

    with client.stream(server.url, deadline_s=5, max_bytes=10**6) as (answer, chunks):
        got = list(chunks)

    assert (answer.status, answer.body, b"".join(got)) == (200, b"", body)
    assert len(got) > 1


def test_stream_allows_another_call_while_it_is_open(client, serve):
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    server = serve(answering(body))

    with client.stream(server.url, deadline_s=5, max_bytes=10**6) as (_, chunks):
        read = len(next(chunks))
        assert len(client.request("GET", server.url, deadline_s=5).body) == 300_000
        read += sum(map(len, chunks))

    assert read == 300_000


def test_stalled_stream_ends_at_the_deadline(client, serve):
    server = serve(trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"))

    with client.stream(server.url, deadline_s=0.3, max_bytes=10**6) as (_, chunks), pytest.raises(AnswerLost):
        list(chunks)


@pytest.fixture
def mounted():
    def mount(app, prefix="https://books.test"):
        http.mount(prefix, app)
        prefixes.append(prefix)

    prefixes = []
    yield mount
    for prefix in prefixes:
        http.unmount(prefix)


def test_mounted_application_answers_in_process(client, mounted):
    def app(environ, start_response):
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response("201 Created", [("Content-Type", "text/plain"), ("X-Tid", "t2")])
        return [b"made ", b"it"]

    seen = {}
    mounted(app)

    answer = client.request(
        "POST",
        "https://books.test/v3/caf%C3%A9",
        params={"q": "a b"},
        headers={"Authorization": "Bearer x"},
        body=b"123",
        deadline_s=5,
    )

    assert (answer.status, answer.headers["x-tid"], answer.body) == (201, "t2", b"made it")
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/v3/café"
    assert (seen["QUERY_STRING"], seen["body"], seen["CONTENT_LENGTH"]) == ("q=a+b", b"123", "3")
    assert (seen["HTTP_AUTHORIZATION"], seen["HTTP_HOST"], seen["wsgi.url_scheme"]) == (
        "Bearer x",
        "books.test",
        "https",
    )


def test_longest_mounted_prefix_wins(client, mounted):
    def saying(text):
        def app(environ, start_response):
            start_response("200 OK", [])
            return [text]

        return app

    mounted(saying(b"site"))
    mounted(saying(b"api"), "https://books.test/api")

    assert client.request("GET", "https://books.test/api/x", deadline_s=5).body == b"api"
    assert client.request("GET", "https://books.test/apix", deadline_s=5).body == b"site"


@pytest.mark.parametrize("where", ["application", "body", "short"])
def test_mounted_application_that_breaks_loses_the_answer(client, mounted, where):
    def app(environ, start_response):
        if where == "application":
            raise RuntimeError("dropped")
        start_response("200 OK", [("Content-Length", "9")])
        return body()

    def body():
        yield b"half"
        if where == "body":
            raise RuntimeError("dropped")

    mounted(app)

    with pytest.raises(AnswerLost):
        client.request("POST", "https://books.test/", deadline_s=5)


def test_mounted_application_can_refuse_the_connection(client, mounted):
    def app(environ, start_response):
        raise ConnectionRefusedError

    mounted(app)

    with pytest.raises(ConnectFailed):
        client.request("POST", "https://books.test/", deadline_s=5)


def test_mounted_application_that_trickles_meets_the_deadline(client, mounted, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def app(environ, start_response):
        start_response("200 OK", [])
        for _ in range(100):
            clock[0] += 1
            yield b"x" * http.CHUNK

    mounted(app)

    with pytest.raises(AnswerLost):
        client.request("GET", "https://books.test/", deadline_s=30)
    assert clock[0] < 1040


def test_mounted_body_is_closed(client, mounted):
    closed = []

    class Body(list):
        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body([b"x"])

    mounted(app)

    client.request("GET", "https://books.test/", deadline_s=5)

    assert closed == [True]
