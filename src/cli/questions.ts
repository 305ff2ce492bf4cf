/** Questions for people: what is asked, about which exact arguments, and the commands that answer. */
import { showDuration } from '../base/duration.ts'
import type { Question } from '../run/result.ts'
import type { Pen } from './screen.ts'
import { doubts, visible } from './doubt.ts'
import { indented, jsonText, safe, shown } from './text.ts'

/** Shows a question. The arguments are those that the tool gets if it is approved: nothing is cut or left out. */
export function tellQuestion(pen: Pen, question: Question, now: number): void {
  const { id, kind, message, call, schema, expiresAt, lockedBy } = question
  const expires = expiresAt === undefined ? '' : `, ${expiryOf(expiresAt, now)}`
  pen.line(`${pen.paint('bold', safe(id))}  ${KINDS[kind]}${pen.paint('dim', expires)}`)
  pen.line(indented(lockedBy === undefined ? safe(message) : sealedBy(lockedBy)))
  if (call !== undefined) {
    pen.line(indented(pen.paint('cyan', safe(call.tool))))
    pen.line(indented(argumentsOf(call.args), '    '))
    for (const doubt of doubts(call.args)) pen.line(pen.paint('yellow', `  ! ${visible(doubt)}`))
  }
  if (schema !== undefined) pen.line(indented(pen.paint('dim', `the answer fits ${jsonText(schema)}`)))
}

/** The arguments of a call, whole and exact. */
export function argumentsOf(args: unknown): string {
  if (args === undefined) return 'without arguments'
  const code = codeOf(args)
  return code === undefined ? visible(shown(args)) : visible(safe(code))
}

/** A program alone is shown as it reads. */
function codeOf(args: unknown): string | undefined {
  if (typeof args !== 'object' || args === null || !('code' in args)) return undefined
  return Object.keys(args).length === 1 && typeof args.code === 'string' ? args.code : undefined
}

/** The commands that answer a question; `flag` names the state file where that is needed. */
export function answersTo({ id, kind }: Question, flag: string): readonly string[] {
  const approve = `pca approve ${id}${flag}`
  const reject = `pca reject ${id}${flag}`
  switch (kind) {
    case 'approval':
    case 'budget':
    case 'diverged':
      return [approve, reject]
    case 'input':
      return [`pca answer ${id} '<json>'${flag}`]
    case 'unknownOutcome':
      return [
        `pca answer ${id} '<json>'${flag}   # it happened: this was its result`,
        `${approve}   # it did not: send it again`,
        `${reject}   # the code gets an error`,
      ]
    default:
      return kind satisfies never
  }
}

/** What stands in place of words that cannot be read. */
export function sealedBy(keyId: string): string {
  return `(sealed with the state key ${keyId})`
}

const KINDS: Readonly<Record<Question['kind'], string>> = {
  approval: 'a call waits for approval',
  input: 'a question',
  unknownOutcome: 'a crash hid whether this call happened',
  budget: 'the budget is spent',
  diverged: 'the run cannot go on by itself',
}

function expiryOf(expiresAt: Date, now: number): string {
  const left = expiresAt.getTime() - now
  return left > 0 ? `expires in ${showDuration(left)}` : 'expired'
}
