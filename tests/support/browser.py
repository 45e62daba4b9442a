"""A headless Chromium that notes what it asks of the network and what it complains of."""

from __future__ import annotations

import base64
import itertools
import json
import tempfile
from contextlib import contextmanager

WIDTHS = {"desktop": 1200, "phone": 390}
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


class Browser:
    """One window; `requests` are the addresses that the pages of this window asked for since `open`."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url, *, width=1200, dark=False, media=""):
        """Load a page in a window of this width."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(url)

    def run(self, script, *arguments):
        """The value of a script."""
        return self.driver.execute_script(f"return {script}", *arguments)

    def texts(self, selector):
        """Text of the elements, blanks as one."""
        return self.run("[...document.querySelectorAll(arguments[0])].map(e => e.innerText.trim())", selector)

    @property
    def requests(self):
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:")]

    @property
    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    @property
    def overflows(self):
        """Whether one must scroll sideways."""
        return self.run("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    @property
    def faint(self):
        """Texts whose contrast against what is behind them is below 4.5 to 1, as WCAG AA wants it."""
        return self.run(_CONTRASTS)

    @property
    def unheard(self):
        """What is wrong for a screen reader: one h1, headings without gaps, captions, scopes, shapes with a name."""
        names = self.run("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)")
        levels = [int(name[1]) for name in names]
        wrong = [names] if levels.count(1) != 1 else []
        wrong += [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1]
        wrong += self.run("[...document.querySelectorAll('table')].filter(t => !t.caption?.innerText).map(t => t.id)")
        for unnamed in ("th:not([scope])", _UNNAMED_SHAPES, _UNNAMED_FIELDS):
            wrong += self.run("[...document.querySelectorAll(arguments[0])].map(e => e.outerHTML)", unnamed)
        return wrong if self.run("document.documentElement.lang") == "en" else [*wrong, "lang"]

    def wait(self, condition):
        """Until a condition of the page holds, looked at whenever the page changes.

        Raises:
            TimeoutException: It did not within twenty seconds.
        """
        self.driver.set_script_timeout(20)
        self.driver.execute_async_script(_WAIT.replace("CONDITION", condition))

    def pdf(self):
        """The page as it is printed."""
        done = self.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
        return base64.b64decode(done["data"])


@contextmanager
def chromium():
    """Begin one, end it."""
    from selenium import webdriver  # noqa: PLC0415  # only where a browser is

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        try:
            yield Browser(driver)
        finally:
            driver.quit()


_UNNAMED_SHAPES = "svg:not([aria-label]):not([aria-labelledby]):not([aria-hidden] *)"
_UNNAMED_FIELDS = "input:not([id]), [role=region]:not([aria-labelledby])"
_WAIT = """const done = arguments[0], holds = () => CONDITION;
if (holds()) return done();
const seen = new MutationObserver(() => { if (holds()) { seen.disconnect(); done(); } });
seen.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});"""
_CONTRASTS = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const over = (top, below) => below.map((b, i) => top[i] * top[3] / 255 + b * (1 - top[3] / 255));
  const behind = e => { const chain = []; for (let n = e; n; n = n.parentElement) chain.unshift(n);
    return chain.reduce((c, n) => over(rgba(getComputedStyle(n).backgroundColor), c), [255, 255, 255]); };
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const under = behind(e), [x, y] = [light(over(rgba(getComputedStyle(e).color), under)), light(under)];
    const ratio = (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
    if (ratio < 4.5) bad.push(`${e.className || e.tagName}: ${ratio.toFixed(2)}`);
  }
  return bad;
})()"""
