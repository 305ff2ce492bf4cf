/** The pictures of the docs, by the name of their file. `npm run docs` writes them. */
import { arrow, box, card, dot, picture, text } from './draw.mjs'

export const pictures = {
  'one-run.svg': oneRun(),
  'loop.svg': loop(),
  'effects.svg': effects(),
  'heap.svg': heap(),
}

/** One loop of the model over three processes, a person and a kill. */
function oneRun() {
  const code = [
    'const orders = await damagedOrders()',
    'let total = 0',
    'for (const order of orders)',
    '  total += await refund(order)',
    'finalAnswer(total)',
  ]
  const [left, lane] = [400, (index) => 58 + index * 74]
  const at = (part) => left + 92 + part * 78
  const result = (part, row, words, colour = 'green') => [
    dot(at(part), lane(row), 5, colour),
    text(at(part), lane(row) - 12, words, { kind: 'middle small mono' }),
  ]
  const name = (row, words, more) => [
    text(left, lane(row) - 2, words, { kind: 'bold' }),
    text(left, lane(row) + 14, more, { colour: 'soft', kind: 'small' }),
  ]
  return picture(
    {
      width: 960,
      height: 330,
      title: 'One run, three processes',
      about:
        'A loop that the model wrote calls refund three times. The first process refunds A-17 and ends, since A-31 waits for a person. After the approval a second process refunds A-31 and is killed in the middle of A-40. A third process sends A-40 again under the same key and ends the task. The journal goes on through all of them.',
    },
    text(24, 34, 'What the model wrote', { kind: 'bold' }),
    box(24, 48, 340, 118),
    box(28, 120, 332, 22, { colour: 'gold', fill: 'paper', round: 4 }),
    code.map((line, index) => text(38, 72 + index * 21, line, { kind: 'mono' })),
    text(24, 190, 'Each process goes on with this line: its variables,', { colour: 'soft', kind: 'small' }),
    text(24, 206, 'its closures and the place in the loop are in the file.', {
      colour: 'soft',
      kind: 'small',
    }),

    name(0, 'process 1', 'rests, ends'),
    arrow(
      [
        [at(-0.2), lane(0)],
        [at(1.9), lane(0)],
      ],
      { colour: 'blue', plain: true },
    ),
    result(0, 0, 'orders'),
    result(1, 0, 'A-17'),
    result(1.9, 0, 'A-31?', 'gold'),
    arrow(
      [
        [at(1.9), lane(0) + 8],
        [at(1.9), lane(1) - 26],
      ],
      { colour: 'gold', dashed: true },
    ),
    text(at(1.9) + 10, lane(0) + 26, 'no process; two days later ann approves', {
      colour: 'soft',
      kind: 'small',
    }),

    name(1, 'process 2', 'kill -9'),
    arrow(
      [
        [at(1.9), lane(1)],
        [at(3.5), lane(1)],
      ],
      { colour: 'blue', plain: true },
    ),
    result(2.3, 1, 'A-31'),
    result(3.1, 1, 'A-40…', 'gold'),
    text(at(3.5) - 4, lane(1) + 5, '✕', { colour: 'red', kind: 'bold' }),
    arrow(
      [
        [at(3.5), lane(1) + 10],
        [at(3.5), lane(2) - 26],
      ],
      { colour: 'red', dashed: true },
    ),

    name(2, 'process 3', 'takes over'),
    arrow(
      [
        [at(3.3), lane(2)],
        [at(5.5), lane(2)],
      ],
      { colour: 'blue', plain: true },
    ),
    result(3.9, 2, 'A-40'),
    text(at(3.9), lane(2) + 20, 'again, same key', { colour: 'soft', kind: 'middle small' }),
    result(5.2, 2, 'finalAnswer'),

    text(24, 268, 'The journal', { kind: 'bold' }),
    Array.from({ length: 52 }, (_, index) =>
      box(24 + index * 17.5, 282, 14, 18, {
        colour: [19, 33].includes(index) ? 'gold' : 'line',
        fill: 'wash',
        round: 3,
      }),
    ),
    text(936, 268, 'one list of facts, synced before it counts; one trace', {
      colour: 'soft',
      kind: 'end small',
    }),
  )
}

