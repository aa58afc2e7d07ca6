# A boot sector whose accesses between two marks are known, one by one: qemuPlugin.test.ts has the list.
# Linear 0 to 4 MiB are physical; 0x400000 is at 0x30000 and then at 0x31000; 0x401000 is the local APIC.
    .code16
    .globl _start
_start:
    ljmp $0, $begin
begin:
    cli
    xor %ax, %ax
    mov %ax, %ds
    lgdt table
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmp $8, $flat
    .code32
flat:
    mov $16, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7000, %esp
    cld
    movl $0x11003, 0x10000   # page directory: two tables
    movl $0x12003, 0x10004
    mov $0x11000, %edi
    mov $3, %eax
next:
    stosl
    add $0x1000, %eax
    cmp $0x12000, %edi
    jne next
    movl $0x30003, 0x12000
    movl $0xfee00013, 0x12004
    mov $0x10000, %eax
    mov %eax, %cr3
    mov %cr0, %eax
    or $0x80000000, %eax
    mov %eax, %cr0
    jmp paged
paged:
    .byte 0x0f, 0x1f, 0x80
    .ascii "TVb!"
    jmp noted                # noting begins with the next block of instructions
noted:
    mov %eax, 0x20000        # three writes to a page, a read
    mov %eax, 0x20010
    mov %eax, 0x20ffc
    mov 0x20000, %ebx
    mov %eax, 0x400000       # another linear page
    movl $0x31003, 0x12000   # which is moved
    invlpg 0x400000
    mov %eax, 0x400000
    mov %eax, 0x21ffe        # crosses a boundary
    mov 0x401020, %ebx       # a device
    mov %cr3, %ecx
    mov %ecx, %cr3
    mov 0x20000, %ebx
    mov $0x23000, %edi       # a page in one instruction, and the half of another
    mov $1536, %ecx
    rep stosl
    push %eax
    pop %eax
    lock incl 0x20000
    .byte 0x0f, 0x1f, 0x80
    .ascii "TVe!"
    mov %eax, 0x25000        # is not noted any more
    mov $0x8900, %edx
    out %al, %dx             # ends QEMU (isa-debug-exit)
    lidt nothing             # or a triple fault does
    int3

nothing:
    .word 0
    .long 0
    .balign 8
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
table:
    .word . - gdt - 1
    .long gdt
    .org 510
    .word 0xaa55
