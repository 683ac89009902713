/* SPDX-License-Identifier: MIT */
/* Serves the metrics at /metrics. Whatever clients do, it stays small and can be reached: a connection is for one
 * request, and has 10 seconds and 32 KiB for it. When there are 64, a new one ends one of the client that has the most:
 * the oldest without a complete request, else the oldest. At most 2 texts are in memory. Readers get values that are at
 * most 0.1 seconds old, or 10 seconds where others read so slowly that they hold the texts. */
#ifndef PROMHTTP_H
#define PROMHTTP_H

#include <microhttpd.h>

#include "prom.h"

#ifdef __cplusplus
extern "C" {
#endif

/* NULL stands for the default registry. */
void promhttp_set_active_collector_registry(prom_collector_registry_t *registry);

/* Listens on `port` (0: any free one) of the address in TURNSERVER_PROMETHEUS_ADDRESS: an IPv4 or IPv6 literal, or "::"
 * for every address of both kinds. Without that variable, on 127.0.0.1 only. Of the flags only MHD_USE_ERROR_LOG
 * counts; the thread always waits with epoll where libmicrohttpd has it, because select() can't see the descriptors
 * above 1023 that a busy TURN server hands out.
 * Returns NULL after a line on stderr if the address is invalid or can't be listened on, and when called again. */
struct MHD_Daemon *promhttp_start_daemon(unsigned int flags, unsigned short port, MHD_AcceptPolicyCallback apc,
                                         void *apc_cls);

#ifdef __cplusplus
}
#endif

#endif
