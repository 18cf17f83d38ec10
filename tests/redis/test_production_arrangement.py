"""The arrangement of docker-compose.yml, with its own commands and settings, on a real Postgres and a real Redis.

A new user's way through the main job, over TLS. While documents are being posted Redis is emptied again and again, and a
worker is killed: rows are the queue, so nothing is lost and nothing is posted twice.
"""

import json
import re
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from connector.demo.processes import Child, environment, python
from connector.demo.stage import Stage, ports_of
from tests.production.conftest import until
from tests.production.settings import COMPLETE, ROOT
from tests.production.test_containers import OURS, command_of

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.crash, pytest.mark.timeout(300)]

RATE_SCALE = 60
TIED = {"problems": [], "proofs": ["proved", "waiting"]}
SAYS = {"web": "Listening at", "worker": "ready.", "worker-long": "ready.", "beat": "is starting"}


class Arrangement:
    def __init__(self, place, postgres_url, redis_url, proxy):
        self.place, self.proxy, self.children = place, proxy, {}
        self.redis = redis.Redis.from_url(redis_url)
        (place / "mails").mkdir()
        more = COMPLETE | {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": postgres_url,
            "REDIS_URL": redis_url,
            "SITE_URL": proxy.url,
            "ALLOWED_HOSTS": "127.0.0.1",
            "EMAIL_URL": f"filemail:///{place / 'mails'}",
            "LOG_LEVEL": "INFO",
            "HOSTNAME": socket.gethostname(),
            "DJANGO_SETTINGS_MODULE": "connector.settings",
            "QBO_DEADLINE_S": "10",
            "QBO_QUARANTINE_S": "1",
        }
        self.stage = Stage(place, RATE_SCALE, ports=ports_of("quickbooks"), more=more)

    def command(self, words):
        """Return a command of the containers as it runs here: our programs, ports and directories."""
        program, *rest = words
        here = {"0.0.0.0:8000": f"127.0.0.1:{self.proxy.web_port}", "/app/var/beat": str(self.place / "beat")}
        return [str(Path(sys.executable).parent / program), *(here.get(word, word) for word in rest)]

    def start(self, name):
        command = self.command(command_of(OURS[name]))
        log = self.place / f"{name}.log"
        self.children[name] = Child(name, command, self.stage.settings, log, SAYS[name])
        return self.children[name]

    def run(self, *command, **options):
        env = environment(self.stage.settings)
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, **options)

    def open(self):
        self.children["outside"] = self.stage.open_outside()
        for command in (command_of(OURS["migrate"]), ["python", "manage.py", "collectstatic", "--noinput"]):
            done = self.run(*self.command(command))
            assert done.returncode == 0, done.stderr
        for name in SAYS:
            self.start(name)
        for child in self.children.values():
            child.ready()

    def close(self):
        for child in self.children.values():
            child.ask_to_end()
        for child in self.children.values():
            child.end()

    def is_healthy(self, name):
        """Run the health check of a service, as compose runs it."""
        kind, *words = OURS[name]["healthcheck"]["test"]
        if kind == "CMD":
            port = f"probe.ADDRESS = ('127.0.0.1', {self.proxy.web_port})"
            assert words == ["python", "-m", "connector.probe"]
            command = python("-c", f"import sys; from connector import probe; {port}; sys.exit(probe.main())")
        else:
            shell = words[0].replace("$$", "$").replace("/app/var", str(self.place))
            command = ["sh", "-c", shell.replace("celery ", f"{Path(sys.executable).parent / 'celery'} ", 1)]
        return self.run(*command).returncode == 0

    def logs(self):
        return "".join(path.read_text(errors="replace") for path in self.place.glob("*.log"))


@pytest.fixture
def arrangement(tmp_path, postgres_url, redis_url, proxy):
    made = Arrangement(tmp_path, postgres_url, redis_url, proxy)
    try:
        made.open()
        yield made
    finally:
        made.close()


def begin(arrangement):
    """Start the user's process and tell it where everything is."""
    stage = arrangement.stage
    told = {
        "site": arrangement.proxy.url,
        "certificate": arrangement.proxy.certificate,
        "amazon": stage.amazon,
        "ledgers": stage.ledgers,
        "mails": str(arrangement.place / "mails"),
        "rate_scale": RATE_SCALE,
    }
    trouble = (arrangement.place / "user.txt").open("w")
    user = subprocess.Popen(
        python("-m", "tests.redis.user"),
        env=environment(stage.settings),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=trouble,
        text=True,
    )
    user.stdin.write(json.dumps(told))
    user.stdin.close()
    return user


def test_everything_is_posted_once_though_redis_forgets_and_a_worker_dies_and_all_end_when_asked(arrangement):
    for name in SAYS:
        until(lambda name=name: arrangement.is_healthy(name), within_s=60)
    doctor = arrangement.run(*python("manage.py", "doctor"))
    failed = [line.split()[1] for line in doctor.stdout.splitlines() if line.startswith("failed")]
    assert failed == ["E-mail"], doctor.stdout + doctor.stderr

    with begin(arrangement) as user:
        said, killed = [], False
        for line in user.stdout:
            said.append(line)
            if "documents are in the books" not in line:
                continue
            arrangement.redis.flushall()
            if not killed:
                killed = True
                arrangement.children["worker"].process.kill()
                arrangement.children["worker"].process.wait()
                arrangement.start("worker")

    trouble = (arrangement.place / "user.txt").read_text()
    assert user.returncode == 0, f"{said[-3:]}\n{trouble[-3000:]}\n{arrangement.children['worker'].last_words()}"
    assert json.loads(said[-1]) == TIED
    assert killed
    assert len(said) > 5, "Redis was emptied too seldom to prove anything"
    for opening in (*secrets_of_mails(arrangement.place / "mails"), "spapi_oauth_code=", "?code=", "&state=", "Atzr|"):
        assert opening not in arrangement.logs()

    asked = time.monotonic()
    for name in SAYS:
        arrangement.children[name].ask_to_end()
    assert [arrangement.children[name].process.wait(30) for name in SAYS] == [0] * len(SAYS)
    assert time.monotonic() - asked < 20


def secrets_of_mails(mails):
    """Return the signatures of the links that were sent: each signs a person in, or opens an account."""
    text = "".join(path.read_text() for path in mails.iterdir())
    found = re.findall(r"/accounts/confirm-email/[^:\s]+:[^:\s]+:([\w-]+)", text)
    assert found
    return found
