"""The sandbox's page as people see it, in Chromium."""

from __future__ import annotations

import pytest

from target_klaviyo_segments.sandbox.server import SandboxServer

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
LIST = "Y6nRLr"


@pytest.fixture
def server(box, browser):
    with SandboxServer(box) as running:
        yield running
        browser.driver.get("about:blank")


def rows(table):
    return f"document.querySelectorAll('#{table} tbody tr:has(th)').length"


def has(text, selector="main"):
    return f"document.querySelector('{selector}').innerText.includes('{text}')"


def people(count):
    return [{"email": f"p{number}@x.io", "first_name": "Ada", "properties": {"n": number}} for number in range(count)]


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_any_screen_and_asks_the_sandbox_alone(browser, server, caller, width, dark):
    """Desktop or phone, light or dark: nothing to scroll sideways, no complaint, every text can be read."""
    caller.box.refuse_rows(lambda row: ("invalid", "w" * 300) if row["email"] == "p1@x.io" else None)
    caller.box.add_list("LONG01", "w" * 300)
    caller.load(*people(30), {"email": f"{'e' * 60}@x.io", "last_name": "Ш" * 300, "first_name": "محمد بن سلمان"})
    caller.load({"email": "nobody"})
    browser.open(f"{server.url}/", width=width, dark=dark)
    browser.wait(f"{rows('members')} === 30 && {rows('errors')} === 1")
    assert not browser.overflows
    assert browser.faint == []
    assert browser.complaints == []
    paths = {url.removeprefix(server.url).partition("?")[0] for url in browser.requests}
    assert paths == {"/", "/sandbox/overview", "/sandbox/members"}


def test_an_export_is_seen_arriving(browser, server, caller, clock):
    """Without a click: the request, the job through its life, the people, the row that was dropped."""
    caller.box.job_seconds = 10
    caller.box.refuse_rows(lambda row: ("invalid", "not this one") if row["email"] == "p1@x.io" else None)
    browser.open(f"{server.url}/")
    browser.wait(
        has("Nobody is on the list yet.")
        + " && "
        + has(f"No import job yet. Let a target send to api_url {server.url}")
    )
    caller.load(*people(12))
    browser.wait(has("queued", "#jobs") + " && " + has("POST /api/profile-bulk-import-jobs", "#requests"))
    clock.seconds += 5
    browser.wait(has("processing", "#jobs"))
    assert browser.texts("#counts [data-of=members]") == ["0"]
    clock.seconds += 5
    browser.wait(has("complete", "#jobs") + f" && {rows('members')} === 11")
    assert browser.texts("#members tbody th button")[0] == "p11@x.io"
    assert browser.texts("#errors tbody tr")[0].split()[0] == "p1@x.io"
    assert "not this one" in browser.texts("#errors tbody tr")[0]
    assert browser.texts("#counts [data-of=members]") == ["11"]
    assert browser.texts("#jobs tbody .n") == ["12", "11", "1"]
    caller.load({"email": "nobody"})
    browser.wait(has("Invalid email address", "#requests"))


def test_data_is_text_and_never_markup(browser, server, caller):
    """Names, addresses and errors that look like HTML are shown as they are."""
    box = caller.box
    box.add_list("EVIL01", MARKUP)
    box.hang_flow("EVIL01", MARKUP)
    box.refuse_rows(lambda row: ("<b>code</b>", MARKUP) if row["email"] == "b@x.io" else None)
    caller.load(
        {"email": "a@x.io", "first_name": MARKUP, "properties": {MARKUP: MARKUP}}, {"email": "b@x.io"}, list_id="EVIL01"
    )
    caller.send("GET", f"/api/lists/{MARKUP}")
    browser.open(f"{server.url}/")
    browser.wait(f"{rows('members')} === 1")
    browser.run("document.querySelector('#members button').click()")
    browser.wait("document.querySelector('dialog').open")
    for selector in ("#lists", "#h-members", "#members", "#errors", "#requests", "#person-attributes"):
        assert "onerror=document.title" in browser.texts(selector)[0], selector
    assert browser.run("document.querySelectorAll('img, main b, main script').length") == 0
    assert browser.run("document.title") == "Sandbox Klaviyo"
    assert browser.complaints == []


