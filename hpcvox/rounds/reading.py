"""Reads the tables of a campaign, without loading anything that takes time."""

import csv
import io
from pathlib import Path

from hpcvox.errors import HpcvoxError
from hpcvox.files.regular import open_regular
from hpcvox.rounds.folders import Round
from hpcvox.rounds.summary import KEPT

Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    """The rows of a table that a campaign has written; none if there is no such file.

    Raises:
        HpcvoxError: the table cannot be read.
    """
    try:
        with io.TextIOWrapper(open_regular(path), "utf-8", newline="") as file:
            return list(csv.DictReader(file, restval=""))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, csv.Error) as error:
        raise HpcvoxError(
            f"{path} cannot be read ({error}): copy it again, or remove the folders of its round and of all later "
            "rounds: the same command makes them anew"
        ) from None


def kept(place: Round) -> list[Row]:
    """The finds of a round."""
    return rows(place.kept / KEPT)


def kept_before(place: Round) -> list[Row]:
    """The finds of all rounds before this one."""
    return [row for number in range(1, place.number) for row in kept(place._replace(number=number))]
