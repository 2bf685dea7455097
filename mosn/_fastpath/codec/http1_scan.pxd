# Looking at many bytes of a head at once: where lines end, where control characters are, how long a name is.

from libc.stdint cimport uint32_t, uint64_t

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
    /* Cheaper: LF, and every control character with CR, LF and HT among them. */
    static inline void mosn_h1_survey(const char *p, uint64_t *lf, uint64_t *low) {
        uint64_t l = 0, c = 0;
    #ifdef __SSE2__
        for (int i = 0; i < 64; i += 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)(p + i));
            __m128i below = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
            below = _mm_or_si128(below, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
            l |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\n'))) << i;
            c |= (uint64_t)(uint32_t)_mm_movemask_epi8(below) << i;
        }
    #else
        for (int i = 0; i < 64; i++) {
            unsigned char b = (unsigned char)p[i];
            l |= (uint64_t)(b == '\\n') << i;
            c |= (uint64_t)(b < 0x20 || b == 0x7f) << i;
        }
    #endif
        *lf = l; *low = c;
    }
    /* Lower-case the letters of p[0..16) up to the first byte that is neither letter, digit, "-" nor "_"; its index. */
    static inline uint32_t mosn_h1_name16(char *p) {
    #ifdef __SSE2__
        const __m128i index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        __m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
        __m128i good = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('-')), _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));
        letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
        digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
        good = _mm_or_si128(good, _mm_or_si128(letter, digit));
        uint32_t n = (uint32_t)__builtin_ctz(~(uint32_t)_mm_movemask_epi8(good));
        letter = _mm_and_si128(letter, _mm_cmpgt_epi8(_mm_set1_epi8((char)n), index));
        v = _mm_or_si128(v, _mm_and_si128(letter, _mm_set1_epi8(0x20)));
        _mm_storeu_si128((__m128i *)p, v);
        return n;
    #else
        for (uint32_t i = 0; i < 16; i++) {
            unsigned char b = (unsigned char)p[i], l = b | 0x20;
            if (l >= 'a' && l <= 'z') p[i] = (char)l;
            else if (!((b >= '0' && b <= '9') || b == '-' || b == '_')) return i;
        }
        return 16;
    #endif
    }
    #define mosn_h1_lowest(mask) ((uint32_t)__builtin_ctzll(mask))
    """
    void classify "mosn_h1_classify"(const char *p, uint64_t *cr, uint64_t *lf, uint64_t *control) noexcept nogil
    void survey "mosn_h1_survey"(const char *p, uint64_t *lf, uint64_t *low) noexcept nogil
    uint32_t lower_name16 "mosn_h1_name16"(char *p) noexcept nogil
    unsigned int lowest "mosn_h1_lowest"(uint64_t mask) noexcept nogil
