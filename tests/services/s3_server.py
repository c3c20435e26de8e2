"""moto's S3 on one port of 127.0.0.1, in memory.

usage: s3_server.py PORT DIR        (DIR only tells this process from others)

One request after the other: moto looks whether a key is there and then writes it, and between the two another
thread could do the same; a store that knows conditional writes does not let that happen.
"""
import io
import sys
import threading

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import run_simple


class Quiet(MotoRequestHandler):
    """No line for each request."""

    def log_request(self, code="-", size="-"):
        pass


class OneByOne:
    """The body is read beside others, so that a client that stops holds up nobody."""

    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with self.lock:
            answer = self.app(environ, start_response)
            try:
                return [b"".join(answer)]
            finally:
                if hasattr(answer, "close"):
                    answer.close()


app = OneByOne(DomainDispatcherApplication(create_backend_app))
run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=Quiet)
