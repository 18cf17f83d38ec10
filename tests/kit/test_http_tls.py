"""The same promises over TLS, with a certificate made for the test."""

import datetime
import ipaddress
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.http import AnswerLost, ConnectFailed, Http
from tests.kit.test_http import OK, answering, serve, trickling

__all__ = ["serve"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the path of a key and self-signed certificate of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    at = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at - datetime.timedelta(days=1))
        .not_valid_after(at + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return str(path)


@pytest.fixture
def over_tls(certificate):
    def wrap(handle):
        def secured(server, sock):
            with context.wrap_socket(sock, server_side=True) as wrapped:
                handle(server, wrapped)

        return secured

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return wrap


def https(server):
    return server.url.replace("http:", "https:")


def test_trusted_server_answers_and_the_connection_is_reused(serve, over_tls, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    server, client = serve(over_tls(answering(OK))), Http("t")

    assert [client.request("POST", https(server), body=b"x" * 100_000, deadline_s=5).body for _ in range(2)] == [
        b"ok"
    ] * 2
    assert server.accepted == 1


def test_unknown_certificate_gets_no_request(serve, over_tls):
    server = serve(over_tls(answering(OK)))

    with pytest.raises(ConnectFailed, match="SSLCertVerificationError"):
        Http("t").request("POST", https(server), deadline_s=5)
    assert server.heard == []


def test_trickle_over_tls_ends_at_the_deadline(serve, over_tls, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    server = serve(over_tls(trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x")))

    started = time.monotonic()
    with pytest.raises(AnswerLost):
        Http("t").request("GET", https(server), deadline_s=0.4)

    assert time.monotonic() - started < 1
