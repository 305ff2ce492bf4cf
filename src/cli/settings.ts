/** What counts: flag before environment before config file. An empty variable is none. */
import type { Config, ConfigFile } from './config.ts'

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
  /** The state file where nobody types one, if the environment or the config file names one. */
  readonly impliedStore: string | undefined
  /** The path of the agent's module, if somebody named one by flag or environment. */
  readonly agent: string | undefined
  /** The agent's module of the config file: for what was not started with another one. */
  readonly usualAgent: string | undefined
  readonly json: boolean
  readonly color: boolean
  readonly defaults: NonNullable<Config['defaults']>
  /** Where each comes from. */
  readonly sources: {
    readonly store: string
    readonly agent: string
    readonly color: string
    readonly config: string
  }
}

export function settingsOf(options: GlobalOptions, env: NodeJS.ProcessEnv, file?: ConfigFile): Settings {
  const config = file?.config ?? {}
  const named = { store: given(env['PCA_STORE']), agent: given(env['PCA_AGENT']) }
  const sourceOf = (key: 'store' | 'agent'): string => {
    if (options[key] !== undefined) return `--${key}`
    if (named[key] !== undefined) return `PCA_${key.toUpperCase()}`
    return config[key] === undefined ? 'default' : (file?.name ?? '')
  }
  const isPlain = given(env['NO_COLOR']) !== undefined
  return {
    store: options.store ?? named.store ?? config.store,
    impliedStore: named.store ?? config.store,
    agent: options.agent ?? named.agent,
    usualAgent: config.agent,
    json: options.json === true,
    color: options.color !== false && !isPlain,
    defaults: config.defaults ?? {},
    sources: {
      store: sourceOf('store'),
      agent: sourceOf('agent'),
      color: options.color === false ? '--no-color' : isPlain ? 'NO_COLOR' : 'default',
      config: file?.name ?? '',
    },
  }
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
