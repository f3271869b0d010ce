"""The latent space: distributions of its dimensions, its map by t-SNE, and densities from one crystal to another.

Court et al. 2020, Figs. 2a, 3 and 2b.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import HpcvoxError
from hpcvox.report.drawing import scatters
from hpcvox.report.drawing.chart import Chart, Gallery, Row
from hpcvox.report.kinds import is_space_group, kinds_of, kinds_of_names, space_group
from hpcvox.report.parts import Section, shown
from hpcvox.report.run import Run
from hpcvox.shards.reading.densities import read_densities
from hpcvox.training.folder.card import WEIGHTS

if TYPE_CHECKING:
    from hpcvox.report.encoding import Encoded, Encoder

SEED: Final = 0
DIMENSIONS: Final = 48
"""Latent dimensions whose distribution is drawn."""

STEPS: Final = 8
"""Number of densities decoded for a row, including its ends."""

MOST_PAIRED: Final = 16
"""Most held-out crystals of a decile among which the two that are furthest apart are searched."""


def sections(run: Run) -> list[Section]:
    """The map of ``latent`` crystals, and ``interpolations`` rows of densities; left out if these settings are 0."""
    vae, shards = run.vae, run.shards
    most, rows = run.settings.latent, run.settings.interpolations
    titles = {"latent": "Latent space", "interpolations": "From crystal to crystal"}
    wanted = {"latent": most, "interpolations": rows}
    titles = {name: title for name, title in titles.items() if wanted[name]}
    if not titles:
        return []
    why = vae.problem or shards.problem
    if not why and vae.file(WEIGHTS) is None:
        why = f"{vae.path} has no {WEIGHTS}: no epoch of the VAE is done."
    if not why and vae.path is not None and shards.path is not None:
        # not at the top: PyTorch takes its time, and reports without a VAE do without
        from hpcvox.report.encoding import Encoder

        try:
            encoder = Encoder(vae.path, shards.path)
            made = [_space(encoder, most)] if most else []
            return made + ([_rows(encoder, rows)] if rows else [])
        except HpcvoxError as error:
            why = f"{error}."
    return [Section(name, title, missing=why) for name, title in titles.items()]


def _space(encoder: "Encoder", most: int) -> Section:
    """Fig. 2a, the distributions, and Fig. 3, the map."""
    samples = _spread(encoder.samples, most)
    encoded = encoder.encode(samples)
    points = encoded.mean + encoded.deviation * np.random.default_rng(SEED).standard_normal(
        encoded.mean.shape, np.float32
    )
    formulas = [encoder.shards.formulas[i] for i in samples]
    condition = encoder.condition.replace("_", " ")
    facts = [
        ("crystals", f"{shown(len(samples))} of {shown(len(encoder.samples))}"),
        ("of them held out", shown(int(encoder.held_out[samples].sum()))),
        ("latent dimensions", shown(points.shape[1])),
        ("their mean, on average", f"{points.mean():.3f} (Court et al. 2020: 0)"),
        ("their variance, on average", f"{points.var(axis=0).mean():.3f} (Court et al. 2020: 0.99)"),
    ]
    made = [_distributions(points)]
    if len(samples) >= 4 and points.shape[1] >= 2:
        made += _map(encoder, samples, encoded, formulas, condition)
    intro = (
        "Crystals of the shard set as points of the latent space, drawn from their posteriors: the density of each "
        "dimension, which training pulls towards a normal distribution; and their posterior means in two dimensions, "
        "by t-SNE, where neighbours stay neighbours and distances further away mean little."
    )
    return Section("latent", "Latent space", intro=intro, facts=facts, charts=made)


def _distributions(points: NDArray[np.float32]) -> Chart:
    """A kernel density estimate of each dimension, or of :data:`DIMENSIONS` evenly spread ones."""
    from scipy.stats import gaussian_kde, norm

    x = np.linspace(-4, 4, 101)
    chosen = _spread(np.arange(points.shape[1]), DIMENSIONS)
    # a dimension without any spread has no density to estimate
    alive = [points[:, k].astype(np.float64) for k in chosen if np.ptp(points[:, k]) > 1e-6]
    curves = [gaussian_kde(values)(x) for values in alive] if len(points) > 1 else []
    title = f"Densities of {len(curves)} of {points.shape[1]} latent dimensions (KDE), and the normal distribution"
    return scatters.densities("latent-densities", title, x, curves, norm.pdf(x), "latent coordinate")


def _map(
    encoder: "Encoder",
    samples: NDArray[np.int64],
    encoded: "Encoded",
    formulas: list[str],
    condition: str,
) -> list[Chart]:
    place = embedded(encoded.mean)
    sides = np.where(encoder.held_out[samples], "held out", "trained on")
    texts = [
        f"{encoder.shards.ids[i]} {formula}, {side}"
        for i, formula, side in zip(samples, formulas, sides, strict=True)
    ]
    kinds = kinds_of(formulas)
    groups = {kind: np.flatnonzero(np.array(kinds) == kind) for kind, _ in Counter(kinds).most_common()}
    values = encoder.values[samples]
    title = f"t-SNE, by {condition}"
    if is_space_group(encoder.condition):
        named = np.array(kinds_of_names([space_group(value) for value in values.tolist()]))
        groups_of = {name: np.flatnonzero(named == name) for name, _ in Counter(named.tolist()).most_common()}
        of_condition = scatters.classes("latent-condition", title, place, groups_of, texts)
    else:
        of_condition = scatters.coloured("latent-condition", title, place, values, condition, texts)
    return [scatters.classes("latent-kinds", "t-SNE, by kind of formula", place, groups, texts), of_condition]


def embedded(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """t-SNE of ``points`` (N, L) in two dimensions, (N, 2): N of at least 4; the same each time."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    # with several threads the order of sums, and so the places of points, would vary
    with threadpool_limits(1):
        perplexity = min(30.0, (len(points) - 1) / 3)
        place: NDArray[np.float32] = TSNE(
            perplexity=perplexity, init="pca", random_state=SEED, max_iter=500, n_jobs=1
        ).fit_transform(points)
    return place


