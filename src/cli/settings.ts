/** What the global options and the environment say. Flag before environment; an empty variable is none. */

/** The global options as they were typed. */
export interface GlobalOptions {
  readonly store?: string
  readonly agent?: string
  readonly json?: boolean
  /** False for `--no-color`. */
  readonly color?: boolean
}

export interface Settings {
  /** The path of the state file, if somebody named one. */
  readonly store: string | undefined
  /** The path of the agent's module, if somebody named one. */
  readonly agent: string | undefined
  readonly json: boolean
  readonly color: boolean
}

export function settingsOf(options: GlobalOptions, env: NodeJS.ProcessEnv): Settings {
  return {
    store: options.store ?? given(env['PCA_STORE']),
    agent: options.agent ?? given(env['PCA_AGENT']),
    json: options.json === true,
    color: options.color !== false && given(env['NO_COLOR']) === undefined,
  }
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
