"""Who the client is to Klaviyo: the value of the Authorization header, by a private key or by OAuth."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from target_klaviyo_segments.errors import SettingsError


class Auth(Protocol):
    """Shared by threads. It shows itself to the wire alone."""

    def __call__(self) -> str:
        """The value of the Authorization header.

        Raises:
            KlaviyoError: There is none to be had.
        """
        ...

    def renew(self, refused: str) -> bool:
        """Klaviyo answers 401 to this value; whether there is another one now, worth one more try.

        Raises:
            KlaviyoError: There is none to be had.
        """
        ...


class ApiKey:
    """A private key: https://developers.klaviyo.com/en/docs/authenticate_ ."""

    __slots__ = ("_key",)

    def __init__(self, key: str, name: str = "api_key") -> None:
        if not key or not all("!" <= character <= "~" for character in key):
            # An HTTP library would refuse it too, but with the key in its message.
            raise SettingsError(
                [f"`{name}` is empty or has a space, a line break or a letter that no key has: copy it again"]
            )
        self._key = key

    @classmethod
    def from_file(cls, path: str) -> ApiKey:
        """The key that a file holds and nothing else, but for space around it.

        Raises:
            SettingsError: It cannot be read, or holds no key.
        """
        try:
            key = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError([f"the key file {path} (`api_key_file`) cannot be read: {error.strerror}"]) from None
        except UnicodeDecodeError:
            raise SettingsError(
                [f"the key file {path} (`api_key_file`) is not UTF-8 text: put the key alone into it"]
            ) from None
        return cls(key, "api_key_file")

    def __call__(self) -> str:
        """The value of the Authorization header."""
        return f"Klaviyo-API-Key {self._key}"

    def renew(self, refused: str) -> bool:
        """A key is what it is."""
        del refused
        return False

    def __repr__(self) -> str:
        return "ApiKey(***)"
