"""What would help a run most, and the command that does it: through its pipeline, where a pipeline made it."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from hpcvox import scalars
from hpcvox.database.summary import TABLE as DATABASE
from hpcvox.process.settings_files import CONFIG
from hpcvox.relaxation.summary import RelaxSummary, bare
from hpcvox.report.run import Folder, Run
from hpcvox.stability.references import SHIPPED, calculators

OVERWRITE: Final = "overwrite=true"


class Advice(NamedTuple):
    """What to do, in words, and as what is typed."""

    words: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.words}: {self.command}" if self.command else self.words


def train_longer(run: Run) -> Advice:
    """Of the VAE."""
    epochs = _setting(run.vae, "epochs")
    more = f"epochs={2 * epochs}" if isinstance(epochs, int) else "epochs=N"
    return Advice("train the VAE longer, or on more crystals", _again(run, run.vae, more))


def draw_nearer(run: Run) -> Advice:
    """To the crystals of the training."""
    sigma = _setting(run.generated, "sigma")
    less = f"sigma={sigma / 2:g}" if isinstance(sigma, int | float) else "sigma=0.5"
    words = (
        "draw nearer to crystals that are known, by a smaller sigma, or around one of them (base=ID); from 400 "
        "training crystals on a flow learns where they lie"
    )
    return Advice(words, _again(run, run.generated, less, OVERWRITE))


def draw_farther(run: Run) -> Advice:
    """From the crystals of the training."""
    sigma = _setting(run.generated, "sigma")
    more = f"sigma={sigma * 1.5:g}" if isinstance(sigma, int | float) else "sigma=1.5"
    words = (
        "draw farther from crystals that are known, by a larger sigma, or of other deciles (conditions=[…])"
    )
    return Advice(words, _again(run, run.generated, more, OVERWRITE))


def take_the_relaxed(run: Run) -> Advice:
    """Where the generated ones move far."""
    source = run.relaxed.path or Path("runs/relaxed")
    words = (
        "look at the crystals that move least first (column bond_change_percent of relaxed.csv), and take the relaxed "
        "ones on, not those generated"
    )
    return Advice(words, f"hpcvox relax source={source}/cifs stages=[gpaw] out={source}_gpaw")


def go_nearer_the_hull(run: Run) -> Advice:
    """Where few of the relaxed crystals are near it."""
    model = _there(run.vae)
    words = (
        "train on those that are near the hull, in rounds, and draw where energies are low "
        "(generate.conditions=[0] is the lowest decile)"
    )
    return Advice(words, "hpcvox campaign" + ("" if model is None else f" model={model}"))


def go_on(run: Run) -> Advice | None:
    """The step after the last one that was taken; None where none was."""
    if (path := _there(run.relaxed)) is not None:
        if run.hull.problem and _has_references(run.relaxed):
            return _lay_the_hull(run, path)
        command = f"hpcvox relax source={path}/cifs stages=[gpaw] out={path}_gpaw"
        return Advice("relax the best of them by DFT", command)
    if (path := _there(run.judged)) is not None:
        if run.settings.timings is not None:
            return Advice("relax what is left", _pipeline(run.settings.timings, "relax.stages=[chgnet]"))
        return Advice("relax what is left", f"hpcvox relax source={path}/cifs stages=[chgnet]")
    if (path := _there(run.generated)) is not None:
        return Advice("sort out what is plausible, distinct and new", f"hpcvox judge generated={path}")
    if (path := _there(run.vae)) is not None:
        return Advice("draw crystals", f"hpcvox generate vae={path}")
    return None


def _lay_the_hull(run: Run, relaxed: Path) -> Advice:
    table = run.database.file(DATABASE)
    known = [] if table is None else [f"known=[{table}]"]
    command = " ".join([f"hpcvox hull relaxed={relaxed}", *known, f"out={relaxed.parent / 'hull'}"])
    return Advice("find out which of them are stable", command)


def _has_references(relaxed: Folder[RelaxSummary]) -> bool:
    """Whether the table that comes with hpcvox has the energies of known phases by one of the potentials."""
    stages = [] if relaxed.summary is None else relaxed.summary.stages
    return not {bare(stage.calculator) for stage in stages}.isdisjoint(calculators(SHIPPED))


def _there(folder: Folder[Any]) -> Path | None:
    return None if folder.problem else folder.path


def _again(run: Run, folder: Folder[Any], change: str, alone: str = "") -> str:
    """The command that runs a step again with a change; ``alone`` is for the step by itself, without its pipeline."""
    if run.settings.timings is not None:
        return _pipeline(run.settings.timings, f"{folder.step.name}.{change}")
    config = "" if folder.file(CONFIG) is None else f" {folder.file(CONFIG)}"
    return " ".join(filter(None, [f"hpcvox {folder.verb}{config}", change, alone]))


def _pipeline(timings: Path, change: str) -> str:
    return f"hpcvox pipeline {timings.parent / CONFIG} {change}"


def _setting(folder: Folder[Any], name: str) -> object:
    """A setting of the config of a folder; None where it has none."""
    try:
        tree = scalars.plain(folder.config.text)
    except yaml.YAMLError:
        return None
    return tree.get(name) if isinstance(tree, dict) else None
