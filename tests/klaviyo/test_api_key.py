"""The key shows itself to the wire alone."""

from __future__ import annotations

import pytest

from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.klaviyo.auth import ApiKey


def test_the_key_goes_into_the_header(key):
    """Klaviyo's own scheme name."""
    assert ApiKey(key)() == f"Klaviyo-API-Key {key}"


def test_the_key_is_not_in_a_repr(key):
    """A traceback with locals shows no key."""
    assert key not in repr(ApiKey(key))
    assert key not in str([ApiKey(key)])


@pytest.mark.parametrize("wrong", ["", "pk_secret\n", " pk_secret", "pk_sécret", "pk secret"])
def test_what_no_header_can_hold_is_refused_without_showing_it(wrong):
    """The HTTP library's own message would quote the key."""
    with pytest.raises(SettingsError) as refused:
        ApiKey(wrong)
    assert str(refused.value) == (
        "`api_key` is empty or has a space, a line break or a letter that no key has: copy it again"
    )
