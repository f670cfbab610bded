import http.client
import socket
import threading
import time

import av
import numpy as np
import pytest
import simplejpeg

from edge.pixels import Frame
from tests.edge.web.panel import Panel, noise, open_stream, read_part, serving


@pytest.fixture
def panel():
    return Panel()


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    return simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(pixels, 85, "RGB", "420"))


def feed(panel: Panel, ended: threading.Event, fps: float = 100.0, size=(48, 64)) -> None:
    sequence = 0
    while not ended.wait(1 / fps):
        panel.write(sequence, *size)
        sequence += 1


@pytest.fixture
def fed(panel):
    """A served panel that gets 100 frames a second."""
    ended = threading.Event()
    thread = threading.Thread(target=feed, args=(panel, ended))
    thread.start()
    with serving(panel) as server:
        yield server
    ended.set()
    thread.join()


def wait_for(condition, timeout_s: float = 5.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


def test_each_part_is_a_jpeg_with_its_length_sequence_age_and_size(fed):
    with open_stream(fed) as response:
        assert response.status == 200
        kind = response.headers["Content-Type"]
        assert kind == "multipart/x-mixed-replace; boundary=frame"
        assert response.headers["Cache-Control"] == "no-store"
        seen = []
        for _ in range(10):
            fields, jpeg = read_part(response)
            seen.append(int(fields["X-Sequence"]))
            assert fields["Content-Type"] == "image/jpeg"
            assert fields["X-Size"] == "64x48"
            assert 0 <= float(fields["X-Age-Ms"]) < 1000
            assert simplejpeg.decode_jpeg(jpeg).shape == (48, 64, 3)
    assert seen == sorted(set(seen))


def test_a_part_is_whole_for_a_reader_that_waits_for_the_next_boundary(panel):
    panel.write(1)
    with serving(panel) as server, open_stream(server) as response:
        read_part(response)
        # No second frame was written, and yet the boundary that ends the first is here.
        assert response.readline() == b"--frame\r\n"


@pytest.mark.parametrize("query", ["", "?kind=styled", "?kind=camera", "?kind=pair"])
def test_the_stream_shows_the_kind_that_is_asked_for(fed, query):
    with open_stream(fed, query) as response:
        fields, jpeg = read_part(response)
    styled = as_jpeg(noise(int(fields["X-Sequence"]), 48, 64))
    camera = as_jpeg(255 - noise(int(fields["X-Sequence"]), 48, 64))
    shown = simplejpeg.decode_jpeg(jpeg)
    if "pair" in query:
        # The outermost rows are coded alike in a file of its own and in the pair.
        assert np.array_equal(shown[:16], camera[:16])
        assert shown.shape[0] > 96
    else:
        assert np.array_equal(shown, camera if "camera" in query else styled)


def test_a_video_player_reads_the_stream(fed):
    with av.open(f"{fed.address}/stream.mjpg", timeout=5) as container:
        decoded = container.decode(video=0)
        frames = [next(decoded) for _ in range(10)]
    assert {(frame.height, frame.width) for frame in frames} == {(48, 64)}
    pictures = {frame.to_ndarray(format="rgb24").tobytes() for frame in frames}
    assert len(pictures) == 10


def test_many_viewers_cost_one_jpeg_a_frame(panel):
    with serving(panel) as server:
        streams = [open_stream(server) for _ in range(8)]
        panel.write(0)
        responses = [stream.__enter__() for stream in streams]
        for sequence in range(1, 21):
            for response in responses:
                fields, _ = read_part(response)
                assert int(fields["X-Sequence"]) == sequence - 1
            panel.write(sequence)
        assert panel.hub.stats().encodes in (20, 21)
        assert panel.hub.stats().viewers == 8
        for stream in streams:
            stream.__exit__(None, None, None)
        wait_for(lambda: panel.hub.stats().viewers == 0)


def test_a_viewer_that_stops_reading_is_at_most_a_few_pictures_behind(panel):
    frame = noise(0, 480, 640)
    with serving(panel) as server, socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        lazy.settimeout(5)
        lazy.connect(("127.0.0.1", server.port))
        lazy.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for(lambda: panel.hub.stats().viewers == 1)
        for sequence in range(100):
            panel.hub.write(Frame(frame, sequence, time.monotonic_ns()))
            time.sleep(0.01)
        made = panel.hub.stats().encodes
        # 100 pictures of about 240 KB each were on offer.
        assert 1 <= made <= 6
        panel.hub.write(Frame(frame, 999, time.monotonic_ns()))
        behind = bytearray()
        while b"X-Sequence: 999" not in behind:
            behind += lazy.recv(1 << 16)
        assert behind.count(b"X-Sequence") <= made + 2


def test_a_viewer_that_stops_reading_holds_up_nobody(panel):
    ended = threading.Event()
    thread = threading.Thread(target=feed, args=(panel, ended, 50, (480, 640)))
    with serving(panel) as server, socket.create_connection(("127.0.0.1", server.port)) as lazy:
        lazy.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        thread.start()
        with open_stream(server) as response:
            seen = [int(read_part(response)[0]["X-Sequence"]) for _ in range(40)]
        ended.set()
        thread.join()
    assert seen[-1] - seen[0] < 80


def test_a_closed_hub_ends_its_streams_and_says_so_to_the_next_viewer(panel):
    panel.write()
    with serving(panel) as server:
        with open_stream(server) as response:
            read_part(response)
            panel.hub.close()
            assert response.read() == b"--frame\r\n"
        with open_stream(server) as response:
            assert response.status == 503
            assert b"the video has ended" in response.read()


@pytest.mark.parametrize("closes_hub", [True, False])
def test_stop_takes_less_than_a_second_with_streams_open(panel, caplog, closes_hub):
    panel.write(0, 480, 640)
    with serving(panel) as server:
        idle = [open_stream(server) for _ in range(4)]
        for stream in idle:
            stream.__enter__()
        with socket.create_connection(("127.0.0.1", server.port)) as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_for(lambda: panel.hub.stats().viewers == 5)
            for sequence in range(20):
                panel.write(sequence, 480, 640)
                time.sleep(0.01)
            began = time.monotonic()
            if closes_hub:
                panel.hub.close()
            server.stop()
            took_s = time.monotonic() - began
        for stream in idle:
            stream.__exit__(None, None, None)
    assert took_s < 1.0
    assert panel.hub.stats().viewers == 0
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_the_snapshot_is_the_newest_frame(panel):
    with serving(panel) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", "/snapshot.jpg")
        early = connection.getresponse()
        assert early.status == 503
        assert b'"error":"no picture yet"' in early.read()
        panel.write(3)
        panel.write(4)
        connection.request("GET", "/snapshot.jpg?kind=pair")
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["X-Sequence"] == "4"
        assert simplejpeg.decode_jpeg(response.read()).shape[0] > 96
        connection.close()
