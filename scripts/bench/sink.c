/* sink: many WebSocket clients of the live-streaming edge in one thread. They count bursts, not frames.
 *
 *   sink PORT CLIENTS [key=value ...]
 *     sessions=S     client i streams session "bench-<i%S+1>"                              (1)
 *     sub=all|same|diff   everything; or `pick` of `nchan` channels, the same for all; or a different set for each
 *     nchan=500 pick=10   channels are numbered 1..nchan; nchan is a multiple of pick
 *     deaf=K         K more clients that subscribe and never read again                    (0)
 *     expect=M       stop once every client that is still there has M bursts               (0: no)
 *     idle=SEC max=SEC    stop after SEC without a burst, once there was one; stop after SEC in all (5, 60)
 *     lat=1          note for every burst how long ago its time stamp was                  (0)
 *     skip=SEC       leave out of `lat` what comes within SEC of the first burst           (0)
 *     big=1          a frame over 32 KiB is one burst; its body is dropped in the kernel   (0)
 *     gate=FILE step=N    keep the bursts of the slowest client, counted in N, in the gate's slot 5
 *     retry=SEC      how long to try to connect                                            (0)
 *
 * A burst of the benchmark is a time range, whose end is the time stamp, followed by data; so merged frames can be
 * unpacked and counted. All clients get the same frames: what was counted once is found again by its hash.
 *
 * Prints SUBSCRIBED when all clients have asked, and one line of JSON at the end. Build: cc -O2 -o sink sink.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BIG 32768           /* frames over this are not looked into when big=1 */
#define SCRATCH (1 << 18)
#define RAW_MAX (4 << 20)
#define MEMORY (1 << 14)    /* frames remembered */
#define SLOWEST 5           /* slot of the gate */

struct client {
    int fd, here;
    uint8_t *buf; size_t len, cap;      /* a frame that is not complete yet */
    uint64_t drop;                      /* bytes of a big frame still to be dropped */
    uint64_t bursts, frames, marks;
    int done, was_big;
};

struct seen { uint64_t hash; uint32_t len, n; int64_t *stamps; };

static int want_lat, big; static double skip_s;
static uint64_t expect, step = 1, total_bursts, total_frames, total_bytes, other_frames, undecoded;
static int clients, done, here;
static double t_first, t_last, t_any;
static int64_t *lat; static size_t lat_n, lat_cap;
static volatile uint64_t *gate; static uint32_t *reached; static size_t reached_cap; static uint64_t slowest;
static struct seen memory[MEMORY];
static uint8_t raw[RAW_MAX], scratch[SCRATCH];
static int64_t stamps[1 << 16];

static int64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static void die(const char *what) { perror(what); exit(1); }
static void *grow(void *p, size_t n) { p = realloc(p, n); if (!p) die("realloc"); return p; }

/* ---- looking into a frame */

static int lz4_unpack(const uint8_t *s, int n, uint8_t *d, int cap) {
    int i = 0, o = 0;
    while (i < n) {
        int token = s[i++], lit = token >> 4, match = token & 15;
        if (lit == 15) { int x; do { if (i >= n) return -1; x = s[i++]; lit += x; } while (x == 255); }
        if (lit > n - i || lit > cap - o) return -1;
        memcpy(d + o, s + i, lit); i += lit; o += lit;
        if (i >= n) return o;
        if (i + 2 > n) return -1;
        int off = s[i] | s[i + 1] << 8; i += 2;
        if (match == 15) { int x; do { if (i >= n) return -1; x = s[i++]; match += x; } while (x == 255); }
        match += 4;
        if (!off || off > o || match > cap - o) return -1;
        if (off >= match) { memcpy(d + o, d + o - off, match); o += match; }
        else while (match--) { d[o] = d[o - off]; o++; }
    }
    return o;
}

/* Time ranges that data follows; their ends go to `stamps`. -1: not a StreamDataBurst. */
static int count_bursts(const uint8_t *d, int n) {
    int i = 0, found = 0, ranged = 0; int64_t stamp = 0;
    while (i < n) {
        if (d[i++] != 0x0a) return -1;
        uint32_t len = 0; int shift = 0;
        do { if (i >= n || shift > 28) return -1; len |= (uint32_t)(d[i] & 0x7f) << shift; shift += 7; } while (d[i++] & 0x80);
        if (!len || len > (uint32_t)(n - i)) return -1;
        const uint8_t *e = d + i; i += len;
        if (e[0] == 0x1a) { ranged = len == 20 && e[2] == 0x09 && e[11] == 0x11; if (ranged) memcpy(&stamp, e + 12, 8); }
        else if (ranged && e[0] != 0x12) { if (found < (int)(sizeof stamps / sizeof *stamps)) stamps[found++] = stamp; ranged = 0; }
    }
    return found;
}

