/**
 * Ctrl-C and SIGTERM: the first asks, the second leaves. What was acknowledged is stored either way. A reader of stdout that
 * goes away asks too: a tool may be in the middle of its call.
 */
import { whenReaderLeaves, type Screen } from './screen.ts'

const CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** Fires at the first SIGINT or SIGTERM, after saying `notice`; the second ends the process with 130 or 143. */
export function interruption(screen: Screen, notice: string): AbortSignal {
  const asked = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (asked.signal.aborted) process.exit(CODES[name])
      screen.err.line(notice)
      asked.abort(`Interrupted by ${name}`)
    })
  }
  whenReaderLeaves(() => {
    if (!asked.signal.aborted) asked.abort('Nobody reads what it says')
  })
  return asked.signal
}
