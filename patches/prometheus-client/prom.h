/* SPDX-License-Identifier: MIT */
/* A small Prometheus client with the part of libprom's interface that coturn 4.5.2 to 4.13 calls.
 *
 * Any thread may change any metric at any time, and none takes a lock for it: a change is an atomic operation. The one
 * exception is the first use of a combination of label values, which allocates its series under the metric's mutex.
 *
 * A series lives until the process ends, and label values can have no bound (coturn's --prometheus-username-labels with
 * users of the TURN REST API). So a metric has at most 10,000 series, and gets no further one when those that it has take
 * 2 MiB of the text. Updates with further label values are dropped, and counted in turn_metrics_dropped_updates_total,
 * which is in the text from the first one on.
 *
 * Every function takes NULL for a metric and then fails, so that a metric that could not be made does no harm. */
#ifndef PROM_H
#define PROM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct prom_metric prom_metric_t;
typedef prom_metric_t prom_counter_t;
typedef prom_metric_t prom_gauge_t;
typedef struct prom_collector_registry prom_collector_registry_t;

/* Usable from the start; prom_collector_registry_default_init() only exists for source compatibility. */
extern prom_collector_registry_t *PROM_COLLECTOR_REGISTRY_DEFAULT;
int prom_collector_registry_default_init(void);

/* Puts the metric in the default registry. The first one returns non-zero when it fails: for NULL, for a metric that is
 * registered already, for a name that is taken. The second one then says so on stderr and returns NULL. */
int prom_collector_registry_register_metric(prom_metric_t *metric);
prom_metric_t *prom_collector_registry_must_register_metric(prom_metric_t *metric);

/* All metrics in the text format 0.0.4, to be freed by the caller; NULL if memory is short. NULL asks for the default
 * registry. In label values, \xHH stands for a byte that is not UTF-8, and \x5c for a backslash that would read as the
 * start of such a byte, so that different values have different texts. */
char *prom_collector_registry_bridge(prom_collector_registry_t *registry);

/* Names, help and label keys are copied. NULL for an invalid name or label key, or if memory is short. */
prom_counter_t *prom_counter_new(const char *name, const char *help, size_t label_key_count, const char **label_keys);
prom_gauge_t *prom_gauge_new(const char *name, const char *help, size_t label_key_count, const char **label_keys);

/* These return 0, or non-zero if nothing was changed: for a metric of the other kind, for label values that get no
 * series, and for a counter also with a value that is negative or not finite. `label_values` holds as many values as
 * the metric has keys, and needs no NULL at its end; a value of NULL, or no array, means "". A counter is exact as long
 * as its total fits 64 bits and all values are whole numbers; a gauge up to 2^53. */
int prom_counter_inc(prom_counter_t *counter, const char **label_values);
int prom_counter_add(prom_counter_t *counter, double value, const char **label_values);

int prom_gauge_inc(prom_gauge_t *gauge, const char **label_values);
int prom_gauge_dec(prom_gauge_t *gauge, const char **label_values);
int prom_gauge_add(prom_gauge_t *gauge, double value, const char **label_values);
int prom_gauge_sub(prom_gauge_t *gauge, double value, const char **label_values);
int prom_gauge_set(prom_gauge_t *gauge, double value, const char **label_values);

#ifdef __cplusplus
}
#endif

#endif
