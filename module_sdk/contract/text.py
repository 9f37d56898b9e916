"""Which characters the contract's texts may hold, as patterns of JSON Schema."""

# "$" alone would let a line feed follow. Half a surrogate pair needs no pattern: JSON that holds one is not decoded.
#: Rejects C0 and C1 control characters in single-line text.
LINE = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"
#: The same for prose, where tab, line feed and carriage return are welcome.
PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
