/**
 * Secrets: values that tools need and nobody else may see. The host holds them; code, journal and prompts hold
 * references at most.
 *
 * X1  A value is put in the place of its reference at dispatch, for a tool that says it may take it, and nowhere else.
 * X2  A reference in the model's code bears a mark of its run (`referenceMark` of `base/id.ts`). Text that came from elsewhere and looks
 *     like one is text: who writes a page cannot have a secret sent.
 * X3  Every value that was ever given to a tool is known here, and is taken out of what comes back (`clean`).
 */
import { ToolError, UsageError } from '../base/errors.ts'
import { Redactor, SHORTEST_SECRET } from '../base/redact.ts'

/** The values by name; a function is asked whenever a call takes the secret. */
export interface SecretsGiven {
  readonly [name: string]: string | ((given: { readonly context: unknown }) => string | PromiseLike<string>)
}

const NAME = /^[A-Za-z_]\w{0,63}$/
/** Values of one name that are remembered: they may still be valid. */
const REMEMBERED = 100

export class Secrets {
  readonly #given: SecretsGiven
  readonly #above: Secrets | undefined
  /** Known values, newest last, by name. */
  readonly #values: Map<string, string[]>
  #redactor: Redactor | undefined

  /** @throws {UsageError} naming what is wrong; never showing a value. */
  constructor(given: SecretsGiven = {}, above?: Secrets) {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new UsageError('secrets is a record: { GITHUB_TOKEN: process.env.GITHUB_TOKEN }.')
    this.#given = given
    this.#above = above
    this.#values = new Map()
    for (const [name, value] of Object.entries(given)) {
      checkSecretName(name)
      if (typeof value === 'function') continue
      const wrong = wrongWith(value)
      if (wrong !== undefined) throw new UsageError(`The secret ${name} ${wrong}.`, { hint: HINT })
      this.#remember(name, value)
    }
  }

