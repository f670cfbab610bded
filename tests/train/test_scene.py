"""The rendered flight is its own proof: the flow must carry one frame onto the other."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import TrainingError
from train.scene import FlowPair, Scene
from train.scene.camera import FOCAL, Camera
from train.scene.flow import Sight, backward_flow

HEIGHT, WIDTH = 120, 160
FINENESS = 0.3  # a third of the map's resolution builds in about a second


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(7, fineness=FINENESS)


@pytest.fixture(scope="module")
def pair(scene: Scene) -> FlowPair:
    """Two fifths of a second apart: things move by several pixels."""
    return scene.pair(5.0, 0.4, HEIGHT, WIDTH)


def moving(pair: FlowPair) -> NDArray[np.bool_]:
    """Valid pixels that move by a pixel or more: where warping has something to do."""
    return pair.valid & (np.hypot(pair.flow[..., 0], pair.flow[..., 1]) >= 1.0)


def residual(pair: FlowPair, shift: tuple[float, float] = (0.0, 0.0)) -> float:
    """Mean difference, in grey levels, of the warped first frame from the second."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    warped = sample(pair.first, x + pair.flow[..., 0] + shift[0], y + pair.flow[..., 1] + shift[1])
    return float(np.abs(warped - pair.second)[moving(pair)].mean())


