/* The oracle's reading of traces (docs/trace-format.md) and of lackey's logs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

struct run *runs;
u64 run_count;
static u64 run_room;

static void add_run(u64 page, u32 kind, u32 length) {
  struct run *last = run_count ? &runs[run_count - 1] : NULL;
  if (last && last->page == page && last->kind == kind && last->length < 1u << 30) {
    last->length += length;
    return;
  }
  if (run_count == run_room) {
    run_room = run_room ? 2 * run_room : 1 << 16;
    runs = realloc(runs, run_room * sizeof *runs);
    if (!runs) fail("out of memory");
  }
  runs[run_count++] = (struct run){page, kind, length};
}

static u8 *input;
static size_t input_size;

static u64 number(const u8 *at, int bytes) {
  u64 value = 0;
  for (int i = bytes; i-- > 0;) value = value << 8 | at[i];
  return value;
}

static u32 crc(const u8 *at, size_t n, u32 value) {
  while (n--) {
    value ^= *at++;
    for (int i = 0; i < 8; i++) value = value >> 1 ^ (0xedb88320u & -(value & 1));
  }
  return value;
}

/* DEFLATE (RFC 1951) */
static const u8 *bits_at, *bits_end;
static u32 bit_buffer, bit_count;

static u32 bits(u32 n) {
  while (bit_count < n) {
    if (bits_at == bits_end) fail("a deflated stream ends early");
    bit_buffer |= (u32)*bits_at++ << bit_count;
    bit_count += 8;
  }
  u32 value = bit_buffer & ((1u << n) - 1);
  bit_buffer >>= n;
  bit_count -= n;
  return value;
}

struct code {
  u32 count[16], symbol[320];
};

/* Canonical codes: by length, and within a length by symbol. */
static void make_code(struct code *c, const u8 *lengths, int n) {
  memset(c->count, 0, sizeof c->count);
  int at = 0;
  for (int length = 1; length < 16; length++)
    for (int i = 0; i < n; i++)
      if (lengths[i] == length) {
        c->count[length]++;
        c->symbol[at++] = i;
      }
}

static u32 symbol(const struct code *c) {
  u32 value = 0, first = 0, index = 0;
  for (int length = 1; length < 16; length++) {
    value = value << 1 | bits(1);
    first <<= 1;
    if (value - first < c->count[length]) return c->symbol[index + value - first];
    first += c->count[length];
    index += c->count[length];
  }
  fail("a deflated stream has a code that is none");
  return 0;
}

static void read_codes(struct code *literals, struct code *distances) {
  static const u8 order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  u8 lengths[320] = {0}, of_lengths[19] = {0};
  u32 n = bits(5) + 257, m = bits(5) + 1, k = bits(4) + 4;
  for (u32 i = 0; i < k; i++) of_lengths[order[i]] = bits(3);
  struct code c;
  make_code(&c, of_lengths, 19);
  for (u32 i = 0; i < n + m;) {
    u32 s = symbol(&c), repeat = 1;
    u8 value = s;
    if (s == 16) {
      if (i == 0) fail("a deflated stream repeats nothing");
      value = lengths[i - 1];
      repeat = 3 + bits(2);
    } else if (s >= 17) {
      value = 0;
      repeat = s == 17 ? 3 + bits(3) : 11 + bits(7);
    }
    if (i + repeat > n + m) fail("a deflated stream has too many lengths");
    while (repeat--) lengths[i++] = value;
  }
  make_code(literals, lengths, n);
  make_code(distances, lengths + n, m);
}