  get names(): readonly string[] {
    return Object.keys(this.#given)
  }

  /** The same secrets, for an agent that is called by another: what that one has is taken out too. */
  below(above: Secrets): Secrets {
    return above.isEmpty ? this : new Secrets(this.#given, above)
  }

  get isEmpty(): boolean {
    return this.names.length === 0 && (this.#above?.isEmpty ?? true)
  }

  /** Asks the functions whose values nobody knows yet, so that they are recognised from now on. One that fails is asked again by who needs it. */
  async known(context: unknown): Promise<void> {
    await this.#above?.known(context)
    const unknown = this.names.filter((name) => !this.#values.has(name))
    await Promise.allSettled(unknown.map(async (name) => this.value(name, context)))
  }

  /** @throws {ToolError} there is no such secret, or it could not be had. */
  async value(name: string, context: unknown): Promise<string> {
    const given = Object.hasOwn(this.#given, name) ? this.#given[name] : undefined
    if (given === undefined)
      throw new ToolError(`There is no secret ${name}${listed(this.names)}. Give it in the agent's secrets.`)
    const value: unknown = typeof given === 'function' ? await asked(name, () => given({ context })) : given
    const wrong = wrongWith(value)
    if (wrong !== undefined) throw new ToolError(`The secret ${name} ${wrong}.`)
    this.#remember(name, String(value))
    return String(value)
  }

  /** The data without the values of secrets in it (X3); the same object where there is none. */
  clean<Data>(data: Data): Data {
    const cleaned = this.#redactor === undefined ? data : this.#redactor.data(data)
    return this.#above === undefined ? cleaned : this.#above.clean(cleaned)
  }

  /** The same error without the values in its words, and in those of its causes. */
  error<Thrown>(thrown: Thrown): Thrown {
    if (this.isEmpty) return thrown
    for (let error: unknown = thrown, deep = 0; Error.isError(error) && deep < 8; error = error.cause, deep++)
      for (const part of ['message', 'stack', 'hint'] as const) {
        const said: unknown = Reflect.get(error, part)
        const cleaned = this.clean(said)
        if (cleaned !== said)
          Reflect.defineProperty(error, part, { value: cleaned, configurable: true, writable: true })
      }
    return thrown
  }

  /** A text that comes in pieces, cleaned as it comes. */
  pieces(): { hear(piece: string): string; end(): string } {
    const own = this.#redactor?.pieces() ?? AS_THEY_ARE
    const above = this.#above?.pieces() ?? AS_THEY_ARE
    return {
      hear: (piece) => above.hear(own.hear(piece)),
      end: () => above.hear(own.end()) + above.end(),
    }
  }

  #remember(name: string, value: string): void {
    const known = this.#values.get(name) ?? []
    if (known.at(-1) === value) return
    this.#values.set(name, [...known.filter((one) => one !== value), value].slice(-REMEMBERED))
    const all = Array.from(this.#values, ([of, values]) => values.map((one) => [of, one] as const))
    this.#redactor = new Redactor(all.flat())
  }
}

/** For agents that have none. */
export const NO_SECRETS: Secrets = new Secrets()

const AS_THEY_ARE = { hear: (piece: string) => piece, end: () => '' }

const HINT = `A shorter one than ${SHORTEST_SECRET} characters could not be taken out of what tools say.`

/** @throws {UsageError} */
export function checkSecretName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw new UsageError(
    `The name of a secret is letters, digits and _, at most 64: ${JSON.stringify(String(name).slice(0, 80))}`,
  )
}

/** What is wrong with a value, in words that do not show it. */
function wrongWith(value: unknown): string | undefined {
  if (typeof value !== 'string') return `is no text, but ${value === null ? 'null' : typeof value}`
  return value.trim().length < SHORTEST_SECRET ? `has less than ${SHORTEST_SECRET} characters` : undefined
}

/** What its function threw may tell of how it is kept: the code hears of its name alone. */
async function asked(name: string, ask: () => string | PromiseLike<string>): Promise<unknown> {
  try {
    return await ask()
  } catch (cause) {
    throw new ToolError(`The secret ${name} could not be had.`, { cause })
  }
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '' : `; there are: ${names.join(', ')}`
}

// References, on the host.

const REFERENCE = /\{\{secret:([A-Za-z_]\w{0,63})\}\}/g

/**
 * A reference to a secret, for the options of tools: `fetchTool({ headers: { authorization: `Bearer ${secret('TOKEN')}` } })`.
 * It is text; the value is put in its place when the tool is called.
 * @throws {UsageError} it cannot be the name of a secret.
 */
export function secret(name: string): string {
  return `{{secret:${checkSecretName(name)}}}`
}

/** The secrets that a text refers to. */
export function secretsIn(text: string): readonly string[] {
  return Array.from(text.matchAll(REFERENCE), ([, name = '']) => name)
}

/** The text with the values in place. For what an author wrote, never for what came from the code. */
export async function resolved(text: string, value: (name: string) => Promise<string>): Promise<string> {
  return replacedBy(text, REFERENCE, value)
}

// References in the model's code (X2): `secret.NAME.mark`, which JSON, URLs and headers leave as it is.

/** The secrets that an encoded input of the run refers to. */
export function referencesIn(input: string, mark: string): ReadonlySet<string> {
  return new Set(Array.from(input.matchAll(referencesOf(mark)), ([, name = '']) => name))
}

/** The input with the values in place (X1). */
export async function filled(
  input: string,
  mark: string,
  value: (name: string) => Promise<string>,
): Promise<string> {
  return replacedBy(input, referencesOf(mark), async (name) => JSON.stringify(await value(name)).slice(1, -1))
}

function referencesOf(mark: string): RegExp {
  return new RegExp(`secret\\.([A-Za-z_]\\w{0,63})\\.${mark}`, 'g')
}

async function replacedBy(
  text: string,
  references: RegExp,
  value: (name: string) => Promise<string>,
): Promise<string> {
  const names = new Set(Array.from(text.matchAll(references), ([, name = '']) => name))
  const values = new Map<string, string>()
  for (const name of names) values.set(name, await value(name))
  return text.replaceAll(references, (_, name: string) => values.get(name) ?? '')
}
