/** Part of the engine digest: change it with every change of the wire format. Apart, so that naming it loads nothing. */
export const CODEC_VERSION = 1
