"""The whole product in one process: web server, workers and beat. Needs nothing installed."""

import fcntl
import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from celery.beat import Scheduler, Service
from celery.worker import WorkController
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connection
from waitress.server import create_server

from amazon import cursors
from connector.celery import app
from connector.wsgi import application
from flows import lanes, proving, schedule, undo
from tenants import grants

START_S = 30.0
JOIN_S, STOP_S = 6.0, 8.0  # a service manager kills ten seconds after it asked
POOLS = {"short": 4, "long": 2}  # deliveries and ticks must not wait behind a long import


class Command(BaseCommand):
    help = "Serve the site with its workers and schedule in one process, on the embedded database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.REDIS_URL:
            raise CommandError("serve is the embedded arrangement; with REDIS_URL set, run web, worker and beat apart.")
        if connection.vendor != "sqlite":
            # The lock proves nothing about a serve on another machine.
            raise CommandError("serve is the embedded arrangement; with a database server, set REDIS_URL as well.")
        os.umask(0o077)  # nobody else on this machine reads the database
        place = Path(settings.DATABASES["default"]["NAME"]).resolve().parent
        place.mkdir(parents=True, exist_ok=True)
        with open(place / "serve.lock", "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                raise CommandError(f"Another serve (process {lock.read()}) already runs on {place}.") from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self._serve(options["host"], options["port"])

    def _serve(self, host: str, port: int) -> None:
        try:  # before any work begins
            server = create_server(application, host=host, port=port, threads=8, ident="tieout")
        except OSError as error:
            raise CommandError(
                f"{host}:{port} cannot be served ({error.strerror}). Choose another port with --port, and set SITE_URL to match."
            ) from error
        call_command("migrate", interactive=False, verbosity=0)
        # The lock proves every earlier owner of a lease dead.
        lanes.free_all()
        schedule.free_all()
        proving.free_all()
        undo.free_all()
        cursors.end_leases()
        grants.end_leases()
        workers = [_pool(name, size) for name, size in POOLS.items()]
        beat = Service(app, max_interval=1, scheduler_cls=Scheduler)
        _in_background(beat.start)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, _interrupt)
        self.stdout.write(f"Tieout is ready on http://{host}:{port}/")
        self.stdout.flush()
        try:
            server.run()
        except KeyboardInterrupt:
            pass
        finally:
            # What is not done in time is as after a crash: the rows remember.
            stopping = [_in_background(run) for run in (beat.stop, *(worker.stop for worker in workers))]
            for thread in stopping:
                thread.join(JOIN_S / len(stopping))


def _pool(name: str, size: int) -> WorkController:
    """Start a pool of threads for one queue and wait until it listens.

    The queues a worker reads belong to the application they share, so the next pool must not choose its own before.
    """
    listening = threading.Event()
    worker = WorkController(
        app=app,
        pool="threads",
        concurrency=size,
        queues=[name],
        hostname=f"{name}@tieout",
        ready_callback=lambda _consumer: listening.set(),
    )
    _in_background(worker.start)
    if not listening.wait(START_S):
        raise CommandError(f"The worker for the {name} queue did not start.")
    return worker


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Neither a page nor a task that hangs keeps the process from ending.
    end = threading.Timer(STOP_S, os._exit, (0,))
    end.daemon = True
    end.start()
    raise KeyboardInterrupt


def _in_background(run: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
