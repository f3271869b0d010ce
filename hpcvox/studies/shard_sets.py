"""Checks the shard sets that the trainings of a study read, and makes missing ones.

A study that tunes the featurization has several sets, as choices of ``shards``; ``featurize`` says how to make each.
"""

import time
from pathlib import Path
from typing import Any, Final

from hpcvox import config
from hpcvox.errors import BusyError, ConfigError, ShardError, did_you_mean
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.layout import MANIFEST
from hpcvox.shards.manifest import Manifest
from hpcvox.studies import space
from hpcvox.studies.settings import StudySettings
from hpcvox.terminal import say

CONFIGS: Final = "featurize"
"""Folder in the study with the configs of the sets that were made for it."""

LOOK_S: Final = 2.0
"""Seconds between two looks whether another worker has made a set."""


def check(settings: StudySettings) -> None:
    """Check that every shard set of a study exists or can be made, and has the settings that the study wants.

    Raises:
        ConfigError: ``featurize`` is not valid, makes a set that no trial reads, or has other settings than an existing
            set.
        ShardError: a set is missing or cannot be read.
    """
    needed = space.shard_sets(settings)
    made = featurizations(settings)
    for folder in made:
        if folder not in needed:
            names = [str(one) for one in needed]
            raise ConfigError(
                f"featurize.sets: no trial reads {folder}: {did_you_mean(str(folder), names)}"
                f"the study's shards are {', '.join(names)}: name it in space.shards.choices, or take it out here"
            )
    for folder in needed:
        if folder not in made or _is_there(folder):
            _check_there(settings, folder, made.get(folder))
        else:
            _check_new(settings, made[folder])


def featurizations(settings: StudySettings) -> dict[Path, FeaturizeSettings]:
    """The featurization settings of each set that the study can make, by folder.

    Raises:
        ConfigError: they are not valid; the message names the set, the key and what is valid.
    """
    asked = settings.featurize
    made = {}
    for folder, its_own in asked.sets.items():
        if "out" in asked.settings or "out" in its_own:
            raise ConfigError(
                f"featurize: out is the name of a set ({folder}): take it out of settings and sets"
            )
        tree = space.base_tree(FeaturizeSettings, asked.base)
        for more in (asked.settings, its_own, {"out": str(folder)}):
            space.merge(tree, more)
        made[folder] = config.validate(FeaturizeSettings, tree, f"featurize.sets, {folder}")
    return made


def missing(settings: StudySettings) -> list[FeaturizeSettings]:
    """The featurization settings of the missing sets."""
    return [one for folder, one in featurizations(settings).items() if not _is_there(folder)]


def make(settings: StudySettings) -> None:
    """Make the missing sets one after another; wait for those that others are making."""
    from hpcvox.featurize.job import run as featurize  # imported here: reading a study needs no Ray

    for one in missing(settings):
        while not _is_there(one.out):
            try:
                say(featurize(one).summary)
            except BusyError:  # another worker is making it, of this study or of one with the same set
                time.sleep(LOOK_S)


def write_configs(settings: StudySettings) -> list[Path]:
    """Write a config of ``hpcvox featurize`` for each missing set into the study's folder."""
    folder = settings.out / CONFIGS
    paths = []
    for number, one in enumerate(featurizations(settings).values(), 1):
        if not _is_there(one.out):
            folder.mkdir(parents=True, exist_ok=True)
            paths.append(folder / f"{number:02d}.yaml")
            config.save(one, paths[-1])
    return paths


def _is_there(folder: Path) -> bool:
    return (folder / MANIFEST).exists()


def _check_there(settings: StudySettings, folder: Path, asked: FeaturizeSettings | None) -> None:
    try:
        manifest = Manifest.load(folder)
    except ShardError as error:
        raise ShardError(f"{error}, or say in featurize.sets how the study is to make it") from None
    _check_descriptor(settings, folder, manifest.descriptor)
    if asked is not None and (changed := _differences(manifest, asked)):
        raise ConfigError(
            f"featurize.sets: {folder} holds other shards than it says: {', '.join(changed)}; "
            "give the set another folder, or remove that one to have it made anew"
        )


def _check_new(settings: StudySettings, asked: FeaturizeSettings) -> None:
    _check_descriptor(settings, asked.out, asked.descriptor)
    if not asked.source.exists():
        raise ConfigError(
            f"featurize: {asked.out} cannot be made: there are no crystals at source={asked.source}: "
            "set featurize.settings.source"
        )


def _check_descriptor(settings: StudySettings, folder: Path, descriptor: str) -> None:
    if descriptor != (needed := settings.network.descriptor):
        raise ShardError(f"{folder} is of the descriptor {descriptor}, and {settings.verb} takes {needed}")


def _differences(manifest: Manifest, asked: FeaturizeSettings) -> list[str]:
    """The settings that change the samples of a set and that differ from those of the existing set."""
    there: dict[str, Any] = {"source": manifest.source, **manifest.settings}
    wanted: dict[str, Any] = {"source": asked.source.name, **asked.fixed()}
    return [
        f"{key} ({there.get(key)!r} → {wanted.get(key)!r})"
        for key in {**wanted, **there}
        if there.get(key) != wanted.get(key)
    ]
