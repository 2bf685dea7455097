# Looking at 64 bytes of a head at once: where its lines end and where control characters are.

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif
    /* One bit per byte of p[0..64): CR, LF, and control characters other than CR, LF and HT (DEL is one). */
    static inline void mosn_h1_classify(const char *p, uint64_t *cr, uint64_t *lf, uint64_t *control) {
        uint64_t r = 0, l = 0, c = 0;
    #ifdef __SSE2__
        for (int i = 0; i < 64; i += 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)(p + i));
            __m128i is_cr = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\r'));
            __m128i is_lf = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\n'));
            __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
            __m128i fine = _mm_or_si128(_mm_or_si128(is_cr, is_lf), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\t')));
            __m128i bad = _mm_or_si128(_mm_andnot_si128(fine, low), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
            r |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_cr) << i;
            l |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_lf) << i;
            c |= (uint64_t)(uint32_t)_mm_movemask_epi8(bad) << i;
        }
    #else
        for (int i = 0; i < 64; i++) {
            unsigned char b = (unsigned char)p[i];
            r |= (uint64_t)(b == '\\r') << i;
            l |= (uint64_t)(b == '\\n') << i;
            c |= (uint64_t)((b < 0x20 && b != '\\r' && b != '\\n' && b != '\\t') || b == 0x7f) << i;
        }
    #endif
        *cr = r; *lf = l; *control = c;
    }
    #define mosn_h1_lowest(mask) ((uint32_t)__builtin_ctzll(mask))
    """
    void classify "mosn_h1_classify"(const char *p, uint64_t *cr, uint64_t *lf, uint64_t *control) noexcept nogil
    unsigned int lowest "mosn_h1_lowest"(uint64_t mask) noexcept nogil