static const struct seen *look(const uint8_t *p, uint32_t n) {
    uint64_t h = n * 0x9e3779b97f4a7c15ULL; uint32_t i = 0;
    for (; i + 8 <= n; i += 8) { uint64_t w; memcpy(&w, p + i, 8); h = (h ^ w) * 0xff51afd7ed558ccdULL; h ^= h >> 32; }
    for (; i < n; i++) { h = (h ^ p[i]) * 0xff51afd7ed558ccdULL; h ^= h >> 32; }
    struct seen *s = memory + (h >> 40) % MEMORY;
    if (s->hash == h && s->len == n) return s;
    int m = lz4_unpack(p, n, raw, sizeof raw), found = m < 0 ? -1 : count_bursts(raw, m);
    if (found < 0) { undecoded++; found = 0; }
    s->hash = h; s->len = n; s->n = found;
    if (want_lat && found) { s->stamps = grow(s->stamps, found * sizeof *stamps); memcpy(s->stamps, stamps, found * sizeof *stamps); }
    return s;
}

/* ---- counting */

static void passed(struct client *c) {
    uint64_t marks = c->bursts / step;
    if (marks + 1 > reached_cap) {
        size_t cap = (marks + 1) * 2; reached = grow(reached, cap * sizeof *reached);
        memset(reached + reached_cap, 0, (cap - reached_cap) * sizeof *reached); reached_cap = cap;
    }
    while (c->marks < marks) reached[c->marks++]++;
    while (slowest < reached_cap && reached[slowest] >= (uint32_t)clients) slowest++;
    gate[SLOWEST] = slowest * step;
}

static void counted(struct client *c, uint32_t n) {
    total_frames++; c->frames++; t_any = now_ns() / 1e9;
    if (!n) { other_frames++; return; }
    if (!total_bursts) t_first = t_any;
    t_last = t_any;
    total_bursts += n; c->bursts += n;
    if (expect && !c->done && c->bursts >= expect) { c->done = 1; done++; }
    if (gate && c->bursts / step > c->marks) passed(c);
}

static void message(struct client *c, const uint8_t *p, uint32_t n) {
    const struct seen *s = look(p, n);
    counted(c, s->n);
    if (!want_lat || !s->n) return;
    int64_t t = now_ns();
    if (t / 1e9 < t_first + skip_s) return;
    if (lat_n + s->n > lat_cap) { lat_cap = (lat_n + s->n) * 2; lat = grow(lat, lat_cap * sizeof *lat); }
    for (uint32_t i = 0; i < s->n; i++) lat[lat_n++] = t - s->stamps[i];
}

/* ---- frames */

/* Take the whole frames at `p`; how much that was. Sets `need` to the size of the one that is not whole. */
static size_t take(struct client *c, const uint8_t *p, size_t n, size_t *need) {
    size_t at = 0; *need = 14;
    while (n - at >= 2) {
        const uint8_t *f = p + at; int l = f[1] & 0x7f; size_t head = l == 126 ? 4 : l == 127 ? 10 : 2;
        if (n - at < head) break;
        uint64_t len = l;
        if (head > 2) { len = 0; for (size_t i = 2; i < head; i++) len = len << 8 | f[i]; }
        c->was_big = len > BIG;
        if (big && len > BIG && n - at < head + len && (f[0] & 15) == 2) {
            c->drop = head + len - (n - at);
            return n;
        }
        if (n - at < head + len) { *need = head + len; break; }
        if ((f[0] & 15) == 2) { if (big && len > BIG) counted(c, 1); else message(c, f + head, len); }
        at += head + len;
    }
    return at;
}

static void room(struct client *c, size_t n) { if (c->cap < n) { c->cap = n; c->buf = grow(c->buf, n); } }

