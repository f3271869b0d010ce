"""The summary of a job: a JSON file in its folder that says what it made, written and read by one class."""

import json
from pathlib import Path
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hpcvox.errors import HpcvoxError, SummaryError
from hpcvox.files import durable, regular
from hpcvox.validation import first_problem

_T = TypeVar("_T")

OrAbsent = Annotated[_T | None, Field(exclude_if=lambda value: value is None)]
"""Marks a key that is left out if it has no value, instead of being written as null."""


class Part(BaseModel):
    """A group of keys of a summary."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Summary(Part):
    """The contents of the file :attr:`FILE`; the fields are its keys, in their order.

    A field that some files lack, for example those of earlier versions, has a default.
    """

    FILE: ClassVar[str] = "summary.json"
    MAX_BYTES: ClassVar[int] = 16 * 2**20
    """Longest file, in bytes, that is read."""
    ERROR: ClassVar[type[HpcvoxError]] = SummaryError
    """The error that is raised for a damaged file."""
    DO: ClassVar[str] = "run the job that wrote it again"
    """What the user can do then; it ends the message."""

    def save(self, folder: Path) -> None:
        """Write the file into ``folder`` atomically."""
        durable.write_json(folder / self.FILE, self.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the file in ``folder``; None if there is none.

        Raises:
            SummaryError: the file cannot be read, or is damaged; a subclass may raise another :attr:`ERROR`.
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
