/* What tvplugin.c uses of QEMU's interface for plugins, version 1 of it as QEMU 7.2 has it (docs/devel/tcg-plugins.rst). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
enum { NO_REGISTERS = 0, LOADS_AND_STORES = 3, ADD_U64 = 0 };
typedef uint64_t plugin_id;
typedef uint32_t memory_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
struct qemu_information {
    const char *target_name;
    struct {
        int min, cur;
    } version;
    bool system_emulation;
    struct {
        int smp_vcpus, max_vcpus;
    } system;
};
typedef void (*on_id)(plugin_id);
typedef void (*on_end)(plugin_id, void *);
typedef void (*on_block)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_execution)(unsigned vcpu, void *);
typedef void (*on_memory)(unsigned vcpu, memory_info, uint64_t address, void *);
void qemu_plugin_reset(plugin_id, on_id);
void qemu_plugin_register_atexit_cb(plugin_id, on_end, void *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_block);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, on_execution, int registers, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, on_execution, int registers, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int operation, void *, uint64_t);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, on_memory, int registers, int which, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
unsigned qemu_plugin_mem_size_shift(memory_info);
bool qemu_plugin_mem_is_store(memory_info);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(memory_info, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);
