"""Everything that is done to repeat Court et al. 2020."""

from dataclasses import replace

from hpcvox.reproduction.court import claims, fig2, fig4, fig6, table1, table2, table3, table4, table5
from hpcvox.reproduction.court.bench import Bench
from hpcvox.reproduction.court.reduced import reduced
from hpcvox.reproduction.court.sets import Featurized, sets
from hpcvox.reproduction.court.settings import CourtSettings
from hpcvox.reproduction.experiment import Experiment, Work
from hpcvox.reproduction.steps import Steps, with_needs
from hpcvox.reproduction.summary import Row
from hpcvox.terminal import counted

MAKERS = {
    "fig2": fig2.experiment,
    "fig4": fig4.experiment,
    "table1": table1.experiment,
    "fig6": fig6.experiment,
    "table2": table2.experiment,
    "table3": table3.experiment,
    "table4": table4.experiment,
    "table5": table5.experiment,
}

QUANTITIES = {
    "EMD (Å)": "mean distance of a site from the true one with which it is paired best, in the true cell",
    "Δn": "number of sites that were found, less the true number, without its sign",
    "recall (%)": "share of occupied voxels that get the right element",
    "MSE": "mean squared error of density (e/Å³) and coordinates (Å) of a voxel of held-out crystals, best epoch",
    "SMAPE (%)": "mean of |a − b| over the mean of |a| and |b|: 200 where the signs differ",
    "valid": "all atoms more than 0.5 Å apart, images included, in a cell of 1 to 60 Å",
    "formula type": "the formula with letters for elements: AB, ABC2 (Heusler), ABC3 (perovskite)",
}


def work(settings: CourtSettings, steps: Steps) -> Work:
    """What is to be done with these settings.

    Raises:
        SourceError: a source cannot be opened.
    """
    bench = Bench(settings, sets(settings), steps)
    return Work(
        bench.sets.steps,
        _experiments(bench),
        lambda: _facts(bench),
        QUANTITIES,
        reduced(settings),
    )


def _experiments(bench: Bench) -> list[Experiment]:
    chosen = bench.settings.chosen
    # claims alone need all others
    others = [name for name in MAKERS if name in chosen or chosen == ["claims"]]
    made = [_whole(MAKERS[name](bench), bench) for name in others]

    def rows() -> list[Row]:
        return [row for one in made for row in one.measure().rows]

    return [*made, claims.experiment(rows, tuple(others))] if "claims" in chosen else made


def _whole(made: Experiment, bench: Bench) -> Experiment:
    """The experiment with the trainings among its steps, but not what all need."""
    common = {step.name for step in bench.sets.steps}
    return replace(made, steps=[step for step in with_needs(made.steps) if step.name not in common])


def _facts(bench: Bench) -> list[tuple[str, str]]:
    settings, scale = bench.settings, bench.settings.scale
    facts = [
        ("draws", f"{scale.draws}, of seeds {bench.seed(0)} to {bench.seed(scale.draws - 1)}"),
        ("maps", f"{scale.voxels}³ voxels, {scale.grid}"),
        ("epochs", f"UNet {scale.unet_epochs}, VAE {scale.vae_epochs}, CGCNN {scale.cgcnn_epochs}"),
    ]
    named = {
        f"crystals of the maps, from {settings.source.name}": bench.sets.densities["sigma-r"][0],
        f"crystals of the graphs, from {(settings.property_source or settings.source).name}": bench.sets.graphs[
            0
        ],
    }
    for name, step in named.items():
        facts.append((name, _counts(bench.steps.done(step))))
    return facts


def _counts(made: Featurized) -> str:
    """What became of the inputs."""
    parts = [counted(made.inputs, "input")]
    parts += [f"{count:,} not read ({code})" for code, count in made.unread.items()]
    if made.unwanted:
        parts.append(f"{made.unwanted:,} of other formulas or without a value")
    parts.append(f"{made.drawn:,} drawn")
    parts += [f"{count:,} lost ({code})" for code, count in made.rejects.items()]
    return ", ".join([*parts, f"{made.crystals:,} used"])
