/**
 * The tables of a state file, and how an older file becomes a new one.
 *
 * G1  A file's `user_version` is the number of migrations that it has seen. Migrations are only ever added.
 * G2  All of them run in one transaction: a file is of one version or of the next, never between.
 * G3  A file's schema is, text for text, what its migrations make. Anything else (a trigger, a view, another column)
 *     is not ours, and is not opened: opening a file runs no SQL that the file brings along.
 */
import type { Database, Row } from './sqlite/database.ts'

/** `PCAj`: persistent code agent, journal. */
export const APPLICATION_ID = 0x5043416a

/**
 * Times are REAL: ms since the epoch (a lease's also since the boot), whole or not. Integers are 64 bits wide in SQLite, and JavaScript's are not.
 * An entry's `place` is run * 2^32 + seq (see `sqlite/place.ts`): rows lie in the order in which they are read, and an
 * index that holds places holds the order too. Removing a run removes its entries by their range: no foreign key does.
 * A letter of kind `rule` is a decision that counts for later calls: 1 while it stands, 2 once it is withdrawn (`consumed`).
 * A run's newest nonce stands in its row, the last ones of earlier epochs in `nonces`: one page less for each write.
 * `view` and `body` are sealed JSON text (see `sqlite/seals.ts`); `runs.key_id` is the run's data key, `wraps.key_id` the
 * state key that wrapped it. `tenant` is empty until there are tenants.
 */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  run_id TEXT NOT NULL,
  root_run_id TEXT NOT NULL,
  parent_call_id TEXT,
  agent TEXT NOT NULL,
  definition_digest TEXT NOT NULL,
  min_reader INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  status TEXT NOT NULL,
  view BLOB NOT NULL,
  step_count INTEGER NOT NULL,
  wake_at REAL,
  cause TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  last_seq INTEGER NOT NULL,
  nonce_epoch INTEGER,
  nonce TEXT,
  UNIQUE (tenant, run_id)
) STRICT;
CREATE INDEX runs_root ON runs (tenant, root_run_id);
CREATE INDEX runs_running ON runs (status) WHERE status = 'running';
CREATE INDEX runs_waiting ON runs (wake_at) WHERE status = 'paused' AND cause = 'waiting' AND wake_at IS NOT NULL;
CREATE INDEX runs_below ON runs (root_run_id) WHERE status = 'paused' AND run_id <> root_run_id;

CREATE TABLE wraps (
  run INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  key_id TEXT NOT NULL,
  stretch TEXT NOT NULL,
  salt BLOB NOT NULL,
  wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE entries (
  place INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  epoch INTEGER NOT NULL,
  v INTEGER NOT NULL,
  kind TEXT NOT NULL,
  narrative INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  chain BLOB NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE INDEX entries_narrative ON entries (narrative) WHERE narrative = 1;

CREATE TABLE blobs (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  digest TEXT NOT NULL,
  key_id TEXT NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (run, digest)
) STRICT;

CREATE TABLE checkpoints (
  run INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  chain BLOB NOT NULL,
  key_id TEXT NOT NULL,
  state BLOB NOT NULL
) STRICT;

CREATE TABLE images (
  run INTEGER NOT NULL REFERENCES checkpoints ON DELETE CASCADE,
  link INTEGER NOT NULL,
  position INTEGER NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (run, link)
) STRICT;

CREATE TABLE questions (
  question INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  body BLOB NOT NULL,
  created_at REAL NOT NULL,
  expires_at REAL,
  state TEXT NOT NULL,
  winner TEXT,
  UNIQUE (run, id)
) STRICT;
CREATE INDEX questions_standing ON questions (run) WHERE state <> 'closed';

CREATE TABLE inbox (
  letter INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  key TEXT NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  body BLOB NOT NULL,
  consumed INTEGER NOT NULL,
  UNIQUE (run, key)
) STRICT;
CREATE INDEX inbox_unread ON inbox (run, letter) WHERE consumed = 0;

CREATE TABLE leases (
  tenant TEXT NOT NULL,
  root_run_id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  holder TEXT NOT NULL,
  deaths INTEGER NOT NULL,
  claimed_at REAL NOT NULL,
  expires_at REAL NOT NULL,
  boot TEXT NOT NULL,
  expires_in_boot REAL NOT NULL,
  doubted TEXT NOT NULL,
  doubted_until REAL NOT NULL,
  PRIMARY KEY (tenant, root_run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE nonces (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  nonce TEXT NOT NULL,
  PRIMARY KEY (run, epoch)
) STRICT, WITHOUT ROWID;
`,
  `
CREATE INDEX inbox_rules ON inbox (run, letter) WHERE kind = 'rule' AND consumed = 1;
`,
]

/** The version that this code reads and writes. */
export const VERSION: number = MIGRATIONS.length

/** Brings `db` from `version` to `VERSION`. Runs inside the caller's transaction (G2). */
export function migrate(db: Database, version: number): void {
  for (const sql of MIGRATIONS.slice(version)) db.exec(sql)
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION}`)
}

/** Makes the schema of `version` in an empty database. */
export function build(db: Database, version: number): void {
  for (const sql of MIGRATIONS.slice(0, version)) db.exec(sql)
}

/** G3: all that a database defines, as one text. What `ANALYZE` leaves is of no account. */
export function schemaOf(db: Database): string {
  const rows = db
    .prepare(`SELECT type, name, tbl_name, sql FROM sqlite_schema
    WHERE NOT (type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4')) ORDER BY type, name`)
    .all()
  return JSON.stringify(rows.map((row: Row) => [row['type'], row['name'], row['tbl_name'], row['sql']]))
}
