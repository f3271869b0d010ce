"""What a job says of what it made: a JSON file in its folder, of one type, which writes it and reads it again."""

import json
from pathlib import Path
from typing import Annotated, ClassVar, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hpcvox.errors import SummaryError
from hpcvox.files import durable, regular

MAX_BYTES: Final = 16 * 2**20
"""No summary is longer."""

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

    def save(self, folder: Path) -> None:
        """Write the file into ``folder``, whole or not at all."""
        durable.write_json(folder / self.FILE, self.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """What the file in ``folder`` says; None where there is none.

        Raises:
            SummaryError: it cannot be read, or is not what its name says.
        """
        path = folder / cls.FILE
        try:
            return cls.model_validate(json.loads(regular.read_text(path, MAX_BYTES)))
        except FileNotFoundError:
            return None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise SummaryError(f"{path} cannot be read ({where}: {first['msg']})") from None
        except (OSError, ValueError, RecursionError) as error:
            raise SummaryError(f"{path} cannot be read ({error})") from None
