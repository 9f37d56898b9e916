"""How deep the long properties go: `make soak` multiplies what `make test` has time for."""

import os


def depth() -> int:
    """``OCSUITE_TEST_DEPTH``, 1 if that is unset."""
    return int(os.environ.get("OCSUITE_TEST_DEPTH", "1"))
