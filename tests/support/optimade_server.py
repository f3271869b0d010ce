"""The reference server of the ``optimade`` package on a loopback port, as a process of its own.

Run as a script: ``optimade_server.py PORT DOCUMENTS.json``; the documents join the package's own test data.
"""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.build import bulk

from tests.support import loopback

Document = dict[str, Any]
"""An entry of the server's database, as its JSON has it."""

LATTICE = 4.2
CONFIG = {
    "aliases": {"structures": {"id": "task_id"}},
    "provider_fields": {
        "structures": [{"name": "energy", "type": "float", "unit": "eV", "description": "An energy."}]
    },
    "page_limit": 20,
    "page_limit_max": 500,
}


def crystal(name: str, atoms: Atoms, energy: float, **changes: Any) -> Document:
    """A document of the server's database."""
    symbols = atoms.get_chemical_symbols()
    elements = sorted(set(symbols))
    document = {
        "task_id": name,
        "type": "structures",
        "energy": energy,
        "last_modified": {"$date": "2024-01-01T00:00:00Z"},
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": [symbols.count(symbol) / len(symbols) for symbol in elements],
        "chemical_formula_reduced": "".join(elements),
        "chemical_formula_anonymous": "ABC"[: len(elements)],
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": atoms.cell.array.tolist(),
        "cartesian_site_positions": atoms.positions.tolist(),
        "nsites": len(atoms),
        "species": [{"name": s, "chemical_symbols": [s], "concentration": [1.0]} for s in elements],
        "species_at_sites": symbols,
        "structure_features": [],
    }
    return document | changes


def good() -> list[Document]:
    """Rocksalts with an energy each, the lattices all different."""
    pairs = [
        (cation, anion) for cation in ("Li", "Na", "K", "Rb", "Mg", "Ca") for anion in ("O", "F", "Cl", "Br")
    ]
    return [
        crystal(f"salt-{i:02d}", bulk(c + a, "rocksalt", a=LATTICE + 0.05 * i, cubic=True), -1 - i / 8)
        for i, (c, a) in enumerate(pairs)
    ]


def odd() -> list[Document]:
    """Structures that cannot be used, each for the reason that its id names."""
    atoms = bulk("MgO", "rocksalt", a=LATTICE, cubic=True)

    def of(*symbols: str, shares: list[float] | None = None, **more: Any) -> list[Document]:
        shares = shares or [1 / len(symbols)] * len(symbols)
        mixed = {"name": "Mg", "chemical_symbols": list(symbols), "concentration": shares, **more}
        return [mixed, {"name": "O", "chemical_symbols": ["O"], "concentration": [1.0]}]

    def one(name: str, features: Sequence[str] = (), **changes: Any) -> Document:
        return crystal(f"odd-{name}", atoms, 1.0, structure_features=list(features), **changes)

    return [
        one(
            "assemblies",
            ["assemblies"],
            assemblies=[{"sites_in_groups": [[0], [1]], "group_probabilities": [0.5, 0.5]}],
        ),
        one("attached", ["site_attachments"], species=of("Mg", attached=["H"], nattached=[1])),
        one("disordered", ["disorder"], species=of("Mg", "Ca")),
        one("implicit", ["implicit_atoms"]),
        one("no-positions", cartesian_site_positions=None),
        one("slab", dimension_types=[1, 1, 0], nperiodic_dimensions=2),
        one("unknown", species=of("X")),
        one("vacancy", ["disorder"], species=of("Mg", "vacancy", shares=[0.9, 0.1])),
    ]


@contextlib.contextmanager
def serving(folder: Path, documents: list[Document]) -> Iterator[str]:
    """The base URL of a server that has ``documents`` besides the package's 17 structures."""
    path, config = folder / "documents.json", folder / "optimade.json"
    path.write_text(json.dumps(documents))
    config.write_text(json.dumps({**CONFIG, "log_dir": str(folder / "logs")}))
    with loopback.serving(
        __name__, path, "/v1/info", folder / "server.log", OPTIMADE_CONFIG_FILE=str(config)
    ) as url:
        yield url


def main(port: int, documents: str) -> None:
    """Serve until killed."""
    import bson.json_util
    import optimade.server.data as data
    import optimade.utils
    import uvicorn
    from optimade.server.config import ServerConfig
    from optimade.server.create_app import create_app

    optimade.utils.PROVIDER_LIST_URLS = ()  # its list comes with the package, too: nothing outside is asked
    data.structures.extend(bson.json_util.loads(Path(documents).read_text()))
    uvicorn.run(create_app(ServerConfig()), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