/* Read what there is; 0 when the connection is over. */
static int feed(struct client *c) {
    ssize_t k; size_t need;
    if (c->drop) {
        k = recv(c->fd, c->drop > 4096 ? NULL : scratch, c->drop, c->drop > 4096 ? MSG_TRUNC : 0);
        if (k > 0) { c->drop -= k; if (!c->drop) counted(c, 1); }
    } else if (!c->len) {
        k = recv(c->fd, scratch, big && c->was_big ? 512 : SCRATCH, 0);
        if (k > 0) {
            size_t used = take(c, scratch, k, &need);
            if (used < (size_t)k) { c->len = k - used; room(c, need > c->len ? need + 16384 : c->len + 16384); memcpy(c->buf, scratch + used, c->len); }
        }
    } else {
        k = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
        if (k > 0) {
            c->len += k;
            size_t used = take(c, c->buf, c->len, &need);
            c->len -= used;
            if (c->len) memmove(c->buf, c->buf + used, c->len);
            if (c->len) room(c, need + 16384);
        }
    }
    if (k > 0) total_bytes += k;
    return k > 0 || (k < 0 && (errno == EAGAIN || errno == EINTR));
}

/* ---- connecting */

static void send_all(int fd, const void *p, size_t n) {
    const char *q = p;
    while (n) { ssize_t k = send(fd, q, n, MSG_NOSIGNAL); if (k <= 0) die("send"); q += k; n -= k; }
}

static int varint(uint8_t *p, unsigned v) { int n = 0; while (v > 127) { p[n++] = v | 0x80; v >>= 7; } p[n++] = v; return n; }

/* StreamRequest { subscribe { ... } } in one masked frame */
static void subscribe(int fd, int i, const char *sub, int nchan, int pick) {
    uint8_t s[8192], b[8320], f[8400], mask[4] = {0x37, 0xfa, 0x21, 0x3d}; int k = 0, n = 0, h = 2;
    if (!strcmp(sub, "all")) { s[k++] = 8; s[k++] = 1; s[k++] = 16; s[k++] = 1; }
    else {
        uint8_t ids[6144]; int m = 0, per = nchan / pick, who = strcmp(sub, "diff") ? 0 : i;
        for (int j = 0; j < pick && m < 6000; j++) m += varint(ids + m, j * per + (who + j * (who / per)) % per + 1);
        s[k++] = 0x1a; k += varint(s + k, m); memcpy(s + k, ids, m); k += m;
    }
    b[n++] = 0x12; n += varint(b + n, k); memcpy(b + n, s, k); n += k;
    f[0] = 0x82;
    if (n < 126) f[1] = 0x80 | n; else { f[1] = 0x80 | 126; f[2] = n >> 8; f[3] = n; h = 4; }
    memcpy(f + h, mask, 4); h += 4;
    for (int j = 0; j < n; j++) f[h + j] = b[j] ^ mask[j & 3];
    send_all(fd, f, h + n);
}

static int dial(int port, int i, int sessions, double retry) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd, one = 1; double until = now_ns() / 1e9 + retry;
    for (;;) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0) die("socket");
        if (!connect(fd, (void *)&a, sizeof a)) break;
        if (now_ns() / 1e9 > until) die("connect");
        close(fd); usleep(1000);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    char req[512];
    int n = sprintf(req, "GET /rta/v2/sessions/bench-%d/stream HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Protocol: mat.ocs.rta.stream-lz4\r\n\r\n", i % sessions + 1, port);
    send_all(fd, req, n);
    return fd;
}

/* The answer to the upgrade; frames that came with it are kept. */
static void shake(struct client *c) {
    size_t got = 0; char *end = NULL;
    while (!end) {
        ssize_t k = recv(c->fd, scratch + got, SCRATCH - 1 - got, 0);
        if (k <= 0) die("handshake");
        got += k; scratch[got] = 0; end = memmem(scratch, got, "\r\n\r\n", 4);
    }
    if (memcmp(scratch, "HTTP/1.1 101", 12)) { fprintf(stderr, "no upgrade: %.80s\n", scratch); exit(1); }
    size_t used = (uint8_t *)end + 4 - scratch, need;
    if (used < got) {
        size_t took = take(c, scratch + used, got - used, &need);
        used += took;
        if (used < got) { c->len = got - used; room(c, need + c->len + 16384); memcpy(c->buf, scratch + used, c->len); }
    }
}

/* ---- the result */

