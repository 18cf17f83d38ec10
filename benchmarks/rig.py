"""Where things are measured: a place of its own, the stand-ins and the site as processes of their own, and this process as
a third one beside the site, with its settings and its database.

The limits of the stand-ins are off, and ours are scaled until they never bind: what is measured is the work.
"""

import json
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connector.settings")

RESULTS = Path(__file__).parent / "results"
EMAIL, PASSWORD = "bench@tieout.example", "measured with a long rule"
UNBOUND = 1_000_000
CHART = "bookkeeper"


class Rig:
    """An open stage, a seller made by ``action`` with ``values``, and a person who is signed up and connected."""

    def __init__(self, place: Path) -> None:
        from connector.demo.stage import Stage, ports_of

        self.stage = Stage(place, UNBOUND, ports=ports_of("quickbooks"))
        os.environ.update(self.stage.settings)
        django.setup()
        self.children: list[Any] = []
        self.visitor: Any = None
        self.seller: dict[str, Any] = {}

    def open(self) -> None:
        from connector.demo.outside import switch

        self.children = [self.stage.open_outside(), self.stage.open_site()]
        for child in self.children:
            child.ready()
        switch(self.stage.amazon, {"rate_scale": 0})
        switch(self.stage.ledgers["quickbooks"], {"rate_scale": 0})
        self.sign_up("Bench Goods", EMAIL)

    def sign_up(self, company: str, email: str) -> None:
        """Let another person sign up; what is connected from now on is theirs."""
        from connector.demo.visitor import Visitor

        self.visitor = Visitor(self.stage.site)
        self.visitor.sign_up(company, email, PASSWORD)

    def close_site(self) -> None:
        self.children.pop().end()

    def connect_seller(self, action: str, values: Mapping[str, Any]) -> None:
        from connector.demo.outside import tell

        self.seller = tell(self.stage.amazon, action, dict(values))
        seller = self.seller.get("seller", {"seller_id": "A2TIEOUTBIG001", "marketplace_id": "ATVPDKIKX0DER"})
        self.visitor.connect("amazon", seller["seller_id"], {"marketplace": seller["marketplace_id"]})

    def new_company(self, name: str) -> str:
        """Make a company at the stand-in and return its realm."""
        from connector.demo.outside import tell

        return str(tell(self.stage.ledgers["quickbooks"], "create_company", {"name": name, "chart": CHART})["realm"])

    def connect_company(self, name: str) -> str:
        realm = self.new_company(name)
        self.visitor.connect("quickbooks", realm, {})
        return realm

    def new_flow(self, realm: str, mode: str) -> Any:
        """Create a flow of the connected seller into a company. In the tenant's scope."""
        from flows import creation
        from flows.models import Flow
        from ledgers.registry import refresh_lists
        from tenants.models import Connection

        source = Connection.objects.get(provider="amazon")
        target = Connection.objects.get(provider="quickbooks", remote_id=realm)
        refresh_lists(target)
        values = {
            "name": f"{mode} {realm}",
            "source": source,
            "target": target,
            "currency": "USD",
            "mode": mode,
            "approval": Flow.Approval.AUTOMATIC,
        }
        return creation.create(source.tenant_id, EMAIL, values)

    def token(self, realm: str) -> str:
        from connector.demo.outside import tell

        return str(tell(self.stage.ledgers["quickbooks"], "issue_tokens", {"realm": realm})["access_token"])


@contextmanager
def opened() -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as name:
        rig = Rig(Path(name))
        try:
            rig.open()
            yield rig
        finally:
            for child in rig.children:
                child.end()


def wait_until(done: Callable[[], object], within_s: float, every_s: float = 0.05) -> float:
    """Wait until something holds and return the seconds it took."""
    started = time.monotonic()
    while not done():
        if time.monotonic() - started > within_s:
            raise TimeoutError(f"not within {within_s} s")
        time.sleep(every_s)
    return time.monotonic() - started


def processor_s(pid: int) -> float:
    """Return the processor time another process has used so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Memory(threading.Thread):
    """Watches what a process and those it starts hold at most, in MiB: resident, as the kernel counts it.

    ``own`` is the process by itself since it was started, ``together`` the highest sum of all at one moment that was seen.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended = pid, threading.Event()
        self.together = 0

    def __enter__(self) -> "Memory":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    @property
    def own(self) -> int:
        return _status_mib(self._pid, "VmHWM")

    def run(self) -> None:
        while not self._ended.wait(0.1):
            self.together = max(self.together, sum(_status_mib(pid, "VmRSS") for pid in self._family()))

    def _family(self) -> set[int]:
        family = {self._pid}
        # A child has a higher number than its parent, until the numbers start again.
        for pid in sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
            with suppress(OSError):
                parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) in family:
                    family.add(pid)
        return family


def _status_mib(pid: int, name: str) -> int:
    """Return a line of the kernel's status of a process; 0 where it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) // 1024
    return 0


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def write(name: str, found: Mapping[str, Any]) -> None:
    """Keep what was found, with when and where."""
    RESULTS.mkdir(exist_ok=True)
    where = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    text = json.dumps({**where, **found}, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text)
    print(text, end="")