def _rows(encoder: "Encoder", most: int) -> Section:
    """Fig. 2b: for each decile a row of densities from one held-out crystal to another, lowest decile on top."""
    name, title = "interpolations", "From crystal to crystal"
    rows = between(encoder, most)
    if not rows:
        why = "No two held-out crystals are of one decile: there is none to go from, or none to go to."
        return Section(name, title, missing=why)
    intro = (
        f"Mid-slices (normal to c) of densities that were decoded at {STEPS} equal steps on the line between the "
        "latent points of two held-out crystals, whose own densities are at both ends. Each row is of one decile of "
        f"{encoder.condition.replace('_', ' ')}, lowest on top, and of the two crystals of it that are furthest apart; "
        "colours go from 0 to the highest density of both."
    )
    heads = ["true", *(f"{k / (STEPS - 1):.2f}" for k in range(STEPS)), "true"]
    return Section(name, title, intro=intro, galleries=[Gallery(name, title, heads, rows)])


def between(encoder: "Encoder", most: int) -> list[Row]:
    """For each of at most ``most`` deciles densities from one held-out crystal to another; the outer ones are true."""
    held_out = encoder.samples[encoder.held_out[encoder.samples]]
    counts = np.bincount(encoder.deciles[held_out])
    deciles = _spread(np.flatnonzero(counts >= 2), most)
    rows = []
    for decile in deciles.tolist():
        candidates = _spread(held_out[encoder.deciles[held_out] == decile], MOST_PAIRED)
        means = encoder.encode(candidates).mean
        pair = _furthest(means)
        ends = candidates[list(pair)]
        true, _ = read_densities(encoder.shards, ends)
        line = encoder.line(means[list(pair)], decile, STEPS)
        first, last = (encoder.shards.formulas[i] for i in ends)
        slices = [_slice(density) for density in (true[0], *line, true[1])]
        high = float(max(true.max(), 1e-6))
        rows.append(Row(f"decile {decile}: {first} → {last}", 0.0, high, slices))
    return rows


def _furthest(points: NDArray[np.float32]) -> tuple[int, int]:
    """The two of ``points`` (N, L) with the largest distance."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    first, second = np.unravel_index(int(apart.argmax()), apart.shape)
    return int(first), int(second)


def _slice(density: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle of (n, n, n) normal to c, a to the right and b up: (n, n), last row on top."""
    middle: NDArray[np.float32] = density[:, :, density.shape[2] // 2].T[::-1]
    return np.nan_to_num(middle)


def _spread(items: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``items``, evenly spread."""
    return items[np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).astype(np.int64))]
