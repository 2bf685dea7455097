# Format strings to steps, in Python objects; format.pyx turns them into structs.


# A list of dicts with the keys of FormatStep (op and whatever is not zero; text and alternative as bytes).
# ValueError names the operator for what Envoy rejects.
cdef list parse_format(str text)
