"""What the built pages depend on."""

import subprocess

from frontend.build import _source_files
from tests.frontend.kit import ROOT


def test_building_changes_none_of_its_own_sources() -> None:
    """What git ignores was made by something, such as the copy of Clerk's component that a build puts into assets."""
    made = ROOT / "assets" / "external" / "made.jsx"
    made.parent.mkdir(exist_ok=True)
    made.touch()
    try:
        names = [path.relative_to(ROOT).as_posix() for path in _source_files()]
    finally:
        made.unlink()
    command = ["git", "check-ignore", "--stdin"]
    ignored = subprocess.run(command, cwd=ROOT, input="\n".join(names), capture_output=True, text=True, check=False)
    assert ignored.stdout == ""
    assert {"assets/favicon.svg", "frontend/app.py", "rxconfig.py"} <= set(names)
    assert any(name.startswith("assets/fonts/") for name in names)
