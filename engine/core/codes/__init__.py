"""The catalogue of finding codes, one module per family.

TF10xx yaml       TF11xx fields and values    TF20xx expressions   TF25xx templates
TF30xx references TF35xx mappings, schemas, tables                 TF40xx routes and guarantees
TF50xx connectors TF60xx overlays and packs   TF70xx tests         TF90xx project and engine
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from engine.core.findings import Code


@cache
def catalogue() -> dict[str, Code]:
    """Every code by its name. Two pages for one code are a defect and raise ValueError."""
    pages: dict[str, Code] = {}
    for info in pkgutil.iter_modules(__path__):
        for page in importlib.import_module(f"{__name__}.{info.name}").CODES:
            if page.code in pages:
                raise ValueError(f"finding code {page.code} is described twice")
            pages[page.code] = page
    return pages
