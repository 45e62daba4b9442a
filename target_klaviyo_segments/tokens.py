"""The refresh token that Klaviyo gave last, kept in the work directory for the next run. Its owner's alone."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from target_klaviyo_segments.errors import WorkDirError

FILE = "oauth.json"


class TokenFile:
    """Of one configured refresh token. A token that came from another configured one is not used."""

    def __init__(self, work_dir: Path, configured: str) -> None:
        self._path = work_dir / FILE
        self._configured = configured
        self.trouble: str | None = None
        self._of = hashlib.sha256(configured.encode()).hexdigest()

    def load(self) -> str:
        """The last one, read each time: another process may have got a newer one; else the configured one."""
        self.trouble = None
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            of, refresh_token = kept["of"], kept["refresh_token"]
        except FileNotFoundError:
            return self._configured
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            self.trouble = f"The last refresh token, which is kept in {self._path}, cannot be read"
            return self._configured
        return refresh_token if of == self._of and isinstance(refresh_token, str) else self._configured

    def keep(self, refresh_token: str) -> None:
        """On the disk when this returns, whole or not at all.

        Raises:
            WorkDirError: It cannot be written.
        """
        draft = self._path.with_suffix(".draft")
        text = json.dumps({"of": self._of, "refresh_token": refresh_token})
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)  # noqa: PTH105  # Path.replace is the same call
        except OSError as error:
            raise WorkDirError(
                f"the refresh token that Klaviyo gave cannot be kept in {self._path}: {error.strerror}. Make the "
                "folder writable; if the next run is refused, install the app again and set `oauth_refresh_token`"
            ) from None
