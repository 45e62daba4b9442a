"""A headless Chromium that notes what it asks of the network and what it complains of."""

from __future__ import annotations

import base64
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
