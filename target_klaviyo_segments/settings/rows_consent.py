"""Rows of the settings table: who is subscribed. Nobody, unless a channel is named."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
    Setting(
        "subscribe_channels",
        "array",
        "Subscribe people whose row has their consent to these channels: email, sms. Needs consent_field or consented_at_field and the scope subscriptions:write. Whoever unsubscribed or is suppressed is left alone. See docs/consent.md.",
        options=("email", "sms"),
    ),
    Setting(
        "consent_field",
        "string",
        "Property that must say yes (true, t, yes, y, 1) for a person to be subscribed; anything else is no consent.",
    ),
    Setting(
        "consented_at_field",
        "string",
        "Property with the instant at which the person consented; without consent_field it is the consent itself.",
    ),
    Setting(
        "historical_import",
        "boolean",
        "Consent was collected before: no confirmation is asked for and no flow starts. Needs consented_at_field; who has no instant in the past there is not subscribed.",
        default=False,
    ),
    Setting("custom_source", "string", "Where the consent came from, kept by Klaviyo with it."),
    Setting(
        "resubscribe",
        "boolean",
        "Subscribe also whom Klaviyo shows as unsubscribed or suppressed. Only where each row is proof that they came back.",
        default=False,
    ),
)

NAMES = tuple(row.name for row in ROWS)
