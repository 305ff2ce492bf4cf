/** What there is in place of the modules that models ask for. */

const FILES = 'There is no file system here: read and write by a tool.'
const NETWORK = 'There is no network here: what is reachable is reachable by a tool.'
const PROCESSES =
  'There are no processes and threads here: `await Promise.all(…)` runs tool calls at the same time.'
const DATES = 'Use `Date`, which is UTC here, and `Intl.DateTimeFormat`.'
const LISTS = 'Use the methods of arrays, `Object.groupBy`, `Map`, `Set`, `structuredClone`.'
const RANDOM = 'Use `crypto.randomUUID()`, `crypto.getRandomValues(…)`.'
const MARKUP = 'Take text apart with regular expressions, or let a tool do it.'
const TABLES = 'Split the text by lines and separators, or let a tool do it.'
const NUMBERS = 'Use `BigInt`, or count in whole cents.'
const LIMITING = 'Start so many async functions that take jobs from one array; `await Promise.all(…)`.'
const CHECKING = 'Check by hand; TypeScript types are taken out before the code runs.'

const HINTS: Readonly<Record<string, string>> = {
  fs: FILES,
  'fs/promises': FILES,
  'fs-extra': FILES,
  glob: FILES,
  path: 'There is no file system here: join and split path texts by hand.',
  os: 'There is no operating system here.',
  process: 'There is no process here: settings and secrets stay with the tools.',
  dotenv: 'There is no process here: settings and secrets stay with the tools.',
  child_process: PROCESSES,
  worker_threads: PROCESSES,
  cluster: PROCESSES,
  http: NETWORK,
  https: NETWORK,
  http2: NETWORK,
  net: NETWORK,
  tls: NETWORK,
  dns: NETWORK,
  axios: NETWORK,
  'node-fetch': NETWORK,
  undici: NETWORK,
  got: NETWORK,
  ky: NETWORK,
  ws: NETWORK,
  express: NETWORK,
  puppeteer: NETWORK,
  playwright: NETWORK,
  openai: NETWORK,
  pg: NETWORK,
  sqlite3: NETWORK,
  'better-sqlite3': NETWORK,
  sqlite: NETWORK,
  crypto: `${RANDOM.slice(0, -1)}, \`await crypto.subtle.digest('SHA-256', bytes)\`.`,
  uuid: RANDOM,
  nanoid: RANDOM,
  buffer:
    'Use `Uint8Array`, which has `toBase64`, `fromBase64`, `toHex` and `fromHex`; `TextEncoder`, `TextDecoder`.',
  url: '`URL` and `URLSearchParams` are global.',
  querystring: '`URL` and `URLSearchParams` are global.',
  util: 'Print values as they are; `structuredClone` is global; tools give promises already.',
  'util/types': 'Use `instanceof`, `typeof`, `Array.isArray`.',
  assert: 'Write `if (!condition) throw new Error(…)`.',
  events: '`EventTarget` is global; or call functions that you keep in an array.',
  stream: 'Use async generators and `for await`.',
  'stream/promises': 'Use async generators and `for await`.',
  readline: 'Nobody types here: `await ask(question)` asks a person.',
  'readline/promises': 'Nobody types here: `await ask(question)` asks a person.',
  timers: '`setTimeout` is global; `await sleep("2s")` waits.',
  'timers/promises': '`setTimeout` is global; `await sleep("2s")` waits.',
  perf_hooks: '`performance.now()` is global.',
  zlib: 'Let a tool do it.',
  lodash: LISTS,
  'lodash-es': LISTS,
  underscore: LISTS,
  ramda: LISTS,
  moment: DATES,
  'moment-timezone': DATES,
  dayjs: DATES,
  luxon: DATES,
  'date-fns': DATES,
  'date-fns-tz': DATES,
  cheerio: MARKUP,
  jsdom: MARKUP,
  'node-html-parser': MARKUP,
  'fast-xml-parser': MARKUP,
  xml2js: MARKUP,
  papaparse: TABLES,
  'csv-parse': TABLES,
  'csv-parse/sync': TABLES,
  xlsx: TABLES,
  mathjs: NUMBERS,
  'decimal.js': NUMBERS,
  'big.js': NUMBERS,
  'bignumber.js': NUMBERS,
  'p-limit': LIMITING,
  'p-map': LIMITING,
  'p-queue': LIMITING,
  async: LIMITING,
  zod: CHECKING,
  ajv: CHECKING,
  yup: CHECKING,
  chalk: 'Print plain text: there is no terminal.',
}
const NONE = 'Nothing can be imported here'
const MOST = 50
const OTHERWISE = 'Use the tools and what the language has.'

/** All that is said here: a replay on other words would be another. */
export function wording(): string {
  return JSON.stringify([HINTS, NONE, OTHERWISE])
}

/** What a program is told that asks for a module. `tools`: those that it has. */
export function noModule(name: string, tools: readonly string[] = []): string {
  const known = name.replace(/^node:/, '')
  const hint = Object.hasOwn(HINTS, known) ? HINTS[known] : undefined
  const text = `${NONE}, \`${name}\` neither. ${hint ?? OTHERWISE}`
  const isByTool = tools.length > 0 && /\btools?\b/.test(hint ?? OTHERWISE)
  return isByTool ? `${text} The tools are: ${tools.slice(0, MOST).join(', ')}` : text
}

const ASKED = /\b(?:require|import)\s*\(\s*(['"`])([^'"`\n]{1,100})\1/g

/** By module, for those that a program may ask for while it runs. */
export function hintsFor(source: string): Readonly<Record<string, string>> {
  const hints: Record<string, string> = {}
  if (!/require|import/.test(source)) return hints
  for (const [, , name = ''] of source.matchAll(ASKED)) hints[name] = noModule(name)
  return hints
}
