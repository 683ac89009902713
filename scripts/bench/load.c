// The load of `npm run bench:relay`: all clients and all peers in one process, on existing channels. Written in C, because a round trip of a
// datagram costs Node (9.7 us, measured on loopback) more than the server.
//
//   load PID WARMUP SECONDS PAYLOAD WINDOW {CLIENT-PORT PEER-PORT RELAY-PORT CHANNEL}...
//
// Each client keeps WINDOW packets in flight. Peers return packets, and clients send returned packets again, so no buffer overflows and the
// server always has work. Counts the packets that peers and clients receive, and the processor time of process PID and of this one over the
// same seconds. Prints one line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SERVER_PORT 3478
#define MAX_FLOWS 64
#define BATCH 64
#define MAX_BYTES 1500
/* Pause between two rounds. No process waits on a socket meanwhile, so the server's sends wake none, and packets arrive in batches. */
#define PAUSE_NS 200000
/* After this time without a packet, a client assumes that its packets are lost and sends a new window. */
#define STALLED_NS 100000000L

struct end {
  int fd;
  size_t bytes; /* of a datagram that it sends */
  unsigned char datagram[MAX_BYTES];
  unsigned long long received, sent;
};
struct flow {
  struct end client, peer;
  unsigned long long last_received;
  long last_ns;
};

static struct flow flows[MAX_FLOWS];
static int count;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_socket(int local, int remote) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  at.sin_port = htons(local);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0) die("bind");
  at.sin_port = htons(remote);
  if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) die("connect");
  return fd;
}

static void send_some(struct end *end, int number) {
  struct iovec part = {end->datagram, end->bytes};
  struct mmsghdr messages[BATCH] = {0};
  for (int i = 0; i < BATCH; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
  while (number > 0) {
    int sent = sendmmsg(end->fd, messages, number < BATCH ? number : BATCH, 0);
    if (sent < 0) die("sendmmsg");
    end->sent += sent;
    number -= sent;
  }
}

/* Sends one datagram for each received one. */
static void turn(struct end *end) {
  static unsigned char bytes[BATCH][MAX_BYTES];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH] = {0};
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){bytes[i], MAX_BYTES};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  int got = recvmmsg(end->fd, messages, BATCH, MSG_DONTWAIT, NULL);
  if (got <= 0) return;
  end->received += got;
  send_some(end, got);
}

static long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* User and system time of a process in ticks: fields 14 and 15 of /proc/PID/stat. The name before them may contain blanks. */
static unsigned long long server_ticks(const char *pid) {
  char path[64], text[1024];
  unsigned long long user, system;
  snprintf(path, sizeof path, "/proc/%s/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) die(path);
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  char *rest = strrchr(text, ')');
  if (rest == NULL ||
      sscanf(rest + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2) {
    fprintf(stderr, "%s: not understood\n", path);
    exit(1);
  }
  return user + system;
}

static double own_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void run_until(long end, int window) {
  const struct timespec pause = {0, PAUSE_NS};
  for (long now = now_ns(); now < end; now = now_ns()) {
    for (struct flow *flow = flows; flow < flows + count; flow++) {
      turn(&flow->peer);
      turn(&flow->client);
      if (flow->client.received != flow->last_received) {
        flow->last_received = flow->client.received;
        flow->last_ns = now;
      } else if (now - flow->last_ns > STALLED_NS) {
        send_some(&flow->client, window);
        flow->last_ns = now;
      }
    }
    nanosleep(&pause, NULL);
  }
}

int main(int argc, char **argv) {
  if (argc < 10 || (argc - 6) % 4 != 0 || (argc - 6) / 4 > MAX_FLOWS) {
    fprintf(stderr, "usage: load PID WARMUP SECONDS PAYLOAD WINDOW {CLIENT-PORT PEER-PORT RELAY-PORT CHANNEL}...\n");
    return 2;
  }
  double warmup = atof(argv[2]), seconds = atof(argv[3]);
  int payload = atoi(argv[4]), window = atoi(argv[5]);
  count = (argc - 6) / 4;
  if (payload < 1 || payload > MAX_BYTES - 4) return 2;
  for (int i = 0; i < count; i++) {
    char **words = argv + 6 + 4 * i;
    int channel = atoi(words[3]);
    struct flow *flow = &flows[i];
    flow->client.fd = open_socket(atoi(words[0]), SERVER_PORT);
    flow->peer.fd = open_socket(atoi(words[1]), atoi(words[2]));
    /* ChannelData, RFC 8656, 12.4: channel, length, data. */
    flow->client.bytes = payload + 4;
    flow->client.datagram[0] = channel >> 8;
    flow->client.datagram[1] = channel & 0xff;
    flow->client.datagram[2] = payload >> 8;
    flow->client.datagram[3] = payload & 0xff;
    flow->peer.bytes = payload;
  }
  for (int i = 0; i < count; i++) send_some(&flows[i].client, window);
  run_until(now_ns() + (long)(warmup * 1e9), window);

  for (int i = 0; i < count; i++) {
    flows[i].client.received = flows[i].client.sent = flows[i].peer.received = flows[i].peer.sent = 0;
    flows[i].last_received = 0;
  }
  long begin = now_ns();
  unsigned long long ticks = server_ticks(argv[1]);
  double own = own_seconds();
  run_until(begin + (long)(seconds * 1e9), window);
  ticks = server_ticks(argv[1]) - ticks;
  own = own_seconds() - own;
  double taken = (now_ns() - begin) / 1e9;

  unsigned long long by_peers = 0, by_clients = 0, sent = 0;
  for (int i = 0; i < count; i++) {
    by_peers += flows[i].peer.received;
    by_clients += flows[i].client.received;
    sent += flows[i].client.sent + flows[i].peer.sent;
  }
  printf("{\"seconds\":%.6f,\"byPeers\":%llu,\"byClients\":%llu,\"sent\":%llu,\"serverSeconds\":%.2f,\"loadSeconds\":%.6f}\n",
         taken, by_peers, by_clients, sent, (double)ticks / sysconf(_SC_CLK_TCK), own);
  return 0;
}
