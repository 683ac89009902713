/* SPDX-License-Identifier: MIT */
/*
 * sd_notify() for programs that notify systemd without libsystemd. The protocol is stable and public: send the state as one datagram
 * to the socket that NOTIFY_SOCKET names. A name that starts with @ is in the abstract namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "systemd/sd-daemon.h"

/* Returns 1 after sending the state, otherwise a negative errno. */
static int send_to(const char *name, const char *state) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  if (name[0] != '/' && name[0] != '@')
    return -EAFNOSUPPORT;
  if (length < 2 || length >= sizeof(address.sun_path))
    return -EINVAL;
  memcpy(address.sun_path, name, length + 1);
  if (name[0] == '@')
    address.sun_path[0] = 0;

  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
                        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
  int result = sent < 0 ? -errno : 1;
  close(fd);
  return result;
}

int sd_notify(int unset_environment, const char *state) {
  const char *name = getenv("NOTIFY_SOCKET");
  int result = 0;
  if (state == NULL || state[0] == 0)
    result = -EINVAL;
  else if (name != NULL && name[0] != 0)
    result = send_to(name, state);
  if (unset_environment)
    unsetenv("NOTIFY_SOCKET");
  return result;
}
