/**
 * Which secrets a request may hold, in which of its parts, and to whom it may go with them. Looked at before each request,
 * those after a redirect too: a site may put into its address what it was sent.
 */
import { ToolError, UsageError } from '../base/errors.ts'
import { resolved, secretsIn } from '../tool/secret.ts'

type Part = 'headers' | 'url' | 'body'

/** Of a secret that the model's code may send. */
export interface SecretRule {
  /** Who may be sent it, `*.` for all below one. Over https, or to a service of your own (`internal`). */
  readonly hosts: readonly string[]
  /** Where it may stand. Default: in headers. */
  readonly in?: readonly Part[]
}

export interface FetchSecrets {
  /** Go along with each request of the code, but not to another site by a redirect. May hold references: `secret('NAME')`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Secrets that the model's code may put into a request, by name. Default: none. */
  readonly secrets?: Readonly<Record<string, SecretRule>>
}

/** A request on its way. */
export interface Outgoing {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

interface Held {
  readonly name: string
  readonly value: string
  readonly hosts: readonly string[]
  readonly in: readonly Part[]
}

/** @throws {UsageError} a secret could go anywhere. */
export function checkFetchSecrets(
  { headers = {}, secrets = {} }: FetchSecrets,
  hosts: readonly string[] | undefined,
): void {
  if (hosts === undefined && Object.values(headers).some((value) => secretsIn(value).length > 0))
    throw new UsageError('headers of fetch hold a secret, and any host may be asked.', {
      hint: "Name those that may have it: hosts: ['api.github.com'].",
    })
  for (const [name, rule] of Object.entries(secrets))
    if (!Array.isArray(rule.hosts) || rule.hosts.length === 0)
      throw new UsageError(`secrets.${name} of fetch names no hosts: { hosts: ['api.github.com'] }.`)
}

/** What one call of fetch may send. */
export class SecretsOfCall {
  /** The author's headers, with the values in place. */
  readonly headers: Readonly<Record<string, string>>
  readonly #held: readonly Held[]

  private constructor(headers: Readonly<Record<string, string>>, held: readonly Held[]) {
    this.headers = headers
    this.#held = held
  }

  /** @throws {ToolError} a secret that the author's headers need is not there. */
  static async take(
    { headers = {}, secrets = {} }: FetchSecrets,
    hosts: readonly string[] | undefined,
    secret: (name: string) => Promise<string>,
  ): Promise<SecretsOfCall> {
    const held: Held[] = []
    const filled: [string, string][] = []
    for (const [header, value] of Object.entries(headers)) {
      filled.push([header.toLowerCase(), await resolved(value, secret)])
      for (const name of secretsIn(value))
        held.push({ name, value: await secret(name), hosts: hosts ?? [], in: ['headers'] })
    }
    for (const [name, rule] of Object.entries(secrets)) {
      // One that cannot be had now was not put into the request either.
      const value = await secret(name).catch(() => undefined)
      if (value !== undefined) held.push({ name, value, hosts: rule.hosts, in: rule.in ?? ['headers'] })
    }
    return new SecretsOfCall(Object.fromEntries(filled), held)
  }

  /** The address as text, with what a value has of URL's own characters escaped. */
  inAddress(url: string): string {
    return this.#held.reduce((text, { value }) => text.replaceAll(value, encodeURIComponent(value)), url)
  }

  /** @throws {ToolError} the request holds a secret where it may not stand, or goes where that may not go. */
  check(request: Outgoing, mayHave: (hosts: readonly string[]) => boolean): void {
    for (const part of PARTS) {
      const text = textOf(request, part)
      const found = this.#held.filter(
        ({ value }) => text.includes(value) || text.includes(encodeURIComponent(value)),
      )
      for (const { name } of found) {
        const rules = found.filter((one) => one.name === name && one.in.includes(part))
        if (rules.length === 0)
          throw new ToolError(`The secret ${name} may not stand in the ${part} of a request.`)
        if (!rules.some(({ hosts }) => mayHave(hosts)))
          throw new ToolError(`The secret ${name} is not for ${request.url.origin}.`)
      }
    }
  }
}

const PARTS: readonly Part[] = ['headers', 'url', 'body']

function textOf({ url, headers, body = '' }: Outgoing, part: Part): string {
  if (part === 'url') return url.href
  return part === 'body' ? body : Object.values(headers).join('\n')
}
