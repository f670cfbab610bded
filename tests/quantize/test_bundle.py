"""The finished bundle, opened and run as a device does."""

from __future__ import annotations

import numpy as np
import openvino
import pytest

from edge.bundle import Bundle
from edge.engines import load_engine
from edge.styles import open_style, style_names
from quantize import integer
from quantize.calibrate import at_size
from quantize.device_graph import DeviceGraph
from quantize.export_openvino import finish, to_openvino_float
from quantize.export_tflite import to_tflite_float
from quantize.verify import load_variant, psnr_db, restyle
from tests.quantize.conftest import SIZES, draw_photo
from train.generator import Generator

ENGINES = ("tflite", "openvino")


def unseen(size: tuple[int, int]) -> list[np.ndarray]:
    return at_size([draw_photo(seed) for seed in range(500, 506)], size)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", SIZES)
def test_engine_comes_near_the_float_generator_on_unseen_photos(
    bundle: Bundle, generator: Generator, engine: str, size: tuple[int, int]
) -> None:
    photos = unseen(size)
    run = load_engine(bundle, engine, picture=size, threads=1)
    assert (run.height, run.width) == size
    each = [psnr_db(run(p), r) for p, r in zip(photos, restyle(generator, photos), strict=True)]
    assert min(each) > 40


def test_engines_paint_the_same_picture(bundle: Bundle) -> None:
    photos = unseen(SIZES[0])
    one, other = (load_engine(bundle, name, picture=SIZES[0], threads=1) for name in ENGINES)
    assert min(psnr_db(one(photo), other(photo)) for photo in photos) > 40


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_paints_the_same_frame_twice_the_same(bundle: Bundle, engine: str) -> None:
    run = load_engine(bundle, engine, picture=SIZES[0], threads=1)
    (first, second), kept = unseen(SIZES[0])[:2], []
    kept.append(run(first))
    copy = kept[0].copy()
    run(second)
    assert np.array_equal(kept[0], copy), "a result belongs to the caller"
    assert np.array_equal(run(first), copy)


def test_onnx_paints_as_the_float_generator_does_at_every_size(
    bundle: Bundle, generator: Generator
) -> None:
    onnx = [v for v in bundle.manifest.variants if v.engine == "onnx"]
    assert [(v.height, v.width) for v in onnx] == list(SIZES)
    model = openvino.Core().compile_model(
        openvino.Core().read_model(bundle.files[onnx[0].files[0]]),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )
    for size in (*SIZES, (32, 72)):
        (photo,) = at_size([draw_photo(7)], size)
        styled = model([photo[None]])[0][0]
        (expected,) = restyle(generator, [photo])
        assert np.abs(styled.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("style", ["the test's own", *style_names()])
def test_no_float_operation_precedes_the_last_convolution(bundle: Bundle, style: str) -> None:
    if style in style_names():
        bundle = open_style(style)
    for variant in bundle.manifest.variants:
        files = bundle.read(variant)
        if variant.engine == "tflite":
            found = integer.float_ops_tflite(files[0])
        elif variant.engine == "openvino":
            weights = openvino.Tensor(np.frombuffer(files[1], np.uint8))
            found = integer.float_ops_openvino(openvino.Core().read_model(files[0], weights))
        else:
            continue
        assert found.before == (), variant
        assert found.total > 8


def test_float_operations_of_a_model_that_is_not_quantized_are_found(generator: Generator) -> None:
    graph = DeviceGraph(generator)
    flat = to_tflite_float(graph, SIZES[0], integer=False)
    found = integer.float_ops_tflite(flat)
    assert found.before.count("CONV_2D") == 7
    model = finish(to_openvino_float(graph, SIZES[0]), graph, SIZES[0], integer=False)
    assert "Convolution" in integer.float_ops_openvino(model).before
    assert "in float before the last convolution" in str(found)


def test_manifest_tells_quality_origin_and_cost(bundle: Bundle, generator: Generator) -> None:
    manifest = bundle.manifest
    assert (manifest.name, manifest.title, manifest.author) == ("blobs", "Blobs", "a test")
    assert manifest.generator.parameters == generator.parameters_count()
    assert manifest.generator.macs == {f"{h}x{w}": generator.macs(h, w) for h, w in SIZES}
    int8 = [v for v in manifest.variants if v.precision == "int8"]
    assert len(int8) == len(ENGINES) * len(SIZES)
    for variant in int8:
        assert variant.quality is not None
        assert variant.quality.photos == 20
        assert variant.quality.psnr_db >= variant.quality.psnr_worst_db > 40
    assert manifest.measures["steadiness"] == 1.5
    assert manifest.measures["written_below_limit"] == 0.0
    assert manifest.provenance.recipe["training"] == {"about": "drawn"}
    assert set(manifest.provenance.recipe["quantization"]) == set(ENGINES)
    assert manifest.provenance.versions["openvino"]


def test_sizes_share_the_openvino_weights(bundle: Bundle) -> None:
    weights = {v.files[1] for v in bundle.manifest.variants if v.engine == "openvino"}
    assert weights == {"openvino-int8.bin"}


def test_preview_is_a_picture_of_the_first_size(bundle: Bundle) -> None:
    import simplejpeg

    preview = simplejpeg.decode_jpeg(bundle.files["preview.jpg"])
    assert preview.shape == (*SIZES[0], 3)
    assert preview.std() > 5


def test_manifest_quality_is_what_its_engine_gives(bundle: Bundle) -> None:
    variant = bundle.manifest.variants[0]
    engine = load_variant(bundle, variant)
    assert (engine.describe().engine, engine.describe().precision) == (variant.engine, "int8")
    assert (engine.height, engine.width) == (variant.height, variant.width)
