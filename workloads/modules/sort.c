/*
 * Sorts numbers: a program for WASI, as any other.
 *
 *   clang --target=wasm32-wasi --sysroot=/usr -O2 -Wl,--strip-all -o sort.wasm sort.c
 *
 * (Debian: clang, lld, wasi-libc, libclang-rt-dev-wasm32.)
 *
 * sort.wasm [COUNT]         COUNT numbers, made by xorshift
 * sort.wasm lines FILE      the lines of a file
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 100000

static int number_order(const void *a, const void *b) {
  unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
  return (x > y) - (x < y);
}

static int text_order(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int numbers(long count) {
  unsigned *values = malloc(count * sizeof *values);
  unsigned x = 2463534242u;
  if (values == NULL) {
    fprintf(stderr, "no memory for %ld numbers\n", count);
    return 1;
  }
  for (long i = 0; i < count; i++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    values[i] = x;
  }
  qsort(values, count, sizeof *values, number_order);
  printf("%ld numbers from %u to %u\n", count, values[0], values[count - 1]);
  return 0;
}

static int lines(const char *name) {
  static char *texts[LINES_MAX];
  static char buffer[4096];
  long count = 0;
  FILE *file = fopen(name, "r");
  if (file == NULL) {
    perror(name);
    return 1;
  }
  while (count < LINES_MAX && fgets(buffer, sizeof buffer, file) != NULL) {
    texts[count++] = strdup(buffer);
  }
  qsort(texts, count, sizeof *texts, text_order);
  for (long i = 0; i < count; i++) fputs(texts[i], stdout);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "lines") == 0) return lines(argv[2]);
  long count = argc > 1 ? atol(argv[1]) : 10000;
  if (argc > 2 || count < 1) {
    fputs("usage: sort.wasm [COUNT], or sort.wasm lines FILE\n", stderr);
    return 2;
  }
  return numbers(count);
}
