"""One checkpoint becomes one bundle: exported, INT8-calibrated, compared with the float."""

import os

# NNCF reports its use to Intel unless it believes itself in CI; nobody here agreed to that.
os.environ.setdefault("NNCF_CI", "1")
