/**
 * What others measured of other systems, on other machines: quoted with its place in the project's notes
 * (`/work/shared/reference`), printed beneath our tables, and never put beside our figures in a ratio.
 */
import type { Quote } from './table.ts'

export const peerSteps: readonly Quote[] = [
  {
    who: 'DBOS TS 5.3, Postgres 15',
    figure: 'ms at step 1/100/500: 6/3/3; CPU ms/step 1.7; 1.2 MB stored at 500 steps of 2 KB',
    source: 'peers.md:31',
  },
  {
    who: 'AI SDK 7, a row per message, node:sqlite FULL',
    figure: 'ms at step 1/100/500: 4/6/5; CPU ms/step 1.5; 2.1 MB stored at 500',
    source: 'peers.md:28',
  },
  {
    who: 'LangGraph.js, SqliteSaver',
    figure: 'ms at step 1/100/500: 22/16/101; CPU ms/step 26; 693 MB stored at 500',
    source: 'peers.md:20',
  },
  {
    who: 'OpenAI Agents, RunState in SQLite',
    figure: 'ms at step 1/100/345: 4/103/1 097; CPU ms/step 404',
    source: 'peers.md:23',
  },
  {
    who: 'Workflow DevKit 5 beta',
    figure: 'ms at step 1/100/500: 20/35/28; CPU ms/step 27; 4.0 MB in 6 012 files at 500',
    source: 'peers.md:29',
  },
  {
    who: 'smolagents, state saved after every step, full',
    figure: 'file at step 10/100/500: 159 KB / 11.8 MB / 292 MB; save at 500: 1 239 ms CPU',
    source: 'parent.md:26-28',
  },
]

export const peerResume: readonly Quote[] = [
  {
    who: '`run` 2.1.5 (replay), new process to next host call',
    figure: '50 calls: 198-289 ms; 1 000: 607 ms; 10 000: 2.3-3.1 s',
    source: 'code-mode.md:52-54',
  },
  {
    who: 'Cloudflare code mode, local workerd',
    figure: '50 calls: 80 ms; 1 000: 173 ms; 3 000: 385 ms',
    source: 'code-mode.md:52-54',
  },
  {
    who: 'quickjs-wasi raw (no journal, no agent)',
    figure: '50 calls: 9.4-11.2 ms beyond 45 ms of Node; 1 000: 14 ms; 10 000: 11 ms',
    source: 'code-mode.md:52-54',
  },
  {
    who: 'AI SDK 7, a row per message',
    figure: 'cold resume to the next model call at 10/100/500 steps: 262/318/398 ms, Node included',
    source: 'peers.md:28',
  },
  {
    who: 'smolagents, cold process to one more step',
    figure: '1 step saved: 360 ms; 500 steps: 2.65 s',
    source: 'parent.md:51-54',
  },
]

export const peerCalls: readonly Quote[] = [
  { who: 'quickjs-wasi raw, own pending map', figure: '27-83 us per host call', source: 'code-mode.md:48' },
  { who: '`run` 2.1.5 (worker hop)', figure: '280-330 us', source: 'code-mode.md:48' },
  { who: 'AI SDK code mode', figure: '440-850 us', source: 'code-mode.md:48' },
  {
    who: 'Cloudflare, local workerd',
    figure: '35 us stateless, about 600 us journalled',
    source: 'code-mode.md:48',
  },
  {
    who: 'smolagents, tool call from an action',
    figure: '3.6-5.5 us (nothing is kept)',
    source: 'parent.md:65',
  },
]

export const peerSnapshots: readonly Quote[] = [
  {
    who: 'quickjs-wasi raw, suspended after 50 calls',
    figure: '1.2 ms; 1.38 MB raw, 125 KB zstd-1, 15 KB as a delta to the booted base',
    source: 'code-mode.md:49',
  },
  {
    who: 'quickjs-wasi raw, 20 000 rows alive',
    figure: '10.2 MB raw, 1.4 MB zstd; image and zstd 17 + 16 ms; restored in 9-25 ms',
    source: 'code-mode.md:60',
  },
  {
    who: 'smolagents, 10 MB of rows (small dicts)',
    figure: 'saved in 87 ms, loaded in 297 ms, CPU',
    source: 'parent.md:44',
  },
]
