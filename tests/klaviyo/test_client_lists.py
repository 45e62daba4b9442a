"""Lists found by name among all pages, and made once."""

from __future__ import annotations

import pytest
import requests
from shop import LIST, Shop

from target_klaviyo_segments.errors import NotFound
from target_klaviyo_segments.sandbox.app import Response


@pytest.fixture
def shop():
    return Shop()


def test_a_name_is_looked_for_on_all_pages(shop):
    """Klaviyo gives ten lists a page, and names need not differ."""
    for number in range(23):
        shop.box.add_list(f"SAME{number:02}", 'The "same", \\ again')
    shop.box.add_list("OTHER1", "Other")
    assert len(shop.client.lists.named('The "same", \\ again')) == 23
    assert [found.id for found in shop.client.lists.named("Other")] == ["OTHER1"]
    assert shop.client.lists.named("other") == ()
    assert len(shop.client.lists.everything()) == 25


def test_flows_that_may_send_are_told_of_a_list(shop):
    """A draft sends nothing."""
    for name, status in (("Welcome", "live"), ("By hand", "manual"), ("Some day", "draft")):
        shop.box.hang_flow(LIST, name, status)
    assert shop.client.list(LIST).flows == ("Welcome", "By hand")
    assert shop.client.lists.named("People")[0].flows == ("Welcome", "By hand")


def test_a_key_that_may_not_see_flows_sees_the_list(shop):
    """They are not known then, which is not the same as none."""
    denied = Response(403, {"content-type": "application/json"}, b'{"errors":[{"detail":"flows:read"}]}')
    shop.box.interceptors.append(lambda request: denied if "flow-triggers" in request.query else None)
    assert (shop.client.list(LIST).name, shop.client.list(LIST).flows) == ("People", None)
    assert [found.flows for found in shop.client.lists.everything()] == [None]
    assert shop.asked("GET", LIST) == 3
    with pytest.raises(NotFound):
        shop.client.list("Nope01")


def test_a_list_is_made_with_its_way_of_opting_in(shop):
    """Absent: as the account's settings say."""
    made = shop.client.lists.create("VIP", "single_opt_in")
    assert shop.box.lists[made.id] == ("VIP", "single_opt_in")
    made = shop.client.lists.create("Gold", None)
    assert shop.box.lists[made.id] == ("Gold", "double_opt_in")


def test_a_list_whose_making_was_not_answered_is_not_made_twice(shop):
    """Names need not differ, so Klaviyo would make a second one."""
    answer = shop.box._answer
    lost = []

    def intercept(request):
        if request.method == "POST" and not lost:
            lost.append(answer(request))
            raise requests.ConnectionError

    shop.box.interceptors.append(intercept)
    made = shop.client.lists.create("VIP", None)
    assert [name for name, _ in shop.box.lists.values()] == ["People", "VIP"]
    assert shop.box.lists[made.id][0] == "VIP"
