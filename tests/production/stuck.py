"""The embedded server while work hangs: every long worker and one page wait for ever. Run as a process of its own.

    python -m tests.production.stuck <port> <directory for the signs>

``short`` appears in the directory when a short task ran although the long ones hang; ``page`` when the page hangs.
"""

import sys
import threading
import time
import urllib.request
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from connector.celery import app  # noqa: E402
from connector.management.commands import serve  # noqa: E402

PORT, SIGNS = int(sys.argv[1]), Path(sys.argv[2])
FOR_EVER_S = 3600
site = serve.application


@app.task(name="stuck.long")
def long():
    (SIGNS / "long").touch()
    time.sleep(FOR_EVER_S)


@app.task(name="stuck.short")
def short():
    (SIGNS / "short").touch()


def with_a_page_that_hangs(environ, start_response):
    if environ["PATH_INFO"] == "/hangs":
        (SIGNS / "page").touch()
        time.sleep(FOR_EVER_S)
    return site(environ, start_response)


def make_trouble():
    for _ in range(serve.POOLS["long"] + 1):
        long.apply_async(queue="long")
    while not (SIGNS / "long").exists():
        time.sleep(0.02)
    short.apply_async(queue="short")
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/hangs")
        except OSError:
            time.sleep(0.02)


serve.application = with_a_page_that_hangs
threading.Thread(target=make_trouble, daemon=True).start()
call_command("serve", port=PORT)
