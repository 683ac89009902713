/* SPDX-License-Identifier: MIT */
#include "prom.h"

#include "siphash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_LINE 64
#define SHARDS 64
#define FIRST_TABLE_SIZE 64
#define MAX_SERIES 10000                           /* of one metric */
#define MAX_SERIES_BYTES ((size_t)2 * 1024 * 1024) /* of one metric, in the text, beside the values */
#define DROPPED_UPDATES "turn_metrics_dropped_updates_total"

enum kind { COUNTER, GAUGE };

/* A counter is whole + real, so that whole numbers add up exactly beyond 2^53. A gauge is `real` alone, which lets set()
 * be one store. `real` holds the bits of a double. */
struct value {
  _Atomic uint64_t whole;
  _Atomic uint64_t real;
};

struct shard {
  _Alignas(CACHE_LINE) _Atomic uint64_t whole;
};

struct series {
  _Alignas(CACHE_LINE) struct value value;
  uint64_t hash;
  struct series *_Atomic next;
  char labels[]; /* the label values, each ended by a NUL */
};

/* Open addressing, filled to one half at most. Nothing is ever taken out, so a reader needs no lock. A table that has
 * become too small stays allocated, as a reader may still be in it; all of them together are smaller than the current
 * one. */
struct table {
  size_t mask;
  struct table *older;
  struct series *_Atomic slots[];
};

struct prom_metric {
  struct value value;   /* without labels */
  struct shard *shards; /* of a counter without labels: what its threads have added */
  struct table *_Atomic table;
  struct series *_Atomic first;
  struct series *last;
  _Atomic size_t series_count;
  _Atomic size_t series_bytes; /* in the text, where a byte of a label value can be five */
  _Atomic uint64_t dropped;    /* updates without a series */
  pthread_mutex_t insertion;   /* guards last, and changes of series_count, series_bytes, table and first */
  enum kind kind;
  bool registered;
  size_t key_count;
  char **keys;
  char *name;
  char *help;
  struct prom_metric *_Atomic next;
};

struct prom_collector_registry {
  struct prom_metric *_Atomic first;
  struct prom_metric *last;
  pthread_mutex_t registration;
  _Atomic size_t text_size; /* of the last scrape */
};

static struct prom_collector_registry default_registry = {.registration = PTHREAD_MUTEX_INITIALIZER};
prom_collector_registry_t *PROM_COLLECTOR_REGISTRY_DEFAULT = &default_registry;

/* ---- values ---- */

