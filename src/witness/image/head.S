# From protected mode to long mode, the exceptions of the VMM, and the code that guests run.
#ifdef SVM
#define vmcall vmmcall
#endif
    .section .head, "ax"
    .code32
    .globl _start
_start:
    mov $0x1000000, %edi     # page tables of the VMM: 4 GiB, identity, 2 MiB pages
    mov $(6 * 4096 / 4), %ecx
    xor %eax, %eax
    cld
    rep stosl
    movl $0x1001003, 0x1000000
    mov $4, %ecx
    mov $0x1001000, %edi
    mov $0x1002003, %eax
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 1b
    mov $2048, %ecx
    mov $0x1002000, %edi
    mov $0x83, %eax
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b
    mov $0x6a0, %eax         # CR4: PAE, PGE, OSFXSR, OSXMMEXCPT
    mov %eax, %cr4
    mov $0x1000000, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx    # EFER: SCE, LME, NXE
    rdmsr
    or $0x901, %eax
    wrmsr
    mov $0x80010033, %eax    # CR0: PG, WP, NE, ET, MP, PE
    mov %eax, %cr0
    lgdt pointer
    ljmp $8, $long
pointer:
    .word 0x6f
    .long gdt
    .code64
long:
    mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    xor %eax, %eax
    mov %ax, %fs
    mov %ax, %gs
    mov $0x1100000, %rsp
    lgdt pointer64(%rip)
    call image_main
3:  hlt
    jmp 3b
    .globl pointer64
pointer64:
    .word 0x6f
    .quad gdt

    .text
# Ends blocking by NMI, which an exit may leave.
host_iret:
    mov %rsp, %rax
    mov %ss, %edx
    push %rdx
    push %rax
    pushf
    mov %cs, %edx
    push %rdx
    lea 1f(%rip), %rax
    push %rax
    iretq
1:  ret

# An exception or interrupt of the VMM.
    .globl host_gates
    .balign 16
host_gates:
    .rept 32
    .balign 16
    push $0                  # where there is an error code, the number is one slot further
    push $((. - host_gates) / 16)
    jmp host_trap
    .endr
host_trap:
    mov (%rsp), %rdi
    mov 16(%rsp), %rsi
    and $-16, %rsp
    call host_exception

# What guests run: one page, mapped with global entries by the hidden tables of all of them.
# rax: a CR3 to load first, if bit 0 of r8 is 1; bit 1: go to user mode. r10: the operation. rbx: an address,
# rdx: a stride, r9: a count, rsi: a value. r12: linear address of the GDT, to have it in the TLB. Bits 2 and 3: below.
    .section .guest, "ax"
    .balign 4096
    .globl g64_back, host_iret, g64_vmcall_exit, g32_vmcall_exit, g64_enter, g64_user, g64_cr3, g32_cr3, g64_vmcall, g64_hlt, g64_invlpg, g64_iret, g64_ud, g64_div
    .globl g64_r1, g64_r2, g64_r4, g64_r8, g64_w1, g64_w2, g64_w4, g64_w8, g64_m1, g64_m2, g64_m4, g64_m8
    .globl g64_fetch, g64_run_r, g64_run_w, g64_run_m, g64_run_f, g64_np, g64_gp, g64_ss, g64_icebp, g64_pf, g64_nmi, g64_nm, g64_mf, g64_xm, g64_ac, g32_r8, g32_w8, g32_m8
    .globl g32_fetch, g32_run_r, g32_run_w, g32_run_m, g32_run_f
    .globl g32_enter, g32_user, g32_vmcall, g32_hlt, g32_invlpg, g32_iret
    .globl g32_r1, g32_r2, g32_r4, g32_w1, g32_w2, g32_w4, g32_m1, g32_m2, g32_m4
g64_enter:
    test $4, %r8b            # bit 2: have this page in the TLB for user mode, too
    jz g64_back
    lea 3f(%rip), %rcx
    sysretq
3:  syscall
g64_back:
    mov (%r12), %r13
    test $8, %r8b            # bit 3: the log's index is 0; one store that is logged makes it 0xffff
    jz 2f
    movabs $0xffffff8001400000, %r13
    movb $1, (%r13)
2:  test $1, %r8b
    jz 1f
g64_cr3:
    mov %rax, %cr3
1:  test $2, %r8b
    jz g64_user
    lea g64_user(%rip), %rcx
    sysretq
g64_user:
    jmp *%r10
g64_vmcall:
    vmcall
g64_vmcall_exit:
    vmcall
g64_hlt:
    hlt
g64_invlpg:
    invlpg (%rbx)
    vmcall
g64_iret:
    iretq
    .macro access name, instruction:vararg