static void fixed_codes(struct code *literals, struct code *distances) {
  u8 lengths[288];
  for (int i = 0; i < 288; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  make_code(literals, lengths, 288);
  memset(lengths, 5, 30);
  make_code(distances, lengths, 30);
}

static void inflate(const u8 *at, size_t n, u8 *out, size_t size) {
  size_t to = 0;
  bits_at = at;
  bits_end = at + n;
  bit_buffer = bit_count = 0;
  for (u32 last = 0; !last;) {
    last = bits(1);
    u32 type = bits(2);
    if (type == 0) {
      bit_buffer = bit_count = 0;
      if (bits_end - bits_at < 4) fail("a stored block ends early");
      size_t length = number(bits_at, 2);
      bits_at += 4;
      if ((size_t)(bits_end - bits_at) < length || to + length > size) fail("a stored block is too long");
      memcpy(out + to, bits_at, length);
      to += length;
      bits_at += length;
      continue;
    }
    struct code literals, distances;
    if (type == 1) fixed_codes(&literals, &distances);
    else read_codes(&literals, &distances);
    for (u32 s; (s = symbol(&literals)) != 256;) {
      if (s < 256) {
        if (to == size) fail("a deflated stream is too long");
        out[to++] = s;
        continue;
      }
      s -= 257;
      u32 extra = s < 8 || s == 28 ? 0 : s / 4 - 1;
      u32 length = s == 28 ? 258 : s < 8 ? s + 3 : ((4 + s % 4) << extra) + 3;
      length += bits(extra);
      u32 d = symbol(&distances), more = d < 4 ? 0 : d / 2 - 1;
      size_t distance = d < 4 ? d + 1 : ((size_t)(2 + d % 2) << more) + 1;
      distance += bits(more);
      if (distance > to || to + length > size) fail("a deflated stream copies from nowhere");
      for (; length--; to++) out[to] = out[to - distance];
    }
  }
  if (to != size) fail("a deflated stream is too short");
}

static u64 septets(const u8 **at, const u8 *end) {
  u64 value = 0;
  for (int shift = 0;; shift += 7) {
    if (*at == end || shift > 49) fail("a run is cut off");
    u8 byte = *(*at)++;
    value |= (u64)(byte & 127) << shift;
    if (!(byte & 128)) return value;
  }
}

static void read_runs(const u8 *payload, size_t n) {
  u64 count = number(payload, 4), size = number(payload + 4, 4), total = 0, last[4] = {0};
  u8 *coded = malloc(size + 1);
  inflate(payload + 16, n - 16, coded, size);
  const u8 *at = coded, *end = coded + size;
  while (count--) {
    if (at == end) fail("a block has fewer runs than it says");
    u8 byte = *at++;
    u32 kind = byte & 3;
    u64 zigzag = byte >> 3 & 15;
    if (byte & 128) zigzag |= septets(&at, end) << 4;
    u64 length = byte & 4 ? septets(&at, end) + 2 : 1;
    last[kind] += zigzag & 1 ? -(zigzag / 2) - 1 : zigzag / 2;
    add_run(last[kind], kind, length);
    total += length;
  }
  if (at != end || total != number(payload + 8, 8)) fail("a block does not hold what it says");
  free(coded);
}

static void read_trace(void) {
  if (number(input + 8, 4) != 1) fail("the trace is not of linear addresses (version 1)");
  size_t at = 12;
  for (u64 block = 0;; block++) {
    if (input_size - at < 16) fail("the trace is cut off");
    const u8 *head = input + at;
    size_t n = number(head + 8, 4);
    if (number(head + 4, 4) != block || input_size - at - 16 < n) fail("the trace is damaged");
    if ((u32)number(head + 12, 4) != ~crc(head + 16, n, crc(head, 12, ~0u))) fail("a block has another checksum");
    if (!memcmp(head, "RUNS", 4)) read_runs(head + 16, n);
    if (!memcmp(head, "DONE", 4)) return;
    at += 16 + n;
  }
}

/* "I  04016b80,3", " S 1ffeff7f98,8", " L ...", " M ...": whatever else is no access. */
static void read_lackey(void) {
  const char *at = (const char *)input, *end = at + input_size;
  while (at < end) {
    const char *line = at, *next = memchr(at, '\n', end - at);
    at = next ? next + 1 : end;
    u32 kind;
    if (line[0] == 'I' && line[1] == ' ') kind = FETCH;
    else if (line[0] == ' ' && line[1] == 'L') kind = READ;
    else if (line[0] == ' ' && line[1] == 'S') kind = WRITE;
    else if (line[0] == ' ' && line[1] == 'M') kind = READ_MODIFY_WRITE;
    else continue;
    char *comma;
    u64 address = strtoull(line + 3, &comma, 16), size = strtoull(comma + 1, NULL, 10);
    for (u64 page = address >> 12; page <= (address + size - 1) >> 12; page++) add_run(page, kind, 1);
  }
}

void read_file(const char *name) {
  FILE *file = fopen(name, "rb");
  if (!file) fail("the trace cannot be read");
  fseek(file, 0, SEEK_END);
  input_size = ftell(file);
  rewind(file);
  input = calloc(input_size + 16, 1);
  if (!input || fread(input, 1, input_size, file) != input_size) fail("the trace cannot be read");
  fclose(file);
  if (input_size > 12 && !memcmp(input, "TVTRACE", 8)) read_trace();
  else read_lackey();
}
