"""The profile resource as it is written: in a bulk import, and alone; and the list that a job names.

https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

Text = str | None
Simple = str | bool | int | float
# "A simple value or values": https://developers.klaviyo.com/en/docs/update_profile_properties_via_api
Values = dict[str, Simple | list[Simple]]


class Object(Struct, gc=False):
    """Any JSON object; what is in it is skipped."""


class Location(Struct, forbid_unknown_fields=True, gc=False):
    """The address; every part may be null."""

    address1: Text = None
    address2: Text = None
    city: Text = None
    country: Text = None
    region: Text = None
    zip: Text = None
    timezone: Text = None
    ip: Text = None
    latitude: str | float | None = None
    longitude: str | float | None = None


class Attributes(Struct, forbid_unknown_fields=True, gc=False):
    """What is known of a person, all of it optional."""

    email: Text = None
    phone_number: Text = None
    external_id: Text = None
    kx: Text = msgspec.field(name="_kx", default=None)
    first_name: Text = None
    last_name: Text = None
    organization: Text = None
    locale: Text = None
    title: Text = None
    image: Text = None
    location: Location | None = None
    properties: Object | None = None


class PatchProperties(Struct, forbid_unknown_fields=True, gc=False):
    """Changes of custom properties: arrays longer or shorter, properties gone."""

    append: Values | None = None
    unappend: Values | None = None
    unset: str | list[str] | None = None


class PatchIdentifiers(Struct, forbid_unknown_fields=True, gc=False):
    """Secondary e-mails."""

    append: Object | None = None
    unappend: Object | None = None


class Meta(Struct, forbid_unknown_fields=True, gc=False):
    """What stands beside the attributes."""

    patch_properties: PatchProperties | None = None
    patch_identifiers: PatchIdentifiers | None = None


class Profile(Struct, forbid_unknown_fields=True, gc=False):
    """One profile."""

    type: Literal["profile"]
    attributes: Attributes
    id: Text = None
    meta: Meta | None = None


class ListId(Struct, forbid_unknown_fields=True):
    """One list."""

    type: Literal["list"]
    id: str


class ToList(Struct, forbid_unknown_fields=True):
    """The list of a job that has one at most."""

    data: ListId
