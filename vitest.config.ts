import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Where `.ci/run` wants the result as JSON, beside what people read. */
const report = process.env['TEST_REPORT']

const config: ViteUserConfig = defineConfig({
  test: {
    // A busy machine is slow, not wrong.
    expect: { poll: { timeout: 20_000, interval: 20 } },
    environment: 'node',
    // It is tested where it is tested: elsewhere each process would start a checker of its own.
    env: { PCA_TYPE_CHECK: 'off' },
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})

export default config