def test_a_person_can_be_looked_at(browser, server, caller):
    """By a click, or by an address; whom nobody knows is said."""
    caller.load(*people(3))
    browser.open(f"{server.url}/")
    browser.wait(f"{rows('members')} === 3")
    browser.run("document.querySelector('#members button').click()")
    browser.wait("document.querySelector('dialog').open")
    assert browser.texts("#person-name") == ["p2@x.io"]
    assert '"n": 2' in browser.texts("#person-attributes")[0]
    assert "NEVER_SUBSCRIBED" in browser.texts("#person-consent")[0]
    assert browser.faint == []
    browser.run("document.querySelector('dialog button').click()")
    find = "(document.querySelector('#who').value = arguments[0], document.querySelector('#find').requestSubmit())"
    browser.run(find, "p0@X.io")
    browser.wait("document.querySelector('dialog').open")
    assert browser.texts("#person-name") == ["p0@x.io"]
    browser.run("document.querySelector('dialog button').click()")
    browser.run(find, "stranger@x.io")
    browser.wait(has("There is no stranger@x.io here."))


def test_older_members_are_a_page_away(browser, server, caller):
    """And another list a click; what is chosen stays so while people arrive."""
    caller.box.add_list("OTHER1", "Others")
    caller.load(*people(120))
    caller.load({"email": "other@x.io"}, list_id="OTHER1")
    browser.open(f"{server.url}/")
    browser.wait(f"{rows('members')} === 50")
    assert browser.texts("#lists .chosen .link") == ["People"]
    for _ in range(2):
        before = browser.texts("#members th button")[0]
        browser.run("document.querySelector('#older').click()")
        browser.wait(f"document.querySelector('#members th button').textContent !== '{before}'")
    assert browser.texts("#members tbody th button") == [f"p{number}@x.io" for number in reversed(range(20))]
    assert browser.run("document.querySelector('#older').disabled")
    caller.load({"email": "late@x.io"})
    browser.wait("document.querySelector('#counts [data-of=members]').textContent === '122'")
    assert browser.texts("#members th button")[0] == "p19@x.io"
    browser.run("document.querySelector('#newest').click()")
    browser.wait(has("late@x.io", "#members"))
    browser.run("[...document.querySelectorAll('#lists button')].find(e => e.textContent === 'Others').click()")
    browser.wait(has("other@x.io", "#members"))
    assert browser.texts("#h-members") == ["Members of Others"]


def test_it_is_built_for_a_screen_reader_and_for_keys(browser, server, caller):
    """Headings, captions, scopes, names; what scrolls can be reached without a mouse."""
    caller.load(*people(3))
    browser.open(f"{server.url}/")
    browser.wait(f"{rows('members')} === 3")
    assert browser.unheard == []
    assert browser.run("[...document.querySelectorAll('.tall, pre')].filter(e => e.tabIndex !== 0).length") == 0
    browser.run("document.querySelector('#members button').focus()")
    caller.load({"email": "late@x.io"})
    browser.wait(has("late@x.io", "#members"))
    assert browser.run("document.activeElement.textContent") == "p2@x.io"


def test_a_sandbox_that_has_ended_is_said_to_have(browser, box, caller):
    """What was seen last stays."""
    with SandboxServer(box) as server:
        caller.load(*people(3))
        browser.open(f"{server.url}/")
        browser.wait(f"{rows('members')} === 3 && " + has("live", "#state"))
    browser.wait(has("the sandbox has ended", "#state"))
    assert len(browser.texts("#members tbody th")) == 3
    browser.driver.get("about:blank")
