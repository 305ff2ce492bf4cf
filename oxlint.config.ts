/**
 * The linter, and with it the plan of the house: docs/decisions/0005-layers-and-doors.md.
 *
 * L1  A file imports only from layers below its own. Neighbours on one floor do not meet.
 * L2  A dependency is imported through its door, a named file or two, and nowhere else in src.
 * L3  No cycle of files, type imports included.
 * L4  Below the classes, time and randomness are given, not taken.
 *
 * test/house/lint.test.ts plants a breach of each and sees it refused.
 */
import { type OxlintConfig, type OxlintOverride, defineConfig } from 'oxlint'

/** From the ground up, a floor each. A name is a folder of src, or a file right in it. */
export const layers: readonly (readonly string[])[] = [
  ['base'],
  ['journal', 'tool', 'sandbox', 'model', 'telemetry'],
  ['agent', 'toolbox', 'mcp'],
  ['run'],
  ['code-agent.ts'],
  ['persistent-code-agent.ts'],
  ['ai-sdk'],
  ['index.ts', 'testing.ts', 'toolbox.ts', 'mcp.ts', 'ai-sdk.ts'],
  ['cli'],
]

/** Which files may import a dependency. `*` stands for every file of that folder. */
export const doors: Readonly<Record<string, readonly string[]>> = {
  'quickjs-wasi': ['src/sandbox/engine.ts'],
  amaro: ['src/sandbox/strip.ts'],
  acorn: ['src/sandbox/tree.ts'],
  devalue: ['src/base/codec.ts'],
  ajv: ['src/tool/json-schema.ts'],
  commander: ['src/cli/main.ts'],
  '@ai-sdk/provider': ['src/model/*'],
  '@pydantic/genai-prices': ['src/model/catalog.ts'],
  '@modelcontextprotocol/client': ['src/mcp/client.ts'],
  '@opentelemetry/api': ['src/telemetry/api.ts'],
  // A connection belongs to one thread: that which renews leases has its own.
  'node:sqlite': ['src/journal/sqlite.ts', 'src/journal/sqlite/heartbeat-worker.ts'],
  'node:worker_threads': [
    'src/sandbox/thread.ts',
    'src/sandbox/worker.ts',
    'src/journal/sqlite/heartbeat.ts',
    'src/journal/sqlite/heartbeat-worker.ts',
  ],
  'node:child_process': [
    'src/sandbox/check/server.ts',
    'src/cli/decide.ts',
    'src/toolbox/shell.ts',
    'src/mcp/child.ts',
  ],
  'node:zlib': [
    'src/sandbox/snapshot.ts',
    'src/sandbox/base.ts',
    'src/sandbox/boot.ts',
    'src/toolbox/fetch.ts',
  ],
}

/** The only file that may call `JSON.parse`. */
const jsonDoor = 'src/base/json.ts'

/** The layers of L4, and the files in them that read the clock for all others. */
const timeless = ['src/base/*', 'src/journal/*', 'src/agent/*', 'src/run/*']
const timekeepers = [
  'src/base/clock.ts',
  'src/base/process-identity.ts', // the second of boot, where there is no /proc
  'src/journal/memory.ts',
  'src/journal/memory/*',
  'src/journal/sqlite.ts',
  'src/journal/sqlite/*',
]

interface Restriction {
  readonly regex: string
  readonly message: string
}

/** A place is a file of src, or `src/<layer>/*` for all files of a layer. */
type Place = string

const layerPlaces: readonly Place[] = layers
  .flat()
  .map((name) => (name.endsWith('.ts') ? `src/${name}` : `src/${name}/*`))
/** Files that may do what the rest of their layer may not; whole folders first, since a later override wins. */
const exceptions = [...new Set([...Object.values(doors).flat(), jsonDoor, ...timekeepers])]
  .filter((place) => !layerPlaces.includes(place))
  .toSorted((one, other) => Number(other.endsWith('*')) - Number(one.endsWith('*')))

/** True if one of `places` is, or holds, `place`. */
function covers(places: readonly Place[], place: Place): boolean {
  return places.some((each) => each === place || (each.endsWith('*') && place.startsWith(each.slice(0, -1))))
}

/** L1, for `place`. */
function layerRestrictions(place: Place): Restriction[] {
  const own = place.split('/')[1] ?? ''
  const floor = layers.findIndex((names) => names.includes(own))
  const up = own.endsWith('.ts') ? '^\\./' : '^(\\.\\./)+'
  return layers
    .slice(Math.max(floor, 0))
    .flat()
    .filter((name) => name !== own)
    .map((name) => ({
      regex: up + (name.endsWith('.ts') ? `${name.replace('.ts', '\\.ts')}$` : `${name}/`),
      message: `src/${own} may not import src/${name}: imports go downward only, and neighbours do not meet.`,
    }))
}

