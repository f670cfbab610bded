"""One checkpoint becomes one bundle: exported, INT8-calibrated, compared with the float."""