static double double_of(uint64_t bits) {
  double number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

static uint64_t bits_of(double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

static void add_real(_Atomic uint64_t *real, double amount) {
  uint64_t old = atomic_load_explicit(real, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(real, &old, bits_of(double_of(old) + amount), memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
}

static struct shard *shard_of_this_thread(struct shard *shards) {
  static _Atomic unsigned int threads;
  static _Thread_local unsigned int number; /* 0: none yet */
  if (number == 0) {
    number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % SHARDS + 1;
  }
  return &shards[number - 1];
}

/* ---- series ---- */

static const char *label_value(const char **values, size_t index) {
  return values == NULL || values[index] == NULL ? "" : values[index];
}

/* A key of this process alone, so that nobody who chooses label values (user names) can make them collide. */
static uint64_t hash_key[2];
static bool has_hash_key;

static void read_hash_key(void) { has_hash_key = getentropy(hash_key, sizeof hash_key) == 0; }

static bool ensure_hash_key(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  return pthread_once(&once, read_hash_key) == 0 && has_hash_key;
}

/* Each value's final NUL is hashed as well. */
static uint64_t hash_labels(size_t count, const char **values) {
  struct siphash hash = siphash_start(hash_key);
  for (size_t i = 0; i < count; i++) {
    const char *value = label_value(values, i);
    do {
      siphash_put(&hash, (unsigned char)*value);
    } while (*value++ != '\0');
  }
  return siphash_end(&hash);
}

static bool same_labels(const struct series *series, size_t count, const char **values) {
  const char *label = series->labels;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(label, label_value(values, i)) != 0) {
      return false;
    }
    label += strlen(label) + 1;
  }
  return true;
}

static struct series *find_series(const struct prom_metric *metric, uint64_t hash, const char **values) {
  struct table *table = atomic_load_explicit(&metric->table, memory_order_acquire);
  for (size_t i = (size_t)hash & table->mask;; i = (i + 1) & table->mask) {
    struct series *series = atomic_load_explicit(&table->slots[i], memory_order_acquire);
    if (series == NULL || (series->hash == hash && same_labels(series, metric->key_count, values))) {
      return series;
    }
  }
}

static struct table *new_table(size_t size, struct table *older) {
  struct table *table = calloc(1, sizeof *table + size * sizeof table->slots[0]);
  if (table != NULL) {
    table->mask = size - 1;
    table->older = older;
  }
  return table;
}

static void put_in_table(struct table *table, struct series *series) {
  size_t i = (size_t)series->hash & table->mask;
  while (atomic_load_explicit(&table->slots[i], memory_order_relaxed) != NULL) {
    i = (i + 1) & table->mask;
  }
  atomic_store_explicit(&table->slots[i], series, memory_order_release);
}

static bool ensure_room(struct prom_metric *metric) {
  struct table *old = atomic_load_explicit(&metric->table, memory_order_relaxed);
  size_t count = atomic_load_explicit(&metric->series_count, memory_order_relaxed);
  if (2 * (count + 1) <= old->mask + 1) {
    return true;
  }
  struct table *larger = new_table(2 * (old->mask + 1), old);
  if (larger == NULL) {
    return false;
  }
  struct series *series = atomic_load_explicit(&metric->first, memory_order_relaxed);
  for (; series != NULL; series = atomic_load_explicit(&series->next, memory_order_relaxed)) {
    put_in_table(larger, series);
  }
  atomic_store_explicit(&metric->table, larger, memory_order_release);
  return true;
}

static struct series *new_series(size_t key_count, uint64_t hash, const char **values) {
  size_t size = offsetof(struct series, labels);
  for (size_t i = 0; i < key_count; i++) {
    size += strlen(label_value(values, i)) + 1;
  }
  size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
  struct series *series = aligned_alloc(CACHE_LINE, size);
  if (series == NULL) {
    return NULL;
  }
  memset(series, 0, size);
  series->hash = hash;
  char *label = series->labels;
  for (size_t i = 0; i < key_count; i++) {
    const char *value = label_value(values, i);
    size_t length = strlen(value) + 1;
    memcpy(label, value, length);
    label += length;
  }
  return series;
}

/* Each metric has bytes of its own, so that user names leave room for the series of other metrics. The last series may
 * go beyond them: then a full metric stays full, and no thread has to take the lock to drop something. */
static bool is_full(const struct prom_metric *metric) {
  return atomic_load_explicit(&metric->series_count, memory_order_acquire) >= MAX_SERIES ||
         atomic_load_explicit(&metric->series_bytes, memory_order_acquire) >= MAX_SERIES_BYTES;
}

static size_t written_length(const struct prom_metric *metric, const struct series *series);

static struct series *insert_series(struct prom_metric *metric, uint64_t hash, const char **values) {
  if (is_full(metric)) {
    return find_series(metric, hash, values);
  }
  pthread_mutex_lock(&metric->insertion);
  struct series *series = find_series(metric, hash, values); /* another thread may have been quicker */
  if (series == NULL && !is_full(metric) && ensure_room(metric)) {
    series = new_series(metric->key_count, hash, values);
    if (series != NULL) {
      put_in_table(atomic_load_explicit(&metric->table, memory_order_relaxed), series);
      atomic_store_explicit(metric->last == NULL ? &metric->first : &metric->last->next, series, memory_order_release);
      metric->last = series;
      atomic_fetch_add_explicit(&metric->series_bytes, written_length(metric, series), memory_order_release);
      atomic_fetch_add_explicit(&metric->series_count, 1, memory_order_release);
    }
  }
  pthread_mutex_unlock(&metric->insertion);
  return series;
}

static void count_dropped(struct prom_metric *metric) {
  if (atomic_fetch_add_explicit(&metric->dropped, 1, memory_order_relaxed) == 0) {
    fprintf(stderr,
            "prometheus: the metric %s %s: updates with other label values are dropped, and counted in " DROPPED_UPDATES
            "\n",
            metric->name, is_full(metric) ? "has as many series as it may have" : "gets no memory for another series");
  }
}

/* NULL if the metric is full, or memory is short */
static struct value *value_for(struct prom_metric *metric, const char **values) {
  if (metric->key_count == 0) {
    return &metric->value;
  }
  uint64_t hash = hash_labels(metric->key_count, values);
  struct series *series = find_series(metric, hash, values);
  if (series == NULL) {
    series = insert_series(metric, hash, values);
  }
  if (series == NULL) {
    count_dropped(metric);
    return NULL;
  }
  return &series->value;
}

/* ---- metrics ---- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_name(const char *name, bool colons) {
  if (name == NULL || *name == '\0') {
    return false;
  }
  for (const char *c = name; *c != '\0'; c++) {
    if (!is_letter(*c) && !(colons && *c == ':') && !(c > name && *c >= '0' && *c <= '9')) {
      return false;
    }
  }
  return true;
}

static void free_metric(struct prom_metric *metric) {
  if (metric->keys != NULL) {
    for (size_t i = 0; i < metric->key_count; i++) {
      free(metric->keys[i]);
    }
  }
  free(metric->keys);
  free(metric->name);
  free(metric->help);
  free(metric->shards);
  free(atomic_load_explicit(&metric->table, memory_order_relaxed));
  free(metric);
}

static bool copy_keys(struct prom_metric *metric, size_t count, const char **keys) {
  metric->keys = calloc(count, sizeof *metric->keys);
  metric->key_count = count;
  if (metric->keys == NULL) {
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    if (!is_name(keys[i], false) || strncmp(keys[i], "__", 2) == 0) {
      return false;
    }
    for (size_t j = 0; j < i; j++) {
      if (strcmp(keys[i], keys[j]) == 0) {
        return false;
      }
    }
    metric->keys[i] = strdup(keys[i]);
    if (metric->keys[i] == NULL) {
      return false;
    }
  }
  return true;
}

static bool allocate_values(struct prom_metric *metric) {
  if (metric->key_count > 0) {
    struct table *table = ensure_hash_key() ? new_table(FIRST_TABLE_SIZE, NULL) : NULL;
    atomic_store_explicit(&metric->table, table, memory_order_relaxed);
    return table != NULL;
  }
  if (metric->kind == COUNTER) {
    metric->shards = aligned_alloc(CACHE_LINE, SHARDS * sizeof *metric->shards);
    if (metric->shards == NULL) {
      return false;
    }
    memset(metric->shards, 0, SHARDS * sizeof *metric->shards);
  }
  return true;
}

static struct prom_metric *new_metric(enum kind kind, const char *name, const char *help, size_t key_count,
                                      const char **keys) {
  if (!is_name(name, true) || (key_count > 0 && keys == NULL)) {
    return NULL;
  }
  struct prom_metric *metric = calloc(1, sizeof *metric);
  if (metric == NULL) {
    return NULL;
  }
  metric->kind = kind;
  metric->name = strdup(name);
  metric->help = strdup(help == NULL ? "" : help);
  if (metric->name == NULL || metric->help == NULL || (key_count > 0 && !copy_keys(metric, key_count, keys)) ||
      !allocate_values(metric) || pthread_mutex_init(&metric->insertion, NULL) != 0) {
    free_metric(metric);
    return NULL;
  }
  return metric;
}

prom_counter_t *prom_counter_new(const char *name, const char *help, size_t label_key_count, const char **label_keys) {
  return new_metric(COUNTER, name, help, label_key_count, label_keys);
}

prom_gauge_t *prom_gauge_new(const char *name, const char *help, size_t label_key_count, const char **label_keys) {
  return new_metric(GAUGE, name, help, label_key_count, label_keys);
}

static int add_whole(struct prom_metric *counter, uint64_t amount, const char **label_values) {
  if (counter->key_count == 0) {
    atomic_fetch_add_explicit(&shard_of_this_thread(counter->shards)->whole, amount, memory_order_relaxed);
    return 0;
  }
  struct value *value = value_for(counter, label_values);
  if (value == NULL) {
    return 1;
  }
  atomic_fetch_add_explicit(&value->whole, amount, memory_order_relaxed);
  return 0;
}

int prom_counter_inc(prom_counter_t *counter, const char **label_values) {
  return counter == NULL || counter->kind != COUNTER ? 1 : add_whole(counter, 1, label_values);
}

int prom_counter_add(prom_counter_t *counter, double amount, const char **label_values) {
  /* the comparisons also refuse a NaN */
  if (counter == NULL || counter->kind != COUNTER || !(amount >= 0 && amount <= 1.7976931348623157e308)) {
    return 1;
  }
  if (amount < 0x1p64) {
    uint64_t whole = (uint64_t)amount;
    if (!((double)whole < amount)) {
      return add_whole(counter, whole, label_values);
    }
  }
  struct value *value = value_for(counter, label_values);
  if (value == NULL) {
    return 1;
  }
  add_real(&value->real, amount);
  return 0;
}

static struct value *gauge_value(struct prom_metric *gauge, const char **label_values) {
  return gauge == NULL || gauge->kind != GAUGE ? NULL : value_for(gauge, label_values);
}

int prom_gauge_add(prom_gauge_t *gauge, double amount, const char **label_values) {
  struct value *value = gauge_value(gauge, label_values);
  if (value == NULL) {
    return 1;
  }
  add_real(&value->real, amount);
  return 0;
}

int prom_gauge_set(prom_gauge_t *gauge, double number, const char **label_values) {
  struct value *value = gauge_value(gauge, label_values);
  if (value == NULL) {
    return 1;
  }
  atomic_store_explicit(&value->real, bits_of(number), memory_order_relaxed);
  return 0;
}

int prom_gauge_sub(prom_gauge_t *gauge, double amount, const char **label_values) {
  return prom_gauge_add(gauge, -amount, label_values);
}

int prom_gauge_inc(prom_gauge_t *gauge, const char **label_values) { return prom_gauge_add(gauge, 1, label_values); }

int prom_gauge_dec(prom_gauge_t *gauge, const char **label_values) { return prom_gauge_add(gauge, -1, label_values); }

/* ---- registry ---- */

int prom_collector_registry_default_init(void) { return 0; }

int prom_collector_registry_register_metric(prom_metric_t *metric) {
  if (metric == NULL) {
    return 1;
  }
  struct prom_collector_registry *registry = &default_registry;
  pthread_mutex_lock(&registry->registration);
  bool taken = metric->registered;
  struct prom_metric *other = atomic_load_explicit(&registry->first, memory_order_relaxed);
  for (; other != NULL && !taken; other = atomic_load_explicit(&other->next, memory_order_relaxed)) {
    taken = strcmp(other->name, metric->name) == 0;
  }
  if (!taken) {
    metric->registered = true;
    atomic_store_explicit(registry->last == NULL ? &registry->first : &registry->last->next, metric,
                          memory_order_release);
    registry->last = metric;
  }
  pthread_mutex_unlock(&registry->registration);
  return taken ? 1 : 0;
}

prom_metric_t *prom_collector_registry_must_register_metric(prom_metric_t *metric) {
  if (prom_collector_registry_register_metric(metric) == 0) {
    return metric;
  }
  fprintf(stderr, "prometheus: the metric %s is left out: it is invalid, registered already, or memory is short\n",
          metric == NULL ? "(none)" : metric->name);
  return NULL;
}

/* ---- text format ---- */

struct text {
  char *start; /* NULL: memory was short, or only the length is asked for */
  size_t length;
  size_t size;
};

static void put_bytes(struct text *text, const char *bytes, size_t length) {
  if (text->start == NULL) {
    text->length += length;
    return;
  }
  if (length >= text->size - text->length) { /* keeps a byte for the final NUL */
    size_t size = 2 * (text->length + length + 1);
    char *larger = realloc(text->start, size);
    if (larger == NULL) {
      free(text->start);
      text->start = NULL;
      return;
    }
    text->start = larger;
    text->size = size;
  }
  memcpy(text->start + text->length, bytes, length);
  text->length += length;
}

static void put(struct text *text, const char *string) { put_bytes(text, string, strlen(string)); }

static bool continues(const unsigned char *c, size_t count) {
  for (size_t i = 1; i <= count; i++) {
    if ((c[i] & 0xC0) != 0x80) {
      return false;
    }
  }
  return true;
}

/* The bytes of the valid UTF-8 character at c, or 0 */
static size_t utf8_length(const unsigned char *c) {
  if (c[0] < 0x80) {
    return 1;
  }
  if (c[0] >= 0xC2 && c[0] <= 0xDF) {
    return continues(c, 1) ? 2 : 0;
  }
  if ((c[0] & 0xF0) == 0xE0) {
    bool overlong = c[0] == 0xE0 && c[1] < 0xA0;
    bool surrogate = c[0] == 0xED && c[1] > 0x9F;
    return !overlong && !surrogate && continues(c, 2) ? 3 : 0;
  }
  if (c[0] >= 0xF0 && c[0] <= 0xF4) {
    bool overlong = c[0] == 0xF0 && c[1] < 0x90;
    bool too_large = c[0] == 0xF4 && c[1] > 0x8F;
    return !overlong && !too_large && continues(c, 3) ? 4 : 0;
  }
  return 0;
}

static bool is_hex(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* One byte that is not UTF-8 makes Prometheus refuse the whole scrape, and a user name may hold anything: such a byte is
 * written as the four characters \xHH. So is a backslash before what would read as such a byte; else two series could
 * have the same text, and Prometheus refuses that as well. */
static void put_escaped(struct text *text, const char *string, bool quotes) {
  for (const unsigned char *c = (const unsigned char *)string; *c != '\0';) {
    size_t length = utf8_length(c);
    if (length == 0 || (c[0] == '\\' && c[1] == 'x' && is_hex(c[2]) && is_hex(c[3]))) {
      static const char digits[] = "0123456789abcdef";
      const char hex[] = {'\\', '\\', 'x', digits[*c >> 4], digits[*c & 15]};
      put_bytes(text, hex, sizeof hex);
      length = 1;
    } else if (*c == '\\') {
      put(text, "\\\\");
    } else if (*c == '\n') {
      put(text, "\\n");
    } else if (*c == '"' && quotes) {
      put(text, "\\\"");
    } else {
      put_bytes(text, (const char *)c, length);
    }
    c += length;
  }
}

static void put_whole(struct text *text, uint64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
  put(text, digits);
}

/* The shortest digits that read back as the same number, with a point in every locale */
static void put_real(struct text *text, double number) {
  if (number != number) {
    put(text, "NaN");
    return;
  }
  if (number > 1.7976931348623157e308 || number < -1.7976931348623157e308) {
    put(text, number > 0 ? "+Inf" : "-Inf");
    return;
  }
  char digits[64];
  if (number > -0x1p63 && number < 0x1p63 && !((double)(int64_t)number < number) &&
      !((double)(int64_t)number > number)) {
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    put(text, digits);
    return;
  }
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, number);
    if (bits_of(strtod(digits, NULL)) == bits_of(number)) {
      break;
    }
  }
  size_t digit = strspn(digits, "+-0123456789e");
  put_bytes(text, digits, digit);
  if (digits[digit] != '\0') {
    const char *rest = digits + digit;
    put(text, ".");
    put(text, rest + strcspn(rest, "+-0123456789e"));
  }
}

