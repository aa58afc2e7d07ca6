/** The first file system of a Linux guest: busybox, its init, and the files that a scenario puts into it. */
import type { GuestFile } from "../spec.ts";
import { type ArchiveEntry, cpioArchive, FileMode } from "./cpio.ts";

/** What the shell prints when it waits: the exit code of what it has run, and a mark that nothing else prints. */
export const PROMPT = /\[(\d+)\] # $/;
const PROMPT_TEXT = "[$?] # ";

const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TERM=dumb PS1='${PROMPT_TEXT}'
hostname trackvisor
cd /root
exec setsid cttyhack sh
`;

const DIRECTORIES = ["bin", "dev", "proc", "root", "sys", "tmp"];

/** @param busybox a program that needs no libraries */
export function initrd(busybox: Uint8Array): Buffer {
  const none = new Uint8Array(0);
  const entries: ArchiveEntry[] = [
    ...DIRECTORIES.map((name) => ({ name, mode: FileMode.directory, bytes: none })),
    { name: "bin/busybox", mode: FileMode.program, bytes: busybox },
    { name: "bin/sh", mode: FileMode.link, bytes: Buffer.from("busybox") },
    { name: "dev/console", mode: FileMode.characterDevice, bytes: none, device: [5, 1] },
    { name: "dev/null", mode: FileMode.characterDevice, bytes: none, device: [1, 3] },
    { name: "dev/ttyS0", mode: FileMode.characterDevice, bytes: none, device: [4, 64] },
    { name: "init", mode: FileMode.program, bytes: Buffer.from(INIT) },
  ];
  return cpioArchive(entries);
}

/** An archive that the kernel unpacks after the first: files in /root, which can be run. */
export function filesArchive(files: readonly GuestFile[]): Buffer {
  if (files.length === 0) return Buffer.alloc(0);
  const root = { name: "root", mode: FileMode.directory, bytes: new Uint8Array(0) };
  return cpioArchive([
    root,
    ...files.map(({ name, bytes }) => ({ name: `root/${name}`, mode: FileMode.program, bytes })),
  ]);
}