static int cmp(const void *a, const void *b) { int64_t x = *(const int64_t *)a, y = *(const int64_t *)b; return (x > y) - (x < y); }
static double pct(double q) { return lat_n ? lat[(size_t)(q * (lat_n - 1))] / 1e6 : -1; }
static double cpu(void) {
    struct rusage r; getrusage(RUSAGE_SELF, &r);
    return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc < 3) { fprintf(stderr, "usage: sink PORT CLIENTS [key=value ...]\n"); return 2; }
    int port = atoi(argv[1]), sessions = 1, deaf = 0, nchan = 500, pick = 10;
    double idle = 5, max = 60, retry = 0; const char *sub = "all", *path = NULL;
    clients = atoi(argv[2]);
    for (int i = 3; i < argc; i++) {
        char *k = argv[i], *v = strchr(k, '='); if (!v) continue; *v++ = 0;
        if (!strcmp(k, "sessions")) sessions = atoi(v);
        else if (!strcmp(k, "sub")) sub = v;
        else if (!strcmp(k, "nchan")) nchan = atoi(v);
        else if (!strcmp(k, "pick")) pick = atoi(v);
        else if (!strcmp(k, "deaf")) deaf = atoi(v);
        else if (!strcmp(k, "expect")) expect = atoll(v);
        else if (!strcmp(k, "idle")) idle = atof(v);
        else if (!strcmp(k, "max")) max = atof(v);
        else if (!strcmp(k, "lat")) want_lat = atoi(v);
        else if (!strcmp(k, "skip")) skip_s = atof(v);
        else if (!strcmp(k, "big")) big = atoi(v);
        else if (!strcmp(k, "gate")) path = v;
        else if (!strcmp(k, "step")) step = atoll(v);
        else if (!strcmp(k, "retry")) retry = atof(v);
        else { fprintf(stderr, "what is %s?\n", k); return 2; }
    }
    if (path) {
        int fd = open(path, O_RDWR);
        gate = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (gate == MAP_FAILED) die(path);
    }
    struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl);
    int all = clients + deaf, ep = epoll_create1(0);
    struct client *cs = calloc(all, sizeof *cs);
    double dialled = now_ns() / 1e9;
    const int group = 64;               /* requests first, then their answers */
    for (int g = 0; g < all; g += group) {
        int last = g + group < all ? g + group : all;
        for (int i = g; i < last; i++) cs[i].fd = dial(port, i, sessions, retry);
        for (int i = g; i < last; i++) {
            struct client *c = cs + i;
            shake(c);
            subscribe(c->fd, i, sub, nchan, pick);
            if (i >= clients) continue;
            c->here = 1; here++;
            fcntl(c->fd, F_SETFL, O_NONBLOCK);
            struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
            epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
        }
    }
    double t0 = now_ns() / 1e9, c0 = cpu();
    printf("SUBSCRIBED\n"); fflush(stdout);
    struct epoll_event ev[512];
    while (here > 0 && !(expect && done >= here)) {
        int n = epoll_wait(ep, ev, 512, 100);
        for (int i = 0; i < n; i++) {
            struct client *c = ev[i].data.ptr;
            if (!feed(c)) { epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL); close(c->fd); c->here = 0; here--; done -= c->done; }
        }
        double t = now_ns() / 1e9;
        if ((total_bursts && t - t_last > idle) || t - t0 > max) break;
    }
    double used = cpu() - c0; uint64_t lo = ~0ULL, hi = 0;
    for (int i = 0; i < clients; i++) { if (cs[i].bursts < lo) lo = cs[i].bursts; if (cs[i].bursts > hi) hi = cs[i].bursts; }
    qsort(lat, lat_n, sizeof *lat, cmp);
    printf("{\"bursts\":%lu,\"frames\":%lu,\"other\":%lu,\"bytes\":%lu,\"dialled\":%.6f,\"subscribed\":%.6f,\"first\":%.6f,\"last\":%.6f,"
           "\"least\":%lu,\"most\":%lu,\"closed\":%d,\"cpu\":%.3f,\"undecoded\":%lu,\"n\":%zu,"
           "\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"worst\":%.3f}\n",
           total_bursts, total_frames - other_frames, other_frames, total_bytes, dialled, t0, t_first, t_last,
           lo, hi, clients - here, used, undecoded, lat_n, pct(.5), pct(.9), pct(.99), pct(1));
    return 0;
}
