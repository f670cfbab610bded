"""The recipe: every number of a training run, in one TOML file.

A recipe is data. `load_recipe` checks it against the schema below, so that a mistyped key is
an error that names the file, the key and the nearest one, and never a silent default.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal, get_args

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tomlkit.exceptions import TOMLKitError

from edge.errors import TrainingError
from train.generator import GeneratorSpec
from train.guide import GuideRecipe

RECIPES = Path(__file__).parent / "recipes"
_FORBID = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(BaseModel):
    """What a step sees.

    Attributes:
        crop: side of a training crop, pixels.
        batch: crops per step.
        style_height: the painting is scaled to this height, pixels; with the strokes it then
            has a 640x480 frame is painted.
        margin: pixels at a crop's edge that no loss looks at: zero padding shows there.
    """

    model_config = _FORBID

    crop: int = Field(default=256, ge=64, le=1024, multiple_of=8)
    batch: int = Field(default=2, ge=1, le=64)
    style_height: int = Field(default=480, ge=64, le=2048)
    margin: int = Field(default=16, ge=0, le=128, multiple_of=8)


class LossRecipe(BaseModel):
    """Weights of the losses; 0 leaves one out. Each is described in `train/losses.py`.

    Attributes:
        real: what the discriminator is shown as real: the guide's pictures (its strokes lie
            where the photo has edges) or crops of the painting (its strokes are the artist's).
    """

    model_config = _FORBID

    style: float = Field(default=1.0, ge=0)
    style_layers: dict[str, float] = {"conv1": 1.0, "fire2": 1.0, "fire3": 1.0, "fire4": 1.0}
    content: float = Field(default=0.6, ge=0)
    content_layer: str = "fire4"
    structure: float = Field(default=0.0, ge=0)
    low_frequency: float = Field(default=0.0, ge=0)
    palette: float = Field(default=0.0, ge=0)
    real: Literal["guide", "painting"] = "guide"
    variation: float = Field(default=0.0, ge=0)
    adversarial: float = Field(default=0.0, ge=0)
    guide: float = Field(default=0.0, ge=0)
    texture: float = Field(default=0.0, ge=0)
    temporal: float = Field(default=0.0, ge=0)


class TemporalRecipe(BaseModel):
    """How the second view of a pair differs from the first.

    Attributes:
        begin, full: shares of the run at which the temporal loss starts and is at its weight.
        still: share of pairs without motion, 0..1. A canvas stands still while the picture
            moves, so with one most pairs should be still.
        noise: largest sensor noise, standard deviation in 0..1.
        exposure: largest relative change of brightness.
    """

    model_config = _FORBID

    begin: float = Field(default=0.2, ge=0, le=1)
    full: float = Field(default=0.6, ge=0, le=1)
    still: float = Field(default=0.0, ge=0, le=1)
    noise: float = Field(default=0.03, ge=0, le=0.5)
    exposure: float = Field(default=0.05, ge=0, le=0.5)


class OptimiserRecipe(BaseModel):
    """How the weights move.

    Attributes:
        steps: of the whole run.
        rate, discriminator_rate: of Adam, at the top of the warm-up; cosine to zero after it.
        warmup: steps.
        clip: largest gradient norm.
        freeze_norm: share of the run after which BatchNorm's statistics stand still, so that
            the rest of the run trains what ships.
    """

    model_config = _FORBID

    steps: int = Field(default=1000, ge=1)
    rate: float = Field(default=2e-3, gt=0)
    discriminator_rate: float = Field(default=1e-3, gt=0)
    warmup: int = Field(default=30, ge=0)
    clip: float = Field(default=5.0, gt=0)
    freeze_norm: float = Field(default=0.6, ge=0, le=1)


class Recipe(BaseModel):
    """One training run.

    Attributes:
        about: one line, shown when the run starts.
        seed: of every draw.
        warm_start: weights shipped with the package to start from, e.g. "base", or a path to a
            weights.safetensors; "" for none.
        report_every: steps between a preview picture and a checkpoint.
    """

    model_config = _FORBID

    about: str = ""
    seed: int = 0
    warm_start: str = ""
    report_every: int = Field(default=100, ge=1)
    generator: GeneratorSpec = GeneratorSpec()
    data: DataRecipe = DataRecipe()
    losses: LossRecipe = LossRecipe()
    guide: GuideRecipe = GuideRecipe()
    temporal: TemporalRecipe = TemporalRecipe()
    optimiser: OptimiserRecipe = OptimiserRecipe()

    def changed(self, **optimiser_or_seed: int | None) -> Recipe:
        """Return a copy with `steps` or `seed` from the command line; None leaves one alone."""
        steps, seed = optimiser_or_seed.get("steps"), optimiser_or_seed.get("seed")
        recipe = self if seed is None else self.model_copy(update={"seed": seed})
        if steps is None:
            return recipe
        optimiser = recipe.optimiser.model_copy(update={"steps": steps})
        return recipe.model_copy(update={"optimiser": optimiser})

    def to_toml(self) -> str:
        """Write the recipe out whole, defaults included."""
        return tomlkit.dumps(self.model_dump(mode="json"))


def recipe_names() -> list[str]:
    """Name the recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_recipe(name_or_path: str) -> Recipe:
    """Read a recipe: a shipped one by its name, or a TOML file by its path.

    Raises:
        TrainingError: no such recipe, not TOML, an unknown key or a value out of range.
    """
    path = Path(name_or_path)
    shipped = RECIPES / f"{name_or_path}.toml"
    if path.suffix != ".toml" and shipped.is_file():
        path = shipped
    if not path.is_file():
        raise TrainingError(
            f"{name_or_path}: no such recipe",
            hint=f"give a .toml file, or one of: {', '.join(recipe_names())}",
        )
    return parse_recipe(path.read_text(encoding="utf-8"), str(path))


def parse_recipe(text: str, origin: str) -> Recipe:
    """Check a recipe's text; `origin` is named in the error (see `load_recipe`)."""
    try:
        return Recipe.model_validate(tomlkit.parse(text).unwrap())
    except TOMLKitError as error:
        raise TrainingError(f"{origin}: not TOML: {error}", hint="mend that line") from error
    except ValidationError as error:
        raise _explained(error, origin) from error


def _explained(error: ValidationError, origin: str) -> TrainingError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        message = f"{origin}: {key} = {first['input']!r}: {first['msg']}"
        return TrainingError(message, hint="mend that value")
    allowed = _keys(Recipe, first["loc"][:-1])
    near = difflib.get_close_matches(str(first["loc"][-1]), allowed, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"allowed here: {', '.join(allowed)}"
    return TrainingError(f"{origin}: unknown key {key}", hint=hint)


def _keys(model: type[BaseModel], table: tuple[Any, ...]) -> list[str]:
    for name in table:
        annotation: Any = model.model_fields[name].annotation
        model = next((a for a in get_args(annotation) if isinstance(a, type)), annotation)
    return sorted(model.model_fields)
