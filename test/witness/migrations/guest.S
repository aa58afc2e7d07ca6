/*
 * The guest of the recorded migrations: a boot sector that fills an array of pages, and then writes to pages of it chosen at
 * random. How, stands in the words at `settings`, which who starts it fills in.
 */
        .equ    COUNTER, 0x8000         /* writes so far */
        .equ    READY, 0x8004           /* 1: the array is filled */
        .equ    TICK_DIVISOR, 1193      /* of 1,193,182 Hz: a timer interrupt each millisecond */

        .code16
        .globl  _start
_start: cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdt    gdt_pointer
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmp    $8, $protected

        .code32
protected:
        movw    $16, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $0x7000, %esp
        /* Interrupt 0x20 is the timer's, and there is no other. */
        movl    $interrupt, %eax
        movw    %ax, 0x1000 + 0x20 * 8
        movw    $8, 0x1000 + 0x20 * 8 + 2
        movw    $0x8e00, 0x1000 + 0x20 * 8 + 4
        shrl    $16, %eax
        movw    %ax, 0x1000 + 0x20 * 8 + 6
        lidt    idt_pointer
        movb    $0x11, %al
        outb    %al, $0x20
        outb    %al, $0xa0
        movb    $0x20, %al
        outb    %al, $0x21
        movb    $0x28, %al
        outb    %al, $0xa1
        movb    $4, %al
        outb    %al, $0x21
        movb    $2, %al
        outb    %al, $0xa1
        movb    $1, %al
        outb    %al, $0x21
        outb    %al, $0xa1
        movb    $0xfe, %al
        outb    %al, $0x21
        movb    $0xff, %al
        outb    %al, $0xa1
        movb    $0x34, %al
        outb    %al, $0x43
        movb    $TICK_DIVISOR & 0xff, %al
        outb    %al, $0x40
        movb    $TICK_DIVISOR >> 8, %al
        outb    %al, $0x40

        movl    pages, %ecx
        movl    first, %edi
        jecxz   filled
1:      movl    $1, (%edi)
        addl    $4096, %edi
        loop    1b
filled: movl    $0, COUNTER
        movl    $1, READY
        movl    $0x9e3779b9, %ebx
        cmpl    $1, mode
        jb      idle
        je      paced

/* Writes, computes, writes: who takes its processor away makes it write less. */
busy:   call    write
        movl    spin, %ecx
2:      decl    %ecx
        jnz     2b
        jmp     busy

/* Each write has its time; between them the processor is halted. What is late is caught up. */
paced:  rdtsc
        movl    %eax, %esi
        movl    %edx, %ebp
3:      rdtsc
        subl    %esi, %eax
        sbbl    %ebp, %edx
        jl      4f
        call    write
        addl    period, %esi
        adcl    $0, %ebp
        jmp     3b
4:      sti
        hlt
        cli
        jmp     3b

idle:   sti
        hlt
        cli
        jmp     idle

/* xorshift32, and its product with the number of pages. */
write:  movl    %ebx, %eax
        shll    $13, %eax
        xorl    %eax, %ebx
        movl    %ebx, %eax
        shrl    $17, %eax
        xorl    %eax, %ebx
        movl    %ebx, %eax
        shll    $5, %eax
        xorl    %eax, %ebx
        movl    %ebx, %eax
        mull    pages
        shll    $12, %edx
        addl    first, %edx
        incl    (%edx)
        incl    COUNTER
        ret

interrupt:
        pushl   %eax
        movb    $0x20, %al
        outb    %al, $0x20
        popl    %eax
        iretl

        .align  8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
        .word   23
        .long   gdt
idt_pointer:
        .word   0x21 * 8 - 1
        .long   0x1000

        .org    0x1d0
settings:
mode:   .long   0                       /* 0 idle, 1 paced, 2 busy */
pages:  .long   0
first:  .long   0
period: .long   0                       /* paced: cycles of the time-stamp counter from write to write */
spin:   .long   1                       /* busy: turns of a loop from write to write */
        .org    0x1fe
        .word   0xaa55
