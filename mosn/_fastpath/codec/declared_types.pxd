# An RPC protocol that is described, not programmed: a FrameCodec whose functions interpret a layout.
#
# A layout is a list of fields in the order of the wire.  Walking over a frame gives the place and the value of each
# (Places); parse, read_head, patch and write all begin with that walk and keep nothing.  It is linear in the frame and
# looks at fixed parts only until the whole frame has come.  Every length is checked against the frame's end, or, while
# that is not known, against limits.frame_bytes, before anything is added to it.
#
# A Declared is made from mosn.model.Declaration by declared_make and never freed: connections outlive snapshots.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.codec.frame cimport FrameCodec
from mosn._fastpath.memory cimport Slice


cdef enum:
    MOST_FIELDS = 48            # of a layout, those inside of tagged blocks included
    MOST_CONDITIONS = 96
    MOST_KINDS = 16
    MOST_STATUSES = 64
    MOST_PIECES = 64            # of a template
    MOST_IDS = 4                # places where the id stands, or the body
    MOST_EXPOSED = 8
    MOST_DEPTH = 4              # of tagged blocks inside each other
    LONGEST_NUMBER = 11         # bytes: a tag and a number, or a varint


cdef enum NumberType:
    N_NONE = 0
    N_FIXED                     # `width` bytes
    N_VARINT                    # base 128, least significant group first
    N_ZIGZAG                    # the same of a signed number
    N_JCE                       # Tars: a head byte of `tag` and width, then 0, 1, 2, 4 or 8 bytes


cdef enum FieldType:
    F_NUMBER = 1
    F_BYTES                     # text, or a body
    F_SUM                       # `count` numbers side by side; its value is their sum
    F_HEADERS
    F_TAGGED                    # fields that say their own number; see `children`


cdef enum SizeOf:
    SIZE_FIXED = 0              # `plus`
    SIZE_PREFIX                 # `number` stands before it
    SIZE_FIELD                  # an earlier field's value * times + plus
    SIZE_REST                   # what the frame has left, but for `plus` bytes


cdef enum Format:
    # Of headers, and of tagged blocks.
    H_PAIRS = 1                 # `number` before each name, `value_number` before each value
    H_LINES                     # name, line feed, value, line feed ...
    H_THEADER                   # Thrift's
    H_PROTOBUF                  # a map<string, string> of a protobuf block
    H_JCE                       # a map<string, string> of a Tars block


cdef struct Number:
    uint8_t type                # NumberType
    uint8_t width
    uint8_t little              # least significant byte first
    uint8_t tag


cdef struct Condition:
    # (value & mask) == wanted; or "the field is there" where mask is 0, inverted by `wanted` 0.
    uint64_t mask
    uint64_t wanted
    uint8_t field
    uint8_t either              # one of this and the next


cdef struct Field:
    Number number               # of a number, of a size in front, of each of F_SUM, of names in H_PAIRS
    Number value_number
    Number count_number         # H_PAIRS: how many there are; N_NONE none
    int32_t plus
    uint32_t times
    uint32_t tag                # inside of a tagged block
    uint32_t needs              # a tagged block: it is this one only when it has a field of this number; 0 any
    uint8_t type                # FieldType
    uint8_t size                # SizeOf
    uint8_t size_field          # SIZE_FIELD, and F_SUM's count
    uint8_t format              # Format
    uint8_t parent              # the tagged block that it is in; NO_FIELD none
    uint8_t children            # F_TAGGED: the first, and how many
    uint8_t child_count
    uint8_t when                # Condition: the first, and how many
    uint8_t when_count
    uint8_t allowed             # the values that it may have, as conditions
    uint8_t allowed_count


cdef struct Kind:
    uint16_t code               # in HTTP's words; 0: what the status says
    uint8_t kind                # FrameKind
    uint8_t when
    uint8_t when_count


cdef struct Status:
    uint64_t status
    uint16_t code


cdef enum PieceType:
    P_BYTES = 1
    P_ID
    P_TEXT                      # with `number` before it unless that is N_NONE; `plus`: fit for a string of JSON
    P_STATUS
    P_COPY                      # a field of the request as it stands there, with the size before it
    P_SIZE                      # of all up to its P_END, and `plus`
    P_END
    P_CRC32                     # of all before


cdef struct Piece:
    Number number
    int32_t plus
    Slice bytes
    uint8_t type                # PieceType
    uint8_t field


cdef struct Template:
    Piece pieces[MOST_PIECES]
    uint32_t count


cdef struct Source:
    # Where a service or method name comes from.
    Slice header                # the header of this name; else
    Slice otherwise             # when there is nothing
    uint8_t field               # this field; NO_FIELD none


cdef enum:
    NO_FIELD = 255


cdef struct Declared:
    FrameCodec codec            # first
    Slice name
    uint32_t top                # fields of the layout itself; the others are children
    uint32_t field_count
    uint32_t condition_count
    uint32_t kind_count
    uint32_t status_count
    uint32_t error_count
    uint32_t exposed_count
    Field fields[MOST_FIELDS]
    Condition conditions[MOST_CONDITIONS]
    Kind kinds[MOST_KINDS]
    Status statuses[MOST_STATUSES]
    Status errors[MOST_STATUSES]    # a code's status, for replies
    Template reply
    Template heartbeat
    Template heartbeat_answer
    Source service
    Source method
    Slice exposed_names[MOST_EXPOSED]
    uint8_t exposed[MOST_EXPOSED]
    uint8_t ids[MOST_IDS]
    uint8_t id_count
    uint8_t moving_id           # the id has no fixed width
    uint8_t length              # the field that tells the frame's length; NO_FIELD: the sum of its parts
    int32_t length_plus
    uint32_t length_times
    uint8_t timeout             # fields, or NO_FIELD
    uint32_t timeout_unit_ms
    uint8_t status
    uint8_t bodies[MOST_IDS]    # the first that is there
    uint8_t body_count
    uint8_t headers
    uint8_t checksum            # CRC-32 of all before it
    uint8_t separator           # "service<separator>method"; 0 none
    uint16_t other_code         # a status that is not listed
    uint64_t other_error        # a code that is not listed


cdef struct Place:
    uint64_t value
    uint32_t at                 # the content's first byte
    uint32_t n
    uint32_t front              # bytes of its size before `at`
    uint8_t seen
