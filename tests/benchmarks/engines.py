"""`make bench`: ours against Johnson's network, FP32 and INT8, in both engines, one thread.

Our INT8 models are the shipped ones; the FP32 ones are built by the same exporters from a
generator of the same specification, with random weights: time does not depend on them.
Everything runs through edge.engines, so a frame's conversion is part of its time.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from openvino import opset13 as ops
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from devices.bench import Ratio, Rounds, describe_machine, interleave
from edge.bundle import Bundle, Manifest, Variant
from edge.engines import load_engine
from edge.styles import open_style, style_names
from quantize.quiet import quiet
from tests.benchmarks.johnson import Johnson, JohnsonPicture
from train.generator import Generator, GeneratorSpec

with quiet():  # the converters narrate already when they are imported
    import litert_torch

    from quantize import export_openvino, export_tflite
    from quantize.device_graph import DeviceGraph
    from quantize.export_onnx import trace

ENGINES = ("openvino", "tflite")
RESULTS = Path(__file__).parents[2] / "devices" / "results" / "engines.json"
# What the product promises of every engine.
AT_LEAST = {("johnson fp32", "ours int8"): 80.0, ("ours fp32", "ours int8"): 2.0}
Network = Callable[[], object]


def main() -> int:
    """Build, measure, print, write; 1 when a promise is not kept."""
    args = _arguments()
    console = Console()
    size = tuple(int(side) for side in args.size.split("x"))
    bundle = open_style(args.style)
    with console.status("exporting the networks"), quiet():
        networks = build(bundle, (size[0], size[1]))
    rounds = measure(networks, args.rounds, console)
    ratios = {
        f"{engine}: {slow} / {fast}": (rounds.ratio(f"{engine} {slow}", f"{engine} {fast}"), least)
        for engine in ENGINES
        for (slow, fast), least in AT_LEAST.items()
    }
    console.print(_times(rounds, args.size), _ratios(ratios))
    _write(args, bundle, rounds, {name: ratio for name, (ratio, _) in ratios.items()})
    console.print(f"written to {args.json}")
    return 0 if all(ratio.median >= least for ratio, least in ratios.values()) else 1


def build(bundle: Bundle, size: tuple[int, int]) -> dict[str, Network]:
    """Return everything to be timed, by "engine network"."""
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    spec = GeneratorSpec.model_validate(bundle.manifest.generator.spec)
    graph = DeviceGraph(Generator(spec).eval())
    models = {"ours fp32": _ours(graph, size), "johnson fp32": _johnson(size)}
    networks: dict[str, Network] = {}
    for engine in ENGINES:
        shipped = load_engine(bundle, engine, picture=size, threads=1)
        networks[f"{engine} ours int8"] = partial(shipped, frame)
        for name, files in models.items():
            built = load_engine(
                _bundle(engine, files[engine], size), engine, precision="fp32", threads=1
            )
            networks[f"{engine} {name}"] = partial(built, frame)
    if "avx512_bf16" in _flags():
        networks["openvino johnson bf16"] = _in_bf16(models["johnson fp32"]["openvino"], frame)
    return networks


def measure(networks: dict[str, Network], rounds: int, console: Console) -> Rounds:
    """Time all of them, with a bar."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=rounds)
        return interleave(
            networks,
            rounds,
            frames=lambda name: 1 if "johnson" in name else 6,
            on_round=lambda done: progress.update(task, completed=done),
        )


def _ours(graph: DeviceGraph, size: tuple[int, int]) -> dict[str, list[bytes]]:
    model = export_openvino.to_openvino_float(graph, size)
    finished = export_openvino.finish(model, graph, size, integer=False)
    return {
        "openvino": list(export_openvino.to_bytes(finished)),
        "tflite": [export_tflite.to_tflite_float(graph, size, integer=False)],
    }


def _johnson(size: tuple[int, int]) -> dict[str, list[bytes]]:
    network = Johnson().eval().requires_grad_(False)
    model = openvino.Core().read_model(trace(network, {"frame": torch.zeros(1, 3, *size)}))
    pixels = ops.clamp(model.output(0).get_node().input_value(0), 0.0, 255.0)
    steps = openvino.preprocess.PrePostProcessor(
        openvino.Model([ops.result(pixels)], model.get_parameters(), "johnson")
    )
    for port in (steps.input(), steps.output()):
        port.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        port.model().set_layout(openvino.Layout("NCHW"))
    picture = JohnsonPicture(network).eval()
    flat = litert_torch.convert(picture, (torch.zeros(1, *size, 3),))
    return {
        "openvino": list(export_openvino.to_bytes(steps.build())),
        "tflite": [bytes(flat.model_content())],
    }


def _bundle(engine: str, files: list[bytes], size: tuple[int, int]) -> Bundle:
    """Wrap models that no bundle holds, as the engines read nothing else."""
    names = tuple(f"model.part{number}" for number in range(len(files)))
    variant = Variant.model_validate(
        {"engine": engine, "precision": "fp32", "height": size[0], "width": size[1], "files": names}
    )
    manifest = Manifest.model_construct(variants=(variant,))
    return Bundle(manifest, dict(zip(names, files, strict=True)), Path(f"built-{engine}"))


def _in_bf16(files: list[bytes], frame: np.ndarray[Any, Any]) -> Network:
    """Run as OpenVINO would if the engine did not ask for f32."""
    core = openvino.Core()
    model = core.read_model(files[0], openvino.Tensor(np.frombuffer(files[1], np.uint8)))
    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "bf16"}
    request = core.compile_model(model, "CPU", options).create_infer_request()
    return lambda: request.infer([frame[None]])


def _flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def _times(rounds: Rounds, size: str) -> Table:
    table = Table(title=f"CPU milliseconds per frame of {size}, one thread", title_justify="left")
    for column in ("network", "median", "p10", "p90"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for name in sorted(rounds.per_round_ms):
        timing = rounds.timing(name)
        table.add_row(name, *(f"{ms:.2f}" for ms in asdict(timing).values()))
    return table


def _ratios(ratios: dict[str, tuple[Ratio, float]]) -> Table:
    table = Table(title="Times faster, round by round", title_justify="left")
    for column in ("networks", "median", "p10", "p90", "promised"):
        table.add_column(column, justify="left" if column == "networks" else "right")
    for name, (ratio, least) in ratios.items():
        kept = "" if ratio.median >= least else " not kept"
        table.add_row(name, *(f"{x:.1f}" for x in asdict(ratio).values()), f"{least:.0f}{kept}")
    return table


def _write(
    args: argparse.Namespace, bundle: Bundle, rounds: Rounds, ratios: dict[str, Ratio]
) -> None:
    report = {
        "machine": describe_machine(),
        "style": bundle.manifest.name,
        "spec": bundle.manifest.generator.spec,
        "size": args.size,
        "threads": 1,
        "rounds": args.rounds,
        "cpu_ms": rounds.as_dict(),
        "ratios": {name: asdict(ratio) for name, ratio in ratios.items()},
        "per_round_cpu_ms": rounds.per_round_ms,
    }
    args.json.parent.mkdir(parents=True, exist_ok=True)
    unfinished = args.json.with_suffix(".part")
    unfinished.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, args.json)  # noqa: PTH105


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.engines", description=__doc__)
    shipped = style_names()
    parser.add_argument("--style", default=shipped[0] if shipped else "great_wave")
    parser.add_argument("--size", default="480x640", help="height x width")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
