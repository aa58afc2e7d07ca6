# The boot sector: reads the image behind it to 2 MiB, and starts it in protected mode (BIOS, from a hard disk or a stick).
    .code16
    .globl _start
_start:
    ljmp $0, $begin
begin:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %sp
    mov %dl, drive
    in $0x92, %al            # A20
    or $2, %al
    and $0xfe, %al
    out %al, $0x92
    mov $0x200000, %edi
next:
    cmpl $0, left
    je loaded
    mov $0x42, %ah           # extended read, 32 KiB
    mov drive, %dl
    mov $packet, %si
    sti
    int $0x13
    cli
    jc failed
    # Flat segments for the copy above 1 MiB; the BIOS may have taken them away.
    lgdt table
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    mov $16, %bx
    mov %bx, %ds
    mov %bx, %es
    and $0xfe, %al
    mov %eax, %cr0
    xor %bx, %bx
    mov %bx, %ds
    mov %bx, %es
    mov $0x10000, %esi
    mov $8192, %ecx
    cld
    addr32 rep movsl
    addl $64, block
    subl $64, left
    jmp next
loaded:
    lgdt table
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmp $8, $flat
failed:
    hlt
    jmp failed
    .code32
flat:
    mov $16, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x200000, %eax
    jmp *%eax

    .balign 8
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
table:
    .word . - gdt - 1
    .long gdt
packet:
    .word 16, 64, 0, 0x1000
block:
    .quad 1
drive:
    .byte 0
    .org 0x1b0
left:
    .long 0                  # sectors, a multiple of 64: the builder writes it
    .org 0x1be
    .byte 0x80, 0, 2, 0, 0x0c, 0xfe, 0xff, 0xff   # one active partition, for BIOSes that want one
    .long 1, 0x10000
    .org 510
    .word 0xaa55
