"""The Materials Project's own API server, ``emmet-api``, on a loopback port, as a process of its own.

Run as a script: ``materials_project_server.py PORT DOCUMENTS.json``.  Routes, parameters, paging and answers are
those of the package; in place of its MongoDB it has a collection of mongomock.  The key is looked at by
``gateway``, as at the Materials Project a gateway in front does; give it one of ``flaky_proxy.py`` to serve through.
"""

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.build import bulk
from emmet.core.types.typing import format_identifier
from pymatgen.io.ase import AseAtomsAdaptor

from tests.support import loopback

Document = dict[str, Any]
"""An entry of the server's database, as its JSON has it."""

RELEASE = "2026.04.13"
KEY = "0123456789abcdefghijklmnopqrstuv"
FIRST = 149  # mp-149


def material(number: int, atoms: Atoms, **changes: Any) -> Document:
    """A document of the server's database: what a summary of a material has of what is asked here."""
    structure = AseAtomsAdaptor.get_structure(atoms)
    elements = sorted(str(element) for element in structure.composition)
    document = {
        "material_id": format_identifier(f"mp-{number}", legacy=False),
        "deprecated": False,
        "builder_meta": {"license": "BY-C"},
        "nsites": len(atoms),
        "nelements": len(elements),
        "elements": elements,
        # as the real ones have it, for questions of elements
        "composition_reduced": dict(structure.composition.reduced_composition.as_dict()),
        "formula_pretty": structure.composition.reduced_formula,
        "chemsys": "-".join(elements),
        "band_gap": 0.1 * (number - FIRST),
        "formation_energy_per_atom": -1 - (number - FIRST) / 8,
        "energy_above_hull": 0.01 * ((number - FIRST) % 5),
        "is_stable": (number - FIRST) % 5 == 0,
        "structure": structure.as_dict(),
    }
    return document | changes


def materials() -> list[Document]:
    """24 rocksalts, mp-149 to mp-172; a deprecated one; one without a structure, and one without a band gap."""
    pairs = [(c, a) for c in ("Li", "Na", "K", "Rb", "Mg", "Ca") for a in ("O", "F", "Cl", "Br")]
    good = [
        material(FIRST + i, bulk(c + a, "rocksalt", a=4.2 + 0.05 * i, cubic=True))
        for i, (c, a) in enumerate(pairs)
    ]
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    return [
        *good,
        material(FIRST + 100, atoms, deprecated=True),
        material(FIRST + 101, atoms, structure=None, theoretical=True),
        material(FIRST + 102, atoms, band_gap=None, theoretical=True),
    ]


@contextlib.contextmanager
def serving(folder: Path, documents: list[Document], release: str = RELEASE) -> Iterator[str]:
    """The base URL of a server that has ``documents`` and asks for no key."""
    path = folder / "materials.json"
    path.write_text(json.dumps(documents))
    with loopback.serving(
        __name__, path, "/heartbeat", folder / "materials.log", MAPI_DB_VERSION=release
    ) as url:
        yield url


class _Collection:
    """What the server asks of its database, which it awaits."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    async def count_documents(self, criteria: Document, **_: object) -> int:
        return int(self._collection.count_documents(criteria))

    async def aggregate(self, pipeline: list[Document], **_: object) -> "_Cursor":
        return _Cursor(self._collection.aggregate(pipeline))


class _Cursor:
    def __init__(self, cursor: Iterable[Document]) -> None:
        self._cursor = cursor

    async def to_list(self) -> list[Document]:
        return list(self._cursor)


def main(port: int, documents: str) -> None:
    """Serve until killed."""
    import mongomock
    import uvicorn
    from emmet.api.core.api import MAPI
    from emmet.api.resource.utils import CollectionWithKey
    from emmet.api.routes.materials.summary.resources import summary_resource

    collection: Any = mongomock.MongoClient().database.summary
    collection.insert_many(json.loads(Path(documents).read_text()))
    api = MAPI({"materials": [summary_resource(CollectionWithKey(_Collection(collection)))]})
    uvicorn.run(api.app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
