/* SPDX-License-Identifier: MIT */
#include "promhttp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ADDRESS_VARIABLE "TURNSERVER_PROMETHEUS_ADDRESS"
#define DEFAULT_ADDRESS "127.0.0.1"
#define MAX_CONNECTIONS 64U
#define ENDING_CONNECTIONS 16U /* further ones, already cut off but not closed yet */
#define DEADLINE_MILLISECONDS 10000
#define CONNECTION_BYTES ((size_t)32 * 1024) /* for the headers of a request and of its answer */
#define MAX_TEXTS 2U
#define NEW_MILLISECONDS 100

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

/* ---- connections ---- */

/* libmicrohttpd only ends a connection that is silent. Here each one has a deadline, whatever it sends or reads, and when
 * there are too many, one makes way for the new one: connections that are held can't keep a scraper out. */
struct connection {
  int descriptor;
  bool answered; /* its request is complete */
  uint64_t client;
  int64_t deadline;
};

static pthread_mutex_t connections_lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection connections[MAX_CONNECTIONS]; /* from old to new */
static size_t connection_count;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void forget(size_t index) {
  connection_count--;
  memmove(&connections[index], &connections[index + 1], (connection_count - index) * sizeof connections[0]);
}

/* The descriptor stays open until libmicrohttpd sees that nothing can be read or written any more, and closes it. */
static void cut_off(size_t index) {
  struct linger drop = {.l_onoff = 1}; /* what was sent and not read would stay in the kernel */
  setsockopt(connections[index].descriptor, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  shutdown(connections[index].descriptor, SHUT_RDWR);
  forget(index);
}

/* The same number for all addresses that one client is likely to have: of IPv6 a whole /64 */
static uint64_t client_of(const struct sockaddr *address) {
  uint64_t client = 0;
  if (address->sa_family == AF_INET) {
    memcpy(&client, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    return client;
  }
  const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(v6)) {
    memcpy(&client, &v6->s6_addr[12], 4);
  } else {
    memcpy(&client, v6->s6_addr, 8);
  }
  return client;
}

static size_t connections_of(uint64_t client) {
  size_t count = 0;
  for (size_t i = 0; i < connection_count; i++) {
    count += connections[i].client == client;
  }
  return count;
}

/* Of the client that has the most, so that a flood doesn't reach others. Of its own, first those without a complete
 * request: a long text takes longer than a flood needs for as many connections as there may be. Of these, the oldest; none
 * is refused instead, as readers that do not read could then keep a scraper out. */
static size_t most_dispensable(void) {
  size_t place = 0;
  size_t most = 0;
  for (size_t i = 0; i < connection_count; i++) {
    size_t count = connections_of(connections[i].client);
    if (count > most || (count == most && connections[place].answered && !connections[i].answered)) {
      place = i;
      most = count;
    }
  }
  return place;
}

static size_t place_of(int descriptor) {
  size_t place = 0;
  while (place < connection_count && connections[place].descriptor != descriptor) {
    place++;
  }
  return place;
}

static int descriptor_of(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* False if the connection was cut off: its request can still come out of the buffer, and a text would be in vain. */
static bool begin_answer(struct MHD_Connection *connection) {
  int descriptor = descriptor_of(connection);
  pthread_mutex_lock(&connections_lock);
  size_t place = place_of(descriptor);
  bool open = place < connection_count;
  if (open) {
    connections[place].answered = true;
  }
  pthread_mutex_unlock(&connections_lock);
  return open;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode event) {
  int descriptor = descriptor_of(connection);
  uint64_t client = client_of(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
  (void)cls;
  (void)socket_context;
  pthread_mutex_lock(&connections_lock);
  if (event == MHD_CONNECTION_NOTIFY_STARTED) {
    if (connection_count == MAX_CONNECTIONS) {
      cut_off(most_dispensable());
    }
    connections[connection_count++] = (struct connection){descriptor, false, client, now() + DEADLINE_MILLISECONDS};
  } else if (place_of(descriptor) < connection_count) { /* still open: no other connection has its number */
    forget(place_of(descriptor));
  }
  pthread_mutex_unlock(&connections_lock);
}

static void *keep_deadlines(void *unused) {
  for (;;) {
    sleep(1);
    pthread_mutex_lock(&connections_lock);
    while (connection_count > 0 && connections[0].deadline <= now()) {
      cut_off(0);
    }
    pthread_mutex_unlock(&connections_lock);
  }
  return unused;
}

/* ---- answers ---- */

/* Readers share the newest text while it is new, and also while MAX_TEXTS are in memory: the older ones are freed when the
 * deadlines of their readers are over, so the newest is never older than that. Only libmicrohttpd's thread uses these. */
static struct MHD_Response *newest; /* NULL: none yet, or memory was short */
static int64_t newest_time;
static size_t text_count; /* in memory: the newest, and those that are still being sent */

static void free_text(void *text) {
  text_count--;
  free(text);
}

/* One answer a connection: the next scrape comes after the deadline anyway. */
static struct MHD_Response *with_headers(struct MHD_Response *response, const char *type) {
  if (response != NULL && (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) != MHD_YES ||
                           MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") != MHD_YES)) {
    MHD_destroy_response(response);
    return NULL;
  }
  return response;
}

static mhd_result refuse(struct MHD_Connection *connection, unsigned int status, char *body) {
  struct MHD_Response *response =
      with_headers(MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT), "text/plain");
  if (response == NULL) {
    return MHD_NO;
  }
  mhd_result result = MHD_YES;
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  if (result == MHD_YES) {
    result = MHD_queue_response(connection, status, response);
  }
  MHD_destroy_response(response);
  return result;
}

static void update_newest(void) {
  if (newest != NULL) {
    MHD_destroy_response(newest); /* lives on until its last reader has it */
    newest = NULL;
  }
  char *text = prom_collector_registry_bridge(atomic_load(&active_registry));
  if (text == NULL) {
    return;
  }
  struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(strlen(text), text, &free_text);
  if (response == NULL) {
    free(text);
    return;
  }
  text_count++;
  newest = with_headers(response, "text/plain; version=0.0.4; charset=utf-8");
  newest_time = now();
}

static mhd_result send_metrics(struct MHD_Connection *connection) {
  if (newest == NULL || (now() - newest_time >= NEW_MILLISECONDS && text_count < MAX_TEXTS)) {
    update_newest();
  }
  return newest == NULL ? MHD_NO : MHD_queue_response(connection, MHD_HTTP_OK, newest);
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
    return refuse(connection, MHD_HTTP_NOT_FOUND, not_found);
  }
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
    return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, not_allowed);
  }
  /* The first call comes before the request is complete. */
  if (*request_cls == NULL) {
    *request_cls = &seen;
    return MHD_YES;
  }
  return *upload_data_size != 0 || !begin_answer(connection) ? MHD_NO : send_metrics(connection);
}

