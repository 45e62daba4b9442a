"""What Klaviyo tells: whose the key is, what it may, which lists there are. Reads, and never writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.check.finding import Finding, Verdict
from target_klaviyo_segments.errors import Denied, KlaviyoError, Misconfigured, NotFound, ScopeMissing
from target_klaviyo_segments.klaviyo.probing import probes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_klaviyo_segments.klaviyo.lists import ListInfo
    from target_klaviyo_segments.klaviyo.probing import Probe
    from target_klaviyo_segments.klaviyo.protocol import Account, PlanUsage
    from target_klaviyo_segments.settings import Segment, Settings

_NEW_KEY = "The scopes of a key are fixed when it is made: make a new one that has all of them"

_HELD_BACK = "not asked: `dry_run` is true, and then nothing but reads is sent; take it out to have this told"


class Names(Protocol):
    """Lists by name."""

    def named(self, name: str) -> tuple[ListInfo, ...]:
        """All of this name."""
        ...


class Klaviyo(Protocol):
    """What is asked of Klaviyo. Each raises `KlaviyoError` when it does not answer."""

    def account(self) -> Account:
        """Whose the key is."""
        ...

    def may(self, probe: Probe) -> bool:
        """Whether the key has a scope."""
        ...

    def list_size(self, list_id: str) -> int | None:
        """How many are on a list."""
        ...

    def list(self, list_id: str) -> ListInfo:
        """A list, by its id."""
        ...

    @property
    def lists(self) -> Names:
        """Lists by name."""
        ...

    def plan_usage(self) -> PlanUsage | None:
        """What the plan allows."""
        ...


def of_klaviyo(klaviyo: Klaviyo, settings: Settings) -> Iterator[Finding]:
    """The account, each scope, each list, the plan; where the key itself is wrong, that alone."""
    account, right = _of_account(klaviyo, settings)
    yield account
    if not right:
        return
    scopes: dict[str, Verdict] = {}
    for probe in probes(settings.sync_modes, subscribes=settings.subscribes):
        if settings.dry_run and probe.call.method != "GET":
            yield Finding(f"scope {probe.scope}", Verdict.NOTE, _HELD_BACK)
            continue
        finding = _of_scope(klaviyo, probe, scopes)
        scopes[probe.scope] = finding.verdict
        yield finding
    for segment in settings.destinations:
        yield _of_list(klaviyo, segment, scopes.get("lists:read", Verdict.OK))
    if scopes.get("usage:read") is Verdict.OK:
        yield _of_plan(klaviyo)


def _of_account(klaviyo: Klaviyo, settings: Settings) -> tuple[Finding, bool]:
    """And whether there is any use in asking more."""
    try:
        account = klaviyo.account()
    except ScopeMissing:
        words = f"the key lacks accounts:read, so nobody knows whose it is. {_NEW_KEY}"
        return Finding("account", Verdict.TODO, words), True
    except KlaviyoError as error:
        return Finding(
            "account",
            _verdict(error),
            f"{error}{'' if str(error).endswith(('.', '?')) else '.'} Nothing more was asked",
        ), False
    expected, name = settings.expected_account_id, f"{account.id} `{account.name}`"
    if expected is not None and account.id != expected:
        words = (
            f"the key belongs to {name}, and `expected_account_id` is {expected}: put the right key, or the right id"
        )
        return Finding("account", Verdict.TODO, words), False
    return Finding("account", Verdict.OK, name + ("" if expected is None else ", as expected")), True


def _verdict(error: KlaviyoError) -> Verdict:
    """Where nobody answers, nobody knows; where the answer says what is wrong, that is to be mended."""
    return Verdict.TODO if isinstance(error, (Denied, Misconfigured)) else Verdict.UNKNOWN


def _of_scope(klaviyo: Klaviyo, probe: Probe, scopes: Mapping[str, Verdict]) -> Finding:
    """What cannot be told without another scope has the verdict of that one: who mends it, mends both."""
    about = f"scope {probe.scope}"
    needed = scopes.get(probe.also or "", Verdict.OK)
    if needed is not Verdict.OK:
        hint = ": give the new key both" if needed is Verdict.TODO else ""
        return Finding(about, needed, f"cannot be told without {probe.also}, for both are needed at once{hint}")
    try:
        granted = klaviyo.may(probe)
    except KlaviyoError as error:
        return Finding(about, _verdict(error), str(error))
    if granted:
        return Finding(about, Verdict.OK, "granted" + _how(probe))
    if probe.optional:
        words = "missing: the plan's room for profiles is not known, so `on_plan_limit` has nothing to go by"
        return Finding(about, Verdict.NOTE, words)
    return Finding(about, Verdict.TODO, f"missing. {_NEW_KEY}")


def _how(probe: Probe) -> str:
    written = probe.call.method != "GET"
    return "; a request without content was refused for its content alone, and nothing was written" if written else ""


def _of_list(klaviyo: Klaviyo, segment: Segment, may_read: Verdict) -> Finding:
    about = f"list {segment.list_id or segment.list_name}"
    if may_read is not Verdict.OK:
        hint = ": give the new key that scope, then check again" if may_read is Verdict.TODO else ""
        return Finding(about, may_read, f"cannot be looked at without lists:read{hint}")
    try:
        if segment.list_id is not None:
            return _told(about, klaviyo, klaviyo.list(segment.list_id))
        return _of_name(about, klaviyo, segment)
    except NotFound:
        return Finding(
            about,
            Verdict.TODO,
            "this account has no such list; check `list_id`, or give the list's name as `list_name`",
        )
    except KlaviyoError as error:
        return Finding(about, _verdict(error), str(error))


def _of_name(about: str, klaviyo: Klaviyo, segment: Segment) -> Finding:
    found = klaviyo.lists.named(segment.list_name or "")
    if len(found) == 1:
        return _told(about, klaviyo, found[0])
    if found:
        ids = ", ".join(each.id for each in found)
        words = f"{len(found)} lists of this account have that name: {ids}. Give the ID of the right one as `list_id`"
        return Finding(about, Verdict.TODO, words)
    if segment.create_list:
        return Finding(about, Verdict.OK, "there is none yet; the first person makes it (`create_list` is true)")
    words = "this account has no list of that name. Correct it, or set `create_list` to true to have the list made"
    return Finding(about, Verdict.TODO, words)


def _told(about: str, klaviyo: Klaviyo, found: ListInfo) -> Finding:
    count = klaviyo.list_size(found.id)
    size = "an unknown number of" if count is None else f"{count:,}"
    process = (found.opt_in_process or "unknown opt-in").replace("_", " ")
    words = f"`{found.name}` ({found.id}), {size} profiles, {process}"
    if found.flows:
        names = ", ".join(f"`{name}`" for name in found.flows)
        return Finding(about, Verdict.NOTE, f"{words}; whoever joins it may start the flows {names}")
    unseen = "the key may not see flows" if found.flows is None else "starts no flow"
    return Finding(about, Verdict.OK, f"{words}, {unseen}")


def _of_plan(klaviyo: Klaviyo) -> Finding:
    try:
        usage = klaviyo.plan_usage()
    except KlaviyoError as error:
        return Finding("plan", _verdict(error), str(error))
    if usage is None:
        return Finding("plan", Verdict.OK, "names no limit of profiles")
    full = usage.used >= usage.maximum
    return Finding(
        "plan", Verdict.NOTE if full else Verdict.OK, f"{usage.used:,} of {usage.maximum:,} profiles are used"
    )
