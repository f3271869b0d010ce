"""Fig. 4: errors of the cells and of the atomic sites of reconstructed crystals."""

from typing import Final

from hpcvox.reproduction.court.bench import WHOLE, Bench
from hpcvox.reproduction.court.table5 import EMD, FAILED, NOT_PLACED, Evaluated, evaluated, mean
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import histogram, row
from hpcvox.reproduction.summary import Figure

LENGTH: Final = "MAE of the cell length"
AXES: Final = ("a", "b", "c")
TESTED: Final = "held-out crystals"

VALUES: Final = (
    *(PaperValue(LENGTH, axis, "Å", f"Fig. 4{axis} and text", 0.06) for axis in AXES),
    PaperValue(EMD, "sites", "Å", "Fig. 4d and text", 0.09),
    PaperValue(TESTED, "all", "", "text", 1300),
)


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    steps = [evaluated(bench, draw, WHOLE) for draw in bench.draws]

    def measure() -> Measured:
        found = [bench.steps.done(step) for step in steps]
        lost = [float(sum(each.failures.values())) for each in found]
        told = [
            *(
                row(
                    LENGTH,
                    axis,
                    "Å",
                    "lower",
                    [mean([off[k] for off in each.off]) for each in found],
                    NOT_PLACED,
                )
                for k, axis in enumerate(AXES)
            ),
            row(EMD, "sites", "Å", "lower", [mean(each.emd) for each in found], NOT_PLACED),
            row(TESTED, "all", "", "neither", [each.tested for each in found]),
            row(FAILED, "all", "", "lower", lost),
        ]
        return Measured(told, figures=_figures(found))

    return Experiment(
        name="fig4",
        title="Fig. 4: cells and sites of reconstructed crystals",
        about="Held-out crystals through the whole pipeline (DFC-VAE with σ = r, UNet). Distances of sites are those "
        "of the best pairing with the true ones, whatever the elements.",
        needs=(),
        makes=("Fig. 4a to c: errors of a, b, c", "Fig. 4d: EMD"),
        axis="",
        better="lower",
        values=VALUES,
        steps=steps,
        measure=measure,
    )


def _figures(found: list[Evaluated]) -> list[Figure]:
    """Distributions over the held-out crystals of all draws."""
    lengths = {axis: [off[k] for each in found for off in each.off] for k, axis in enumerate(AXES)}
    emd = [value for each in found for value in each.emd]
    drawn = [(f"fig4-{axis}", f"|Δ{axis}| (Å)", values) for axis, values in lengths.items()]
    return [
        Figure(
            name=name,
            title=f"{x} of {len(values):,} reconstructed crystals of all draws",
            x=x,
            y="crystals",
            marks=[histogram("", values)],
        )
        for name, x, values in [*drawn, ("fig4-emd", "EMD (Å)", emd)]
        if values
    ]
