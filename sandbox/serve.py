"""Stand-ins in a process of their own, on loopback, with a durable file: they outlive a killed product.

    python -m sandbox.serve --file var/sandbox.sqlite3 --amazon-port 9101 --quickbooks-port 9102

Every package ``<somewhere>/sandbox`` of the checkout that offers ``STAND_IN`` (a ``StandIn`` class) can be served;
its slug gives the option its name. Port 0 takes a free one. A line ``ready <slug> http://127.0.0.1:<port>`` per
stand-in, then ``ready``, says that requests are welcome.
"""

import argparse
import importlib
import signal
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected
from waitress.server import create_server

from sandbox.clock import Clock
from sandbox.faults import AnswerDropped
from sandbox.store import Store
from sandbox.wsgi import StandIn

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def stand_ins() -> dict[str, str]:
    """slug → import path of every stand-in package in the checkout: ``amazon.sandbox``, ``ledgers.<slug>.sandbox``."""
    sources = [place for place in ROOT.glob("*/sandbox/__init__.py") if place.parent.parent.name != "tests"]
    places = [*sources, *ROOT.glob("ledgers/*/sandbox/__init__.py")]
    return {place.parent.parent.name: ".".join(place.parent.relative_to(ROOT).parts) for place in sorted(places)}


def load(import_path: str) -> type[StandIn]:
    found: type[StandIn] = importlib.import_module(import_path).STAND_IN
    if not issubclass(found, StandIn):
        raise TypeError(f"{import_path}.STAND_IN is no StandIn")
    return found


def closing_dropped(app: "WSGIApplication") -> "WSGIApplication":
    """Turn ``AnswerDropped`` into what waitress takes for a client that has gone: it closes without another byte."""

    def wrapped(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            yield from app(environ, start_response)
        except AnswerDropped as dropped:
            raise ClientDisconnected from dropped

    return wrapped


class Server:
    """A threaded server around one WSGI app, started in a thread; ``url`` is where it answers."""

    def __init__(self, app: "WSGIApplication", host: str = "127.0.0.1", port: int = 0) -> None:
        if host not in LOOPBACK:
            raise ValueError("a stand-in is served on loopback only")
        start: Any = create_server
        self._server = start(closing_dropped(app), host=host, port=port, threads=16, ident="sandbox")
        self.url = f"http://{host}:{self._server.effective_port}"
        self._thread = threading.Thread(target=self._server.run, daemon=True, name=f"sandbox {self.url}")

    def start(self) -> "Server":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.close()
        self._server.task_dispatcher.shutdown(timeout=1)


def serve(app: "WSGIApplication", host: str = "127.0.0.1", port: int = 0) -> Server:
    """Start serving; returns at once. Used by tests that need sockets and by ``main``."""
    return Server(app, host, port).start()


def main(arguments: Sequence[str] | None = None) -> None:
    known = stand_ins()
    parser = argparse.ArgumentParser(prog="sandbox.serve", description="Serve stand-ins of remote systems.")
    parser.add_argument("--file", default=":memory:", help="SQLite file that keeps their state")
    parser.add_argument("--host", default="127.0.0.1", choices=LOOPBACK)
    for slug in known:
        parser.add_argument(f"--{slug}-port", type=int, help=f"serve {slug} on this port (0: any free one)")
    chosen = vars(parser.parse_args(arguments))

    store = Store(chosen["file"])
    servers = []
    for slug, import_path in known.items():
        if (port := chosen[f"{slug}_port"]) is None:
            continue
        server = serve(load(import_path)(store=store, clock=Clock()), chosen["host"], port)
        servers.append(server)
        print(f"ready {slug} {server.url}", flush=True)  # noqa: T201 - a parent process waits for this line
    if not servers:
        parser.error("nothing to serve: give at least one port")
    print("ready", flush=True)  # noqa: T201

    done = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        done.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    done.wait()
    for server in servers:
        server.stop()
    store.close()


if __name__ == "__main__":
    main()
