# void vm_enter(u64 *registers, u64 vmcb): VMRUN keeps RAX, RSP and RIP of both; the other registers are moved here.
    .text
    .globl vm_enter
vm_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    mov %rsi, %rax
    mov 8(%rdi), %rbx
    mov 16(%rdi), %rcx
    mov 24(%rdi), %rdx
    mov 32(%rdi), %rsi
    mov 48(%rdi), %rbp
    mov 56(%rdi), %r8
    mov 64(%rdi), %r9
    mov 72(%rdi), %r10
    mov 80(%rdi), %r11
    mov 88(%rdi), %r12
    mov 40(%rdi), %rdi
    vmrun %rax
    xchg %rdi, (%rsp)
    mov %rbx, 8(%rdi)
    mov %rcx, 16(%rdi)
    mov %r9, 64(%rdi)
    pop %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
