/* SPDX-License-Identifier: MIT */
#include "promhttp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS_VARIABLE "TURNSERVER_PROMETHEUS_ADDRESS"
#define DEFAULT_ADDRESS "127.0.0.1"
#define MAX_CONNECTIONS 64U
#define IDLE_SECONDS 10U

#if MHD_VERSION >= 0x00097002
typedef enum MHD_Result mhd_result;
#else
typedef int mhd_result;
#endif

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static prom_collector_registry_t *_Atomic active_registry;

void promhttp_set_active_collector_registry(prom_collector_registry_t *registry) {
  atomic_store(&active_registry, registry);
}

/* Takes the body over if `mode` says so. */
static mhd_result answer(struct MHD_Connection *connection, unsigned int status, char *body,
                         enum MHD_ResponseMemoryMode mode, const char *type) {
  struct MHD_Response *response = MHD_create_response_from_buffer(strlen(body), body, mode);
  if (response == NULL) {
    if (mode == MHD_RESPMEM_MUST_FREE) {
      free(body);
    }
    return MHD_NO;
  }
  mhd_result result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  if (result == MHD_YES && status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  if (result == MHD_YES) {
    result = MHD_queue_response(connection, status, response);
  }
  MHD_destroy_response(response);
  return result;
}

static mhd_result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                         const char *version, const char *upload_data, size_t *upload_data_size, void **request_cls) {
  static char not_found[] = "not found\n";
  static char not_allowed[] = "method not allowed\n";
  static char seen;
  (void)cls;
  (void)version;
  (void)upload_data;
  if (strcmp(url, "/metrics") != 0) {
    return answer(connection, MHD_HTTP_NOT_FOUND, not_found, MHD_RESPMEM_PERSISTENT, "text/plain");
  }
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
    return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, not_allowed, MHD_RESPMEM_PERSISTENT, "text/plain");
  }
  /* The first call comes before the request is complete, and an answer then would end the connection. */
  if (*request_cls == NULL) {
    *request_cls = &seen;
    return MHD_YES;
  }
  if (*upload_data_size != 0) {
    return MHD_NO;
  }
  char *text = prom_collector_registry_bridge(atomic_load(&active_registry));
  if (text == NULL) {
    return MHD_NO;
  }
  return answer(connection, MHD_HTTP_OK, text, MHD_RESPMEM_MUST_FREE, "text/plain; version=0.0.4; charset=utf-8");
}

static int parse_address(const char *literal, unsigned short port, union address *address) {
  struct in6_addr v6;
  memset(address, 0, sizeof *address);
  if (inet_pton(AF_INET, literal, &address->v4.sin_addr) == 1) {
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(port);
    return 0;
  }
  if (inet_pton(AF_INET6, literal, &v6) != 1) {
    return -1;
  }
  if (IN6_IS_ADDR_V4MAPPED(&v6)) { /* can't be bound by a socket that is for IPv6 only */
    memcpy(&address->v4.sin_addr, &v6.s6_addr[12], sizeof address->v4.sin_addr);
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(port);
    return 0;
  }
  address->v6.sin6_addr = v6;
  address->v6.sin6_family = AF_INET6;
  address->v6.sin6_port = htons(port);
  return 0;
}

static unsigned int polling_flags(void) {
  if (MHD_is_feature_supported(MHD_FEATURE_EPOLL) == MHD_YES) {
    return MHD_USE_EPOLL_INTERNAL_THREAD;
  }
  if (MHD_is_feature_supported(MHD_FEATURE_POLL) == MHD_YES) {
    return MHD_USE_POLL_INTERNAL_THREAD;
  }
  return MHD_USE_INTERNAL_POLLING_THREAD;
}

static unsigned int family_flags(const union address *address) {
  if (address->any.sa_family == AF_INET) {
    return 0;
  }
  return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr) ? MHD_USE_DUAL_STACK : MHD_USE_IPv6;
}

struct MHD_Daemon *promhttp_start_daemon(unsigned int flags, unsigned short port, MHD_AcceptPolicyCallback apc,
                                         void *apc_cls) {
  const char *literal = getenv(ADDRESS_VARIABLE);
  if (literal == NULL || *literal == '\0') {
    literal = DEFAULT_ADDRESS;
  }
  union address address;
  if (parse_address(literal, port, &address) != 0) {
    fprintf(stderr, "prometheus: " ADDRESS_VARIABLE " is not an IPv4 or IPv6 address: %s\n", literal);
    return NULL;
  }
  errno = 0;
  struct MHD_Daemon *daemon =
      MHD_start_daemon((flags & MHD_USE_ERROR_LOG) | polling_flags() | family_flags(&address), port, apc, apc_cls,
                       &handle, NULL, MHD_OPTION_SOCK_ADDR, &address.any, MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
                       MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
  if (daemon == NULL) {
    fprintf(stderr, "prometheus: can't listen on %s port %u: %s\n", literal, port,
            errno == 0 ? "unknown reason" : strerror(errno));
  }
  return daemon;
}
