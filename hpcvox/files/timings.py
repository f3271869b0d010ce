"""``timings.json``: how long the steps of a pipeline took; the pipeline writes it and the report shows it."""

from pathlib import Path
from typing import Self

from pydantic import RootModel, ValidationError

from hpcvox.errors import SummaryError
from hpcvox.files import durable
from hpcvox.validation import first_problem

FILE = "timings.json"


class Timings(RootModel[dict[str, float]]):
    """Seconds spent in each step over all runs of the pipeline, by the step's name."""

    root: dict[str, float] = {}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file ``path``; empty if there is none.

        Raises:
            SummaryError: the file is damaged.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls()
        except (OSError, ValidationError) as error:
            why = first_problem(cls, error) if isinstance(error, ValidationError) else error
            raise SummaryError(
                f"{path} cannot be read ({why}): remove it, and the times begin anew"
            ) from None

    @property
    def total(self) -> float:
        """Seconds of all steps together."""
        return sum(self.root.values())

    def add(self, step: str, seconds: float, path: Path) -> None:
        """Add ``seconds`` to the time of ``step``, and write the file ``path``."""
        self.root[step] = round(self.root.get(step, 0.0) + seconds, 1)
        durable.write_json(path, self.root)
