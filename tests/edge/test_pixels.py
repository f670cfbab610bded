import numpy as np
import pytest

from edge.errors import SourceError
from edge.pixels import Fit, cover, mix, read_image, resize


def ramp(height: int, width: int) -> np.ndarray:
    rows = np.linspace(0, 255, height)[:, None, None]
    columns = np.linspace(0, 255, width)[None, :, None]
    return np.broadcast_to((rows + columns) / 2, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "size", [(480, 640), (360, 640), (1080, 1920), (333, 57), (1, 1), (57, 901)]
)
def test_a_picture_of_any_size_fits_whole_into_the_engines_frame(size):
    fit = Fit.inside(size, (480, 640))
    placed = fit.place(ramp(*size))
    assert placed.shape == (480, 640, 3)
    assert placed.flags.c_contiguous
    inner = fit.cut(placed)
    assert inner.shape == (fit.inner_height, fit.inner_width, 3)
    assert fit.inner_height == 480 or fit.inner_width == 640


def test_the_frame_around_a_picture_repeats_its_edge():
    placed = Fit.inside((100, 640), (480, 640)).place(ramp(100, 640))
    assert (placed[0] == placed[190]).all()
    assert not (placed[0] == placed[280]).all()


def test_a_picture_of_the_engines_size_passes_untouched():
    picture = ramp(480, 640)
    assert np.array_equal(Fit.inside((480, 640), (480, 640)).place(picture), picture)


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_scaling_keeps_flat_colours_and_smooth_ramps(factor):
    flat = np.full((120, 160, 3), (200, 30, 90), np.uint8)
    assert (
        np.abs(resize(flat, int(120 * factor), int(160 * factor)).astype(int) - (200, 30, 90)).max()
        <= 1
    )
    smooth = resize(ramp(120, 160), int(120 * factor), int(160 * factor))
    expected = ramp(int(120 * factor), int(160 * factor))
    assert np.abs(smooth.astype(int) - expected)[8:-8, 8:-8].max() <= 4


def test_cover_crops_the_centre_to_the_asked_shape():
    covered = cover(ramp(100, 400), 90, 60)
    assert covered.shape == (90, 60, 3)
    assert abs(float(covered.mean()) - 127) < 4


def test_mixing_reaches_both_ends_and_the_middle():
    camera, style = np.full((4, 4, 3), 10, np.uint8), np.full((4, 4, 3), 250, np.uint8)
    assert (mix(camera, style, 0.0) == 10).all()
    assert (mix(camera, style, 1.0) == 250).all()
    assert (mix(camera, style, 0.5) == 130).all()
    assert (mix(style, style, 0.3) == 250).all()


def test_a_file_that_is_no_picture_is_named(tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("hello")
    with pytest.raises(SourceError, match=r"notes\.jpg"):
        read_image(text)
