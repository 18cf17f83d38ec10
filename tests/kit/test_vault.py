"""Secrets open at their place only, with any listed key, or not at all."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.vault import CannotOpen, current_key_id, seal, unseal


def key(byte):
    return base64.urlsafe_b64encode(bytes([byte]) * 32).decode()


@pytest.fixture(autouse=True)
def keys(settings):
    settings.VAULT_KEYS = f"k1:{key(1)}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain=st.binary(max_size=300))
def test_what_was_sealed_opens(plain):
    assert unseal(seal(plain, "grant:1:refresh_token"), "grant:1:refresh_token") == plain


def test_the_same_secret_never_seals_to_the_same_text():
    assert seal(b"x", "t:1:f") != seal(b"x", "t:1:f")


def test_value_moved_to_another_row_does_not_open():
    sealed = seal(b"secret", "grant:1:refresh_token")

    with pytest.raises(CannotOpen, match="grant:2:refresh_token"):
        unseal(sealed, "grant:2:refresh_token")


@pytest.mark.parametrize("damaged", ["", "k1", "k1:", "k1:AAAA", "k1:not base64!", "k9:AAAA", "plain text"])
def test_damaged_value_is_an_error_never_empty(damaged):
    with pytest.raises(CannotOpen):
        unseal(damaged, "t:1:f")


def test_changed_byte_does_not_open():
    sealed = seal(b"secret", "t:1:f")
    changed = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]

    with pytest.raises(CannotOpen):
        unseal(changed, "t:1:f")


def test_older_key_opens_and_newest_seals(settings):
    old = seal(b"secret", "t:1:f")
    settings.VAULT_KEYS = f"k2:{key(2)}, k1:{key(1)}"

    assert unseal(old, "t:1:f") == b"secret"
    assert seal(b"secret", "t:1:f").startswith("k2:")
    assert current_key_id() == "k2"


@pytest.mark.parametrize("text", ["", "k1", "k1:short", f":{key(1)}", f"k1:{key(1)},k1:{key(2)}"])
def test_unusable_key_list_is_named(settings, text):
    settings.VAULT_KEYS = text

    with pytest.raises(ImproperlyConfigured, match="VAULT_KEYS"):
        seal(b"x", "t:1:f")
