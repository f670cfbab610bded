import json
import time

import httpx
import pytest
from fastapi.openapi.models import OpenAPI

from tests.edge.web.panel import Panel, serving


@pytest.fixture(scope="module")
def served():
    """One served panel for the module, set back before each test by `panel`."""
    panel = Panel()
    with serving(panel) as server, httpx.Client(base_url=server.address, timeout=5) as client:
        yield panel, client


@pytest.fixture
def panel(served):
    panel = served[0]
    panel.style, panel.strength, panel.state, panel.message = "wave", 1.0, "running", ""
    return panel


@pytest.fixture
def client(served, panel):
    return served[1]


def put(client, path: str, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.put(
        path, content=content, headers={"Content-Type": "application/json", **headers}
    )


def test_status_is_the_daemons_with_the_webs_own_cost(client, panel):
    status = client.get("/api/status").json()
    assert (status["style"], status["title"], status["state"]) == ("wave", "The Wave", "running")
    assert status["latency_ms"] == {"median": None, "p95": None}
    assert set(status["web"]) == {"viewers", "encodes", "encode_ms"}


def test_styles_are_listed_with_the_active_one_marked(client):
    styles = client.get("/api/styles").json()
    assert [(style["name"], style["active"]) for style in styles] == [
        ("wave", True), ("night", False), ("broken", False),
    ]  # fmt: skip
    preview = client.get("/api/styles/wave/preview.jpg")
    assert preview.headers["content-type"] == "image/jpeg"
    assert preview.content[:2] == b"\xff\xd8"


def test_style_and_strength_change_and_the_answer_is_the_new_status(client, panel):
    assert put(client, "/api/style", {"name": "night"}).json()["title"] == "The Night"
    assert put(client, "/api/strength", {"strength": 0.25}).json()["strength"] == 0.25
    assert (panel.style, panel.strength) == ("night", 0.25)


@pytest.mark.parametrize(
    ("path", "body", "status", "error", "hint"),
    [
        ("/api/style", {"name": "sunset"}, 404, "no style is named 'sunset'", "there are"),
        ("/api/style", {"name": "../../etc/passwd"}, 404, "no style is named", "there are"),
        ("/api/style", {"name": "broken"}, 500, "the model does not load", "quantize it again"),
        ("/api/style", {"name": "n" * 65}, 422, "body.name: ", "/openapi.json"),
        ("/api/style", {"title": "night"}, 422, "body.name: Field required", "/openapi.json"),
        ("/api/style", b"{", 422, "body.1: JSON decode error", "/openapi.json"),
        ("/api/style", b"\xff", 400, "error parsing the body", ""),
        ("/api/strength", {"strength": 1.01}, 422, "less than or equal to 1", "/openapi.json"),
        ("/api/strength", {"strength": -1}, 422, "greater than or equal to 0", "/openapi.json"),
        ("/api/strength", b'{"strength": NaN}', 422, "body.strength", "/openapi.json"),
        ("/api/strength", b" " * 5000, 413, "5000 bytes, at most 4096", "send less"),
    ],
)
def test_a_bad_change_is_refused_with_a_reason_and_changes_nothing(
    client, panel, path, body, status, error, hint
):
    response = put(client, path, body)
    assert response.status_code == status
    assert error in response.json()["error"]
    assert hint in response.json()["hint"]
    assert (panel.style, panel.strength) == ("wave", 1.0)


def test_a_body_that_is_not_json_or_has_no_length_is_refused(client, panel):
    plain = put(client, "/api/style", {"name": "night"}, **{"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert plain.json()["error"] == "the body is text/plain, but must be application/json"
    chunked = client.put(
        "/api/style", content=iter([b"{}"]), headers={"Content-Type": "application/json"}
    )
    assert chunked.status_code == 411
    both = {"Content-Length": "2", "Transfer-Encoding": "chunked"}
    assert put(client, "/api/style", {"name": "night"}, **both).status_code == 411
    assert panel.style == "wave"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/page.css/../../../../etc/passwd", 404),
        ("GET", "/%2e%2e/app.py", 404),
        ("GET", "/index.html", 404),
        ("GET", "/api/styles/nothing/preview.jpg", 404),
        ("GET", "/api/styles/..%2f..%2fetc%2fpasswd/preview.jpg", 404),
        ("GET", "/stream.mjpg?kind=other", 422),
        ("GET", "/snapshot.jpg", 503),
        ("DELETE", "/api/style", 415),
        ("GET", "/api/style", 405),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
    ],
)
def test_every_error_is_json_with_error_and_hint(client, method, path, status):
    response = client.request(method, path)
    assert response.status_code == status
    assert set(response.json()) == {"error", "hint"}
    assert response.json()["error"]


def test_a_fault_of_ours_is_json_too_and_hides_its_traceback(client, panel, caplog):
    panel.style = "gone"  # status() fails on it with a KeyError
    response = client.get("/api/status")
    assert response.status_code == 500
    assert response.json()["error"] == "GET /api/status: a fault of ours"
    assert "KeyError" not in response.text
    until = time.monotonic() + 5  # it is logged after the answer was sent
    while "KeyError: 'gone'" not in caplog.text:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "", "127.0.0.1.nip.io", "["])