/** L2, for `place`. */
function doorRestrictions(place: Place): Restriction[] {
  return Object.entries(doors)
    .filter(([, files]) => !covers(files, place))
    .map(([name, files]) => ({
      regex: `^${name.replace('node:', '(node:)?')}(/|$)`,
      message: `'${name}' has its door in ${files.join(', ')}. Import that file instead.`,
    }))
}

const noTime = 'Time comes from the store or from base/clock.ts, randomness from the run (L4).'

/** All that src may not do at `place`. A later override replaces an earlier one, so each carries everything. */
function overrideFor(place: Place): OxlintOverride {
  const isTimeless = covers(timeless, place) && !covers(timekeepers, place)
  return {
    files: [place.replace('*', '**/*.ts')],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...layerRestrictions(place),
            ...doorRestrictions(place),
            ...(isTimeless ? [{ regex: '^(node:)?timers(/|$)', message: noTime }] : []),
          ],
        },
      ],
      'no-restricted-properties': [
        'error',
        ...(place === jsonDoor
          ? []
          : [{ object: 'JSON', property: 'parse', message: `Use parseJson of ${jsonDoor}.` }]),
        ...(isTimeless
          ? [
              { object: 'Date', property: 'now', message: noTime },
              { object: 'performance', property: 'now', message: noTime },
              { object: 'Math', property: 'random', message: noTime },
            ]
          : []),
      ],
      'no-restricted-globals': isTimeless
        ? ['error', ...['setTimeout', 'setInterval'].map((name) => ({ name, message: noTime }))]
        : 'off',
      'house/no-wall-clock': isTimeless ? 'error' : 'off',
    },
  }
}

const config: OxlintConfig = defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'vitest'],
  jsPlugins: ['./tools/lint/house.mjs'],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  categories: { correctness: 'error' },
  ignorePatterns: ['dist'],
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: false }], // L3
    'import/no-self-import': 'error',
    'import/no-mutable-exports': 'error',
    eqeqeq: 'error',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreUsingDeclarations: true }],
    'no-var': 'error',
    'prefer-const': 'error',
    'preserve-caught-error': 'error',
    'no-unmodified-loop-condition': 'error',
    'unicorn/prefer-node-protocol': 'error',
    'unicorn/no-instanceof-builtins': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-empty-object-type': 'error',
    'typescript/no-namespace': 'error',
    // With types: promises that nobody waits for, cases that nobody thought of.
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/use-unknown-in-catch-callback-variable': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unnecessary-type-arguments': 'error',
    'typescript/restrict-plus-operands': 'error',
  },
  overrides: [
    {
      files: ['src/**/*.ts'],
      rules: {
        'import/no-default-export': 'error',
        'typescript/no-unsafe-argument': 'error',
        'typescript/no-unsafe-assignment': 'error',
        'typescript/no-unsafe-call': 'error',
        'typescript/no-unsafe-member-access': 'error',
        'typescript/no-unsafe-return': 'error',
      },
    },
    // It turns the `any` of `JSON.parse` into a type.
    { files: [jsonDoor], rules: { 'typescript/no-unsafe-return': 'off' } },
    ...[...layerPlaces, ...exceptions].map(overrideFor),
    {
      // The guest's own sources: plain scripts for QuickJS, read as text. Nothing of Node is there.
      files: ['src/sandbox/prelude/**'],
      env: { node: false, es2026: true },
      globals: { queueMicrotask: 'readonly' },
      rules: {
        'no-undef': 'error',
        'no-unused-expressions': 'off', // Each file is one expression: a function that the host calls.
        'typescript/switch-exhaustiveness-check': 'off',
        'typescript/only-throw-error': 'off', // What the code gave is thrown as it is.
        'typescript/unbound-method': 'off', // They are taken on purpose, and applied by hand.
        'unicorn/no-thenable': 'off',
      },
    },
    {
      files: ['test/**'],
      rules: {
        'typescript/unbound-method': 'off', // `expect(store.append)` speaks of the method, it does not call it.
        'vitest/expect-expect': 'off', // A contract's rule has its own way to fail: `test(rule.says, rule.holds)`.
        'vitest/no-conditional-expect': 'off', // So does a loop over the members of a union.
        'vitest/no-focused-tests': 'error',
        'vitest/no-disabled-tests': 'error',
      },
    },
  ],
})

export default config
