/** What a program finds when it begins, as declarations: the guest's globals, and the tools of this run. */

/** What a tool takes and gives, in TypeScript. */
export interface ToolTypes {
  readonly name: string
  readonly aliases: readonly (readonly [name: string, body: string])[]
  readonly input?: { readonly type: string; readonly optional: boolean }
  readonly output?: string
}

/** The name of the type that every part of a tool's declared result bears in messages. */
export const DECLARED = 'Declared'
/** The type of `tools`. */
export const TOOLS = 'Tools'
/** Parts of TypeScript's library that declare what the guest has not. */
export const ABSENT_LIBS: readonly string[] = [
  'lib.es2017.sharedmemory.d.ts',
  'lib.es2020.sharedmemory.d.ts',
  'lib.es2021.weakref.d.ts',
  'lib.es2024.sharedmemory.d.ts',
  'lib.esnext.sharedmemory.d.ts',
  'lib.esnext.temporal.d.ts',
]

/**
 * The globals that are not the language's own. What is `any` here is there, and no more is claimed of it.
 * test/sandbox/check/globals.test.ts compares it with the guest, both ways.
 */
export const GLOBALS = `
declare function print(...values: any[]): void
declare function finalAnswer(value?: any): any
declare function ask(question?: any, schema?: any): Promise<any>
declare function sleep(duration?: any): Promise<any>
declare function pin(note?: any): void
declare function secret(name?: any): string
declare var history: any
declare function structuredClone(value: any, options?: any): any
declare function setTimeout(callback: any, delay?: any, ...args: any[]): any
declare function setInterval(callback: any, delay?: any, ...args: any[]): any
declare function setImmediate(callback: any, ...args: any[]): any
declare function clearTimeout(timer?: any): void
declare function clearInterval(timer?: any): void
declare function clearImmediate(timer?: any): void
declare function queueMicrotask(callback: () => void): void
declare function atob(text: any): string
declare function btoa(text: any): string
declare var global: any, console: any, performance: any, DOMException: any, InternalError: any
declare var crypto: any, Crypto: any, SubtleCrypto: any, TextEncoder: any, TextDecoder: any
declare var URL: any, URLSearchParams: any, AbortController: any, AbortSignal: any
declare var EventTarget: any, Event: any, CustomEvent: any
declare var SharedArrayBuffer: any
declare type SharedArrayBuffer = ArrayBuffer
interface Object {
  __proto__: any
  __defineGetter__(key: any, get: any): void
  __defineSetter__(key: any, set: any): void
  __lookupGetter__(key: any): any
  __lookupSetter__(key: any): any
}
interface Date { getYear(): number; setYear(year: any): number; toGMTString(): string }
interface JSON { isRawJSON(value: any): boolean; rawJSON(text: any): any }
interface Math { sumPrecise(values: any): number }
interface IteratorObject<T, TReturn, TNext> {
  chunks(size?: any): any
  windows(size?: any): any
  includes(value: any): boolean
  join(separator?: any): string
}
`

/**
 * The tools. A result is read only where it is declared: what nobody declared is `any`. `doubtful` properties are
 * `any` too: the program changes them.
 */
export function toolDeclarations(tools: readonly ToolTypes[], doubtful: ReadonlySet<string>): string {
  const keys = [...doubtful].filter((place) => place.startsWith('.')).map((place) => quoted(place.slice(1)))
  const lines = [
    `type $Changed = ${keys.length === 0 ? 'never' : keys.join(' | ')}`,
    `type $Kept = Date | RegExp | Map<any, any> | Set<any> | Uint8Array | ((...args: any[]) => any)`,
    `type $Result<T> = unknown extends T ? any : T extends $Kept ? T : ${DECLARED}<T>`,
    `type ${DECLARED}<T> = { [K in keyof T]: K extends $Changed ? any : $Result<T[K]> }`,
  ]
  const members: string[] = []
  tools.forEach(({ name, aliases, input, output }, index) => {
    const takes = input === undefined ? 'input?: any' : parameter(input)
    const gives = output === undefined ? 'any' : `$Result<${output}>`
    // The types of a tool refer to each other, and to those of no other.
    lines.push(
      `declare namespace $tool${index} {`,
      ...aliases.map(([alias, body]) => `type ${alias} = ${body}`),
      `export interface Call { (${takes}): Promise<${gives}> }`,
      `}`,
    )
    members.push(`${quoted(name)}: $tool${index}.Call`)
    if (isPlain(name)) lines.push(`declare var ${name}: $tool${index}.Call`)
  })
  const names = new Set(tools.map(({ name }) => name))
  if (!names.has('search'))
    members.push('search(words?: string, limit?: number): Promise<{ name: string; description: string }[]>')
  if (!names.has('describe')) members.push('describe(name?: string | string[]): Promise<string>')
  lines.push(`interface ${TOOLS} {`, ...members, `}`, `declare var tools: ${TOOLS}`)
  return `${lines.join('\n')}\n`
}

/** A tool that takes anything takes nothing too. */
function parameter({ type, optional }: { readonly type: string; readonly optional: boolean }): string {
  return type === 'unknown' ? 'input?: any' : `input${optional ? '?' : ''}: ${type}`
}

/** Names that `declare var` takes. */
function isPlain(name: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name) && !RESERVED.has(name)
}

const RESERVED = new Set(
  (
    'await break case catch class const continue debugger default delete do else enum export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected ' +
    'public return static super switch this throw true try typeof var void while with yield'
  ).split(' '),
)

function quoted(text: string): string {
  return JSON.stringify(text)
}
