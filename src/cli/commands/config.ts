/** `pca config`: what counts here, and where each setting comes from. Secrets are named, never shown. */
import { showDuration, milliseconds } from '../../base/duration.ts'
import { existsSync } from 'node:fs'
import { loadAgent } from '../agent-module.ts'
import { near, placeOf } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { oneLine, padded, widthOf } from '../text.ts'

interface Row {
  readonly setting: string
  readonly value: string
  readonly source: string
}

const SECRETS = ['PCA_STATE_KEY', 'PCA_NEW_STATE_KEY'] as const
const OTHERS = ['PCA_STATE_DIR', 'PCA_TYPE_CHECK', 'PCA_LOAD_TIMEOUT'] as const
/** Of the library. */
const MAX_STEPS = 20

export async function config(screen: Screen, settings: Settings): Promise<number> {
  const { sources, defaults } = settings
  const module = settings.agent ?? settings.usualAgent
  const agent = module === undefined ? undefined : await loadAgent(module)
  const own = agent?.definition()
  const place = placeOf(settings, agent?.storagePath)
  const isOwn = settings.store === undefined && agent?.storagePath !== undefined
  const limit = (name: 'maxSteps' | 'maxCost' | 'timeout', shown: (value: number) => string): Row => {
    const usual = defaults[name]
    if (usual !== undefined)
      return row(
        `defaults.${name}`,
        shown(name === 'timeout' ? milliseconds(usual, name) : Number(usual)),
        sources.config,
      )
    const value = own?.options[name] ?? (name === 'maxSteps' ? MAX_STEPS : undefined)
    const isDefault = own === undefined || value === undefined || (name === 'maxSteps' && value === MAX_STEPS)
    return row(
      `defaults.${name}`,
      value === undefined ? 'none' : shown(value),
      isDefault ? 'default' : near(module ?? ''),
    )
  }
  const rows: readonly Row[] = [
    row(
      'store',
      near(place.file) + (existsSync(place.file) ? '' : ' (not there yet)'),
      isOwn ? near(module ?? '') : sources.store,
    ),
    row('agent', module ?? 'none', sources.agent),
    ...(own === undefined ? [] : [row('model', own.modelName, near(module ?? ''))]),
    limit('maxSteps', String),
    limit('maxCost', (value) => `$${value}`),
    limit('timeout', showDuration),
    row(
      'defaults.wait',
      String(defaults.wait ?? false),
      defaults.wait === undefined ? 'default' : sources.config,
    ),
    row('color', String(settings.color), sources.color),
    ...SECRETS.filter((name) => process.env[name]).map((name) => row(name, 'set, not shown', 'environment')),
    ...OTHERS.filter((name) => process.env[name]).map((name) =>
      row(name, process.env[name] ?? '', 'environment'),
    ),
  ]
  if (screen.json) screen.data({ v: 1, config: rows })
  else tell(screen, [row('SETTING', 'VALUE', 'FROM'), ...rows])
  return 0
}

function row(setting: string, value: string, source: string): Row {
  return { setting, value: oneLine(value), source }
}

function tell({ out }: Screen, rows: readonly Row[]): void {
  const widths = (['setting', 'value'] as const).map((key) => Math.max(...rows.map((it) => widthOf(it[key]))))
  for (const [at, { setting, value, source }] of rows.entries()) {
    const line = `${padded(setting, widths[0] ?? 0)}  ${padded(value, widths[1] ?? 0)}  ${source}`
    out.line(at === 0 ? out.paint('dim', line) : line)
  }
}
