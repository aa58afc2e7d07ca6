/** What a test needs, and the image cannot do. */
export class NotAsked extends Error {}