static void put_value(struct text *text, uint64_t whole, double real) {
  if (real > 0 || real < 0 || real != real) {
    put_real(text, (double)whole + real);
  } else {
    put_whole(text, whole);
  }
}

static uint64_t whole_total(const struct prom_metric *metric) {
  uint64_t total = 0;
  if (metric->shards != NULL) {
    for (size_t i = 0; i < SHARDS; i++) {
      total += atomic_load_explicit(&metric->shards[i].whole, memory_order_relaxed);
    }
  }
  return total;
}

static void put_labels(struct text *text, const struct prom_metric *metric, const struct series *series) {
  put(text, metric->name);
  const char *label = series->labels;
  for (size_t i = 0; i < metric->key_count; i++) {
    put(text, i == 0 ? "{" : ",");
    put(text, metric->keys[i]);
    put(text, "=\"");
    put_escaped(text, label, true);
    put(text, "\"");
    label += strlen(label) + 1;
  }
  put(text, "} ");
}

static size_t written_length(const struct prom_metric *metric, const struct series *series) {
  struct text none = {0};
  put_labels(&none, metric, series);
  return none.length;
}

static void put_series(struct text *text, const struct prom_metric *metric, const struct series *series) {
  put_labels(text, metric, series);
  put_value(text, atomic_load_explicit(&series->value.whole, memory_order_relaxed),
            double_of(atomic_load_explicit(&series->value.real, memory_order_relaxed)));
  put(text, "\n");
}

