/** What the tests of this folder share: the options of a call. */
import type { ToolCallOptions } from '../../src/tool/tool.ts'

export function callWith(more: Partial<ToolCallOptions> = {}): ToolCallOptions {
  return {
    toolCallId: '1.1',
    idempotencyKey: 'key',
    runId: 'run',
    attempt: 1,
    effect: 'once',
    context: undefined,
    abortSignal: new AbortController().signal,
    ask: () => Promise.reject(new Error('nobody is here')),
    secret: () => Promise.reject(new Error('there is none')),
    log: () => {},
    ...more,
  }
}
