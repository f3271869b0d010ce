"""The search criteria and the fields of the Materials Project's summaries, as mp-api knows them."""

import inspect
import re
from types import UnionType
from typing import Any, Final, get_args

from hpcvox.errors import ConfigError, MissingDependencyError, did_you_mean

try:
    from emmet.core.types.typing import format_identifier
    from mp_api.client.core.exceptions import MPRestError, MPRestWarning
    from mp_api.client.routes.materials.summary import SummaryRester
    from pymatgen.analysis.magnetism import Ordering
except ImportError as error:
    raise MissingDependencyError(
        f"fetching from the Materials Project needs mp-api ({error}): "
        "HPCVOX_EXTRAS='chgnet mp' make setup, or pip install 'hpcvox[mp]'"
    ) from None

__all__ = ["MPRestError", "MPRestWarning", "SummaryRester", "arguments", "format_identifier", "unit"]

_PAGING: Final = frozenset(
    ("self", "kwargs", "num_chunks", "chunk_size", "all_fields", "fields", "_page", "_sort_fields")
)
_UNIT: Final = re.compile(r"\bin (\S*[^\s.])[\s.]*$")


def arguments(criteria: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the library's search; deprecated materials are left out unless ``criteria`` mention them.

    Raises:
        ConfigError: there is no such criterion.
    """
    valid = sorted(inspect.signature(SummaryRester.search).parameters.keys() - _PAGING)
    for name in criteria:
        if name not in valid:
            raise ConfigError(
                f"criteria: there is no {name}: {did_you_mean(name, valid)}valid: {', '.join(valid)}"
            )
    asked = {"deprecated": False, **criteria}
    if isinstance(ordering := asked.get("magnetic_ordering"), str):
        valid = [member.value for member in Ordering]
        if ordering not in valid:
            raise ConfigError(f"criteria: magnetic_ordering={ordering!r}; valid: {', '.join(valid)}")
        asked["magnetic_ordering"] = Ordering(ordering)
    return asked


def unit(name: str) -> str | None:
    """The unit of a summary's field, if its description ends with one; else None.

    Raises:
        ConfigError: a summary has no number of this name.
    """
    fields = SummaryRester.document_model.model_fields
    valid = sorted(key for key, field in fields.items() if _is_number(field.annotation))
    if name not in valid:
        hint = did_you_mean(name, valid)
        raise ConfigError(
            f"properties: the Materials Project has no number {name}: {hint}valid: {', '.join(valid)}"
        )
    found = _UNIT.search(fields[name].description or "")
    return found[1] if found else None


def _is_number(annotation: Any) -> bool:
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return bool({int, float} & set(kinds))
