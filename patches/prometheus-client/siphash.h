/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 (Aumasson and Bernstein, 2012), byte by byte. Without the key, nobody can find values that collide. */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stdint.h>

struct siphash {
  uint64_t v[4];
  uint64_t word;   /* the last bytes that were put, not yet mixed in */
  uint64_t length; /* of all bytes */
};

static inline uint64_t siphash_rotate(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

static inline void siphash_rounds(uint64_t v[4], int rounds) {
  for (int i = 0; i < rounds; i++) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = siphash_rotate(v[1], 13) ^ v[0];
    v[3] = siphash_rotate(v[3], 16) ^ v[2];
    v[0] = siphash_rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = siphash_rotate(v[1], 17) ^ v[2];
    v[3] = siphash_rotate(v[3], 21) ^ v[0];
    v[2] = siphash_rotate(v[2], 32);
  }
}

static inline struct siphash siphash_start(const uint64_t key[2]) {
  struct siphash hash = {.v = {key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU,
                               key[0] ^ 0x6c7967656e657261U, key[1] ^ 0x7465646279746573U}};
  return hash;
}

static inline void siphash_mix(struct siphash *hash) {
  hash->v[3] ^= hash->word;
  siphash_rounds(hash->v, 2);
  hash->v[0] ^= hash->word;
  hash->word = 0;
}

static inline void siphash_put(struct siphash *hash, unsigned char byte) {
  hash->word |= (uint64_t)byte << hash->length % 8 * 8;
  if (++hash->length % 8 == 0) {
    siphash_mix(hash);
  }
}

static inline uint64_t siphash_end(struct siphash *hash) {
  hash->word |= hash->length << 56;
  siphash_mix(hash);
  hash->v[2] ^= 0xff;
  siphash_rounds(hash->v, 4);
  return hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}

#endif
