"""The settings: every problem at once, in words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from target_klaviyo_segments.config import ENVIRONMENT_PREFIX, read_config
from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.segment.mapping import mapping_problems
from target_klaviyo_segments.settings import Settings
from target_klaviyo_segments.settings.table import SDK_SETTINGS, SETTINGS, config_jsonschema

ROOT = Path(__file__).parent.parent.parent
SPOILT = "the config file {} is nested too deeply or has a number of thousands of digits: it is spoilt"
GOOD = {"api_key": "pk_sandbox_0123456789abcdef", "accept_data_privacy": True, "list_id": "Y6nRLr"}


def check(**config):
    return Settings.from_config({**GOOD, **config}, mapping_problems=mapping_problems)


def problems(**config):
    with pytest.raises(SettingsError) as caught:
        check(**config)
    return caught.value.problems


def test_the_four_settings_of_the_simplest_export_are_enough():
    """Key, list, e-mail field and the privacy notice."""
    settings = check(email_field="mail")
    assert settings.segment("anything").email_field == "mail"
    assert settings.api_url == "https://a.klaviyo.com"


def test_null_counts_as_absent():
    """Meltano writes null for what is not set."""
    assert check(connection_name=None, segments=None).connection_name == "klaviyo"


def test_all_problems_are_told_at_once():
    """One run of the program finds every mistake."""
    found = problems(
        api_key=None, batch_size_rows=0, on_export_limit="truncate", colour="red", accept_data_privacy=False
    )
    text = "\n".join(found)
    assert len(found) == 5
    for name in ("api_key", "batch_size_rows", "on_export_limit", "colour", "accept_data_privacy"):
        assert name in text


def test_the_refusal_without_privacy_says_what_is_agreed_to():
    """Not one byte leaves without `accept_data_privacy: true`."""
    (problem,) = problems(accept_data_privacy=None)
    assert "personal data" in problem
    assert "consent" in problem


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"batch_size_rows": 10_001}, r"`batch_size_rows` is 10001, above 10000: a Klaviyo import job takes"),
        ({"batch_size_bytes": 5_000_001}, r"above 5000000: .* 5 MB"),
        ({"max_profiles_per_export": 1_000_001}, r"above 1000000: an export holds"),
        ({"max_in_flight": 0}, r"below 1: .* burst"),
        ({"max_in_flight": True}, r"must be a whole number"),
        ({"dry_run": "yes"}, r"`dry_run` must be true or false"),
        ({"job_timeout_seconds": 604_801}, r"7 days"),
        ({"connection_name": " "}, r"`connection_name` is empty"),
        (
            {"api_url": "http://klaviyo.example.com"},
            r"`api_url` must begin with https:// \(plain http is allowed .*: the key travels with",
        ),
        ({"api_url": "https://user:secret@a.klaviyo.com"}, r"must begin with https://"),
        ({"api_url": "https://a.klaviyo.com/api/"}, r"`api_url` must end before `/api`, which is added to it"),
        ({"api_url": "https://a.klaviyo.com:port"}, r"is not a web address"),
        (
            {"alert_webhook_url": "http://hooks.example.com/x"},
            r"`alert_webhook_url` must begin with https:// .* can post to it",
        ),
        ({"alert_webhook_url": "https://["}, r"`alert_webhook_url` is not a web address"),
        ({"api_revision": "newest"}, r"a date such as 2026-10-15"),
        ({"default_country": "Germany"}, r"`default_country` must be a country's two letters, such as US or DE"),
        ({"api_key": "pk with space"}, r"no Klaviyo key has"),
        ({"allowed_users": "root"}, r"must be a list"),
        ({"allowed_users": [1]}, r"must be a list of texts"),
        ({"segments": {"people": {"lst_id": "X"}}}, r"no setting `lst_id` for `people`; did you mean `list_id`\?"),
        ({"segments": {"people": "Y6nRLr"}}, r"must give an object for the stream `people`"),
        ({"segments": {"people": {"email_field": 1}}}, r"`people.email_field` must be text"),
        (
            {"flattening_enabled": True},
            r"`flattening_enabled` is true, and `flattening_max_depth` is missing: how deep to flatten, such as 1",
        ),
        ({"flattening_enabled": "yes", "flattening_max_depth": 1}, r"`flattening_enabled` must be true or false"),
        ({"flattening_max_depth": "1"}, r"`flattening_max_depth` must be a whole number"),
        ({"flattening_max_key_length": True}, r"`flattening_max_key_length` must be a whole number"),
        ({"stream_maps": []}, r"`stream_maps` must be an object of streams"),
        ({"stream_maps": {"people": 5}}, r"`stream_maps.people` must give an object for a stream, or null to leave it"),
        ({"stream_maps": {"__else__": "people"}}, r"`__else__` with null leaves out all others"),
        ({"stream_maps": {"__filter__": None}}, r"`stream_maps.__filter__` must give an object"),
        ({"stream_maps": {"__else__": {}}}, r"`stream_maps.__else__` must give an object"),
        (
            {"stream_maps": {"people": {"vip": "int(level"}}},
            r"is no expression, .*: look for a bracket or a quotation mark that is missing",
        ),
        ({"stream_maps": {"people": {"__filter__": ""}}}, r"`stream_maps.people.__filter__` is no expression"),
        ({"stream_maps": {"people": {"vip": 5}}}, r"`stream_maps.people.vip` is no expression"),
        ({"stream_maps": {"people": {"vip": "\0"}}}, r"`stream_maps.people.vip` is no expression"),
        ({"segments": {}}, r"`segments` is empty: nothing would be exported. .* leave it out to export all"),
        (
            {"segments": {"people": {"segment_field": "tier", "segments": {}}}},
            r"`segments` is wrong: `people.segments` is empty: nothing",
        ),
        (
            {"segments": {"people": {}}, "list_id": None},
            r"`segments.people` has no `list_id` or `list_name`, and there is no general one",
        ),
        ({"list_id": None}, r"`list_id` is missing: the Klaviyo list to fill \(the six characters in the address"),
        (
            {"list_id": "Sandbox segment"},
            r"`list_id` is no ID of a list, .*; the name of a list belongs in `list_name`",
        ),
        ({"list_id": "https://www.klaviyo.com/list/Y6nRLr/x"}, r"six characters in the address of its page"),
        ({"segments": {"people": {"list_id": "Né"}}}, r"segments.people: `list_id` is no ID of a list"),
        ({"list_name": "VIP"}, r"`list_id` and `list_name` name a list twice"),
        ({"segments": {"people": {"list_id": "A", "list_name": "B"}}}, r"segments.people: `list_id` and `list_name`"),
        ({"segment_field": "tier"}, r"`segment_field` without `segments` takes each row to the list"),
        ({"list_id": None, "segment_field": "email"}, r"`segment_field` is the e-mail property"),
        (
            {"segment_field": "tier", "segments": {"vip": {"email_field": "mail"}}},
            r"`segments` has no setting `email_field` for `vip`",
        ),
        ({"segments": {"people": {"segments": {"vip": {}}}}}, r"no `segment_field` that tells them apart"),
        (
            {"segments": {"people": {"segment_field": "tier", "segments": {"vip": {"sync_mode": "swap"}}}}},
            r"`segments.people.segments` is wrong: `vip.sync_mode` must be one of",
        ),
        ({"segments": {"people": {"segment_field": "tier", "list_id": "A"}}}, r"has a list, and a `segment_field`"),
        ({"create_list": True}, r"`create_list` is true, and there is no `list_name`"),
        ({"list_id": None, "list_name": "VIP", "opt_in_process": "single_opt_in"}, r"`create_list` is not true"),
        ({"list_name": "VIP", "create_list": True, "opt_in_process": "triple"}, r"single_opt_in, double_opt_in"),
        ({"field_map": {"frist_name": "given"}}, r"did you mean `first_name`\? \(a custom property is written"),
        (
            {"field_map": {"given": "first_name"}},
            r"`field_map` names `given`, .* for `first_name`, which is one: .* left, \{\"first_name\": \"given\"\}",
        ),
        ({"field_map": {"given": ["first_name"]}}, r"`field_map.given` must name a property of the records"),
        ({"segments": {"people": {"field_map": {"location.cty": "town"}}}}, r"segments.people: .*location.city"),
        ({"append_fields": ["tags"]}, r"`append_fields` must be an object"),
        ({"append_fields": {"tags": 7}}, r"`append_fields.tags` must name a property of the records"),
        ({"append_fields": {" ": "tag"}}, r"without the name of a custom property"),
        (
            {"unappend_fields": {"properties.tags": "tag"}},
            r"`unappend_fields` names custom properties alone, so `properties.tags` is written `tags`",
        ),
        ({"append_fields": {"first_name": "tag"}}, r"`first_name`, a profile field of Klaviyo's that holds one value"),
        (
            {"append_fields": {"tags": "tag"}, "field_map": {"properties.tags": "tag"}},
            (
                r"`append_fields.tags` and `field_map.properties.tags` contradict each other: one changes "
                r"the values .* Keep one"
            ),
        ),
        (
            {"append_fields": {"tags": "tag"}, "segments": {"people": {"field_map": {"properties.tags": "t"}}}},
            r"segments.people: `append_fields.tags` and .* contradict",
        ),
        ({"segments": {"people": {"append_fields": {"": "tag"}}}}, r"segments.people: `append_fields` has an entry"),
        ({"acept_data_privacy": True}, r"did you mean `accept_data_privacy`\?"),
    ],
)
def test_each_problem_is_told_in_words(config, words):
    """The setting, what is wrong, and what would be right or which limit would break."""
    assert re.search(words, "\n".join(problems(**config)))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8765", "http://localhost:8765/", "http://[::1]:1", "https://a.klaviyo.com/"]
)
def test_plain_http_is_for_loopback(url):
    """The key travels with every request."""
    assert check(api_url=url).api_url == url.rstrip("/")
    assert check(alert_webhook_url=f"{url}?code=x").alert_webhook_url == f"{url}?code=x"


def test_a_segment_of_its_own_overrides_and_inherits():
    """`segments` names streams; what it leaves out comes from the general settings."""
    settings = check(segments={"vip": {"list_id": "VIP001", "email_field": "mail"}, "all": {}}, default_country="DE")
    vip, everyone = settings.segment("vip"), settings.segment("all")
    assert (vip.list_id, vip.email_field, vip.default_country) == ("VIP001", "mail", "DE")
    assert vip.email_setting == "segments.vip.email_field"
    assert (everyone.list_id, everyone.email_field) == ("Y6nRLr", "email")
    assert settings.segment("orders") is None


def test_every_list_that_the_settings_name_is_known_beforehand():
    """By stream and by value; a value that names its list itself is not. The check looks at these."""
    tiers = {"vip": {"list_id": "VIP001", "sync_mode": "mirror"}, "gold": {"list_name": "Gold"}, "silver": {}}

    def lists(**config):
        return [each.list_id or each.list_name for each in check(**config).destinations]

    assert lists(segment_field="tier", segments=tiers) == ["VIP001", "Gold", "Y6nRLr"]
    assert lists(segment_field="tier", segments=tiers, list_id=None) == ["VIP001", "Gold", "silver"]
    assert lists(segment_field="tier", list_id=None) == []
    assert lists(segments={"people": {"segment_field": "tier", "segments": tiers}, "all": {}})[:2] == ["VIP001", "Gold"]
    assert check(segment_field="tier", segments=tiers).mirrored_lists == {"VIP001"}
    assert check(segment_field="tier", list_id=None, sync_mode="mirror").mirrored_lists is None


def test_the_key_is_in_no_representation():
    """A representation ends up in logs."""
    assert GOOD["api_key"] not in repr(check())
    assert config_jsonschema()["properties"]["api_key"]["secret"] is True


def test_files_merge_and_the_environment_outranks_them(tmp_path):
    """`--config a.json --config b.json`, and TARGET_KLAVIYO_SEGMENTS_*."""
    (tmp_path / "a.json").write_text(json.dumps({"list_id": "A", "email_field": "a", "max_in_flight": 1}))
    (tmp_path / "b.json").write_text(json.dumps({"list_id": "B", "email_field": "b"}))
    environment = {
        "TARGET_KLAVIYO_SEGMENTS_LIST_ID": "E",
        "TARGET_KLAVIYO_SEGMENTS_ACCEPT_DATA_PRIVACY": "true",
        "TARGET_KLAVIYO_SEGMENTS_FIELD_MAP": '{"title": "job"}',
        "TARGET_KLAVIYO_SEGMENTS_ALLOWED_USERS": '["root"]',
        "TARGET_KLAVIYO_SEGMENTS_FLATTENING_MAX_DEPTH": "2",
        "TARGET_KLAVIYO_SEGMENTS_API_URL": "",
    }
    paths = [str(tmp_path / "a.json"), "ENV", str(tmp_path / "b.json")]
    assert read_config(paths, environment) == {
        "list_id": "E",
        "email_field": "b",
        "max_in_flight": 1,
        "accept_data_privacy": True,
        "field_map": {"title": "job"},
        "allowed_users": ["root"],
        "flattening_max_depth": 2,
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "the config file {} cannot be read: No such file or directory"),
        (
            b'{"list_id": "A", // mine\n}',
            (
                "the config file {} is not JSON at line 1: Expecting property name enclosed in double quotes. JSON has "
                'no comments, no comma before a closing bracket, no quotes but ", and small true and false'
            ),
        ),
        (b"[]", 'the config file {} holds no JSON object, such as {{"list_id": "Y6nRLr"}}'),
        (b"\xff", "the config file {} is not UTF-8 text: save it as UTF-8"),
        (b"[" * 100_000, SPOILT),
        (b'{"max_in_flight": ' + b"1" * 5000 + b"}", SPOILT),
    ],
)
def test_an_unreadable_config_file_is_told_by_name(tmp_path, content, words):
    """No traceback for a mistyped path."""
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        read_config([str(path)], {})
    assert str(refused.value) == words.format(path)


@pytest.mark.parametrize(
    "given", [' {"api_key": "pk_0123456789"}', "pk_0123456789", '{"oauth_client_secret":"' + "s" * 300 + '"}']
)
def test_settings_in_the_place_of_a_file_are_not_shown(given):
    """There may be a key among them: nobody's log has it."""
    with pytest.raises(SettingsError) as refused:
        read_config([given], {})
    assert str(refused.value) == (
        "`--config` was given what looks like settings or a key, which is not shown here: it takes the path of a file "
        "that holds them"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_config_file_may_be_as_windows_writes_it(tmp_path, encoding):
    """With a mark at its beginning, in UTF-16 as its shells write, and with its ends of lines."""
    path = tmp_path / "config.json"
    path.write_bytes('{\r\n"connection_name": "Läden",\r\n"list_id": "Y6nRLr"\r\n}\r\n'.encode(encoding))
    assert read_config([str(path)], {}) == {"connection_name": "Läden", "list_id": "Y6nRLr"}


@pytest.mark.parametrize("name", ["work_dir", "api_key_file"])
def test_the_home_folder_in_a_path(monkeypatch, tmp_path, name):
    """As a shell has it: `~` makes no folder of that name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_config([], {f"{ENVIRONMENT_PREFIX}{name.upper()}": "~/kw"}) == {name: str(tmp_path / "kw")}
    (tmp_path / "config.json").write_text(json.dumps({name: "kw/~"}))
    assert read_config([str(tmp_path / "config.json")], {}) == {name: "kw/~"}


@pytest.mark.parametrize("name", ["work_dir", "api_key_file"])
def test_a_path_that_no_file_can_have(tmp_path, name):
    """Told by its setting, for every command."""
    (tmp_path / "config.json").write_text(json.dumps({name: "a\0b"}))
    with pytest.raises(SettingsError) as refused:
        read_config([str(tmp_path / "config.json")], {})
    assert str(refused.value) == f"`{name}` has a NUL character, which no path has"


def test_a_misspelt_variable_is_refused():
    """A dry run that was meant so would be a run."""
    with pytest.raises(SettingsError) as refused:
        read_config([], {"TARGET_KLAVIYO_SEGMENTS_DRYRUN": "true", "TARGET_KLAVIYO_SEGMENTS_LIST_ID": "E"})
    assert list(refused.value.problems) == [
        "the variable TARGET_KLAVIYO_SEGMENTS_DRYRUN is of no setting; did you mean TARGET_KLAVIYO_SEGMENTS_DRY_RUN?"
    ]


@pytest.mark.parametrize(
    "environment",
    [
        {
            "TARGET_KLAVIYO_SEGMENTS_SERVICE_HOST": "10.0.0.1",
            "TARGET_KLAVIYO_SEGMENTS_PORT_80_TCP": "tcp://10.0.0.1:80",
        },
        {"TARGET_KLAVIYO_SEGMENTS_VERSION": "0.1.0", "TARGET_KLAVIYO_SEGMENTS__DIALECT": "x"},
        {"TARGET_KLAVIYO_SEGMENTS_VIP_LIST_ID": "Y6nRLr"},
        {"TARGET_KLAVIYO_SEGMENTS_LISTID": "Y6nRLr", "MELTANO_PROJECT_ROOT": "/srv/shop"},
    ],
)
def test_variables_of_others_are_left_alone(environment):
    """Those of a cluster, of a build, of Meltano and of its other plugins begin alike."""
    assert read_config([], environment) == {}


def test_variables_that_do_not_fit_are_told_all_at_once():
    """By the variable's name, which is what the user typed; not by its value."""
    wanted = {
        "SEGMENTS": ("{", "a JSON object"),
        "FIELD_MAP": ("[" * 100_000, "a JSON object"),
        "DRY_RUN": ("perhaps", "true or false"),
        "ALLOWED_USERS": ("root", "a JSON list"),
        "MAX_IN_FLIGHT": ("many", "a whole number"),
    }
    environment = {f"{ENVIRONMENT_PREFIX}{name}": value for name, (value, _) in wanted.items()}
    with pytest.raises(SettingsError) as caught:
        read_config([], environment)
    assert sorted(caught.value.problems) == sorted(
        f"the variable {ENVIRONMENT_PREFIX}{name} does not hold {kind}" for name, (_, kind) in wanted.items()
    )


def test_meltano_yml_has_every_setting_as_the_table_has_it():
    """Names, kinds, defaults, options and secrets."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    (loader,) = project["plugins"]["loaders"]
    listed = {setting["name"]: setting for setting in loader["settings"]}
    assert list(listed) == [*SETTINGS, *SDK_SETTINGS]
    for name, row in SETTINGS.items():
        entry = listed[name]
        chosen = row.kind == "string" and row.options  # of several options Meltano lets choose one
        assert entry["kind"] == ("options" if chosen else row.kind)
        assert entry["description"] == row.description
        assert entry.get("value") == (None if row.kind == "object" else row.default)
        assert tuple(option["value"] for option in entry.get("options", ())) == (chosen or ())
        assert entry.get("sensitive", False) == row.secret


def test_the_readme_lists_every_setting_with_its_default():
    """One row a setting: name, default, description."""
    lines = (ROOT / "README.md").read_text().splitlines()
    for name, row in SETTINGS.items():
        (line,) = [line for line in lines if line.startswith(f"| `{name}` |")]
        assert row.description in line
        default = json.dumps(dict(row.default or {}) if row.kind == "object" else row.default)
        assert row.default is None or f"`{default.strip(chr(34))}`" in line


def test_the_sample_config_is_valid():
    """It runs as it is, against the sandbox."""
    sample = json.loads((ROOT / "sample_config.json").read_text())
    assert Settings.from_config(sample, mapping_problems=mapping_problems).api_url == "http://127.0.0.1:8765"
