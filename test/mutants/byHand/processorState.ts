/** Mistakes in what the processor loads, saves and checks: controls, VM entry, exits, registers, addresses. */
import type { HandMade } from "../mutant.ts";

export const processorState: readonly HandMade[] = [
  {
    name: "controls-secondary-always",
    file: "src/hardware/vmcs.ts",
    class: "condition",
    from: "return activated === 0 ? 0 : readField(vmcs, Field.secondaryControls);",
    to: "return activated === 1 ? 0 : readField(vmcs, Field.secondaryControls);",
    damage: "secondary controls count though they are not activated",
  },
  {
    name: "vmwrite-wide-index",
    file: "src/hardware/vmcs.ts",
    class: "constant",
    from: `{ bits: 16, signed: false }`,
    to: `{ bits: 32, signed: false }`,
    damage: "the PML index keeps more than its 16 bits",
  },
  {
    name: "entry-virtual-nmis",
    file: "src/hardware/controlChecks.ts",
    class: "early return removed",
    from: `  if (virtualNmis && (pin & PIN_NMI_EXITING) === 0) return "virtual-nmis-without-nmi-exiting";
`,
    to: "",
    damage: "virtual NMIs without NMI exiting pass the entry check",
  },
  {
    name: "entry-pdptes-of-vmcs-always",
    file: "src/hardware/pdptes.ts",
    class: "condition",
    from: `if (!mmu.eptEnabled)
    load(`,
    to: `if (mmu.eptEnabled)
    load(`,
    damage: "VM entry takes a PAE guest's PDPTEs from the wrong place",
  },
  {
    name: "pdpte-reserved-low",
    file: "src/hardware/pdptes.ts",
    class: "constant",
    from: "const RESERVED_LOW = 0x1e6;",
    to: "const RESERVED_LOW = 0x1e0;",
    damage: "bits 2:1 of a PDPTE are not reserved",
  },
  {
    name: "pdptes-loaded-before-check",
    file: "src/hardware/pdptes.ts",
    class: "actions swapped",
    from: `  if (somePdpteReserved(pdptes, mmu.geometry)) return Outcome.generalProtection;
  load(vmcs, pdptes);
`,
    to: `  load(vmcs, pdptes);
  if (somePdpteReserved(pdptes, mmu.geometry)) return Outcome.generalProtection;
`,
    damage: "a #GP leaves the PDPTEs that caused it in the processor",
  },
  {
    name: "paging-changes-before-pdptes",
    file: "src/hardware/guestWalk.ts",
    class: "early return removed",
    from: `    const outcome = loadPdptes(mmu, readField(vmcs, Field.guestCr3));
    if (outcome !== Outcome.done) return outcome;
`,
    to: `    loadPdptes(mmu, readField(vmcs, Field.guestCr3));
`,
    damage: "PAE paging begins though its PDPTEs could not be loaded",
  },
  {
    name: "exit-rf-of-instruction",
    file: "src/hardware/exit.ts",
    class: "statement removed",
    from: `  writeField(vmcs, Field.idtVectoringInformation, 0);
  writeResumeFlag(vmcs, false);
`,
    to: `  writeField(vmcs, Field.idtVectoringInformation, 0);
`,
    damage: "an instruction that exits saves RF as it was",
  },
  {
    name: "exit-rf-of-injected-fault",
    file: "src/hardware/exit.ts",
    class: "condition",
    from: "else if (!injected) pushResumeFlag(vmcs, vectoring);",
    to: "else pushResumeFlag(vmcs, vectoring);",
    damage: "an exit during the injection of a fault sets RF",
  },
  {
    name: "exit-rf-of-debug-exception",
    file: "src/hardware/eventInformation.ts",
    class: "constant",
    from: "const NOT_FAULTS: readonly number[] = [1, 8, 18];",
    to: "const NOT_FAULTS: readonly number[] = [8, 18];",
    damage: "a debug exception pushes RF as a fault does",
  },
  {
    name: "frame-of-long-mode-always",
    file: "src/hardware/events.ts",
    class: "condition",
    from: "=== GuestPaging.pae ? FRAME_32 : FRAME_64;",
    to: "=== GuestPaging.pae ? FRAME_64 : FRAME_64;",
    damage: "a PAE guest's events have the frames of 64-bit mode",
  },
  {
    name: "walk-beyond-ept-aliases",
    file: "src/hardware/secondStageWalk.ts",
    class: "early return removed",
    from: `  if (page >>> 0 >= mmu.eptPages) return 0;
`,
    to: "",
    damage: "the fast walk translates a GPA beyond the EPT by its low bits",
  },
  {
    name: "linear-not-canonical",
    file: "src/hardware/guestWalk.ts",
    class: "condition",
    from: "if (above !== 0 && above !== -1) return beyondLinear(mmu);",
    to: "if (above !== 0 && above !== -1 && above !== 1) return beyondLinear(mmu);",
    damage: "a burst may name addresses just above the canonical ones",
  },
  {
    name: "linear-upper-half-unsigned",
    file: "src/hardware/guestWalk.ts",
    class: "bits",
    from: "(linearPage >> (shift < 31 ? shift : 31)) & indexMask",
    to: "(linearPage >>> (shift < 31 ? shift : 31)) & indexMask",
    damage: "addresses of the upper half use entries of the lower",
  },
  {
    name: "log-over-tables-unnoticed",
    file: "src/hardware/memory.ts",
    class: "statement removed",
    from: `    if (this.tableMarks[frame] === 1) this.structureChanged();
`,
    to: "",
    damage: "what remembers where leaves are misses that a log has overwritten a table",
  },
];
