/*
 * Asks WASI for what it offers, and prints what it gets; of guests.test.ts. Compiled as workloads/modules/sort.c is:
 *   clang --target=wasm32-wasi --sysroot=/usr -O2 -Wl,--strip-all -o system.wasm system.c
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  printf("arguments: %d, last %s, HOME %s\n", argc, argv[argc - 1], getenv("HOME") ? "set" : "unset");
  DIR *directory = opendir("/");
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    struct stat status;
    char path[300];
    snprintf(path, sizeof path, "/%s", entry->d_name);
    if (stat(path, &status) == 0) printf("file %s of %ld bytes\n", entry->d_name, (long)status.st_size);
  }
  int descriptor = open("/a.txt", O_RDONLY);
  char text[64] = {0};
  printf("read %ld, ", (long)read(descriptor, text, 5));
  printf("then at %ld: %s\n", (long)lseek(descriptor, 0, SEEK_CUR), text);
  memset(text, 0, sizeof text);
  lseek(descriptor, -3, SEEK_END);
  printf("read %ld: %s\n", (long)read(descriptor, text, sizeof text - 1), text);
  memset(text, 0, sizeof text);
  printf("pread %ld: %s\n", (long)pread(descriptor, text, 4, 1), text);
  printf("close %d\n", close(descriptor));
  printf("read closed %ld: %s\n", (long)read(descriptor, text, 1), strerror(errno));
  printf("write %d: %s\n", open("/new.txt", O_CREAT | O_WRONLY, 0644), strerror(errno));
  printf("truncate %d: %s\n", open("/a.txt", O_TRUNC | O_WRONLY), strerror(errno));
  printf("remove %d: %s\n", unlink("/a.txt"), strerror(errno));
  printf("missing %d: %s\n", open("/none", O_RDONLY), strerror(errno));
  printf("input %ld\n", (long)read(0, text, sizeof text));
  struct timespec before, after, wait = {2, 500000000};
  time_t now = time(NULL);
  printf("year %d\n", gmtime(&now)->tm_year + 1900);
  clock_gettime(CLOCK_MONOTONIC, &before);
  nanosleep(&wait, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long waited = (after.tv_sec - before.tv_sec) * 10 + (after.tv_nsec - before.tv_nsec) / 100000000;
  printf("waited %ld tenths of a second\n", waited);
  unsigned char random[4];
  getentropy(random, sizeof random);
  printf("random %02x%02x%02x%02x\n", random[0], random[1], random[2], random[3]);
  fprintf(stderr, "the end\n");
  return 3;
}
