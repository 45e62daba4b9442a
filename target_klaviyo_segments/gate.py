"""Who may run a connection, asked before the first byte is read."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from target_klaviyo_segments.settings import Settings


def user_name() -> str:
    """The OS user that runs this; the number of one without a name, as containers have."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def refusal(settings: Settings, user: str) -> str | None:
    """Why this user may not run the connection now; None when they may."""
    name = settings.connection_name
    if not settings.enabled:
        return f"the connection `{name}` is disabled (`enabled` is false): nothing was read or sent"
    if settings.allowed_users is not None and user not in settings.allowed_users:
        return (
            f"the user {user} may not run the connection `{name}`: "
            "`allowed_users` does not name them. Nothing was read or sent"
        )
    return None
