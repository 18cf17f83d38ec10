from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template

from connector.templatetags.ui import STATES, money, state_badge
from flows import models as flows
from kit.clock import now
from tenants.models import Access


def render(source, **context):
    return Template("{% load ui %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("minor", "currency", "show", "text"),
    [
        (123456789, "USD", "bare", "1,234,567.89"),
        (-5, "USD", "bare", "−0.05"),
        (-100000, "JPY", "bare", "−100,000"),
        (1234, "KWD", "bare", "1.234"),
        (520, "USD", "signed", "+5.20"),
        (-520, "USD", "signed", "−5.20"),
        (0, "USD", "signed", "0.00"),
    ],
)
def test_money_is_written_with_separators_and_a_real_minus(minor, currency, show, text):
    html = money(minor, currency, show)

    assert f">{text}<" in html


def test_money_names_its_currency_and_keeps_the_exact_value_for_machines():
    html = money(-101608, "USD")

    assert 'value="-1016.08"' in html
    assert ">USD</span>" in html


def test_an_absent_amount_is_a_dash_and_not_a_zero():
    assert "–" in money(None, "USD")


def test_every_state_of_the_work_has_a_badge_of_its_own():
    states = {*flows.Delivery.State, *flows.Run.State, *flows.Flow.State, *flows.Plan.State, *Access}

    assert states <= STATES.keys()


def test_a_badge_says_in_words_what_its_colour_says():
    html = state_badge("held", "Held: no account")

    assert "tone-amber" in html
    assert "#pause" in html
    assert "Held: no account" in html


def test_a_badge_escapes_what_it_is_given():
    assert "<b>" not in state_badge("held", "<b>")


def test_a_time_is_relative_and_absolute_and_names_its_zone():
    html = render("{% when at %}", at=datetime(2026, 1, 15, 12, 0, tzinfo=UTC))

    assert 'datetime="2026-01-15T12:00:00+00:00"' in html
    assert "15 Jan 2026, 12:00" in html
    assert "UTC" in html
    assert "ago" in html


def test_a_time_follows_the_zone_of_the_page():
    html = render("{% when at 'absolute' %}", at=datetime(2026, 1, 15, 3, 0, tzinfo=UTC), zone="America/Los_Angeles")

    assert "14 Jan 2026, 19:00" in html


def test_a_moment_ago_is_just_now():
    assert "just now" in render("{% when at 'relative' %}", at=now() - timedelta(seconds=5))
