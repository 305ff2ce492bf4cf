/**
 * `node scripts/tally.mjs <report> <exit code of the tests>`: prints `N passed, N failed` from vitest's JSON report.
 *
 * A test file that cannot be loaded counts as one failure, and so does a run that failed for another reason
 * (an error outside of any test, no report at all). Exits with 1 unless tests passed and none failed.
 */
import { existsSync, readFileSync } from 'node:fs'

const [file, exitCode] = process.argv.slice(2)
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [] }
const tests = report.testResults.flatMap((each) => each.assertionResults)
const passed = tests.filter((test) => test.status === 'passed').length
const unloaded = report.testResults.filter(
  (each) => each.status === 'failed' && each.assertionResults.every((test) => test.status !== 'failed'),
).length
const counted = tests.filter((test) => test.status === 'failed').length + unloaded
const failed = counted === 0 && exitCode !== '0' ? 1 : counted

console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
