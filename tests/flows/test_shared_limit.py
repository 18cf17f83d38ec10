"""A limit that all companies of an application share: none of them takes it away from the others."""

from dataclasses import replace

import pytest

from flows import outbox
from flows.models import Delivery
from kit.clock import now
from kit.rate import Level, RatePlan, take
from ledgers.registry import open_ledger
from ledgers.wave.provider import DAILY_CALLS
from tenants.models import Bucket
from tests import factories
from tests.flows import slate
from tests.flows.slate import Slate, SlateBooks

DAY_S = 86400
KEY = "slate:production:app:calls"
PLAN = RatePlan(rate_per_s=1 / 60, burst=40, spared=8)


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def books(db, monkeypatch):
    with slate.opened(monkeypatch) as made:
        yield made


@pytest.fixture
def neighbour(books):
    """Another tenant's company."""
    return Neighbour(books.time, books.remote)


class Neighbour(SlateBooks):
    def connect(self, tenant, name="Globex Books"):
        grant = factories.GrantFactory(provider="slate", environment="production", subject="slate-2")
        return factories.ConnectionFactory(tenant=tenant, grant=grant, remote_name=name)


def wave(books):
    connection = factories.ConnectionFactory(tenant=books.tenant, grant__provider="wave")
    return open_ledger(connection).limits(slate.Call("POST", "", {}, b"", "", ()))["app:calls"]


def posted(books):
    return Delivery.objects.filter(remote_key=books.remote_key, state="posted").count()


def pass_time(books, seconds, step_s=20):
    """Do what the workers do, every 20 seconds."""
    for _ in range(int(seconds / step_s)):
        while outbox.take_turn():
            pass
        books.time.shift(step_s)


def shared(monkeypatch, plan, tokens=None, cost=lambda call: 1):
    monkeypatch.setattr(Slate, "limits", lambda self, call: {"app:calls": replace(plan, cost=cost(call))})
    if tokens is not None:
        Bucket.objects.create(key=KEY, tokens=tokens, at_s=now().timestamp())


def busy(books, left=0):
    """A company that asked often today."""
    Bucket.objects.create(key=f"{books.remote_key}:app:calls", tokens=left, at_s=now().timestamp())


def test_no_24_hours_have_more_calls_in_wave_than_a_day_allows_and_a_first_day_is_quick(books):
    plan = wave(books)
    level, taken = Level(plan.burst, 0), []
    for second in range(0, 2 * DAY_S, 20):
        while True:
            level, wait_s = take(level, plan, second)
            if wait_s:
                break
            taken.append(second)

    most = max(sum(start <= at < start + DAY_S for at in taken) for start in range(0, DAY_S + 1, 7200))

    assert sum(at == 0 for at in taken) == 1800  # six hundred orders
    assert most <= plan.burst + plan.rate_per_s * DAY_S == 0.8 * DAILY_CALLS


def test_another_tenants_small_settlement_goes_out_at_once_while_a_large_one_takes_all_there_is(
    books, neighbour, monkeypatch
):
    plan = wave(books)
    shared(monkeypatch, plan, tokens=plan.spared)  # all that a large settlement leaves
    busy(books)
    books.many(40)
    pass_time(books, 300)
    for number in range(5):
        neighbour.entry(f"small{number}")

    pass_time(books, 300)

    assert posted(neighbour) == 5
    assert posted(books) <= 600 * plan.rate_per_s + 1  # it goes on as tokens come


def test_one_company_leaves_what_is_spared_and_its_first_calls_of_the_day_count(books, monkeypatch):
    shared(monkeypatch, PLAN)
    books.many(40)

    pass_time(books, 20)

    assert posted(books) == PLAN.burst - PLAN.spared - 3  # whoever takes one token waits for four
    assert round(Bucket.objects.get(pk=KEY).tokens) == PLAN.spared + 3


def test_companies_that_ask_often_take_turns_whatever_each_of_their_calls_takes(books, neighbour, monkeypatch):
    """Were who needs one token served as soon as there is one, nobody would ever come by two."""
    plan = replace(PLAN, rate_per_s=1 / 20)
    shared(monkeypatch, plan, tokens=PLAN.spared, cost=lambda call: 2 if "dear" in "".join(call.keys) else 1)
    for each in (books, neighbour):
        busy(each)
    books.many(20, "cheap")
    neighbour.many(20, "dear")

    pass_time(books, 33 * 20)

    assert (posted(books), posted(neighbour)) == (10, 10)  # 30 tokens, and 3 to begin with
