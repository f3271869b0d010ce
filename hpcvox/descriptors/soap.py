"""SOAP average-kernel features with alchemical species: the atomistic baseline of Kajita et al. 2017.

Axis legend: E elements of the crystal, S species channels, N radial functions, L angular momenta (l_max + 1),
F = S·N (S·N + 1)/2 · L features.

Around atom i each element α has the density ρ_i^α(r) = Σ_{i'∈α} exp(-|r - r_i'|²/2σ²) (eq. 6), and two
environments have the similarity k(A_i, B_j) = ∫ |Σ_αβ κ_αβ ∫ ρ_i^α(r) ρ_j^β(R̂r) dr|² dR̂ (eq. 8).  Δ (``delta``)
says how alike two elements are: κ_αβ = exp(-(μ_α - μ_β)²/2Δ²) with Pauling's electronegativity μ.  At Δ → 0
different elements have no overlap at all, at Δ → ∞ they are all one; at Kajita's Δ = 1, Ti (1.54) and Zr (1.33)
are 0.98 alike, Ti and O (3.44) 0.16.  The expansion coefficients c_nlm^α of ρ_i^α give the power spectrum
p_nn'l^αα' = Σ_m c_nlm^α* c_n'lm^α' (dscribe's); with κ = U Uᵀ and w the mean over centres i of
Σ_αα' U_αs U_α's' p_nn'l^αα',

    K̄(A, B) = K(A, B)/√(K(A, A) K(B, B)) = q_A · q_B,    q = w/|w|  (eq. 9),

each unordered pair of (s, n) and (s', n') once, and by √2 where they differ.
"""

from functools import lru_cache

import numpy as np
from ase import Atoms
from dscribe.descriptors import SOAP
from numpy.typing import NDArray
from pymatgen.core import Element

from hpcvox.descriptors.clusters import Cell
from hpcvox.errors import Rejected

MAX_Z = 98
MAX_BOX = 1e7
"""Å³; in a larger box, dscribe's search for neighbours takes seconds and gigabytes, however few the atoms."""
OXYGEN = (8,)


def soap_features(
    cell: Cell,
    centres: tuple[int, ...] = OXYGEN,
    species: tuple[int, ...] = (),
    delta: float = 1.0,
    channels: int = 5,
    r_cut: float = 5.0,
    sigma: float = 0.5,
    n_max: int = 8,
    l_max: int = 6,
) -> NDArray[np.float64]:
    """Features q whose dot product is the average SOAP kernel of two crystals (Kajita et al. 2017, eqs. 6-9).

    The module's docstring has the equations.

    Args:
        cell: the crystal, its lattice in Å.
        centres: atomic numbers of the elements that are averaged over; none: all atoms.
        species: atomic numbers that crystals may hold.  One channel for each, κ exact.  None: ``channels`` channels
            for all elements to Z = 98, the leading eigenvectors of their κ (Δ = 1: five are within 0.005 of it),
            so that the length does not depend on the elements of a data set.
        delta: Δ in units of electronegativity; 0: κ is the identity, which takes ``species``.
        r_cut: reach of an environment in Å.
        sigma: σ in Å.
        n_max: radial functions (Gaussian-type orbitals).
        l_max: highest angular momentum.

    Returns:
        (F,) float64, of length 1; with ``species`` S = len(species), else ``channels``.

    Raises:
        Rejected: no atom is a centre (``no-centre``), an element is not among ``species`` (``unknown-species``), or
            has no electronegativity: He, Ne, Ar, Z > 98 (``no-electronegativity``), or the upright box
            around the cell is larger than 10⁷ Å³ (``cell-too-large``).
        ValueError: ``delta`` is negative, or 0 without ``species``.
    """
    if delta < 0 or (delta == 0 and not species):
        raise ValueError(f"delta = {delta}: valid is above 0, or 0 with a list of species")
    box = float(np.abs(cell.lattice).sum(axis=0).prod())
    if box > MAX_BOX:
        raise Rejected(
            "cell-too-large", f"the box around the cell has {box:.3g} Å³; at most {MAX_BOX:.0g} are valid"
        )
    chosen = np.isin(cell.numbers, centres) if centres else np.ones(len(cell.numbers), bool)
    if not chosen.any():
        raise Rejected("no-centre", f"no atom has an atomic number of {list(centres) or 'any'}")
    present, kinds = np.unique(cell.numbers, return_inverse=True)
    mixing = _mixing(present, species, delta, channels)
    # dscribe is told the crystal's own kinds as 1, 2 ...: a crystal has few, and one descriptor serves them all
    atoms = Atoms(numbers=kinds + 1, scaled_positions=cell.frac, cell=cell.lattice, pbc=True)
    made = _dscribe(len(present), r_cut, sigma, n_max, l_max)
    flat = made.create(atoms, centers=np.flatnonzero(chosen).tolist())
    spectrum = _matrices(np.asarray(flat, np.float64), len(present), n_max, l_max)
    # the same mixing for each radial function: (E·N, S·N)
    both = np.kron(mixing, np.eye(n_max))
    mixed = both.T @ spectrum @ both
    first, second = np.triu_indices(mixed.shape[1])
    features = mixed[:, first, second] * np.where(first == second, 1.0, np.sqrt(2.0))
    out = np.ascontiguousarray(features.T).reshape(-1)
    return np.asarray(out / np.linalg.norm(out))


