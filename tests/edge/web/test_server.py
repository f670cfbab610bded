import errno
import http.client
import socket
import subprocess
import sys
import threading
import time

import pytest

from edge.errors import SinkError
from edge.web.app import create_app
from edge.web.server import Server, _explain
from tests.edge.web.panel import Panel, open_stream, serving


def test_a_busy_port_is_told_with_the_next_one_to_try():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SinkError) as raised:
            Server(create_app(Panel()), "127.0.0.1", port)
    assert raised.value.message == f"port {port} on 127.0.0.1 is taken"
    assert raised.value.hint == f"choose another: --port {port + 1}"


def test_two_servers_cannot_share_a_port():
    bound = Server(create_app(Panel()), "127.0.0.1", 0)  # and not even started
    with pytest.raises(SinkError, match="is taken"):
        Server(create_app(Panel()), "127.0.0.1", bound.port)
    bound.stop()


def test_a_port_that_needs_root_is_told():
    error = _explain(PermissionError(errno.EACCES, "Permission denied"), "127.0.0.1", 80)
    assert error.message == "port 80 on 127.0.0.1 needs root, as every port below 1024"
    assert error.hint == "choose a higher one: --port 8080"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("203.0.113.7", "203.0.113.7 is not an address of this machine"),
        ("no such host", "'no such host' is not an address that can be served on"),
        ("x" * 300, "is not an address that can be served on"),
    ],
)
def test_a_host_that_is_not_here_is_told(host, message):
    with pytest.raises(SinkError) as raised:
        Server(create_app(Panel()), host, 0)
    assert message in raised.value.message
    assert "127.0.0.1" in raised.value.hint


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
    ],
)
def test_the_address_can_be_opened_on_this_machine(host, address):
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    server = Server(create_app(Panel()), host, 0)
    try:
        server.start()
        assert server.address == f"{address}{server.port}"
        connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=5)
        connection.request("GET", "/api/status")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        server.stop()


def test_it_answers_as_soon_as_start_returns_and_leaves_signals_alone():
    import signal

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with serving(Panel()) as server:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
        assert any(thread.name == "web" for thread in threading.enumerate())
    assert not any(thread.name == "web" for thread in threading.enumerate())


def test_a_port_is_free_again_after_stop_even_if_somebody_was_watching():
    with serving(Panel()) as server, open_stream(server):
        server.stop()
        Server(create_app(Panel()), "127.0.0.1", server.port).stop()


def test_stop_may_come_twice_or_before_start():
    server = Server(create_app(Panel()), "127.0.0.1", 0)
    server.stop()
    server.stop()
    Server(create_app(Panel()), "127.0.0.1", server.port).stop()


def test_an_idle_server_stops_within_half_a_second():
    server = Server(create_app(Panel()), "127.0.0.1", 0)
    server.start()
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 0.5


def test_the_web_loads_no_templates_no_websockets_and_no_training():
    code = "import edge.web.app, edge.web.server, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    modules = set(loaded.stdout.split())
    assert "fastapi" in modules
    assert not modules & {"torch", "jinja2", "websockets", "openvino", "ai_edge_litert", "PIL"}
