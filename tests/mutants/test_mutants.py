"""Every named mutant is noticed by the check that is named with it; the suite runs that check on the product as it is."""

import inspect
from importlib import import_module

import pytest

from bookkeeping.figures import StatementError
from bookkeeping.planned import PlanBroken
from tests.flows.test_outbox_faults import WRITES
from tests.mutants.mutants import MUTANTS, WRITE_ONLY

# What the product itself refuses; anything else that is raised would be a mutant that merely crashes.
NOTICED = (AssertionError, pytest.fail.Exception, StatementError, PlanBroken)
OF_THE_OUTBOX = [mutant for mutant in MUTANTS if mutant.check.startswith("tests.flows.")]
OF_BOOKKEEPING = [mutant for mutant in MUTANTS if mutant not in OF_THE_OUTBOX]


def check_of(mutant):
    module, _, name = mutant.check.partition(":")
    return getattr(import_module(module), name)


def given_to(mutant):
    given = dict(mutant.given)
    return given | {"write": WRITES[given["write"]]} if "write" in given else given


@pytest.mark.parametrize("mutant", OF_THE_OUTBOX, ids=lambda mutant: mutant.name)
def test_a_mutant_of_the_outbox_is_noticed(mutant, everywhere, monkeypatch, request):
    check, given = check_of(mutant), given_to(mutant)
    wanted = {name: name for name in inspect.signature(check).parameters if name not in given}
    if mutant.check.startswith(WRITE_ONLY):
        wanted["books"] = "write_only_books"
    given |= {name: request.getfixturevalue(fixture) for name, fixture in wanted.items()}
    mutant.mutate(monkeypatch)

    with pytest.raises(NOTICED):
        check(**given)


@pytest.mark.parametrize("mutant", OF_BOOKKEEPING, ids=lambda mutant: mutant.name)
def test_a_mutant_of_bookkeeping_is_noticed(mutant, monkeypatch):
    mutant.mutate(monkeypatch)

    with pytest.raises(NOTICED):
        check_of(mutant)(**mutant.given)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_check_of_a_mutant_is_a_test_of_the_suite(mutant):
    check = check_of(mutant)

    assert inspect.isfunction(check)
    assert check.__name__.startswith("test_")


def test_mutants_are_named_once_and_say_why():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.why.endswith((".", "?")) for mutant in MUTANTS)
