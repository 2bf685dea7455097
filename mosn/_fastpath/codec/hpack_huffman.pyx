"""HPACK's Huffman code (see hpack_huffman.pxd).

The code is canonical, so its lengths say all: codes grow with their length and, within one length, with the symbol.
A state of the decoder is an inner node of the code's tree; each step follows four bits and ends at most one symbol.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

# Bits of the code of each byte, and of the end of string (RFC 7541 appendix B).
LENGTHS = (
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
    28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
    6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20,
    20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23,
    24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22,
    22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27,
    24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26,
    26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
)

cdef enum:
    SYMBOLS = 257
    END_OF_STRING = 256
    STATES = 256
    MOST_PADDING = 7


cdef struct Step:
    uint8_t state
    uint8_t symbol
    uint8_t emits               # 1: symbol is complete
    uint8_t fails


cdef uint32_t codes[SYMBOLS]
cdef uint8_t lengths[SYMBOLS]
cdef Step steps[STATES][16]
cdef uint8_t accepting[STATES]  # the string may end here: what was read of a symbol is padding


def _assign_codes() -> None:
    code = 0
    previous = 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(LENGTHS)):
        code <<= length - previous
        previous = length
        codes[symbol] = code
        lengths[symbol] = length
        code += 1
    if len(LENGTHS) != SYMBOLS or code != 1 << previous:
        raise ImportError("the lengths make no complete code")


def _tree() -> list[list[int]]:
    # Children of each inner node: another inner node, or -1 - symbol.
    nodes: list[list[int]] = [[0, 0]]
    for symbol in range(SYMBOLS):
        node = 0
        for shift in range(LENGTHS[symbol] - 1, 0, -1):
            bit = codes[symbol] >> shift & 1
            if nodes[node][bit] == 0:
                nodes.append([0, 0])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]
        nodes[node][codes[symbol] & 1] = -1 - symbol
    return nodes


def _fill_step(nodes: list[list[int]], state: int, nibble: int) -> None:
    cdef Step step = Step(0, 0, 0, 0)
    node = state
    for shift in (3, 2, 1, 0):
        node = nodes[node][nibble >> shift & 1]
        if node == -1 - END_OF_STRING:
            step.fails = 1
            node = 0
        elif node < 0:
            step.symbol = <uint8_t>(-1 - node)
            step.emits = 1
            node = 0
    step.state = <uint8_t>node
    steps[state][nibble] = step


def _build() -> None:
    _assign_codes()
    nodes = _tree()
    if len(nodes) != STATES:
        raise ImportError("the tree has not the size that it must have")
    for state in range(STATES):
        for nibble in range(16):
            _fill_step(nodes, state, nibble)
    node = 0
    for _ in range(MOST_PADDING + 1):
        accepting[node] = 1
        node = nodes[node][1]


_build()


cdef int64_t hpack_huffman_decode(const char *p, size_t n, char *out) noexcept nogil:
    cdef uint8_t state = 0
    cdef uint8_t failed = 0
    cdef char *start = out
    cdef const Step *step
    cdef size_t i
    for i in range(n):
        step = &steps[state][<uint8_t>p[i] >> 4]
        out[0] = <char>step.symbol
        out += step.emits
        failed |= step.fails
        step = &steps[step.state][<uint8_t>p[i] & 15]
        out[0] = <char>step.symbol
        out += step.emits
        failed |= step.fails
        state = step.state
    if failed or not accepting[state]:
        return -1
    return out - start


cdef size_t hpack_huffman_size(const char *p, size_t n) noexcept nogil:
    cdef uint64_t bits = 7
    cdef size_t i
    for i in range(n):
        bits += lengths[<uint8_t>p[i]]
    return bits >> 3


cdef char *hpack_huffman_put(char *out, const char *p, size_t n) noexcept nogil:
    cdef uint64_t word = 0
    cdef uint32_t bits = 0          # in the low end of word
    cdef uint8_t symbol
    cdef size_t i
    for i in range(n):
        symbol = <uint8_t>p[i]
        word = (word << lengths[symbol]) | codes[symbol]
        bits += lengths[symbol]
        while bits >= 8:
            bits -= 8
            out[0] = <char>(word >> bits)
            out += 1
    if bits:
        out[0] = <char>((word << (8 - bits)) | (<uint64_t>0xff >> bits))
        out += 1
    return out
