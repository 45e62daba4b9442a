"""Who the client is to Klaviyo: the value of the Authorization header."""

from __future__ import annotations

from target_klaviyo_segments.errors import SettingsError


class ApiKey:
    """A private key: https://developers.klaviyo.com/en/docs/authenticate_ . It shows itself to the wire alone."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        if not key or not all("!" <= character <= "~" for character in key):
            # An HTTP library would refuse it too, but with the key in its message.
            raise SettingsError(["`api_key` is empty or has a space, a line break or a letter that no key has"])
        self._key = key

    def __call__(self) -> str:
        """The value of the Authorization header."""
        return f"Klaviyo-API-Key {self._key}"

    def __repr__(self) -> str:
        return "ApiKey(***)"
