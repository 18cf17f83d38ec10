"""A Redis of our own, and a proxy that ends TLS: what production has around the application."""

import datetime
import http.client
import http.server
import ipaddress
import shutil
import ssl
import subprocess
import threading
import time

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connector.demo.processes import free_port

START_S = 10.0


@pytest.fixture
def redis_url(tmp_path):
    """Start a Redis that keeps nothing; return its address."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
        try:
            url = f"redis://127.0.0.1:{port}/0"
            _await(redis.Redis.from_url(url))
            yield url
        finally:
            server.terminate()


def _await(client):
    until = time.monotonic() + START_S
    while True:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            assert time.monotonic() < until, "redis-server did not start"
            time.sleep(0.02)


@pytest.fixture
def proxy(tmp_path):
    """A proxy as production has one: it ends TLS, and says so in the headers."""
    made = Proxy(_certificate(tmp_path / "proxy.pem"))
    yield made
    made.server.shutdown()


class Proxy:
    """Answers https on ``port`` with what the web process on ``web_port`` answers; ``certificate`` is a PEM file."""

    def __init__(self, certificate):
        self.certificate, self.web_port = certificate, free_port()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = dict(self.headers.items())
                headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
                web = http.client.HTTPConnection("127.0.0.1", proxy.web_port, timeout=60)
                web.request(self.command, self.path, body, headers)
                answer = web.getresponse()
                content = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                web.close()

            do_GET = do_POST = forward  # noqa: N815 - the names http.server calls

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _certificate(path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proxy")])
    at = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(at - datetime.timedelta(days=1))
        .not_valid_after(at + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return str(path)
