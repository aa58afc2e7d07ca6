/**
 * What an access needs and a mapping gives, as bits: those of TLB entries, of walks in both dimensions, and of the masks that
 * a format of entries grants. Their positions are those of an EPT entry (SDM vol. 3C table 28-6).
 */
export const READ = 1 << 0;
export const WRITE = 1 << 1;
export const EXECUTE = 1 << 2;
export const RWX = READ | WRITE | EXECUTE;
/** To fetch from user-mode linear addresses, where a processor tells them apart (mode-based execute control). */
export const USER_EXECUTE = 1 << 10;