static void put_metric(struct text *text, struct prom_metric *metric) {
  if (*metric->help != '\0') {
    put(text, "# HELP ");
    put(text, metric->name);
    put(text, " ");
    put_escaped(text, metric->help, false);
    put(text, "\n");
  }
  put(text, "# TYPE ");
  put(text, metric->name);
  put(text, metric->kind == COUNTER ? " counter\n" : " gauge\n");
  if (metric->key_count == 0) {
    put(text, metric->name);
    put(text, " ");
    put_value(text, whole_total(metric), double_of(atomic_load_explicit(&metric->value.real, memory_order_relaxed)));
    put(text, "\n");
    return;
  }
  struct series *series = atomic_load_explicit(&metric->first, memory_order_acquire);
  for (; series != NULL; series = atomic_load_explicit(&series->next, memory_order_acquire)) {
    put_series(text, metric, series);
  }
}

/* Nothing as long as nothing was dropped */
static void put_dropped(struct text *text, struct prom_metric *metric) {
  bool first = true;
  for (; metric != NULL; metric = atomic_load_explicit(&metric->next, memory_order_acquire)) {
    uint64_t dropped = atomic_load_explicit(&metric->dropped, memory_order_relaxed);
    if (dropped == 0) {
      continue;
    }
    if (first) {
      put(text, "# HELP " DROPPED_UPDATES " Updates for which the metric had no series, and got no further one\n");
      put(text, "# TYPE " DROPPED_UPDATES " counter\n");
      first = false;
    }
    put(text, DROPPED_UPDATES "{metric=\"");
    put(text, metric->name);
    put(text, "\"} ");
    put_whole(text, dropped);
    put(text, "\n");
  }
}

char *prom_collector_registry_bridge(prom_collector_registry_t *registry) {
  if (registry == NULL) {
    registry = &default_registry;
  }
  struct text text = {.size = atomic_load_explicit(&registry->text_size, memory_order_relaxed) + 1024};
  text.start = malloc(text.size);
  struct prom_metric *first = atomic_load_explicit(&registry->first, memory_order_acquire);
  for (struct prom_metric *metric = first; metric != NULL;
       metric = atomic_load_explicit(&metric->next, memory_order_acquire)) {
    put_metric(&text, metric);
  }
  put_dropped(&text, first);
  if (text.start != NULL) {
    text.start[text.length] = '\0';
    atomic_store_explicit(&registry->text_size, text.length, memory_order_relaxed);
  }
  return text.start;
}
