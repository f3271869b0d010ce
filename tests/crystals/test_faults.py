"""Small inputs that once came out wrong, each with its right outcome; they lie beside the repository, where they do."""

from pathlib import Path

import pytest

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_fields, open_source
from hpcvox.errors import SourceError

OUTCOMES = {
    "blocks-of-one-name/empty_names.cif": "ZrO 2, HfO 2",
    "blocks-of-one-name/three_data_global.cif": "NaCl 8, MgO 8, PbS 8",
    "blocks-of-one-name/three_image0.cif": "CsCl 2, CsBr 2, CsI 2",
    "cif-with-bom/bom_utf8.cif": "CsCl 2",
    "cif-with-bom/cr_only.cif": "CsCl 2",
    "contradicting-cell/two_lengths.cif": "cif-syntax",
    "csv-columns-lost/dup_columns.csv": "SourceError",
    "elements-by-prefix/dummy_du.cif": "element",
    "elements-by-prefix/label_CN.cif": "element",
    "elements-by-prefix/label_OG.cif": "element",
    "elements-by-prefix/labels_only.cif": "element",
    "elements-by-prefix/lioh_labels.cif": "LiHO 6",
    "elements-by-prefix/type_Nit.cif": "element",
    "elements-by-prefix/type_RE.cif": "element",
    "elements-by-prefix/type_Vacancy.cif": "element",
    "elements-by-prefix/type_dum.cif": "element",
    "elements-by-prefix/type_nan.cif": "element",
    "elements-by-prefix/type_null.cif": "element",
    "elements-by-prefix/vacancy_va.cif": "element",
    "elements-by-prefix/vacancy_vac.cif": "element",
    "extxyz-lattice-spellings/bom.extxyz": "CsCl 2",
    "extxyz-lattice-spellings/braces.extxyz": ", ".join(5 * ["CsCl 2"]),
    "fields-with-doubled-atoms/cscl_both_faces.cube": "CsCl 2",
    "folder-links-and-gz/folder": "PtN2Cl2 5, CsCl 2",
    "formula-not-held-against-symmetric-cells/formula_says_more.cif": "incomplete",
    "hydrogen-lost/brucite_noH.cif": "incomplete",
    "hydrogen-lost/mixed_water.cif": "incomplete",
    "identity-against-symbol/Fm3m_identity_only_8.cif": "NaCl 8",
    "identity-against-symbol/nacl_identity_only.cif": "NaCl 8",
    "magnetic-cif/cr_mag.mcif": "Cr 2",
    "matbench-json/frame_columns.json": "CsCl 2, CsBr 2, CsI 2",
    "matbench-json/json_in_csv.csv": "CsCl 2, CsBr 2, CsI 2",
    "matbench-json/matbench_like.json": "CsCl 2, CsBr 2, CsI 2",
    "mixed-type-symbols/type_FeMn_is_mixed.cif": "disordered",
    "mixed-type-symbols/type_NH4.cif": "incomplete",
    "modulated-structure/modulated.cif": "modulated",
    "operations-that-are-no-group/group_sparse.cif": "InSe 12",
    "operations-that-are-no-group/in2se3_no_group.cif": "symmetry",
    "operations-that-are-no-group/no_group_sparse.cif": "symmetry",
    "operations-that-do-not-fit-the-cell/cubic_number_on_tetragonal.cif": "symmetry",
    "operations-that-do-not-fit-the-cell/fcc_primitive_named.cif": "symmetry",
    "operations-that-do-not-fit-the-cell/zro2_c_unique.cif": "symmetry",
    "origin-choice/si_origin2.cif": "Si 8",
    "origin-choice/spinel_origin2_code.cif": "MgAl2O4 56",
    "python-numbers/underscore_number.cif": "cell",
    "rhombohedral-by-number/ni3s2_rhomb_number.cif": "Ni3S2 5",
    "spellings/P21c_P12p1qsc1_4.cif": "C 4",
    "spellings/P21c_P2_1sc_4.cif": "C 4",
    "spellings/Si_Fd3mS_origin1_8Si.cif": "Si 8",
    "spellings/no_angles_orthorhombic_NaCl8.cif": "NaCl 8",
}
"""Of each input: its crystals with their numbers of atoms, the code of its rejection, or its error."""


def outcome(path: Path) -> str:
    """What becomes of an input, as :data:`OUTCOMES` has it."""
    try:
        source = open_fields(path) if path.suffix == ".cube" else open_source(path)
        results = [result for entry in source for result in parse(entry)]
    except SourceError:
        return "SourceError"
    return ", ".join(f"{r.formula} {r.n_sites}" if isinstance(r, Crystal) else r.code for r in results)


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_input_that_came_out_wrong_comes_out_right(shared_data: Path, name: str) -> None:
    path = shared_data.parent / "faults" / name
    if not path.exists():
        pytest.skip(f"there is no {path}")
    assert outcome(path) == OUTCOMES[name]
