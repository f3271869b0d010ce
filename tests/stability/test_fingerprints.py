"""Fingerprints by symmetry are the labels that pymatgen makes, of real crystals too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pymatgen.analysis.prototypes import get_protostructure_label_from_spglib

from hpcvox.crystals.known import structure
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.stability.fingerprints import NONE, fingerprint
from tests.support.hull_run import perovskite


def test_they_are_the_labels_of_pymatgen(shared_data: Path) -> None:
    crystals: list[Crystal] = []
    for number, entry in enumerate(open_source(shared_data / "mp_inorganic_36737.csv.xz", targets=[])):
        if number % 3 == 0:
            crystals += [one for one in parse(entry) if isinstance(one, Crystal) and one.n_sites < 20]
        if len(crystals) > 70:
            break
    theirs = [get_protostructure_label_from_spglib(structure(one)) for one in crystals]
    # of one whose symmetry is not clear, pymatgen says so in words
    clear = [i for i, label in enumerate(theirs) if " " not in label]
    assert len(clear) > 65
    assert [fingerprint(crystals[i]) for i in clear] == [theirs[i] for i in clear]


def test_cell_size_and_small_moves_change_nothing_and_exchanged_atoms_do() -> None:
    one = perovskite("one", 3.9)
    other = perovskite("other", 4.3)
    moved = replace(other, frac=(other.frac + np.array([[0.102, 0.202, 0.302]])) % 1)
    exchanged = perovskite("exchanged", 3.9, (22, 38, 8, 8, 8))
    assert fingerprint(one) == fingerprint(moved) == "A3BC_cP5_221_c_a_b:O-Sr-Ti"
    assert fingerprint(exchanged) != fingerprint(one)


def test_atoms_in_one_place_have_none() -> None:
    one = perovskite("one", 3.9)
    assert fingerprint(replace(one, frac=np.zeros((5, 3)))) == NONE
