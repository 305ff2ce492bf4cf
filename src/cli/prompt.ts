/** Asking a person at the terminal, in the process that drives the run. */
import { createInterface } from 'node:readline/promises'
import { UsageError } from '../base/errors.ts'
import type { Decision } from '../journal/entry.ts'
import type { Question } from '../run/result.ts'
import { diffOf, editText, valueOf } from './decide.ts'
import { tellQuestion } from './questions.ts'
import type { Pen } from './screen.ts'
import { jsonText, shown } from './text.ts'

/** The terminal: `read` gives a line, or `undefined` where the person left (Ctrl-C, Ctrl-D). */
export interface Terminal {
  readonly pen: Pen
  readonly read: (prompt: string) => Promise<string | undefined>
}

/** This process's terminal; a signal is as if the person had left. */
export function terminalOf(pen: Pen, abortSignal?: AbortSignal): Terminal {
  return { pen, read: (prompt) => readLine(prompt, abortSignal) }
}

/** What the person decides; `undefined`: not now. */
export async function askPerson({ pen, read }: Terminal, question: Question): Promise<Decision | undefined> {
  pen.line()
  tellQuestion(pen, question, Date.now())
  if (question.kind === 'input') return ask(read, question)
  for (;;) {
    const letter = (await read(CHOICES[question.kind]))?.trim().toLowerCase().charAt(0)
    if (letter === undefined || letter === 'l') return undefined
    if (letter === 'y') return { type: 'approve' }
    if (letter === 'n') return reject(read)
    if (letter === 'e' && question.kind === 'approval') {
      const edited = await edit({ pen, read }, question)
      if (edited !== undefined) return edited
    }
    if (letter === 'r' && question.kind === 'unknownOutcome') return ask(read, question)
  }
}

/** Shows what an edit changes. False: nothing. */
export function tellEdit(pen: Pen, before: unknown, after: unknown): boolean {
  const [old, now] = [shown(before), shown(after)]
  for (const line of diffOf(old.split('\n'), now.split('\n'))) {
    const paint = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim'
    pen.line(`  ${pen.paint(paint, line)}`)
  }
  return old !== now
}

const CHOICES: Readonly<Record<Exclude<Question['kind'], 'input'>, string>> = {
  approval: 'Approve? [y]es, [n]o, [e]dit, [l]ater: ',
  budget: 'Go on? [y]es, [n]o, [l]ater: ',
  diverged: 'Begin the step again? [y]es, [n]o (stop the run), [l]ater: ',
  unknownOutcome: 'Send it again? [y]es, [n]o (an error), [r]esult (it happened), [l]ater: ',
}

async function ask(read: Terminal['read'], { schema }: Question): Promise<Decision | undefined> {
  const typed = await read('Answer (empty: later): ')
  if (typed === undefined || typed.trim() === '') return undefined
  return { type: 'respond', value: await valueOf(typed, schema) }
}

async function reject(read: Terminal['read']): Promise<Decision | undefined> {
  const reason = await read('Why (may be empty): ')
  if (reason === undefined) return undefined
  return reason.trim() === '' ? { type: 'reject' } : { type: 'reject', reason: reason.trim() }
}

async function edit({ pen, read }: Terminal, { call }: Question): Promise<Decision | undefined> {
  let args: unknown
  try {
    args = editText(jsonText(call?.args, 2))
  } catch (error) {
    // It is asked again: nothing is lost but what cannot be read.
    if (!(error instanceof UsageError)) throw error
    pen.line(pen.paint('red', error.message))
    return undefined
  }
  if (!tellEdit(pen, call?.args, args)) return undefined
  const sure = await read('Approve with these arguments? [y]es, [n]o: ')
  return sure?.trim().toLowerCase().startsWith('y') === true ? { type: 'edit', args } : undefined
}

async function readLine(prompt: string, abortSignal: AbortSignal | undefined): Promise<string | undefined> {
  if (abortSignal?.aborted === true) return undefined
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const close = (): void => lines.close()
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      lines.once('close', () => resolve(undefined))
      lines.once('SIGINT', () => {
        process.stderr.write('\n')
        close()
      })
      abortSignal?.addEventListener('abort', close)
      lines.question(prompt).then(resolve, reject)
    })
  } finally {
    abortSignal?.removeEventListener('abort', close)
    close()
  }
}
