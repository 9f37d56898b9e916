"""The table of settings in the quickstart, written from `backend.settings.VARIABLES`.

Usage: python -m tests.docs.settings_table
"""

from pathlib import Path

from backend.settings import VARIABLES

PAGE = Path(__file__).parents[2] / "docs" / "hosted-quickstart.md"
BEGIN = "<!-- settings: written by `python -m tests.docs.settings_table` -->\n"
END = "<!-- end of settings -->\n"


def table() -> str:
    """Every variable with its default."""
    rows = ["| variable | default | what it is |\n| --- | --- | --- |\n"]
    for variable in VARIABLES:
        default = "**needed**" if variable.default is None else f"`{variable.default}`" if variable.default else ""
        secret = "; a secret" if variable.secret else ""
        rows.append(f"| `{variable.name}` | {default} | {variable.description.replace('|', chr(92) + '|')}{secret} |\n")
    return "".join(rows)


def written(text: str) -> str:
    """The page with its table renewed."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
