"""Fig. 5: attentive response maps of each class, and whether what they light up decides the class."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.files import durable
from hpcvox.files.summary import Part
from hpcvox.networks.fingerprint.settings import SPACE_GROUPS
from hpcvox.report.drawing.chart import Gallery, Row
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.steps import SHORT, Step, digest
from hpcvox.reproduction.ziletti.bench import Bench, row
from hpcvox.reproduction.ziletti.crystals import of_kind
from hpcvox.terminal import counted

if TYPE_CHECKING:
    from hpcvox.networks.fingerprint.explanation import Explanation

FILTERS: Final = 4
"""Of a layer, the most active ones, as in the paper."""

REMOVED: Final = 0.3
"""Share of a fingerprint's light that is removed."""

CHANNELS: Final = ("x", "y", "z")

DARK: Final = f"probability of the class without {100 * REMOVED:.0f} % of the light"
ATTENDED: Final = "removed where the network looks"
BRIGHTEST: Final = "removed where it is brightest"

DIMMEST: Final = 1e-3
"""Share of the brightest pixel of a fingerprint at and below which a pixel is dark."""

ON_TOP: Final = "brightest of the pictures of turns about x, y and z; fingerprints on a logarithmic scale"

VALUES: Final = (
    PaperValue("attentive response maps", "", "", "Fig. 5, a picture", absent="pictures, above"),
)


class Looked(Part):
    """The mean probability of each class, by what is removed of the fingerprint."""

    attended: dict[str, float]
    brightest: dict[str, float]


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    steps = [_step(bench, number) for number in bench.draws]
    count = bench.settings.scale.asked

    def measure() -> Measured:
        found = [bench.steps.done(step) for step in steps]
        return Measured(
            [
                row(
                    f"{DARK}, {kind}",
                    method,
                    None,
                    [getattr(one, part)[kind] for one in found],
                    "",
                    "neither",
                )
                for kind in SPACE_GROUPS
                for method, part in ((ATTENDED, "attended"), (BRIGHTEST, "brightest"))
            ]
        )

    return Experiment(
        name="maps",
        title="Fig. 5: what the network looks at",
        about="The strongest responses of the four most active filters of the first, the third and the last layer are "
        "carried back to the fingerprint of a crystal of each class, and so are all filters of the last layer, whose "
        "sum is the class's template; the first picture has the mean of fingerprints and templates over "
        f"{counted(count, 'crystal')}. The pictures are of the first draw. Such maps light up at bright spots "
        "in any network, so the table says what becomes of the class's probability when light is removed there.",
        needs=(),
        makes=("Fig. 5a for each class", "Fig. 5b: templates"),
        axis="",
        better="neither",
        values=VALUES,
        steps=steps,
        measure=measure,
        pictures=lambda: _galleries(_file(bench, 0)),
    )


def _settled(bench: Bench, number: int) -> list[object]:
    return bench.settled(bench.pristine[number], number, "maps", bench.settings.scale.asked, FILTERS, REMOVED)


def _file(bench: Bench, number: int) -> Path:
    """The file with the maps of a draw."""
    name = f"draw-{number}.{digest(_settled(bench, number))[:SHORT]}.npz"
    return bench.settings.folder / "maps" / name


def _step(bench: Bench, number: int) -> Step[Looked]:
    return Step(
        f"maps/draw-{number}",
        Looked,
        _settled(bench, number),
        partial(_looked, bench, number),
        (_file(bench, number),),
    )


def _looked(bench: Bench, number: int, work: Path) -> Looked:
    # imported here: PyTorch takes seconds
    from hpcvox.reproduction.ziletti.asked import Asked

    asked = Asked(bench.pristine[number])
    found: dict[str, dict[str, float]] = {"attended": {}, "brightest": {}}
    arrays: dict[str, NDArray[np.float32]] = {}
    for place, kind in enumerate(SPACE_GROUPS):
        crystals = of_kind(asked.run, bench.seed(number), kind, bench.settings.scale.asked)
        images = [asked.image(asked.cluster(one)) for one in crystals]
        seen = [asked.network.explain(image, None, FILTERS) for image in images]
        for part, at in (
            ("attended", [one.template for one in seen]),
            ("brightest", images),
        ):
            left = [asked.network.without(one, REMOVED, where) for one, where in zip(seen, at, strict=True)]
            found[part][kind] = float(np.mean(left))
        arrays |= {f"{place}.{name}": values for name, values in _kept(seen).items()}
    file = _file(bench, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    with durable.written_aside(file) as part_of_it, part_of_it.open("wb") as out:
        np.savez_compressed(out, allow_pickle=False, **arrays)
    return Looked(**found)


def _kept(seen: Sequence["Explanation"]) -> dict[str, NDArray[np.float32]]:
    """The pictures of a class: of its first crystal the maps, of all the means."""
    first = seen[0]
    layers = {
        f"map.{layer.layer}.{number}": values
        for layer in first.layers
        for number, values in zip(layer.filters.tolist(), layer.maps, strict=True)
    }
    return {
        "fingerprint": first.fingerprint,
        **layers,
        "template": first.template,
        "mean_fingerprint": np.mean([one.fingerprint for one in seen], 0, np.float64).astype(np.float32),
        "mean_template": np.mean([one.template for one in seen], 0, np.float64).astype(np.float32),
    }


def _galleries(file: Path) -> list[Gallery]:
    """The templates of all classes, and the maps of each."""
    with np.load(file) as held:
        arrays = {name: held[name] for name in held.files}
    heads = [f"{what}, {channel}" for what in ("fingerprint", "template") for channel in CHANNELS]
    rows = [
        Row(
            kind,
            0.0,
            1.0,
            [
                *_channels(_logarithmic(arrays[f"{place}.mean_fingerprint"])),
                *_channels(_scaled(arrays[f"{place}.mean_template"])),
            ],
        )
        for place, kind in enumerate(SPACE_GROUPS)
    ]
    return [
        Gallery("templates", "Templates of the classes", heads, rows, ON_TOP),
        *(_of_class(arrays, place, kind) for place, kind in enumerate(SPACE_GROUPS)),
    ]


def _of_class(arrays: dict[str, NDArray[np.float32]], place: int, kind: str) -> Gallery:
    """Maps of a class: a column a filter, a row a channel."""
    columns = {"fingerprint": _logarithmic(arrays[f"{place}.fingerprint"])}
    for name, values in arrays.items():
        first, _, rest = name.partition(".map.")
        if first == str(place) and rest:
            layer, number = rest.split(".")
            columns[f"layer {layer}, filter {number}"] = _scaled(values)
    columns["sum of the last layer"] = _scaled(arrays[f"{place}.template"])
    shown = [_channels(values) for values in columns.values()]
    rows = [
        Row(f"{kind}, {channel}", 0.0, 1.0, [each[number] for each in shown])
        for number, channel in enumerate(CHANNELS)
    ]
    return Gallery(
        "maps-" + kind.replace("/", "-").replace(" ", "-"), f"Maps of {kind}", list(columns), rows, ON_TOP
    )


def _channels(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [values[..., channel] for channel in range(len(CHANNELS))]


def _logarithmic(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """A fingerprint from 0, dim, to 1."""
    shown = 1 - np.log10(np.maximum(image, DIMMEST)) / np.log10(DIMMEST)
    return np.asarray(shown, np.float32)


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is above 0 of a map, as a share of the highest value."""
    highest = max(float(values.max()), float(np.finfo(np.float32).tiny))
    return np.asarray(np.maximum(values, 0) / highest, np.float32)
