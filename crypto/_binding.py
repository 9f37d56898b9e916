"""Where a sealed value lives: the associated data of its encryption."""

from struct import Struct
from typing import Final, NamedTuple
from uuid import UUID

# Whether there is a tenant, its 16 bytes, then the lengths of table, column and row. The head has a fixed size, so no
# two different bindings share an encoding: text cannot move from one field into its neighbour.
_HEAD: Final = Struct(">?16sIII")
_NO_TENANT: Final = bytes(16)


class Binding(NamedTuple):
    """The place of a value; a sealed value opens nowhere else.

    `row` is the textual primary key within the tenant. `tenant_id` is None only for product-wide values.
    """

    tenant_id: UUID | None
    table: str
    column: str
    row: str

    def encode(self) -> bytes:
        """An unambiguous byte string: equal for two bindings exactly if all four fields are equal."""
        tenant_id, table, column, row = self
        # surrogatepass makes this total: text that is not valid Unicode must not fail in a way of its own on opening.
        table_bytes = table.encode("utf-8", "surrogatepass")
        column_bytes = column.encode("utf-8", "surrogatepass")
        row_bytes = row.encode("utf-8", "surrogatepass")
        head = _HEAD.pack(
            tenant_id is not None,
            _NO_TENANT if tenant_id is None else tenant_id.bytes,
            len(table_bytes),
            len(column_bytes),
            len(row_bytes),
        )
        return head + table_bytes + column_bytes + row_bytes
