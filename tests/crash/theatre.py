"""A stage whose site can be killed by its own outside world, and be started again on what it left behind."""

import json
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace

import requests
from django.conf import settings

from connector.demo.processes import environment, python

RATE_SCALE = 60
DIES_WITHIN_S = 150.0


class Theatre:
    """The processes of one stage, opened and closed one by one."""

    def __init__(self, stage):
        self.stage = stage
        self.outside = self.site = None

    def open_outside(self):
        self.outside = self.stage.open_outside()
        return self.outside.ready()

    def open_site(self):
        """Start the site; it may be killed before it is ready."""
        self.close_site()
        self.site = self.stage.open_site()
        return self.site

    def close_site(self):
        if self.site is not None:
            self.site.end()

    def close(self):
        self.close_site()
        if self.outside is not None:
            self.outside.end()

    def kill_site_at(self, boundary, nth=1):
        """Have a stand-in kill the site where it meets ``<stand-in>.<operation>:<place>`` for the nth time from now."""
        slug, _, rest = boundary.partition(".")
        operation, _, place = rest.partition(":")
        rule = {"operation": operation, "boundary": place, "do": "kill", "pid": self.site.pid, "nth": nth}
        answer = requests.post(f"{self._base(slug)}/_control/faults", json=rule, timeout=10)
        assert answer.status_code == 200, answer.text

    def await_death(self, driver):
        """Wait until the site is killed; ``driver`` is at work meanwhile."""
        until = time.monotonic() + DIES_WITHIN_S
        while self.site.process.poll() is None:
            if driver.poll() is not None or time.monotonic() > until:
                driver.kill()
                raise AssertionError(f"the boundary was never met: {driver.communicate()}\n{self.site.last_words()}")
            time.sleep(0.02)
        assert self.site.process.returncode == -signal.SIGKILL, self.site.last_words()

    def tell(self, slug, action, **values):
        answer = requests.post(f"{self._base(slug)}/_control/do/{action}", json=values, timeout=10)
        assert answer.status_code == 200, answer.text

    def start_driving(self, steps, **told):
        """Start steps of ``tests.crash.drive``; they go on while the site dies and comes back."""
        driver = subprocess.Popen(
            python("-m", "tests.crash.drive"),
            env=environment({**self.stage.settings, "DJANGO_SETTINGS_MODULE": "connector.settings"}),
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        driver.stdin.write(json.dumps({"steps": steps, "told": told}) + "\n")
        driver.stdin.flush()
        return driver

    def answer_of(self, driver):
        said, trouble = driver.communicate()
        assert driver.returncode == 0, f"{trouble[-3000:]}\nthe site said:\n{self.site.last_words()}"
        return json.loads(said)

    def drive(self, steps, **told):
        return self.answer_of(self.start_driving(steps, **told))

    def _base(self, slug):
        return {"amazon": self.stage.amazon, **self.stage.ledgers}[slug]


@contextmanager
def opened(stage):
    """A theatre that is closed at the end, whatever happens."""
    theatre = Theatre(stage)
    try:
        yield theatre
    finally:
        theatre.close()


def copied(stage, place):
    """Return a stage on the same addresses with a copy of what a closed one left behind, logs apart."""
    shutil.copytree(stage.place, place, ignore=shutil.ignore_patterns("*.log", "serve.lock"))
    return replace(stage, place=place)
