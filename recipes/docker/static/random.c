/* SPDX-License-Identifier: MIT */
/*
 * arc4random() and arc4random_buf() for programs that link libevent statically and must run with glibc before 2.36, the first
 * version that has them. Each call asks the kernel's generator, as glibc does without the vDSO.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

void arc4random_buf(void *buffer, size_t size) {
  unsigned char *at = buffer;
  while (size > 0) {
    ssize_t got = getrandom(at, size, 0);
    if (got > 0) {
      at += got;
      size -= (size_t)got;
    } else if (got < 0 && errno != EINTR) {
      /* Never return predictable numbers. */
      abort();
    }
  }
}

uint32_t arc4random(void) {
  uint32_t value;
  arc4random_buf(&value, sizeof(value));
  return value;
}