def _mixing(
    present: NDArray[np.uint8], species: tuple[int, ...], delta: float, channels: int
) -> NDArray[np.float64]:
    """Rows of U, κ = U Uᵀ, of the elements ``present``, (E, S)."""
    if species:
        known = sorted(set(species))
        missing = sorted(set(present.tolist()) - set(known))
        if missing:
            raise Rejected("unknown-species", f"atomic numbers {missing} are not among the species {known}")
        table = np.eye(len(known))
        if delta > 0:
            _check_electronegativity(np.array(known))
            table = _factor(tuple(known), delta)
        return np.asarray(table[np.searchsorted(known, present)])
    _check_electronegativity(present)
    known = [z for z in range(1, MAX_Z + 1) if np.isfinite(_electronegativities()[z])]
    return _factor(tuple(known), delta)[np.searchsorted(known, present), :channels]


def _check_electronegativity(numbers: NDArray[np.integer]) -> None:
    for number in numbers:
        if not 1 <= number <= MAX_Z or not np.isfinite(_electronegativities()[number]):
            raise Rejected("no-electronegativity", f"no electronegativity for atomic number {number}")


@lru_cache(maxsize=1)
def _electronegativities() -> NDArray[np.float64]:
    """Pauling's electronegativity by atomic number, (MAX_Z + 1,); NaN where there is none."""
    without = {2, 10, 18}
    return np.array(
        [np.nan, *(np.nan if z in without else float(Element.from_Z(z).X) for z in range(1, MAX_Z + 1))]
    )


@lru_cache(maxsize=16)
def _factor(known: tuple[int, ...], delta: float) -> NDArray[np.float64]:
    """U of κ = U Uᵀ for the elements ``known``, greatest channel first, (len(known), len(known))."""
    mu = _electronegativities()[list(known)]
    values, vectors = np.linalg.eigh(np.exp(-((mu[:, None] - mu) ** 2) / (2 * delta * delta)))
    out = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    # an eigenvector has no sign of its own
    signs = np.sign(out[np.abs(out).round(9).argmax(axis=0), np.arange(out.shape[1])])
    return np.asarray(out * np.where(signs == 0, 1.0, signs))


@lru_cache(maxsize=64)
def _dscribe(kinds: int, r_cut: float, sigma: float, n_max: int, l_max: int) -> SOAP:
    return SOAP(
        species=list(range(1, kinds + 1)),
        r_cut=r_cut,
        n_max=n_max,
        l_max=l_max,
        sigma=sigma,
        average="outer",
        periodic=True,
    )


def _matrices(flat: NDArray[np.float64], kinds: int, n_max: int, l_max: int) -> NDArray[np.float64]:
    """dscribe's power spectrum as one symmetric matrix an angular momentum, (L, E·N, E·N).

    It lies there by pairs of kinds α ≤ α', in each by l, in each by n and n' (n ≤ n' where α = α').
    """
    out = np.empty((l_max + 1, kinds, n_max, kinds, n_max))
    first, second = np.triu_indices(n_max)
    at = 0
    for a in range(kinds):
        for b in range(a, kinds):
            if a == b:
                block = flat[at : at + len(first) * (l_max + 1)].reshape(l_max + 1, -1)
                out[:, a, first, a, second] = block
                out[:, a, second, a, first] = block
            else:
                block = flat[at : at + n_max * n_max * (l_max + 1)]
                out[:, a, :, b, :] = block.reshape(l_max + 1, n_max, n_max)
                out[:, b, :, a, :] = out[:, a, :, b, :].transpose(0, 2, 1)
            at += block.size
    return out.reshape(l_max + 1, kinds * n_max, kinds * n_max)
