/** What came of an effect, as the end of its span. Content is told by `RunSpans`. */
import { decode } from '../base/codec.ts'
import type { Happening } from '../agent/happening.ts'
import type { Reply } from '../model/ask.ts'
import { INTERRUPTED, UNFINISHED } from '../telemetry/names.ts'
import { replyAttributes, type SpanAttributes, type SpanEnding } from '../telemetry/trace.ts'

/** Whether it failed. A tool that pauses the run has not. */
export function endingOf(happening: Happening): SpanEnding {
  if (happening.kind === 'model-broke') return { error: happening.error }
  if (happening.kind === 'call-settled' && !happening.outcome.ok) return { error: happening.outcome.error }
  return {}
}

export function attributesOf(happening: Happening): SpanAttributes {
  if (happening.kind === 'gone') return { [UNFINISHED]: true }
  if (happening.kind === 'child-paused') return { [INTERRUPTED]: 'pause' }
  return happening.kind === 'interrupted' ? { [INTERRUPTED]: happening.interruption.is } : {}
}

/** What a reply cost stands in what became of it. */
export function replied(happening: Happening, reply: Reply | undefined): SpanAttributes {
  if (reply === undefined) return {}
  return replyAttributes(
    happening.kind === 'model-answered' ? { ...reply, usage: happening.reply.usage } : reply,
  )
}

/** The value that a call gave, where it is short enough to stand in place. */
export function resultOf(happening: Happening): unknown {
  if (happening.kind !== 'call-settled' || !happening.outcome.ok) return undefined
  const { value } = happening.outcome
  return typeof value === 'string' ? decode(value) : undefined
}
