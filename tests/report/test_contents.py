"""The sections of the page are registered in one list."""

import pkgutil

from hpcvox.report import sections
from hpcvox.report.contents import SECTIONS


def test_every_module_of_sections_is_on_the_page() -> None:
    modules = {f"{sections.__name__}.{module.name}" for module in pkgutil.iter_modules(sections.__path__)}
    assert {make.__module__ for make in SECTIONS} == modules
