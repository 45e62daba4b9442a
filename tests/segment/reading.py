"""What Klaviyo would read of a record; used by the tests of mapping."""

from __future__ import annotations

import json

import msgspec

from target_klaviyo_segments.segment.mapping import Mapper, Profile


def mapper(
    *, properties=(), email_field="email", field_map=None, unmapped_fields="send", default_country=None, **settings
):
    return Mapper.compile(
        properties=properties,
        email_field=email_field,
        field_map=field_map or {},
        unmapped_fields=unmapped_fields,
        default_country=default_country,
        **settings,
    )


def refuse_constant(name):
    raise AssertionError(f"{name} is not JSON")


def attributes(record, **settings):
    """What Klaviyo would read of a record, by two readers."""
    profile = mapper(**settings).map(record)
    assert isinstance(profile, Profile)
    resource = json.loads(profile.payload.decode(), parse_constant=refuse_constant)
    msgspec.json.decode(profile.payload)
    assert resource.keys() - {"meta"} == {"type", "attributes"}
    assert resource.get("meta", {"patch_properties": {"append": {}}})["patch_properties"]
    assert resource["type"] == "profile"
    found = resource["attributes"]
    assert found.pop("email") == profile.email
    return found


def patch(record, **settings):
    """What a row does to arrays and properties that Klaviyo has."""
    profile = mapper(**settings).map({"email": "a@x.io", **record})
    return json.loads(profile.payload).get("meta", {}).get("patch_properties", {})


def custom(record, **settings):
    return attributes({"email": "a@x.io", **record}, **settings).get("properties", {})


def dropped(record, **settings):
    return mapper(**settings).map({"email": "a@x.io", **record}).dropped
