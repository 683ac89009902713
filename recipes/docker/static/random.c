/* SPDX-License-Identifier: MIT */
/*
 * arc4random() and arc4random_buf() for programs that link libevent in and have to run with a C library before 2.36, which is
 * the first to have them. The kernel's generator is asked each time, as glibc does where the kernel has no vDSO for it.
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
      /* Numbers that can be guessed are worse than none. */
      abort();
    }
  }
}

uint32_t arc4random(void) {
  uint32_t value;
  arc4random_buf(&value, sizeof(value));
  return value;
}
