"""What a job says of what it made: a JSON file in its folder, of one type, which writes it and reads it again."""

import json
from pathlib import Path
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hpcvox.errors import HpcvoxError, SummaryError
from hpcvox.files import durable, regular
from hpcvox.validation import first_problem

_T = TypeVar("_T")

OrAbsent = Annotated[_T | None, Field(exclude_if=lambda value: value is None)]
"""Of a key that is left out where there is no value, and not written as null."""


class Part(BaseModel):
    """A group of keys of a summary."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Summary(Part):
    """The contents of the file :attr:`FILE`: the fields are its keys, in their order.

    A field that not every file has, one of an earlier version say, has a default.
    """

    FILE: ClassVar[str] = "summary.json"
    MAX_BYTES: ClassVar[int] = 16 * 2**20
    """No such file is longer."""
    ERROR: ClassVar[type[HpcvoxError]] = SummaryError
    """What is raised of a file that is damaged."""
    DO: ClassVar[str] = "run the job that wrote it again"
    """What helps then."""

    def save(self, folder: Path) -> None:
        """Write the file into ``folder``, whole or not at all."""
        durable.write_json(folder / self.FILE, self.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """What the file in ``folder`` says; None where there is none.

        Raises:
            SummaryError: it cannot be read, or is not what its name says (:attr:`ERROR`, where that is another).
        """
        path = folder / cls.FILE
        try:
            return cls.model_validate(json.loads(regular.read_text(path, cls.MAX_BYTES)))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise cls.ERROR(f"{path} cannot be read ({error}): {cls.DO}") from None
        except ValidationError as error:
            raise cls.ERROR(f"{path} is damaged ({first_problem(cls, error)}): {cls.DO}") from None
        except (ValueError, RecursionError) as error:
            raise cls.ERROR(f"{path} is damaged ({error}): {cls.DO}") from None
