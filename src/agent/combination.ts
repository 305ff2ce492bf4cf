/**
 * The lethal combination: private data, strangers' content and a way out, in one run. A stranger's words may then carry
 * the data away, so a person is asked.
 *
 * X1  What has come in counts from the moment that a tool was sent for it, in this run and in those below it.
 * X2  Only a person's word lets the third of the three happen; no tool's own policy does.
 */
import type { State } from '../journal/shape.ts'

/** What a person is told where a call of `tool` would complete the combination; undefined where it would not. */
export function combinationOf({ run, touched = [] }: State, tool: string): string | undefined {
  if (run.options.lethalCombination === 'allow') return undefined
  const touches = run.tools.find(({ name }) => name === tool)?.touches ?? []
  if (!touches.includes('outbound') || !touched.includes('private') || !touched.includes('untrusted'))
    return undefined
  return `Approve ${tool}? This run has read private data and content from strangers, and ${tool} can send something out: a stranger's words could carry the data away.`
}
