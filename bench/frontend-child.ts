/** A process of its own: prints how many ms its first program takes to compile. */
import { compile } from '../src/sandbox/compile.ts'
import { programOf } from './programs.ts'

const [, , lines = '50', isReprinted = 'false'] = process.argv
const source = programOf(Number(lines), 0, isReprinted === 'true')
const began = performance.now()
const compiled = compile(1, source)
const ms = performance.now() - began
if (!compiled.ok) throw new Error(compiled.error.message)
console.log(ms)
