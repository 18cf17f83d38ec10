"""The demo's processes: the stand-ins and the site, each started, watched and ended by its own id."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

_NOT_OURS = frozenset({"DATABASE_URL", "REDIS_URL", "TIEOUT_PRODUCTION", "SECRET_KEY", "VAULT_KEYS", "ALLOWED_HOSTS"})
START_S = 60.0
END_S = 15.0
WORDS = 4000


class Died(Exception):
    """A process of ours ended, or stayed silent, before its time; the text has its last words."""


class Child:
    """A process of ours, started in a group of its own, with its output in a file that a restart continues.

    ``signal_line`` is what its output says once it is ready.
    """

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path, signal_line: str) -> None:
        self.name, self.log, self._signal_line = name, log, signal_line
        self._file = log.open("ab")
        self._begins = self._file.tell()
        # Only our own interpreter and modules are started; nothing of the command comes from outside.
        self.process = subprocess.Popen(  # noqa: S603
            list(command),
            env=environment(env),
            cwd=settings.BASE_DIR,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def ready(self) -> "Child":
        """Wait until it says that it is ready. Raises Died."""
        until = time.monotonic() + START_S
        while self._signal_line not in self._said():
            self.check()
            if time.monotonic() > until:
                raise Died(f"{self.name} did not start within {START_S:.0f} s. Its last words:\n{self.last_words()}")
            time.sleep(0.05)
        return self

    def check(self) -> None:
        """Raises Died where it has ended."""
        status = self.process.poll()
        if status is not None:
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            raise Died(f"{self.name} {how}. Its last words:\n{self.last_words()}")

    def end(self) -> None:
        """Ask it to end, and end it where it does not."""
        self.ask_to_end()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._file.close()

    def ask_to_end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def last_words(self) -> str:
        return self._said()[-WORDS:]

    def _said(self) -> str:
        return self.log.read_bytes()[self._begins :].decode(errors="replace")


@contextmanager
def running(children: list[Child]) -> Iterator[None]:
    """End every child in the list at the end, whatever happens."""
    try:
        yield
    finally:
        for child in children:
            child.ask_to_end()
        for child in children:
            child.end()


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return our own environment with these values, and without a database, broker or production settings of the machine's."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    return {**kept, **env}


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def free_port(wanted: int = 0) -> int:
    """Return the wanted port of the loopback address, or any free one where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
