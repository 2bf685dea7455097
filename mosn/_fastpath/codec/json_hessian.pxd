# A JSON value as a Hessian value of a declared Java type.
#
# Without a declared type a value is what JSON says: boolean, int (long when it is larger), double, string, list, map.
# Only the configuration names classes: what a client sends is never a type on the wire.
# Texts of numbers and booleans are taken where such a type is declared ("12" for an int), as query strings have them.

from libc.stdint cimport uint8_t, uint32_t

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.codec.hessian_out cimport HessianOut
from mosn._fastpath.memory cimport Arena, Slice


cdef enum JavaKind:
    JAVA_ANY = 0
    JAVA_BOOLEAN
    JAVA_BYTE
    JAVA_SHORT
    JAVA_INT
    JAVA_LONG
    JAVA_FLOAT
    JAVA_DOUBLE
    JAVA_CHAR
    JAVA_STRING
    JAVA_DATE
    JAVA_DECIMAL                # java.math.BigDecimal
    JAVA_BYTES                  # byte[]: a string in base64
    JAVA_LIST
    JAVA_MAP                    # also an object of a class: a map with the class as its type


cdef struct JavaType:
    uint8_t kind                # JavaKind
    uint8_t element             # JavaKind of a list's elements or a map's values
    uint8_t primitive           # cannot be null
    Slice name                  # as Java says it: "java.lang.String", "int", "[I", "com.example.User"
    Slice descriptor            # "Ljava/lang/String;", "I", "[I", "Lcom/example/User;"
    Slice wire                  # the type of a list or map on the wire; empty: none


# The value at c: 0 (c is behind it), or -1: it is not JSON (or too deep), or does not fit the type; `why` says which.
cdef int json_to_hessian(H2Cursor *c, Arena *arena, HessianOut *out, const JavaType *type,
                         const char **why) noexcept nogil
# The same of a text, as a query string or a form has it.
cdef int text_to_hessian(Slice text, Arena *arena, HessianOut *out, const JavaType *type,
                         const char **why) noexcept nogil
