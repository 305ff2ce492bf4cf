/** How the base is made, by `npm run base` and for the test that it is what the prelude makes. Never by a run. */
import { readFileSync } from 'node:fs'
import { constants, zstdCompressSync } from 'node:zlib'
import { sealBase, type Base } from './base.ts'
import { Guest } from './engine.ts'
import { engineId } from './parts.ts'
import { readWasm } from './sources.ts'
import { tellTale } from './tell-tale.ts'

/** All that is needed of a global which neither our libs nor Node's types declare. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> }

/** Each is a file of the prelude, in the order in which they are given to `TOGETHER`. */
const PRELUDE = [
  'intrinsics',
  'codec',
  'strings',
  'layout',
  'inspect',
  'format',
  'table',
  'shown',
  'console',
  'ask',
  'exception',
  'clone',
  'url',
  'text',
  'events',
  'timers',
  'random',
  'intl',
  'language',
  'locale',
  'crypto',
  'absent',
  'session',
  'variables',
  'stack',
  'decorate',
  'large',
  'history',
  'secret',
  'boot',
] as const

/** Takes the functions of the files in the order of `PRELUDE`, `look` and `pure`. Gives `api`. */
const TOGETHER = `(function (${PRELUDE.join(', ')}, look, pure) {
const kit = intrinsics()
const coder = codec(kit, look)
const { tagOf, newError } = coder
const texts = strings(kit)
const show = inspect(kit, tagOf, look, texts, layout(kit, texts))
const rows = table(kit, show, tagOf, texts)
const shows = {
  inspect: show, format: format(kit, show), table: rows, shown: shown(kit, show, rows, tagOf, texts),
}
const asks = { ...ask(kit, coder, pure), inspect: show }
const makeGlobals = ({ after, next, now }) => {
  const { DOMException, atob, btoa } = exception(kit)
  const { TextEncoder, TextDecoder, bytesOf } = text(kit, asks)
  const services = { ...intl(kit, { now: kit.Date.now, ...asks }), ...asks }
  const { forget } = language(kit, services)
  const globals = {
    Intl: locale(kit, services), DOMException, atob, btoa, TextEncoder, TextDecoder,
    structuredClone: clone(kit, { tagOf, DOMException, newError, inspect: show }),
    ...url(kit, { ...asks, teach: coder.teach }),
    ...events(kit, { DOMException, after, now, ...asks }),
    ...crypto(kit, { next, bytesOf, DOMException, ...asks }),
  }
  return { globals, forget }
}
const makeTimers = (sleep) => timers(kit, { sleep, ...asks })
return boot(kit, coder, shows, {
  makeRandom: random, makeConsole: console, makeLarge: large, makeHistory: history, makeTimers, makeGlobals,
  references: secret(kit),
  absent: absent(), session: session(kit), variables: variables(kit, tagOf, look, show), stack: stack(kit),
  decorate: decorate(kit), answered: look,
})
})`

/** The bytes of `base.heap`. */
export async function makeBase(): Promise<Uint8Array> {
  const wasm = readWasm()
  const base = await bootBase(await WebAssembly.compile(tellTale(wasm)))
  const params = { [constants.ZSTD_c_compressionLevel]: 19 }
  const heap = base.memory.subarray(base.stackPointer)
  return sealBase(base, zstdCompressSync(heap, { params, dictionary: wasm }), engineId(wasm))
}

/** A fresh boot: the prelude is compiled and run. */
export async function bootBase(engine: object): Promise<Base> {
  return Guest.boot(engine, [...PRELUDE.map(functionIn), TOGETHER])
}

/** Each file of the prelude is an expression, which is a function. */
function functionIn(name: string): string {
  const text = readFileSync(new URL(`../../src/sandbox/prelude/${name}.js`, import.meta.url), 'utf8')
  return text.slice(text.indexOf(';(function') + 1).trimEnd()
}
