"""For workers that a parent starts: imported by every Python that has this folder on its path."""

from __future__ import annotations

import os

from tests import planes

planes.use(os.environ.get("PROOF_PLANE", ""))
