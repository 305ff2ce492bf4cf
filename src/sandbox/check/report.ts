/** What the model reads of a type check: each fault with its line, its column, the line itself and a caret. */
import type { GuestError } from '../../base/halt.ts'
import { sourcePlace } from '../compile.ts'
import { excerpt } from '../fault.ts'
import { noModule } from '../modules.ts'
import { DECLARED, TOOLS } from './declarations.ts'
import type { ReadProgram } from './read.ts'
import type { Diagnostic } from './server.ts'

/** A certain fault, and where it stands in the program's code. */
export interface Fault {
  readonly diagnostic: Diagnostic
  readonly pos: number
  /** The name of a module that it asks for. */
  readonly module?: string
}

/** The model is told so many: those that follow are often of the same cause. */
export const MOST_FAULTS = 5
const MOST_TEXT = 400

/** The error of a step that was not run. */
export function faultsError(step: number, program: ReadProgram, faults: readonly Fault[]): GuestError {
  const shown = faults.slice(0, MOST_FAULTS).map((fault) => shownFault(step, program, fault))
  const many = faults.length > MOST_FAULTS ? `more than ${MOST_FAULTS}` : String(faults.length)
  const head =
    faults.length === 1
      ? 'The program has a type error, so nothing of it was run.'
      : `The program has ${many} type errors, so nothing of it was run.`
  return { name: 'TypeCheckError', message: [head, ...shown].join('\n') }
}

function shownFault(step: number, program: ReadProgram, fault: Fault): string {
  const { line, column } = sourcePlace(program.code, fault.pos, program.map)
  const text = wordsOf(fault)
  const lines = excerpt(program.source, line, column)
  return `${text} (step${step}.ts:${line}:${column})${lines === '' ? '' : `\n${lines}`}`
}

/** What is wrong, and of nested reasons the innermost too. */
function wordsOf({ diagnostic, module }: Fault): string {
  if (module !== undefined) return noModule(module)
  const hint = HINTS[/^Cannot find name '(.+?)'/.exec(diagnostic.text)?.[1] ?? '']
  if (hint !== undefined) return `${/^Cannot find name '.+?'/.exec(diagnostic.text)?.[0] ?? ''}. ${hint}`
  const texts = [diagnostic.text.replace(/ Do you need to [^]*$/, '')]
  for (let inner = diagnostic.messageChain?.at(-1); inner !== undefined; inner = inner.messageChain?.at(-1))
    if (inner.messageChain === undefined) texts.push(inner.text)
  const awaits = diagnostic.relatedInformation?.some(({ code }) => code === FORGOT_AWAIT) === true
  const isPromise = awaits || /on type 'Promise<[^]*'\.$/.test(diagnostic.text)
  const words = texts.map((text) => cut(plain(text))).join(' ')
  return isPromise ? `${words} Did you forget to use 'await'?` : words
}

const FORGOT_AWAIT = 2773
/** What there is instead of what programs for Node use. */
const HINTS: { readonly [name: string]: string | undefined } = {
  process: 'There is no process here; the tools are the only way out.',
  fetch: 'There is no network here; use a tool.',
  Buffer: 'Use Uint8Array (with toBase64, fromBase64, toHex, fromHex).',
}

/** Without the words that only the check's own files know. */
function plain(text: string): string {
  let said = text.replaceAll(`'${TOOLS}'`, "'tools'")
  for (let at = said.indexOf(`${DECLARED}<`); at >= 0; at = said.indexOf(`${DECLARED}<`)) {
    const from = at + DECLARED.length
    const end = closing(said, from)
    said = said.slice(0, at) + said.slice(from + 1, end) + said.slice(end + 1)
  }
  return said
}

/** Where the bracket that opens at `from` closes. */
function closing(text: string, from: number): number {
  let depth = 0
  for (let i = from; i < text.length; i++) {
    if (text.charAt(i) === '<') depth++
    if (text.charAt(i) === '>' && text.charAt(i - 1) !== '=' && --depth === 0) return i
  }
  return text.length
}

function cut(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT - 60)} … ${text.slice(-50)}`
}