/** State in, facts out. */
function loop() {
  const effect = (index, name, what) => [
    card(612, 24 + index * 54, 300, 42, [name, what], { kind: 'mono' }),
    arrow(
      [
        [536, 150],
        [612, 45 + index * 54],
      ],
      {},
    ),
  ]
  return picture(
    {
      width: 940,
      height: 330,
      title: 'State in, facts out',
      about:
        'The journal is folded to a state. From the state, next names what has to be under way: the model is asked, code and results go to the sandbox, calls to their tools, questions to people. What they come to are facts, which one mailbox takes; the driver commits them to the journal, as its only writer.',
    },
    card(28, 122, 120, 56, ['journal', 'entries'], { kind: 'bold' }),
    arrow([
      [148, 150],
      [208, 150],
    ]),
    text(178, 140, 'fold', { kind: 'middle small mono', colour: 'blue' }),
    card(208, 122, 120, 56, ['state', 'flat in history'], { kind: 'bold' }),
    arrow([
      [328, 150],
      [396, 150],
    ]),
    text(362, 140, 'next', { kind: 'middle small mono', colour: 'blue' }),
    card(396, 122, 140, 56, ['effects', 'what it calls for'], { kind: 'bold' }),
    effect(0, 'think', 'messages to the model'),
    effect(1, 'act', 'code or one result to the sandbox'),
    effect(2, 'call', 'every open call, at once, to its tool'),
    effect(3, 'wait', 'a person, a timer, a doubt'),
    effect(4, 'finish', 'output, checks'),
    arrow(
      [
        [912, 150],
        [926, 150],
        [926, 312],
        [88, 312],
        [88, 180],
      ],
      { colour: 'green' },
    ),
    text(470, 304, 'facts, through one mailbox, committed under a lease: the driver is the only writer', {
      kind: 'middle small',
      colour: 'green',
    }),
    text(28, 34, 'To pause, to crash, to deploy: stop driving.', { colour: 'soft' }),
    text(28, 56, 'To start, to resume, to recover: fold, and drive.', { colour: 'soft' }),
  )
}

/** What becomes of a call whose process died. */
function effects() {
  const outcome = (index, effect, what, more, colour) => [
    card(28 + index * 226, 196, 206, 68, [what, more], { colour, kind: 'bold' }),
    arrow(
      [
        [470, 144],
        [470, 166],
        [131 + index * 226, 166],
        [131 + index * 226, 196],
      ],
      {},
    ),
    text(137 + index * 226, 184, effect, { kind: 'mono small', colour: 'blue' }),
  ]
  return picture(
    {
      width: 940,
      height: 290,
      title: 'A call whose process died',
      about:
        'If the result is stored it is used. If the call had not started, it is started. If it had started and there is no result, its effect decides: read and idempotent are sent again, keyed is sent again under the same key, once with a probe asks the probe, once without one asks a person.',
    },
    card(28, 24, 206, 56, ['its result is stored', 'used; nothing is asked for again'], { colour: 'green' }),
    card(706, 24, 206, 56, ['it had not started', 'it is started'], { colour: 'green' }),
    card(340, 24, 260, 56, ['the process died', 'what does the journal say?'], { kind: 'bold' }),
    arrow([
      [340, 52],
      [234, 52],
    ]),
    arrow([
      [600, 52],
      [706, 52],
    ]),
    card(340, 104, 260, 40, ['it had started, and there is no result'], { colour: 'gold' }),
    arrow([
      [470, 80],
      [470, 104],
    ]),
    outcome(0, 'read, idempotent', 'sent again', 'doing it twice is harmless', 'line'),
    outcome(1, 'keyed', 'sent again, same key', 'the other system drops the second', 'line'),
    outcome(2, 'once, with a probe', 'the probe looks', 'happened, did not, or cannot say', 'line'),
    outcome(3, 'once', 'a person is asked', 'it is never sent again unasked', 'gold'),
  )
}

/** A heap is the base, and what has changed since. */
function heap() {
  const pages = 26
  const row = (y, changed, colour) =>
    Array.from({ length: pages }, (_, page) =>
      box(214 + page * 20, y, 16, 16, {
        round: 2,
        colour: changed.includes(page) ? colour : 'line',
        fill: changed.includes(page) ? colour : 'wash',
      }),
    )
  const rows = [
    ['every guest begins with', 'the base heap', [], 'line', 'once, in the package'],
    ['after step 1', 'a link', [3, 4, 9, 15, 16], 'blue', '5 pages'],
    ['after step 2', 'a link', [9, 20], 'blue', '2 pages'],
    ['at the await of step 3', 'a link', [4, 20, 21], 'blue', '3 pages'],
  ]
  return picture(
    {
      width: 940,
      height: 290,
      title: 'A stored heap is what has changed',
      about:
        'The base heap is part of the package. Each link holds only the pages of 4 KB that changed since the link before. Joined, they are the heap at the await, with variables, closures and half-done loops.',
    },
    rows.map(([when, what, changed, colour, size], index) => [
      text(24, 36 + index * 48, what, { kind: 'bold' }),
      text(24, 52 + index * 48, when, { colour: 'soft', kind: 'small' }),
      row(28 + index * 48, changed, colour),
      text(748, 41 + index * 48, size, { colour: 'soft', kind: 'small' }),
    ]),
    arrow(
      [
        [130, 206],
        [130, 226],
      ],
      { colour: 'green' },
    ),
    text(24, 246, 'the heap', { kind: 'bold' }),
    text(24, 262, 'at that await, whole', { colour: 'soft', kind: 'small' }),
    row(238, [3, 4, 9, 15, 16, 20, 21], 'green'),
    text(748, 251, 'any process goes on with it', { colour: 'soft', kind: 'small' }),
  )
}
