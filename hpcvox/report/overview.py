"""The first section: which steps were run, with what seeds, counts, times and versions, and their configs."""

import importlib.metadata
import platform
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import hpcvox
from hpcvox.report.parts import Section, Table, shown, table
from hpcvox.report.reading import Folder

SECONDS = ("seconds", "elapsed_s", "wall_s", "duration_s", "time_s")
MADE = {
    "database": ("crystals", ("crystals", "n_crystals", "count", "size")),
    "featurize": ("samples", ("n_samples",)),
    "generate": ("samples", ("samples", "candidates", "n_samples", "count")),
    "evaluate": ("crystals", ("held_out_crystals",)),
    "judge": ("candidates judged", ("funnel.drawn",)),
    "screen": ("crystals", ("predicted",)),
    "relax": ("crystals", ("relaxed",)),
}
"""What each verb makes, and the keys under which its folder may say how many."""

TRAINED = ("weights", ("weights",))
"""The same of a training, whatever its network."""

PACKAGES = (
    "torch",
    "horovod",
    "ray",
    "h5py",
    "numpy",
    "gemmi",
    "pymatgen",
    "ase",
    "spglib",
    "scikit-learn",
    "chgnet",
)


def section(folders: Sequence[Folder]) -> Section:
    """What was run."""
    rows = []
    for folder in folders:
        if folder.problem or folder.path is None:
            rows.append(
                [
                    f"hpcvox {folder.verb}",
                    "–" if folder.path is None else str(folder.path),
                    "not there",
                    "–",
                    "–",
                    "–",
                ]
            )
            continue
        rows.append(
            [
                f"hpcvox {folder.verb}",
                str(folder.path),
                _finished(folder.path),
                _made(folder),
                _took(folder),
                _said(folder, ("seed",)),
            ]
        )
    steps = table("Steps", ["step", "folder", "last written", "made", "seconds", "seed"], rows)
    texts = [(f"Config of hpcvox {f.verb}", f.config_text) for f in folders if f.config_text]
    texts += [
        (f"What hpcvox {f.verb} recorded", "\n".join(f"{key}: {value}" for key, value in f.facts.items()))
        for f in folders
        if f.facts
    ]
    return Section("run", "What was run", tables=[steps, _versions(folders)], texts=texts)


def _made(folder: Folder) -> str:
    unit, keys = MADE.get(folder.verb, TRAINED)
    value = folder.fact(*keys)
    return "–" if value is None else f"{shown(value)} {unit}"


def _said(folder: Folder, names: Sequence[str]) -> str:
    value = folder.fact(*names)
    return "–" if value is None else shown(value)


def _finished(path: Path) -> str:
    """When the newest file of the folder was written (local time)."""
    return datetime.fromtimestamp(_newest(path)).strftime("%Y-%m-%d %H:%M:%S")


def _took(folder: Folder) -> str:
    """Seconds that the step recorded; else those from its config (written at each start) to its newest file."""
    recorded = folder.fact(*SECONDS)
    config = folder.file("config.yaml")
    if recorded is not None or config is None or folder.path is None:
        return "–" if recorded is None else shown(recorded)
    seconds = _newest(folder.path) - config.stat().st_mtime
    return f"{seconds:.0f} (last start to newest file)" if seconds >= 1 else "–"


def _newest(path: Path) -> float:
    return max(entry.stat().st_mtime for entry in path.iterdir() if not entry.name.startswith("."))


def _versions(folders: Sequence[Folder]) -> Table:
    rows = [("hpcvox", _version("hpcvox"), "this page"), ("Python", platform.python_version(), "this page")]
    rows += [(name, _version(name), "this page") for name in PACKAGES]
    for folder in folders:
        for key, value in folder.facts.items():
            group, _, name = key.rpartition(".")
            if group.split(".")[-1] == "versions" or name in {"hpcvox", "code_version"}:
                rows.append(
                    (
                        "hpcvox" if name == "code_version" else name,
                        str(value),
                        f"recorded by hpcvox {folder.verb}",
                    )
                )
    return table("Versions", ["package", "version", "where"], rows, folded=True)


def _version(package: str) -> str:
    if package == "hpcvox":
        own = getattr(hpcvox, "__version__", None)
        if own is not None:
            return str(own)
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
