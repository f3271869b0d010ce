"""The section of steps: which were run, with their seeds, counts, times, versions and configs."""

import importlib.metadata
import platform
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import hpcvox
from hpcvox.files.timings import Timings
from hpcvox.process.settings_files import CONFIG
from hpcvox.report.parts import Section, Table, shown, table
from hpcvox.report.reading import recorded
from hpcvox.report.run import Folder, Run

PACKAGES: Final = (
    *("torch", "horovod", "ray", "h5py", "numpy", "gemmi"),
    *("pymatgen", "ase", "spglib", "scikit-learn", "chgnet"),
)


def sections(run: Run) -> list[Section]:
    """What was run."""
    columns = ["step", "folder", "last written", "made", "seconds", "seed"]
    steps = table("Steps", columns, [_row(folder, run.timings) for folder in run.folders])
    texts = [(f"Config of hpcvox {f.verb}", f.config.text) for f in run.folders if f.config.text]
    there = [(f, f.path) for f in run.folders if f.path is not None and not f.problem]
    said = [(f"What hpcvox {f.verb} recorded", "\n".join(recorded(path))) for f, path in there]
    texts += [(title, text) for title, text in said if text]
    return [Section("run", "What was run", tables=[steps, _versions(run.folders)], texts=texts)]


def _row(folder: Folder[Any], timings: Timings) -> list[str]:
    step, path = f"hpcvox {folder.verb}", "–" if folder.path is None else str(folder.path)
    if folder.problem or folder.path is None:
        return [step, path, "not there", "–", "–", "–"]
    written = datetime.fromtimestamp(_newest(folder.path)).strftime("%Y-%m-%d %H:%M:%S")
    seed = "–" if folder.config.seed is None else shown(folder.config.seed)
    return [step, path, written, folder.made or "–", _took(folder, folder.path, timings), seed]


def _took(folder: Folder[Any], path: Path, timings: Timings) -> str:
    """Seconds from the pipeline's timings; else from the config (written at each start) to the newest file."""
    noted = timings.root.get(folder.step.name)
    config = folder.file(CONFIG)
    if noted is not None or config is None:
        return "–" if noted is None else shown(noted)
    seconds = _newest(path) - config.stat().st_mtime
    return f"{seconds:.0f} (last start to newest file)" if seconds >= 1 else "–"


def _newest(path: Path) -> float:
    return max(entry.stat().st_mtime for entry in path.iterdir() if not entry.name.startswith("."))


def _versions(folders: Sequence[Folder[Any]]) -> Table:
    here = "this page"
    rows = [("hpcvox", hpcvox.__version__, here), ("Python", platform.python_version(), here)]
    rows += [(name, _version(name), here) for name in PACKAGES]
    rows += [
        (name, version, f"recorded by hpcvox {folder.verb}")
        for folder in folders
        for name, version in folder.versions.items()
    ]
    return table("Versions", ["package", "version", "where"], rows, folded=True)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
