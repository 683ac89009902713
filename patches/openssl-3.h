/* SPDX-License-Identifier: MIT */
/* coturn before 4.7 asks FIPS_mode() before it computes an MD5 key. OpenSSL 3 has removed that function, and its FIPS
 * provider is asked per algorithm instead, so "no" is the right answer there. */
#ifndef TURNBUILD_OPENSSL_3_H
#define TURNBUILD_OPENSSL_3_H
#if __has_include(<openssl/opensslv.h>)
#include <openssl/opensslv.h>
#if defined(OPENSSL_VERSION_MAJOR) && OPENSSL_VERSION_MAJOR >= 3 && !defined(FIPS_mode)
static inline __attribute__((unused)) int FIPS_mode(void) { return 0; }
#endif
#endif
#endif
