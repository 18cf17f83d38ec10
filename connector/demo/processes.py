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

_NOT_OURS = frozenset({"DATABASE_URL", "REDIS_URL", "TIEOUT_PRODUCTION", "SECRET_KEY", "VAULT_KEYS", "ALLOWED_HOSTS"})
START_S = 60.0
END_S = 15.0


class DidNotStart(Exception):
    """A process ended or stayed silent before it was ready; the text has its last words."""


class Child:
    """A process of ours, started in a group of its own, with its output in a file."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.command, self.env = list(command), environment(env)
        self._file = log.open("ab")
        # Only our own interpreter and modules are started; nothing of the command comes from outside.
        self.process = subprocess.Popen(
            self.command, env=self.env, stdout=self._file, stderr=subprocess.STDOUT, start_new_session=True
        )

    def wait_for(self, line: str) -> None:
        """Wait until the output has this line. Raises DidNotStart."""
        until = time.monotonic() + START_S
        while line not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > until:
                words = self.log.read_text(errors="replace")[-2000:]
                raise DidNotStart(f"{' '.join(self.command[1:4])} did not start:\n{words}")
            time.sleep(0.05)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._file.close()


@contextmanager
def running(children: list[Child]) -> Iterator[None]:
    """End every child that was started, whatever happens; the newest first."""
    try:
        yield
    finally:
        for child in reversed(children):
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
