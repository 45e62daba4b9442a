"""A webhook on this machine: keeps what is posted to it and answers as it is told."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from doubles import FakeClock
from pipeline import Pipeline

from target_klaviyo_segments.alerts import Webhook
from target_klaviyo_segments.wiring import Wires

SECRET = "T0/B0/s3cr3t-token"


class Alarmed(Pipeline):
    """A pipeline whose webhook tries again at once, and waits for as long as its patience lasts."""

    patience = threading.TIMEOUT_MAX

    @property
    def wires(self):
        wires, webhook = super().wires, partial(Webhook, all_seconds=self.patience, clock=FakeClock())
        return Wires(clock=wires.clock, transport=wires.transport, wall=wires.wall, webhook=webhook)


class Receiver:
    """`statuses` are answered one after the other, then 200; its manner may be to answer `never`, or `byte by byte`."""

    def __init__(self, *statuses, manner="at once"):
        self.statuses, self.manner = list(statuses), manner
        self.bodies, self.asked = [], 0
        self.heard = threading.Event()  # that it was asked at all
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/{SECRET}?code={SECRET}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def events(self):
        return [body["event"] for body in self.bodies]

    def _handler(receiver):  # noqa: N805  # the handler has a `self` of its own
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # the name that the server calls
                receiver.asked += 1
                receiver.heard.set()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if receiver.manner != "at once":
                    self._dawdle()
                    return
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status == 200:
                    receiver.bodies.append(body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _dawdle(self):
                with suppress(OSError):  # who asked has gone
                    while not receiver._over.wait(0.01 if receiver.manner == "byte by byte" else None):
                        self.wfile.write(b"H")

            def log_message(self, *_):
                """Nothing."""

        return Handler