\name:
    \instruction
    vmcall
    .endm
    access g64_r1, mov (%rbx), %sil
    access g64_r2, mov (%rbx), %si
    access g64_r4, mov (%rbx), %esi
    access g64_r8, mov (%rbx), %rsi
    access g64_w1, mov %sil, (%rbx)
    access g64_w2, mov %si, (%rbx)
    access g64_w4, mov %esi, (%rbx)
    access g64_w8, mov %rsi, (%rbx)
    access g64_m1, lock addb $1, (%rbx)
    access g64_m2, lock addw $1, (%rbx)
    access g64_m4, lock addl $1, (%rbx)
    access g64_m8, lock addq $1, (%rbx)
    access g64_fetch, jmp *%rbx
    access g64_ud, ud2
    access g64_div, div %r9b
    access g64_np, mov %edx, %ds
    access g64_gp, mov (%rdx), %sil
    access g64_pf, mov (%rdx), %sil
    access g64_ss, mov (%rbp), %sil
    access g64_icebp, .byte 0xf1
g64_nm:
    mov %cr0, %rax
    or $8, %eax              # TS
    mov %rax, %cr0
    fninit
g64_mf:
    fninit
    fldcw unmasked(%rip)
    fld1
    fldz
    fdivrp
    fwait
g64_xm:
    ldmxcsr unmasked_sse(%rip)
    xorps %xmm0, %xmm0
    divps %xmm0, %xmm0
g64_ac:
    mov unmasked_sse + 1(%rip), %esi
    vmcall
    .balign 4
unmasked_sse:
    .long 0, 0
unmasked:
    .word 0x340
g64_nmi:
    movabs $0xffffff80fee00300, %rdx   # the local APIC: an NMI to this processor
    movl $0x4400, (%rdx)
    mov $1000, %ecx
1:  pause
    loop 1b
    vmcall
    .macro run name, instruction:vararg
\name:
    \instruction
    add %rdx, %rbx
    dec %r9
    jnz \name
    vmcall
    .endm
    run g64_run_r, mov (%rbx), %sil
    run g64_run_w, mov %sil, (%rbx)
    run g64_run_m, lock addb $1, (%rbx)
g64_run_f:
    lea 1f(%rip), %rbp
2:  jmp *%rbx                # the pages have a jump to rbp
1:  add %rdx, %rbx
    dec %r9
    jnz 2b
    vmcall
    .code32
# ebp for r8, edi for r10, ecx for r9; user mode gets its eip in edx.
g32_enter:
    test $1, %ebp
    jz 1f
g32_cr3:
    mov %eax, %cr3
1:  test $2, %ebp
    jz g32_user
    sysexit
g32_user:
    jmp *%edi
g32_vmcall:
    vmcall
g32_vmcall_exit:
    vmcall
g32_hlt:
    hlt
g32_invlpg:
    invlpg (%ebx)
    vmcall
g32_iret:
    iret
    access g32_r1, mov (%ebx), %al
    access g32_r2, mov (%ebx), %ax
    access g32_r4, mov (%ebx), %eax
    access g32_w1, mov %al, (%ebx)
    access g32_w2, mov %ax, (%ebx)
    access g32_w4, mov %eax, (%ebx)
    access g32_m1, lock addb $1, (%ebx)
    access g32_m2, lock addw $1, (%ebx)
    access g32_m4, lock addl $1, (%ebx)
    access g32_r8, movq (%ebx), %xmm0
    access g32_w8, movq %xmm0, (%ebx)
    access g32_m8, lock cmpxchg8b (%ebx)
    access g32_fetch, jmp *%ebx
    .macro run32 name, instruction:vararg
\name:
    \instruction
    add %edx, %ebx
    dec %ecx
    jnz \name
    vmcall
    .endm
    run32 g32_run_r, mov (%ebx), %al
    run32 g32_run_w, mov %al, (%ebx)
    run32 g32_run_m, lock addb $1, (%ebx)
g32_run_f:
    jmp *%ebx
    .balign 4096

# The descriptors of the VMM and of its guests.
    .data
    .balign 16
    .globl gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff # 08 code, 64 bits
    .quad 0x00cf93000000ffff # 10 data
    .quad 0x00cffb000000ffff # 18 code of user mode, 32 bits: SYSRET counts from it
    .quad 0x00cff3000000ffff # 20 data of user mode
    .quad 0x00affb000000ffff # 28 code of user mode, 64 bits
    .quad 0x00cf9b000000ffff # 30 code, 32 bits: SYSEXIT counts from it
    .quad 0x00cf93000000ffff # 38 data
    .quad 0x00cffb000000ffff # 40 code of user mode
    .quad 0x00cff3000000ffff # 48 data of user mode
    .quad 0, 0               # 50 task state
    .quad 0x00cf13000000ffff # 60 data that is not present
    .quad 0
