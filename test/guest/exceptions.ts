/**
 * The programs of the corpus that do not say here what they say on Node, each with its reason. One that does must be
 * taken off the list.
 */

export type Exception =
  /** It is so on purpose. `says`: all that the guest says. */
  | { readonly why: string; readonly says: string }
  /** It is not built yet: what is missing, and in which part. */
  | { readonly open: 'prelude' | 'front' | 'codec'; readonly missing: string }

export const EXCEPTIONS: Readonly<Record<string, Exception>> = {
  'regex/extract/legacy corners': { open: 'prelude', missing: 'localeCompare by locale, not by code units' },
}