def test_a_foreign_host_name_is_refused_on_loopback(client, host):
    response = client.get("/api/status", headers={"Host": host})
    assert response.status_code == 421
    assert "http://localhost" in response.json()["hint"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8080", "[::1]:8080"])
def test_this_machines_own_names_are_served_on_any_port(client, host):
    assert client.get("/api/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_change_from_another_site_is_refused(client, panel, headers):
    response = put(client, "/api/style", {"name": "night"}, **headers)
    assert response.status_code == 403
    assert response.json()["error"] == "another website may not change anything here"
    assert panel.style == "wave"


def test_the_pages_own_change_is_served(client, panel):
    origin = str(client.base_url).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert put(client, "/api/style", {"name": "night"}, **headers).status_code == 200
    assert panel.style == "night"


@pytest.mark.parametrize("path", ["/", "/api/status", "/nothing", "/page.js", "/snapshot.jpg"])
def test_every_answer_carries_the_strict_headers(client, path):
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "server" not in headers


def test_health_is_ok_only_while_frames_come(client, panel, monkeypatch):
    panel.write()
    healthy = client.get("/healthz")
    assert healthy.status_code == 200
    assert healthy.json()["status"] == "ok"
    panel.state, panel.message = "camera lost", "v4l2:/dev/video0 was unplugged"
    lost = client.get("/healthz")
    assert lost.status_code == 503
    assert lost.json() == {
        "error": "state: camera lost",
        "hint": "v4l2:/dev/video0 was unplugged",
    }
    panel.state = "running"
    monkeypatch.setattr("edge.web.api.STALE_AFTER_S", 0.0)
    stale = client.get("/healthz")
    assert stale.status_code == 503
    assert stale.json()["error"] == "no frame for 0 s"


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/", "/page.css", "/page.js", "/player.js", "/stage.js", "/stream.js"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert client.get("/page.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/favicon.svg").headers["content-type"] == "image/svg+xml"


def test_the_stylesheet_has_the_pictures_shape(client, panel):
    panel.write(0, 72, 128)
    sheet = client.get("/page.css").text
    assert "--width: 128;" in sheet
    assert "--height: 72;" in sheet


def test_openapi_is_complete_and_valid(client):
    text = client.get("/openapi.json").text
    spec = json.loads(text)
    OpenAPI.model_validate(spec)
    assert set(spec["paths"]) == {
        "/", "/page.css", "/page.js", "/player.js", "/stage.js", "/stream.js", "/favicon.svg",
        "/stream.mjpg", "/snapshot.jpg", "/healthz", "/api/status", "/api/styles",
        "/api/styles/{name}/preview.jpg", "/api/style", "/api/strength",
    }  # fmt: skip
    operations = [one for path in spec["paths"].values() for one in path.values()]
    assert all(one["summary"] and one["description"] for one in operations)
    assert len({one["operationId"] for one in operations}) == len(operations)
    schemas = spec["components"]["schemas"]
    assert "Problem" in schemas
    assert "HTTPValidationError" not in schemas
    references = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= set(schemas)
