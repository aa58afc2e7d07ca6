/* Accesses as the oracle knows them: runs of one kind to one page. */
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

enum { READ, WRITE, FETCH, READ_MODIFY_WRITE };

struct run {
  u64 page;
  u32 kind, length;
};

extern struct run *runs;
extern u64 run_count;

void read_file(const char *name);
void fail(const char *why);
