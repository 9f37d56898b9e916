"""Compiles and bundles the pages; run by `frontend.build` in a process of its own, with Reflex's environment set.

This is `reflex export` without its preparation of a new project, which would write into the working tree.
"""

import gc

from reflex.utils import export, prerequisites
from reflex_base.constants import LogLevel


def main() -> None:
    """Entry point."""
    gc.disable()  # what is compiled stays until the end, and looking for garbage took a sixth of the time
    if prerequisites.needs_reinit():
        prerequisites.initialize_reflex_user_directory()  # type: ignore[no-untyped-call]  # Reflex's
        prerequisites.initialize_frontend_dependencies()  # type: ignore[no-untyped-call]  # Reflex's
    export.export(zipping=False, frontend=True, backend=False, loglevel=LogLevel.INFO)


if __name__ == "__main__":
    main()