def sample(
    image: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    x, y = np.clip(x, 0, WIDTH - 1.001), np.clip(y, 0, HEIGHT - 1.001)
    left, top = x.astype(int), y.astype(int)
    u, v = (x - left)[..., None], (y - top)[..., None]
    upper = image[top, left] * (1 - u) + image[top, left + 1] * u
    lower = image[top + 1, left] * (1 - u) + image[top + 1, left + 1] * u
    return np.asarray(upper * (1 - v) + lower * v)


def test_warping_by_the_flow_leaves_a_fraction_of_the_difference(pair: FlowPair) -> None:
    still = np.abs(pair.first.astype(float) - pair.second)[moving(pair)].mean()
    assert residual(pair) < 1.2
    assert residual(pair) < still / 4.5


@pytest.mark.parametrize("shift", [(0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5)])
def test_half_a_pixel_off_the_flow_is_clearly_worse(
    pair: FlowPair, shift: tuple[float, float]
) -> None:
    assert residual(pair, shift) > 1.3 * residual(pair)


def test_flow_beats_its_own_negative(pair: FlowPair) -> None:
    forward = FlowPair(pair.first, pair.second, -pair.flow, pair.valid)
    assert residual(forward) > 4 * residual(pair)


def test_most_of_the_frame_is_valid_and_moving_edges_are_not(pair: FlowPair) -> None:
    assert 0.4 < pair.valid.mean() < 0.9


def test_points_that_leave_the_frame_are_invalid(pair: FlowPair) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    column, row = x + pair.flow[..., 0], y + pair.flow[..., 1]
    outside = (column < -0.01) | (column > WIDTH - 0.99) | (row < -0.01) | (row > HEIGHT - 0.99)
    assert outside.any()
    assert not pair.valid[outside].any()


def test_no_time_between_frames_means_no_flow(scene: Scene) -> None:
    pair = scene.pair(3.0, 0.0, HEIGHT, WIDTH)
    np.testing.assert_array_equal(pair.first, pair.second)
    assert np.abs(pair.flow[pair.valid]).max() < 1e-3


def sight(yaw_rad: float = 0.0, body_x: float = 0.0, before: int | None = None) -> Sight:
    """Sky over a wall 250 m away; a block of surface `before` may stand at 100 m."""
    depth = np.full((HEIGHT, WIDTH), 250.0, dtype=np.float32)
    surface = np.full((HEIGHT, WIDTH), 2, dtype=np.int32)
    depth[:40], surface[:40] = np.inf, 0
    if before is not None:
        depth[60:90, 60:90], surface[60:90, 60:90] = 100.0, before
    camera = Camera((5.0, 6.0, 70.0), yaw_rad, 0.1, HEIGHT, WIDTH)
    pose = np.eye(3), np.array([body_x, 100.0, 60.0])
    return Sight(camera, depth, surface, np.ones((HEIGHT, WIDTH), dtype=bool), [pose])


def test_a_pure_pan_has_the_flow_of_the_pinhole_model() -> None:
    pan_rad = 0.03
    flow, _ = backward_flow(sight(0.2), sight(0.2 + pan_rad))
    focal = FOCAL * WIDTH
    across = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / focal
    expected = focal * (np.tan(np.arctan(across) + pan_rad) - across)
    np.testing.assert_allclose(flow[..., 0], np.broadcast_to(expected, (HEIGHT, WIDTH)), atol=1e-3)


def test_a_body_flows_back_by_its_own_motion_and_the_rest_stands_still() -> None:
    flow, _ = backward_flow(sight(before=4, body_x=0.0), sight(before=4, body_x=2.5))
    on_body = np.zeros((HEIGHT, WIDTH), dtype=bool)
    on_body[60:90, 60:90] = True
    np.testing.assert_allclose(flow[on_body, 0], -FOCAL * WIDTH * 2.5 / 100.0, atol=1e-3)
    np.testing.assert_allclose(flow[~on_body], 0.0, atol=1e-3)


@pytest.mark.parametrize("before", [4, 2], ids=["a body", "nearer land"])
def test_what_the_first_frame_hides_is_invalid(before: int) -> None:
    _, valid = backward_flow(sight(before=before), sight())
    assert not valid[58:92, 58:92].any()
    assert valid[95:].all()


def test_glitter_is_invalid() -> None:
    second = sight()
    second.steady[100:110] = False
    _, valid = backward_flow(sight(), second)
    assert not valid[100:110].any()
    assert valid[95:100].all()


def test_the_sea_before_the_sun_is_marked_as_glitter(scene: Scene) -> None:
    view, pair = scene.render(5.4, HEIGHT, WIDTH), scene.pair(5.0, 0.4, HEIGHT, WIDTH)
    water = view.surface == 1
    left, right = water.copy(), water.copy()
    left[:, WIDTH // 3 :], right[:, : WIDTH // 2] = False, False
    assert pair.valid[left].mean() < 0.2
    assert pair.valid[right].mean() > 0.7


def test_the_same_seed_gives_the_same_frame(scene: Scene) -> None:
    again = Scene(7, fineness=FINENESS).render(1.0, 48, 64)
    np.testing.assert_array_equal(again.pixels, scene.render(1.0, 48, 64).pixels)
    np.testing.assert_array_equal(again.depth, scene.render(1.0, 48, 64).depth)


def test_another_seed_gives_another_world(scene: Scene) -> None:
    other = Scene(8, fineness=FINENESS).render(1.0, 48, 64).pixels.astype(int)
    assert np.abs(other - scene.render(1.0, 48, 64).pixels).mean() > 4.0


def test_a_view_holds_sky_water_land_models_and_moving_bodies(scene: Scene) -> None:
    view = scene.render(0.0, HEIGHT, WIDTH)
    assert {0, 1, 2, 3, 4} <= set(np.unique(view.surface))
    assert np.isinf(view.depth[view.surface == 0]).all()
    assert (view.depth[view.surface != 0] < 1e7).all()
    assert view.pixels.std() > 40


@pytest.mark.parametrize("arguments", [{"seed": -1}, {"fineness": 5.0}])
def test_an_impossible_world_says_what_is_allowed(arguments: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=r"fineness to 0\.1\.\.2"):
        Scene(**arguments)  # type: ignore[arg-type]


def test_a_frame_too_small_says_the_smallest(scene: Scene) -> None:
    with pytest.raises(TrainingError, match="at least 16x16"):
        scene.render(0.0, 8, 64)


def test_the_command_writes_a_playable_clip_and_no_leftovers(tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    command = [
        sys.executable,
        "-m",
        "train.scene",
        "--out",
        str(out),
        "--seconds",
        "0.2",
        "--height",
        "48",
        "--width",
        "64",
        "--dissolve",
        "0.1",
        "--fineness",
        "0.2",
    ]
    subprocess.run(command, check=True, capture_output=True)
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert [(f.height, f.width) for f in frames] == [(48, 64)] * 6
    assert list(tmp_path.iterdir()) == [out]


def test_the_command_refuses_an_odd_width_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    command = [sys.executable, "-m", "train.scene", "--out", str(out), "--width", "63"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "height and width even" in done.stderr
    assert not list(tmp_path.iterdir())
