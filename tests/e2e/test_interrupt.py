"""The demo ends when it is asked to, whoever started it."""

import signal

import pytest
from django.core.management import call_command

from connector.management.commands import demo


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_demo_is_interrupted_even_where_its_starter_had_it_ignore_that(name, monkeypatch):
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    ended = []

    def show(*_):
        try:
            signal.raise_signal(name)
        except KeyboardInterrupt:
            ended.append(name)
        return demo.INTERRUPTED

    monkeypatch.setattr(demo.Command, "_show", show)
    try:
        with pytest.raises(SystemExit):
            call_command("demo", "--once")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

    assert ended == [name]
