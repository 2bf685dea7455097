# A connection written down, and read back by another process (a hot upgrade takes connections along).

from mosn._fastpath.codec.h2_types cimport H2
from mosn._fastpath.codec.state_bytes cimport StateReader, StateWriter


# Everything but config, events, pointers of owners and the output, which the owner carries over itself.
cdef void h2_save(const H2 *h2, StateWriter *to) noexcept nogil
# Into an H2 that is zero but for pool, out, owner, config and events.  Streams come back as H2S_OWNED as they were and
# without an owner: the owner goes through the table.  at.failed: not a state; free it.
cdef void h2_restore(H2 *h2, StateReader *at) noexcept nogil
