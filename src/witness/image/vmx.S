# int vm_enter(u64 *registers, int launched): 0 after an exit, 1 if the entry failed with CF, 2 with ZF.
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
    mov $0x6c14, %eax        # host RSP
    vmwrite %rsp, %rax
    lea vm_exit(%rip), %rdx
    mov $0x6c16, %eax        # host RIP
    vmwrite %rdx, %rax
    cmp $0, %esi
    mov (%rdi), %rax
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
    jne 1f
    vmlaunch
    jmp 2f
1:  vmresume
2:  mov $1, %eax
    jc 3f
    mov $2, %eax
3:  pop %rdi
    jmp 4f
vm_exit:
    xchg %rdi, (%rsp)
    mov %rbx, 8(%rdi)
    mov %rcx, 16(%rdi)
    mov %r9, 64(%rdi)
    pop %rax
    xor %eax, %eax
4:  pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
