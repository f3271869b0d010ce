"""Everything that is done to repeat Kajita et al. 2017."""

from hpcvox.errors import ConfigError
from hpcvox.reproduction.experiment import Experiment, Work
from hpcvox.reproduction.kajita import claims, fig3, fig4, residuals, sets
from hpcvox.reproduction.kajita.bench import Bench
from hpcvox.reproduction.kajita.data import FIELDS, TABLE, TARGETS, read
from hpcvox.reproduction.kajita.reduced import reduced
from hpcvox.reproduction.kajita.settings import KajitaSettings
from hpcvox.reproduction.steps import Steps
from hpcvox.reproduction.summary import Row
from hpcvox.training.folder.damage import checksum


def work(settings: KajitaSettings, steps: Steps) -> Work:
    """What is to be done with these settings.

    Raises:
        SourceError: the densities cannot be read.
        ConfigError: there are fewer crystals than an experiment draws.
    """
    materials = read(settings.densities, settings.limit, settings.seed)
    chosen = settings.chosen
    if "fig3" in chosen and len(materials) < settings.crystals:
        raise ConfigError(
            f"crystals: {settings.crystals}, but {settings.densities} has only {len(materials)}"
        )
    # of the files' bytes and of which crystals of them
    data = [checksum(settings.densities / name) for name in (FIELDS, TABLE)] + [
        [one.crystal.id for one in materials]
    ]
    before = sets.steps(settings, materials, data)
    bench = Bench(
        settings,
        [one.crystal.id for one in materials],
        [one.crystal.formula for one in materials],
        data,
        sets.places(settings, data),
        steps,
        before[0],
    )
    quantities = {f"{one.quantity} ({one.unit})": one.about for one in TARGETS}
    return Work(
        before, _experiments(bench), lambda: _facts(bench), quantities, reduced(settings, len(materials))
    )


def _experiments(bench: Bench) -> list[Experiment]:
    makers = {"fig3": fig3.experiment, "fig4": fig4.experiment, "residuals": residuals.experiment}
    chosen = bench.settings.chosen
    # claims alone need all others
    others = [name for name in makers if name in chosen or chosen == ["claims"]]
    made = [makers[name](bench) for name in others]

    def rows() -> list[Row]:
        return [row for one in made for row in one.measure().rows]

    if "claims" in chosen:
        made_too = claims.experiment(rows, tuple(others))
        return [*made, made_too]
    return made


def _facts(bench: Bench) -> list[tuple[str, str]]:
    settings, scale = bench.settings, bench.settings.scale
    tested = [len(bench.draw(number).test) for number in range(scale.draws)]
    return [
        ("crystals", f"{len(bench.ids)} of {len(set(bench.formulas))} formulas, from {settings.densities}"),
        ("tested on", f"{min(tested)} to {max(tested)} crystals of each draw, by formula"),
        ("draws", f"{scale.draws}, of seed {settings.seed} and numbers 0 to {scale.draws - 1}"),
        ("networks", f"{scale.members} an answer, each of {scale.replicas[-1]} turns of its crystals"),
        ("epochs", f"{scale.epochs}; {scale.recognition_epochs} in Fig. 3"),
    ]
