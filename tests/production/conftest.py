"""Processes for tests that start the real thing."""

import time

import pytest

from connector.demo.processes import Child, free_port, python


class Site:
    """An embedded site in a directory of its own; ``serve`` starts it."""

    def __init__(self, place):
        self.place, self.port = place, free_port()
        self.env = {"TIEOUT_VAR": str(place), "DJANGO_SETTINGS_MODULE": "connector.settings"}
        self.children = []

    def start(self, *command, name="The site", says="is ready on"):
        log = self.place / f"{len(self.children)}.log"
        child = Child(name, python(*command), self.env, log, says)
        self.children.append(child)
        return child

    def serve(self):
        return self.start("manage.py", "serve", "--port", str(self.port))

    def tell(self, lines):
        """Run lines of Python on the site's database, and return what they print."""
        child = self.start("-c", f"import django; django.setup()\n{lines}\nprint('told', flush=True)", says="told")
        child.ready()
        return child.last_words().removesuffix("told\n")


@pytest.fixture
def embedded(tmp_path):
    site = Site(tmp_path)
    yield site
    for child in site.children:
        child.end()


def until(happened, within_s=20.0):
    """Wait until something happened; fail where it does not."""
    end = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < end, f"{happened} did not happen within {within_s} s"
        time.sleep(0.02)
