"""A recipe is checked before a minute is spent on it."""

from __future__ import annotations

import pytest

from edge.errors import TrainingError
from train.generator import Generator
from train.recipe import Recipe, load_recipe, parse_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_is_valid_and_fast_enough(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.about
    assert Generator(recipe.generator).macs(480, 640) < 1.6e9


def test_a_recipe_survives_being_written_out() -> None:
    recipe = load_recipe("quick").changed(steps=7, seed=3)
    assert (recipe.optimiser.steps, recipe.seed) == (7, 3)
    assert parse_recipe(recipe.to_toml(), "copy") == recipe


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("[losses]\ncontnt = 1.0", "mine.toml: unknown key losses.contnt", "did you mean content?"),
        ("sede = 1", "unknown key sede", "did you mean seed?"),
        ("[data]\ncrop = 100", "data.crop = 100", "mend that value"),
        ("[data\ncrop = 1", "not TOML", "mend that line"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_remedy(text: str, said: str, hint: str) -> None:
    with pytest.raises(TrainingError, match=said) as caught:
        parse_recipe(text, "mine.toml")
    assert caught.value.hint == hint


def test_an_unknown_recipe_lists_those_there_are() -> None:
    with pytest.raises(TrainingError, match="no such recipe") as caught:
        load_recipe("qiuck")
    assert "quick" in caught.value.hint


def test_defaults_make_a_whole_recipe() -> None:
    assert parse_recipe("", "empty") == Recipe()
