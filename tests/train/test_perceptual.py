"""The feature network is found, checked by hash, or plainly missing."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.errors import TrainingError
from tests.train.conftest import random_squeezenet_weights
from train.perceptual import FILE_NAME, find_squeezenet, load_squeezenet

LAYERS = dict(
    zip(("conv1", *(f"fire{n}" for n in range(2, 10))), (0, 3, 4, 6, 7, 9, 10, 11, 12), strict=True)
)


def torchvision_file() -> bytes:
    state = {}
    for name, value in random_squeezenet_weights().items():
        layer, rest = name.split(".", 1)
        state[f"features.{LAYERS[layer]}.{rest}"] = value
    state["classifier.1.weight"] = torch.zeros(2)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@pytest.fixture
def served() -> Iterator[tuple[str, bytes]]:
    """The file on a server of our own: (address, body)."""
    body = torchvision_file()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/squeezenet.pth", body
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "stylecam"


def test_the_weights_are_downloaded_once_and_kept(served: tuple[str, bytes], cache: Path) -> None:
    address, body = served
    digest = hashlib.sha256(body).hexdigest()[:8]
    network, said = find_squeezenet(url=address, sha256_prefix=digest)
    assert network is not None
    assert str(cache / FILE_NAME) in said
    again, _ = find_squeezenet(url="http://127.0.0.1:9/gone", sha256_prefix=digest)
    assert again is not None


def test_another_file_than_the_published_one_is_refused(
    served: tuple[str, bytes], cache: Path
) -> None:
    with pytest.raises(TrainingError, match="expected 00000000"):
        find_squeezenet(url=served[0], sha256_prefix="00000000")
    assert not (cache / FILE_NAME).exists()


def test_without_weights_it_says_that_it_trains_without(cache: Path) -> None:
    network, said = find_squeezenet(url="http://127.0.0.1:9/gone")
    assert network is None
    assert "training without one" in said


def test_both_forms_of_the_weights_see_the_same(tmp_path: Path) -> None:
    """The .npz takes BGR 0..255; with its first layer rescaled it must agree with the .pth."""
    weights = random_squeezenet_weights()
    (tmp_path / "a.pth").write_bytes(torchvision_file())
    scale = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) * 255
    mean = torch.tensor([123.0, 117.0, 104.0]).view(3, 1, 1) / 255
    shift = mean - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    first = weights["conv1.weight"] / scale
    bias = weights["conv1.bias"] + (first * 255 * shift).sum((1, 2, 3))
    arrays = {name: value.numpy() for name, value in weights.items()}
    arrays |= {"conv1.weight": first.flip(1).numpy(), "conv1.bias": bias.numpy()}
    np.savez(tmp_path / "a.npz", **arrays)
    picture = torch.rand(1, 3, 64, 64)
    one, other = (load_squeezenet(tmp_path / f"a.{form}") for form in ("pth", "npz"))
    taps = ("conv1", "fire4")
    for tap in taps:
        assert torch.allclose(one(picture, taps)[tap], other(picture, taps)[tap], atol=1e-3)


def test_a_file_that_is_no_squeezenet_is_named(tmp_path: Path) -> None:
    for name in ("bad.npz", "bad.pth"):
        (tmp_path / name).write_bytes(b"nothing of the sort")
        with pytest.raises(TrainingError, match=f"{name}: not SqueezeNet's weights"):
            find_squeezenet(tmp_path / name)
