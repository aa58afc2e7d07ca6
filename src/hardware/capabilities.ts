/** What a processor can do, as its capability MSRs say (SDM vol. 3D appendix A). */

export interface Capabilities {
  /** IA32_VMX_EPT_VPID_CAP bit 0: EPT entries may be execute-only. */
  readonly executeOnly: boolean;
  /** Bit 16: leaves of 2 MiB. */
  readonly pages2M: boolean;
  /** Bit 17: leaves of 1 GiB. */
  readonly pages1G: boolean;
  /** IA32_VMX_EPT_VPID_CAP bit 21. */
  readonly accessedDirty: boolean;
  /** Bit 8: the EPT paging structures may be uncacheable. */
  readonly memoryTypeUC: boolean;
  /** Bit 14. */
  readonly memoryTypeWB: boolean;
  /** Bit 7. */
  readonly walkLength5: boolean;
  /** Bit 22: bits 11:9 of an EPT violation's qualification are defined. */
  readonly advancedViolationInformation: boolean;
  /** IA32_VMX_EPT_VPID_CAP bits 25 and 26: types of INVEPT. */
  readonly inveptSingleContext: boolean;
  readonly inveptAllContexts: boolean;
  /** Bits 40 to 43: types of INVVPID. */
  readonly invvpidIndividualAddress: boolean;
  readonly invvpidSingleContext: boolean;
  readonly invvpidAllContexts: boolean;
  readonly invvpidRetainingGlobals: boolean;
  /** The processor can shadow-stack guests: bit 7 of the EPT pointer is no longer reserved. */
  readonly supervisorShadowStack: boolean;
  /**
   * CR0.PG of a guest must be 1 without "unrestricted guest", as on every real processor. Off by default:
   * a guest without paging also stands for one whose own tables a test or a scenario leaves out.
   */
  readonly cr0PagingFixed: boolean;
}

export const DEFAULT_CAPABILITIES: Capabilities = {
  executeOnly: true,
  pages2M: true,
  pages1G: true,
  accessedDirty: true,
  memoryTypeUC: true,
  memoryTypeWB: true,
  walkLength5: false,
  advancedViolationInformation: false,
  inveptSingleContext: true,
  inveptAllContexts: true,
  invvpidIndividualAddress: true,
  invvpidSingleContext: true,
  invvpidAllContexts: true,
  invvpidRetainingGlobals: true,
  supervisorShadowStack: false,
  cr0PagingFixed: false,
};
