"""Converts the space of a study to Optuna's distributions, and points of it to settings of a training."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from hpcvox import config
from hpcvox.config import Settings
from hpcvox.errors import ConfigError
from hpcvox.studies.settings import Dimension, StudySettings
from hpcvox.training.settings import TrainSettings

OWN = ("out", "ranks")
"""Settings that a study sets itself."""


def distributions(settings: StudySettings) -> dict[str, BaseDistribution]:
    """The space as Optuna's distributions; choices that are no texts or numbers are written as YAML."""
    return {key: _distribution(dimension) for key, dimension in settings.space.items()}


def training(settings: StudySettings, params: Mapping[str, Any]) -> TrainSettings:
    """The settings of the training at the point ``params``.

    Raises:
        ConfigError: the training does not allow them; the message names the key and what is valid.
    """
    tree = _tree(settings)
    for key, value in params.items():
        choices = settings.space[key].choices
        config.put(tree, key, _chosen(choices)[value] if choices is not None else value, key)
    kind: type[TrainSettings] = settings.network.load("settings")
    where = ", ".join(f"{key}={value}" for key, value in params.items())
    return config.validate(kind, tree, f"{settings.base or settings.verb} at {where or 'no point'}")


def check(settings: StudySettings) -> None:
    """Check that the training allows all of the space.

    Raises:
        ConfigError: a key is unknown, or one of its limits or choices is not valid; the message says which.
    """
    for key in (*settings.settings, *settings.space):
        if key in OWN:
            raise ConfigError(f"{key} is set by the study itself: take it out of settings and space")
    for key, dimension in settings.space.items():
        for value in _values(dimension):
            training(settings, {**_corner(settings), key: value})
    if len(settings.objectives) > 1 and settings.pruner != "none":
        raise ConfigError(
            f"pruner={settings.pruner} takes one objective, and there are {len(settings.objectives)}: set pruner=none"
        )


def _corner(settings: StudySettings) -> dict[str, Any]:
    return {key: _values(dimension)[0] for key, dimension in settings.space.items()}


def shard_sets(settings: StudySettings) -> list[Path]:
    """The shard sets that trials may be trained on."""
    corner, dimension = _corner(settings), settings.space.get("shards")
    points = [corner] if dimension is None else [{**corner, "shards": value} for value in _values(dimension)]
    return list(dict.fromkeys(training(settings, point).shards for point in points))


def _tree(settings: StudySettings) -> dict[str, Any]:
    tree = base_tree(settings.network.load("settings"), settings.base)
    merge(tree, settings.settings)
    return tree


def base_tree(kind: type[Settings], base: Path | None) -> dict[str, Any]:
    """The settings in the config ``base``; empty if it is None."""
    return config.load(kind, base).model_dump(mode="json", exclude_unset=True) if base is not None else {}


def merge(tree: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Put the settings ``more``, groups or ``group.key``, into ``tree``, in place."""
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), dict):
            merge(tree[key], value)
        else:
            config.put(tree, key, copy.deepcopy(value), key)


def _distribution(dimension: Dimension) -> BaseDistribution:
    if dimension.choices is not None:
        return CategoricalDistribution(list(_chosen(dimension.choices)))
    low, high, step = dimension.low, dimension.high, dimension.step
    assert low is not None
    assert high is not None
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None):
        return IntDistribution(low, high, log=dimension.log, step=step or 1)
    return FloatDistribution(low, high, log=dimension.log, step=step)


def _chosen(choices: list[Any]) -> dict[Any, Any]:
    """The choices by the names that Optuna uses for them."""
    plain = (str, int, float, type(None))
    return {
        choice
        if isinstance(choice, plain)
        else yaml.safe_dump(choice, default_flow_style=True).strip(): choice
        for choice in choices
    }


def _values(dimension: Dimension) -> list[Any]:
    """The values of a dimension that are checked: all choices, or the limits of the range."""
    if dimension.choices is not None:
        return list(_chosen(dimension.choices))
    return [dimension.low, dimension.high]


optuna.logging.set_verbosity(optuna.logging.WARNING)
