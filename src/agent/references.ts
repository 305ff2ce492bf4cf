/** References to secrets in the input of a call: which of them it may hold, and their values at dispatch. */
import { ToolError } from '../base/errors.ts'
import { filled, referencesIn, type Secrets } from '../tool/secret.ts'
import type { Tool } from '../tool/tools.ts'

/** What is known of the secrets of a run. */
export interface SecretRoom {
  readonly context: unknown
  readonly tools: ReadonlyMap<string, Tool>
  readonly secrets: Secrets
  /** What references of this run end with. */
  readonly mark: string
}

/** Why the tool may not be given this input; undefined where it may. */
export function wrongReference(
  input: string,
  tool: Tool,
  { secrets, tools, mark }: Pick<SecretRoom, 'secrets' | 'tools' | 'mark'>,
): string | undefined {
  if (!input.includes(mark)) return undefined
  for (const name of referencesIn(input, mark)) {
    if (tool.secrets.includes(name)) continue
    const takers = [...tools.values()].filter((one) => one.secrets.includes(name)).map((one) => one.name)
    const others =
      takers.length > 0 ? takers.join(', ') : secrets.names.includes(name) ? 'no tool' : undefined
    if (others === undefined) return `There is no secret ${name}.`
    return `${tool.name} may not take the secret ${name}; ${others} may.`
  }
  return undefined
}

/** The secrets of one attempt: each has one value in it, however often it is read. */
export class TakenSecrets {
  readonly #room: SecretRoom
  readonly #taken = new Map<string, Promise<string>>()

  constructor(room: SecretRoom) {
    this.#room = room
  }

  /** @throws {ToolError} */
  async value(name: string): Promise<string> {
    const taken = this.#taken.get(name) ?? this.#room.secrets.value(name, this.#room.context)
    this.#taken.set(name, taken)
    return taken
  }

  /** The input as the tool gets it. @throws {ToolError} it may not be given to this tool. */
  async inputOf(tool: Tool, input: string): Promise<string> {
    const wrong = wrongReference(input, tool, this.#room)
    if (wrong !== undefined) throw new ToolError(wrong)
    return filled(input, this.#room.mark, async (name) => this.value(name))
  }
}