/* ---- the daemon ---- */

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

static struct MHD_Daemon *listen_on(const union address *address, unsigned int flags, unsigned short port,
                                    MHD_AcceptPolicyCallback apc, void *apc_cls) {
  struct MHD_Daemon *daemon =
      MHD_start_daemon((flags & MHD_USE_ERROR_LOG) | polling_flags() | family_flags(address), port, apc, apc_cls,
                       &handle, NULL, MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_CONNECTION_LIMIT,
                       MAX_CONNECTIONS + ENDING_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
                       MHD_OPTION_NOTIFY_CONNECTION, &on_connection, NULL, MHD_OPTION_END);
  if (daemon != NULL) {
    /* The kernel keeps a connection to itself until its request arrives, so that a distant scraper is not cut off while
     * its request is on its way. */
    int seconds = 1;
    int listening = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd;
    setsockopt(listening, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
  }
  return daemon;
}

struct MHD_Daemon *promhttp_start_daemon(unsigned int flags, unsigned short port, MHD_AcceptPolicyCallback apc,
                                         void *apc_cls) {
  static atomic_flag started = ATOMIC_FLAG_INIT;
  const char *literal = getenv(ADDRESS_VARIABLE);
  if (literal == NULL || *literal == '\0') {
    literal = DEFAULT_ADDRESS;
  }
  union address address;
  if (parse_address(literal, port, &address) != 0) {
    fprintf(stderr, "prometheus: " ADDRESS_VARIABLE " is not an IPv4 or IPv6 address: %s\n", literal);
    return NULL;
  }
  if (atomic_flag_test_and_set(&started)) {
    fprintf(stderr, "prometheus: the metrics are served already\n");
    return NULL;
  }
  pthread_t thread;
  errno = pthread_create(&thread, NULL, &keep_deadlines, NULL);
  if (errno != 0) {
    fprintf(stderr, "prometheus: can't start a thread: %s\n", strerror(errno));
    return NULL;
  }
  pthread_detach(thread);
  struct MHD_Daemon *daemon = listen_on(&address, flags, port, apc, apc_cls);
  if (daemon == NULL) {
    fprintf(stderr, "prometheus: can't listen on %s port %u: %s\n", literal, port,
            errno == 0 ? "unknown reason" : strerror(errno));
  }
  return daemon;
}
